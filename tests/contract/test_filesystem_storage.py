"""A folder keeps the contract of storages, in both layouts."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

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

    def test_names_that_are_no_text_and_what_disks_have_of_their_own_are_not_listed(
        self, storage: FilesystemStorage, folder: Path
    ) -> None:
        for name in (b"p\xe4ck", b"two\nlines", b"lost+found", b"p\xc3\xa4ck"):
            path = Path(os.fsdecode(os.fsencode(folder) + b"/" + name))
            path.mkdir()
            (path / "a-1.0.zip").touch()

        assert self.listed(storage) == ["p\N{LATIN SMALL LETTER A WITH DIAERESIS}ck/a-1.0.zip"]

    def test_file_that_goes_during_a_listing_takes_no_other_along(
        self, storage: FilesystemStorage, folder: Path
    ) -> None:
        (folder / "a").mkdir()
        for number in range(20):
            (folder / "a" / f"a-{number}.zip").touch()
        listing = storage.keys()
        found = [next(listing).key]
        gone = next(path for path in (folder / "a").iterdir() if path.name not in found[0])
        gone.unlink()
        found += [blob.key for blob in listing]

        assert len(found) == 19
        assert f"a/{gone.name}" not in found

    def test_folder_that_cannot_be_read_is_not_passed_over(
        self, storage: FilesystemStorage, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_path: Path) -> NoReturn:
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr("os.scandir", refuse)
        with pytest.raises(StorageUnavailable, match=f"{folder} cannot be read: Permission denied"):
            list(storage.keys())

    def test_staged_file_that_cannot_be_removed_hides_no_error(
        self, storage: FilesystemStorage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_path: Path) -> NoReturn:
            raise OSError(errno.EROFS, "Read-only file system")

        monkeypatch.setattr(Path, "unlink", refuse)
        with pytest.raises(StorageUnavailable, match="for this reason"), storage.stage():
            raise StorageUnavailable("for this reason")

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


@pytest.mark.parametrize(
    ("handoff", "value"),
    [
        ("x-accel-redirect", "/%E2%82%AC%20%25/a-1.0%2Ba.zip"),
        ("x-sendfile", "{}/packages/\xe2\x82\xac %/a-1.0+a.zip"),
    ],
)
def test_handoff_is_a_header_whatever_a_folder_is_called(tmp_path: Path, handoff: str, value: str) -> None:
    folder = tmp_path / "packages"
    storage = FilesystemStorage(FilesystemStorage.Options(folder, handoff=handoff))
    (folder / "\N{EURO SIGN} %").mkdir()
    (folder / "\N{EURO SIGN} %" / "a-1.0+a.zip").touch()
    (blob,) = storage.keys()
    found = storage.open(blob.key).handoff

    assert found is not None
    assert found[1] == value.format(tmp_path)
    assert found[1].encode("latin-1")
