import hashlib
import json
import threading
from contextlib import contextmanager
from dataclasses import replace

import pytest

from pyramid_pypi.catalog import Catalog
from pyramid_pypi.distribution import PRIVATE, parse_filename
from pyramid_pypi.errors import (
    CatalogUnavailable,
    FileConflict,
    FileMissing,
    ProjectNotFound,
    StorageUnavailable,
    Unavailable,
)
from pyramid_pypi.model import Identity
from pyramid_pypi.publish.upload import Upload
from pyramid_pypi.repositories import Hosted, Repository, Writable
from pyramid_pypi.storage.filesystem import FilesystemStorage
from pyramid_pypi.storage.reading import hash_blob, read_blob

ANN = Identity.user("ann")
NAME = "holy_grail-1.0-py3-none-any.whl"


@pytest.fixture
def hosted(tmp_path, catalog_url):
    catalog = Catalog(catalog_url)
    storage = FilesystemStorage(FilesystemStorage.Options(path=tmp_path / "packages"))
    repository = Hosted("private", storage=storage, catalog=catalog)
    catalog.mark_scanned("private")
    yield repository
    catalog.close()


@contextmanager
def staged_upload(repository, content=b"bytes", filename=NAME, **options):
    with repository.storage.stage() as staged:
        staged.write(content)
        yield Upload(
            filename=parse_filename(filename, PRIVATE),
            display="Holy-Grail",
            size=len(content),
            hashes=hash_blob([content]),
            staged=staged,
            **options,
        )


def add(repository, content=b"bytes", filename=NAME, **options):
    with staged_upload(repository, content, filename, **options) as upload:
        return repository.add(upload, ANN)


def content_of(repository, file):
    return b"".join(read_blob(repository.open(file)))


class Crash(BaseException):
    """The end of a process, as far as a process can play its own end."""


def test_it_keeps_the_contracts(hosted):
    assert isinstance(hosted, Repository)
    assert isinstance(hosted, Writable)


def test_what_was_added_can_be_read(hosted):
    file, created = add(hosted, core_metadata=b"Name: x\n", signature=b"sig")

    assert created
    assert content_of(hosted, file) == b"bytes"
    assert hosted.metadata(file) == b"Name: x\n"
    assert b"".join(read_blob(hosted.signature(file))) == b"sig"
    assert hosted.file(NAME) == file
    assert hosted.project("holy-grail").files == (file,)


def test_identical_bytes_are_the_same_file(hosted):
    first, _ = add(hosted)

    again, created = add(hosted)

    assert (again, created) == (first, False)


def test_other_bytes_are_a_conflict_and_change_nothing(hosted):
    file, _ = add(hosted)

    with pytest.raises(FileConflict, match="File already exists"):
        add(hosted, b"other")

    assert content_of(hosted, file) == b"bytes"


def test_a_refused_upload_leaves_nothing_and_its_name_free(hosted, monkeypatch, tmp_path):
    def fail(*_, **__):
        raise CatalogUnavailable("gone")

    with monkeypatch.context() as patch:
        patch.setattr(hosted.catalog, "add", fail)
        with pytest.raises(CatalogUnavailable):
            add(hosted, signature=b"sig")

    assert [path for path in (tmp_path / "packages").rglob("*") if path.is_file()] == []
    assert add(hosted, b"other")[1]


def test_an_upload_after_a_crash_before_its_row_finishes_the_work(hosted, monkeypatch):
    def crash(*_, **__):
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(hosted.catalog, "add", crash)
        with pytest.raises(Crash):
            add(hosted)
    assert hosted.catalog.page("private", "holy-grail") is None

    file, created = add(hosted)

    assert created
    assert content_of(hosted, file) == b"bytes"


def test_a_crash_after_a_blob_does_not_let_other_bytes_take_its_place(hosted, monkeypatch):
    def crash(*_):
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(hosted.storage, "put_record", crash)
        with pytest.raises(Crash):
            add(hosted)

    with pytest.raises(FileConflict):
        add(hosted, b"other")


@pytest.mark.parametrize("same", [True, False])
def test_many_uploads_of_one_name_have_one_winner(hosted, same):
    start = threading.Barrier(16)
    outcomes = []

    def upload(number):
        content = b"same" if same else f"number {number}".encode()
        start.wait()
        try:
            outcomes.append((add(hosted, content)[1], content))
        except FileConflict:
            outcomes.append(("conflict", content))

    threads = [threading.Thread(target=upload, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    (file,) = hosted.project("holy-grail").files
    winners = [content for outcome, content in outcomes if outcome is True]
    assert len(outcomes) == 16
    assert len(winners) == 1
    assert content_of(hosted, file) == winners[0]
    losers = {outcome for outcome, _ in outcomes if outcome is not True}
    assert losers == {False if same else "conflict"}


def test_the_record_says_what_the_row_says_whoever_was_first(hosted, monkeypatch):
    """Somebody else lists the file between our record and our row."""
    add_row = hosted.catalog.add

    def later(repository, file, by, **about):
        monkeypatch.undo()
        add_row(repository, replace(file, uploaded_by="", comment="was there"), by, **about)
        return add_row(repository, file, by, **about)

    monkeypatch.setattr(hosted.catalog, "add", later)

    file, created = add(hosted)

    assert not created
    assert file.comment == "was there"
    record = json.loads(hosted.storage.record(file.key))
    assert (record["uploaded_by"], record["comment"]) == ("", "was there")


def test_deleting_takes_away_row_record_signature_and_bytes(hosted, tmp_path):
    file, _ = add(hosted, signature=b"sig")

    hosted.delete(file, ANN)

    left = [path for path in (tmp_path / "packages").rglob("*") if path.is_file()]
    assert left == []
    with pytest.raises(FileMissing):
        hosted.file(NAME)


def test_a_failing_deletion_of_bytes_never_leaves_a_listed_file_without_them(hosted, monkeypatch):
    file, _ = add(hosted)

    def fail(_key):
        raise StorageUnavailable("no")

    monkeypatch.setattr(hosted.storage, "delete", fail)
    with pytest.raises(StorageUnavailable):
        hosted.delete(file, ANN)

    assert hosted.project("holy-grail").files == ()


def test_yanking_is_in_the_record_too(hosted):
    file, _ = add(hosted)

    yanked = hosted.yank(file, "why", ANN)

    assert hosted.file(NAME).yanked == "why"
    assert b'"yanked": "why"' in hosted.storage.record(file.key)
    assert hosted.unyank(yanked, ANN).yanked is None
    assert hosted.file(NAME).yanked is None


def test_unknown_things_are_lookup_errors(hosted):
    file, _ = add(hosted)
    for call in (
        lambda: hosted.project("nope"),
        lambda: hosted.file("nope-1.0.tar.gz"),
        lambda: hosted.metadata(file),
        lambda: hosted.signature(file),
        lambda: hosted.set_status("nope", "archived", "", ANN),
    ):
        with pytest.raises(LookupError):
            call()


def test_before_the_first_scan_absence_is_not_claimed(tmp_path, catalog_url):
    catalog = Catalog(catalog_url)
    storage = FilesystemStorage(FilesystemStorage.Options(path=tmp_path / "new"))
    repository = Hosted("private", storage=storage, catalog=catalog)

    with pytest.raises(Unavailable, match="still being read"):
        repository.project("holy-grail")
    catalog.mark_scanned("private")

    with pytest.raises(ProjectNotFound):
        repository.project("holy-grail")
    catalog.close()


def test_digests_are_those_of_the_bytes(hosted):
    file, _ = add(hosted, b"some bytes")

    assert file.hashes.sha256 == hashlib.sha256(b"some bytes").hexdigest()
    assert file.hashes.blake2b_256 == hashlib.blake2b(b"some bytes", digest_size=32).hexdigest()
    assert file.path.startswith(f"{file.hashes.blake2b_256[:2]}/{file.hashes.blake2b_256[2:4]}/")
