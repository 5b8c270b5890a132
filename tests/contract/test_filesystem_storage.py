"""A folder keeps the contract of storages, in both layouts."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from pyramid_pypi.errors import StorageUnavailable
from pyramid_pypi.storage.filesystem import FilesystemStorage
from pyramid_pypi.testing.storages import StorageContract


class FolderContract(StorageContract):
    """What holds for folders beyond the contract."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return tmp_path / "packages"

    @pytest.fixture
    def second(self, storage: FilesystemStorage) -> FilesystemStorage:
        return FilesystemStorage(storage.options)

    @pytest.fixture
    def broken(self, storage: FilesystemStorage, folder: Path) -> FilesystemStorage:
        folder.rename(folder.with_name("elsewhere"))
        folder.symlink_to(folder)
        return storage

    def fill(self, storage: FilesystemStorage, filenames: Sequence[str]) -> None:
        for filename in filenames:
            path = storage.root / storage.key("holy-grail", filename)
            path.parent.mkdir(exist_ok=True)
            path.touch()

    def test_blob_is_a_plain_file(self, storage: FilesystemStorage, folder: Path) -> None:
        key = self.put(storage, b"data")

        assert (folder / key).read_bytes() == b"data"
        assert [path for path in folder.rglob("*.gz") if path.is_file()] == [folder / key]

    def test_names_with_a_dot_in_front_are_not_listed(self, storage: FilesystemStorage, folder: Path) -> None:
        (folder / ".hidden-1.0.zip").write_bytes(b"")
        (folder / ".git").mkdir()
        (folder / ".git" / "a-1.0.zip").write_bytes(b"")

        assert self.listed(storage) == []

    def test_folder_that_disappeared_fails_the_check(self, storage: FilesystemStorage, folder: Path) -> None:
        folder.rename(folder.with_name("elsewhere"))

        with pytest.raises(StorageUnavailable, match="missing or cannot be used"):
            storage.check()
        with pytest.raises(StorageUnavailable, match="does not exist"):
            list(storage.keys())

    def test_leftovers_of_uploads_are_removed_and_blobs_stay(
        self, storage: FilesystemStorage, folder: Path
    ) -> None:
        key = self.put(storage, b"data")
        storage.put_record(key, b"record")

        staging = folder / ".pyramid_pypi" / "staging"
        assert list(staging.iterdir()) == []


class TestProjectLayout(FolderContract):
    """`<project>/<filename>`."""

    @pytest.fixture
    def storage(self, folder: Path) -> FilesystemStorage:
        return FilesystemStorage(FilesystemStorage.Options(folder))

    def test_last_file_takes_its_folder_with_it(self, storage: FilesystemStorage, folder: Path) -> None:
        key = self.put(storage, b"data")
        storage.delete(key)

        assert [path.name for path in folder.iterdir()] == [".pyramid_pypi"]

    def test_key_has_the_project(self, storage: FilesystemStorage) -> None:
        assert storage.key("a", "a-1.zip") == "a/a-1.zip"


class TestFlatLayout(FolderContract):
    """All files in one folder."""

    @pytest.fixture
    def storage(self, folder: Path) -> FilesystemStorage:
        return FilesystemStorage(FilesystemStorage.Options(folder, layout="flat", durable=False))

    def test_key_is_the_filename(self, storage: FilesystemStorage) -> None:
        assert storage.key("a", "a-1.zip") == "a-1.zip"
