"""Steps of two actors in an order that a test decides: uploads, deletions and the watcher."""

import os
import stat
import threading
from contextlib import suppress

import pytest

from pyramid_pypi.errors import BlobMissing, CatalogUnavailable, PypiError, StorageUnavailable
from pyramid_pypi.repositories.records import write_record
from pyramid_pypi.testing.artefacts import make_wheel
from tests.functional.support import OPEN, make_client

FILENAME = "holy_grail-1.0-py3-none-any.whl"
CONTENT = make_wheel("holy-grail", "1.0")
OTHER = make_wheel("holy-grail", "1.0", summary="other")


@pytest.fixture
def client(tmp_path):
    found = make_client(tmp_path, **OPEN)
    yield found
    found.application.close()


@pytest.fixture
def repository(client):
    return client.index.default.repository


def remove(client):
    client.web.post("/", [(":action", "remove_pkg"), ("name", "holy-grail"), ("version", "1.0"), ("x", "")])


def pausing(monkeypatch, target, name, action):
    """Do `action` once, before the method `name` of `target` runs."""
    original = getattr(target, name)
    pending = [action]

    def method(*args, **kw):
        if pending:
            pending.pop()()
        return original(*args, **kw)

    monkeypatch.setattr(target, name, method)


def in_a_thread(action):
    thread = threading.Thread(target=action)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()


def test_an_upload_during_a_deletion_keeps_its_bytes(client, repository, monkeypatch):
    """The row is gone and the bytes are not: the same file comes again just then."""
    client.upload(FILENAME, CONTENT)
    found = []

    def again():
        found.append(client.upload(FILENAME, CONTENT, status="*").status_int)

    pausing(monkeypatch, repository.storage, "delete", lambda: in_a_thread(again))
    file = repository.file(FILENAME)

    repository.delete(file, client.index.identify(None, "", write=True))

    if found == [200]:
        assert client.web.get(client.url("holy-grail", FILENAME)).body == CONTENT
    else:
        assert found[0] in {400, 409, 503}


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("step", ["put", "put_record"])
def test_the_record_of_a_file_whose_upload_was_cut_off_twice_says_what_the_list_says(
    client, repository, monkeypatch, step
):
    """The watcher lists what the first upload has left, while the second one is cut off."""
    storage, watcher = repository.storage, client.index.watchers[0]

    def cut_off(target, name):
        original = getattr(target, name)

        def method(*args, **kw):
            original(*args, **kw)
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(target, name, method)
            with suppress(Killed):
                client.upload(FILENAME, CONTENT)

    cut_off(storage, step)
    pausing(monkeypatch, client.index.catalog, "writing", lambda: cut_off(storage, "put_record"))
    watcher.round()

    file = repository.file(FILENAME)
    assert storage.record(file.key) == write_record(file, "holy-grail")


def test_the_watcher_does_not_bring_back_what_is_being_deleted(client, repository, monkeypatch):
    watcher = client.index.watchers[0]
    client.upload(FILENAME, CONTENT)
    pausing(monkeypatch, repository.storage, "delete", lambda: in_a_thread(watcher.round))

    repository.delete(repository.file(FILENAME), client.index.identify(None, "", write=True))

    with pytest.raises(PypiError):
        repository.file(FILENAME)
    assert client.upload(FILENAME, OTHER, status=[400, 409]).status_int
    watcher.round()
    with pytest.raises(PypiError):
        repository.file(FILENAME)


def test_a_deletion_that_was_cut_off_does_not_free_the_name(client, repository, monkeypatch):
    """A crash between row and bytes leaves bytes; the next start must not list them again."""
    watcher = client.index.watchers[0]
    client.upload(FILENAME, CONTENT)

    def crash(key):
        raise StorageUnavailable("the power is gone")

    with monkeypatch.context() as patch:
        patch.setattr(repository.storage, "delete", crash)
        with pytest.raises(StorageUnavailable):
            repository.delete(repository.file(FILENAME), client.index.identify(None, "", write=True))
    watcher.round()

    with pytest.raises(PypiError):
        repository.file(FILENAME)
    assert client.upload(FILENAME, OTHER, status=[400, 409]).status_int


def test_an_upload_that_the_catalog_refuses_is_not_listed_later(client, repository, monkeypatch, tmp_path):
    watcher = client.index.watchers[0]

    def full(*args, **kw):
        raise CatalogUnavailable("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(repository.catalog, "add", full)
        client.upload(FILENAME, CONTENT, status=503)
    watcher.round()

    assert not (tmp_path / "packages" / "holy-grail" / FILENAME).exists()
    with pytest.raises(PypiError):
        repository.file(FILENAME)
    client.upload(FILENAME, OTHER)


def test_an_upload_whose_record_cannot_be_written_is_not_listed_later(
    client, repository, monkeypatch, tmp_path
):
    def full(*args, **kw):
        raise StorageUnavailable("no space")

    with monkeypatch.context() as patch:
        patch.setattr(repository.storage, "put_record", full)
        client.upload(FILENAME, CONTENT, status=503)
    client.index.watchers[0].round()

    assert not (tmp_path / "packages" / "holy-grail" / FILENAME).exists()
    client.upload(FILENAME, OTHER)


def test_a_folder_that_cannot_be_flushed_shows_no_file(client, monkeypatch, tmp_path):
    """The contract of `put`: after an error nothing is visible."""
    client.upload("holy_grail-0.9-py3-none-any.whl", make_wheel("holy-grail", "0.9"))
    flush = os.fsync

    def broken(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(5, "Input/output error")
        flush(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", broken)
        client.upload(FILENAME, CONTENT, status=503)
    client.index.watchers[0].round()

    assert not (tmp_path / "packages" / "holy-grail" / FILENAME).exists()
    client.upload(FILENAME, OTHER)


def test_a_disk_that_cannot_read_the_upload_back_is_503(client, monkeypatch):
    def broken(*args, **kw):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("pyramid_pypi.publish.publisher.inspect", broken)
        client.upload(FILENAME, CONTENT, status=503)

    client.upload(FILENAME, CONTENT)


def test_the_same_bytes_come_back_for_a_file_that_somebody_has_removed(client, tmp_path):
    client.upload(FILENAME, CONTENT)
    (tmp_path / "packages" / "holy-grail" / FILENAME).unlink()

    client.upload(FILENAME, CONTENT)
    client.index.watchers[0].round()

    assert client.web.get(client.url("holy-grail", FILENAME)).body == CONTENT


def test_the_watcher_loses_no_upload_that_comes_while_it_looks(client, repository, monkeypatch):
    """The watcher has missed the bytes; the file is deleted and uploaded again before it writes."""
    watcher = client.index.watchers[0]
    client.upload(FILENAME, CONTENT)
    watcher.round()
    repository.storage.delete(repository.file(FILENAME).key)

    def again():
        repository.delete(repository.file(FILENAME), client.index.identify(None, "", write=True))
        client.upload(FILENAME, CONTENT)

    pausing(monkeypatch, repository.catalog, "forget", again)
    watcher.round()
    watcher.round()

    assert client.web.get(client.url("holy-grail", FILENAME)).body == CONTENT


def test_a_fifo_in_the_folder_does_not_stop_the_watcher(client, tmp_path):
    folder = tmp_path / "packages" / "holy-grail"
    folder.mkdir()
    os.mkfifo(folder / FILENAME)
    done = threading.Event()

    def look():
        client.index.watchers[0].round()
        done.set()

    threading.Thread(target=look, daemon=True).start()

    finished = done.wait(2)
    if not finished:
        os.close(os.open(folder / FILENAME, os.O_WRONLY | os.O_NONBLOCK))
    assert finished


def test_a_reader_of_a_file_that_vanishes_gets_404(client, repository, tmp_path):
    content = make_wheel("holy-grail", "1.0", size=300_000)
    client.upload(FILENAME, content)
    url = client.url("holy-grail", FILENAME)
    (tmp_path / "packages" / "holy-grail" / FILENAME).unlink()

    assert client.web.get(url, status=404).status_int == 404
    with pytest.raises(BlobMissing):
        repository.open(repository.file(FILENAME))
