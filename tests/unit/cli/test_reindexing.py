import json

import pytest

from pyramid_pypi.model import Stream
from pyramid_pypi.repositories import Hosted
from pyramid_pypi.storage.reading import read_blob
from pyramid_pypi.testing.artefacts import make_wheel
from pyramid_pypi.upkeep import reindexing
from pyramid_pypi.upkeep.reindexing import Reindexing
from tests.unit.cli.upkeeping import ANN, index_of, listing, make_index, put, ran, wheel_name

NAMES = [wheel_name("spam", f"1.{number}") for number in range(30)]


@pytest.fixture
def ini(tmp_path):
    ini = make_index(tmp_path / "x")
    folder = tmp_path / "x" / "packages" / "spam"
    folder.mkdir(parents=True)
    for number, name in enumerate(NAMES):
        (folder / name).write_bytes(make_wheel("spam", f"1.{number}"))
    return ini


class Remote:
    """A storage whose blobs come in chunks."""

    def __init__(self, storage):
        self._storage = storage
        self.opened = []

    def __getattr__(self, name):
        return getattr(self._storage, name)

    def open(self, key):
        self.opened.append(key)
        blob = self._storage.open(key)
        content = b"".join(read_blob(blob))
        return Stream(blob.size, blob.modified_at, lambda start, stop: iter([content[start:stop]]))


def test_a_pass_that_was_cut_off_goes_on_where_it_was(ini, monkeypatch):
    monkeypatch.setattr(reindexing, "_BATCH", 2)
    with index_of(ini) as index:
        hosted = index.served("private").hosted
        first = Reindexing(hosted)
        for number, _ in enumerate(first.run()):
            if number == 5:
                break
        listed = len(list(index.catalog.files("private")))

        second = Reindexing(hosted)
        list(second.run())

    assert 0 < listed < len(NAMES)
    assert second.added == len(NAMES) - listed
    assert set(listing(ini)) == set(NAMES)


def test_a_pass_that_was_cut_off_does_not_count_as_a_scan(ini):
    with index_of(ini) as index:
        run = Reindexing(index.served("private").hosted).run()
        next(run)
        run.close()

        assert not index.catalog.is_scanned("private")


def test_what_is_listed_already_is_not_read_again(ini):
    with index_of(ini) as index:
        hosted = index.served("private").hosted
        list(Reindexing(hosted).run())
        remote = Remote(hosted.storage)

        list(Reindexing(Hosted("private", storage=remote, catalog=index.catalog)).run())

    assert remote.opened == []


def test_files_of_a_remote_storage_are_listed(ini):
    with index_of(ini) as index:
        storage = index.served("private").hosted.storage
        remote = Hosted("private", storage=Remote(storage), catalog=index.catalog)

        list(Reindexing(remote).run())

    assert set(listing(ini)) == set(NAMES)
    assert ran(ini, "verify")


def test_a_remote_storage_is_asked_for_each_new_file_once(ini, tmp_path):
    (tmp_path / "x" / "packages" / "spam" / f"{NAMES[3]}.asc").write_text("signature")
    with index_of(ini) as index:
        remote = Remote(index.served("private").hosted.storage)
        list(Reindexing(Hosted("private", storage=remote, catalog=index.catalog)).run())
        signed = [file.filename for file in index.catalog.files("private") if file.signed]

    assert sorted(remote.opened) == sorted(f"spam/{name}" for name in NAMES)
    assert signed == [NAMES[3]]


def test_the_name_of_a_deleted_file_is_not_taken_by_another_one(ini, tmp_path, caplog):
    with index_of(ini) as index:
        hosted = index.served("private").hosted
        list(Reindexing(hosted).run())
        hosted.delete(index.catalog.file("private", NAMES[0]), ANN)
        (tmp_path / "x" / "packages" / "spam" / NAMES[0]).write_bytes(
            make_wheel("spam", "1.0", files={"x": ""})
        )

        again = Reindexing(hosted)
        list(again.run())

    assert again.added == 0
    assert NAMES[0] not in listing(ini)
    assert "the name was used by a file that has been deleted" in caplog.text


def test_two_files_of_one_name_are_one_in_the_list(ini, tmp_path):
    other = tmp_path / "x" / "packages" / "other"
    other.mkdir()
    (other / NAMES[0]).write_bytes(make_wheel("spam", "1.0", files={"x.py": ""}))

    output = ran(ini, "reindex")

    assert f"private: {len(NAMES)} added" in output
    assert set(listing(ini)) == set(NAMES)


def test_a_file_that_is_deleted_before_it_is_listed_stays_deleted(ini, monkeypatch):
    """Its bytes were read, and then somebody uploads and deletes it before the batch is written."""
    with index_of(ini) as index:
        hosted = index.served("private").hosted
        reindexing = Reindexing(hosted)
        run = reindexing.run()
        seen = next(run)
        name = seen.key.rpartition("/")[2]
        version = name.split("-")[1]
        file = put(hosted, "spam", version)
        hosted.delete(file, ANN)
        list(run)

        assert name not in {one.filename for one in index.catalog.files("private")}
    assert reindexing.added == len(NAMES) - 1


def test_an_upload_in_the_meantime_is_listed_once(ini):
    with index_of(ini) as index:
        hosted = index.served("private").hosted
        run = Reindexing(hosted).run()
        next(run)
        put(hosted, "eggs", "1.0")
        list(run)

        assert len(list(index.catalog.files("private"))) == len(NAMES) + 1


def test_an_error_of_the_storage_is_told_and_what_was_found_is_listed(ini, monkeypatch):
    from pyramid_pypi.errors import StorageUnavailable

    with index_of(ini) as index:
        hosted = index.served("private").hosted
        real = hosted.storage.keys

        def keys():
            for number, blob in enumerate(real()):
                if number == 10:
                    raise StorageUnavailable("it went away")
                yield blob

        monkeypatch.setattr(hosted.storage, "keys", keys)
        with pytest.raises(StorageUnavailable):
            list(Reindexing(hosted).run())

    assert 0 < len(listing(ini)) <= 10


def test_json_says_what_was_done(ini, tmp_path):
    (tmp_path / "x" / "packages" / "part-1.0-py3-none-any.whl").write_bytes(b"soup")

    told = json.loads(ran(ini, "reindex", "--json"))

    assert told == [
        {
            "repository": "private",
            "added": len(NAMES),
            "dropped": 0,
            "listed": len(NAMES),
            "incomplete": ["part-1.0-py3-none-any.whl"],
        },
        {"repository": "other", "added": 0, "dropped": 0, "listed": 0, "incomplete": []},
    ]


def test_few_transactions_list_many_files(ini):
    with index_of(ini) as index:
        real, begun = index.catalog.writing, []

        def writing():
            begun.append(1)
            return real()

        index.catalog.writing = writing
        list(Reindexing(index.served("private").hosted).run())

    # One for the files, one for the mark that all were read.
    assert len(begun) == 2
