"""A storage elsewhere is adopted by way of a staged file, and may be away when the index starts."""

from dataclasses import replace

import pytest

from pyramid_pypi.catalog import Catalog
from pyramid_pypi.errors import ProjectNotFound, StorageUnavailable, Unavailable
from pyramid_pypi.model import Redirect, Stream
from pyramid_pypi.repositories import Hosted
from pyramid_pypi.repositories.adoption import Adopter
from pyramid_pypi.storage.filesystem import FilesystemStorage
from pyramid_pypi.storage.reading import hash_blob, read_blob
from pyramid_pypi.testing.artefacts import make_wheel

NAME = "holy_grail-1.0-py3-none-any.whl"
KEY = f"old/{NAME}"


class RemoteStorage(FilesystemStorage):
    """Gives streams, or redirects with a stream, and may be away; counts how often it is read."""

    away = False
    redirects = False
    read = 0

    def open(self, key):
        self.require()
        local = super().open(key)
        stream = Stream(local.size, local.modified_at, lambda start, stop: self.range(local, start, stop))
        return Redirect("https://bucket.example.org/", stream) if self.redirects else stream

    def range(self, local, start, stop):
        self.read += 1
        data = local.path.read_bytes()[start:stop]
        yield data[: len(data) // 2]
        yield data[len(data) // 2 :]

    def keys(self):
        self.require()
        return super().keys()

    def require(self):
        if self.away:
            raise StorageUnavailable("The bucket is away")


@pytest.fixture
def storage(tmp_path):
    return RemoteStorage(FilesystemStorage.Options(tmp_path / "packages"))


@pytest.fixture
def hosted(tmp_path, storage):
    catalog = Catalog(f"sqlite:///{tmp_path}/catalog.db")
    yield Hosted("private", storage=storage, catalog=catalog)
    catalog.close()


@pytest.fixture
def content(storage):
    """A wheel that another tool has brought."""
    content = make_wheel("holy-grail", "1.0")
    (storage.root / "old").mkdir()
    (storage.root / KEY).write_bytes(content)
    return content


@pytest.mark.parametrize("redirects", [False, True])
def test_file_elsewhere_is_read_once_and_listed(hosted, storage, content, redirects):
    storage.redirects = redirects
    assert [settled for _, settled in Adopter(hosted).sweep()] == [True]

    file = hosted.file(NAME)
    assert (file.key, file.size, file.hashes) == (KEY, len(content), hash_blob([content]))
    assert b"Name: holy-grail" in hosted.metadata(file)
    assert b"".join(read_blob(hosted.open(file))) == content
    assert storage.read == 2
    assert list((storage.root / ".pyramid_pypi" / "staging").iterdir()) == []


def test_half_a_file_elsewhere_is_looked_at_again(hosted, storage, content):
    (storage.root / KEY).write_bytes(content[:-30])

    assert [settled for _, settled in Adopter(hosted).sweep()] == [False]
    assert hosted.projects() == []


def test_what_was_taken_away_is_dropped(hosted, storage, content):
    adopter = Adopter(hosted)
    list(adopter.sweep())
    storage.delete(KEY)
    adopter.drop_if_missing(KEY)

    assert hosted.catalog.keys("private") == set()


def test_storage_that_is_away_drops_nothing(hosted, storage, content):
    adopter = Adopter(hosted)
    list(adopter.sweep())
    storage.away = True
    with pytest.raises(StorageUnavailable):
        adopter.drop_if_missing(KEY)

    assert hosted.catalog.keys("private") == {KEY}


def test_empty_storage_knows_what_it_has_not(hosted):
    hosted.look()

    with pytest.raises(ProjectNotFound):
        hosted.project("holy-grail")


def test_storage_of_others_is_to_be_read_first(hosted, content):
    hosted.look()

    with pytest.raises(Unavailable, match="still being read"):
        hosted.project("holy-grail")


def test_storage_that_was_away_is_looked_at_later(hosted, storage):
    storage.away = True
    with pytest.raises(StorageUnavailable):
        hosted.look()
    with pytest.raises(StorageUnavailable, match="away"):
        hosted.project("holy-grail")
    storage.away = False

    with pytest.raises(ProjectNotFound):
        hosted.project("holy-grail")


def test_redirect_without_a_stream_is_read_by_clients_only():
    redirect = Redirect("https://bucket.example.org/")
    with pytest.raises(StorageUnavailable, match="elsewhere"):
        list(read_blob(redirect))

    assert b"".join(read_blob(replace(redirect, stream=Stream(1, None, lambda *_: iter([b"x"]))))) == b"x"
