import json
import time
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select

from pyramid_pypi.catalog import tables
from pyramid_pypi.catalog.notes import Notes
from pyramid_pypi.catalog.sessions import LoggedIn, Sessions
from pyramid_pypi.catalog.tokens import Token
from pyramid_pypi.model import Scope
from pyramid_pypi.testing.artefacts import make_wheel
from pyramid_pypi.upkeep.rows import sweep_rows
from tests.unit.cli.upkeeping import ANN, index_of, listing, make_index, now, put, ran, wheel_name

GRAIL = wheel_name("holy-grail", "1.0")
SPAM = wheel_name("spam", "1.0")


@pytest.fixture
def ini(tmp_path):
    ini = make_index(tmp_path / "x")
    with index_of(ini) as index:
        put(index.served("private").hosted, "holy-grail", "1.0", signature=b"signed")
    ran(ini, "reindex")
    return ini


@pytest.fixture
def packages(ini):
    return ini.parent / "packages"


def gc(ini, *arguments):
    """Run the command with no grace at all."""
    # A moment is older than none only when the clock has gone on.
    time.sleep(0.01)
    return ran(ini, "gc", "--older-than", "0", *arguments)


def garbage(ini, *arguments):
    told = json.loads(gc(ini, "--json", *arguments))
    return {(one["sort"], one["key"]) for one in told["files"]}


def write(path, content=b"soup"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_what_is_listed_is_never_removed(ini, packages):
    before = {path: path.read_bytes() for path in packages.rglob("*") if path.is_file()}

    output = gc(ini)

    assert "0 files, 0 rows, 0 bytes removed" in output
    assert {path: path.read_bytes() for path in packages.rglob("*") if path.is_file()} == before


def test_an_upload_that_was_cut_off_is_removed(ini, packages):
    part = write(packages / "spam" / SPAM)

    assert garbage(ini) == {("incomplete", f"spam/{SPAM}")}
    assert not part.exists()


def test_a_dry_run_removes_nothing(ini, packages):
    part = write(packages / "spam" / SPAM)

    output = gc(ini, "--dry-run")

    assert f"private: spam/{SPAM}: incomplete, 4 bytes" in output
    assert "1 files, 0 rows, 4 bytes would be removed" in output
    assert part.exists()


def test_what_is_young_is_left_alone(ini, packages):
    part = write(packages / "spam" / SPAM)

    assert "0 files" in ran(ini, "gc")
    assert part.exists()


def test_a_complete_file_that_is_not_listed_stays(ini, packages):
    """It may be the only copy of an upload whose answer never came."""
    path = write(packages / "spam" / SPAM, make_wheel("spam", "1.0"))

    assert garbage(ini) == set()
    assert path.exists()


def test_other_bytes_under_a_listed_name_stay(ini, packages):
    path = write(packages / "elsewhere" / GRAIL)

    assert garbage(ini) == set()
    assert path.exists()


def test_a_deleted_file_that_is_still_there_is_removed(ini, packages, monkeypatch):
    with index_of(ini) as index:
        private = index.served("private").hosted
        file = private.file(GRAIL)
        # The rest of the deletion is cut off.
        index.catalog.remove("private", file, ANN)

    found = garbage(ini)

    assert found == {("deleted", f"holy-grail/{GRAIL}")}
    assert not list(packages.rglob("*grail*"))


def test_other_bytes_under_a_deleted_name_stay(ini, packages):
    with index_of(ini) as index:
        private = index.served("private").hosted
        private.delete(private.file(GRAIL), ANN)
    path = write(packages / "holy-grail" / GRAIL, make_wheel("holy-grail", "1.0", files={"x.py": ""}))

    assert garbage(ini) == set()
    assert path.exists()


def test_what_is_no_distribution_by_its_name_stays(ini, packages):
    path = write(packages / "README.txt")

    assert garbage(ini) == set()
    assert path.exists()


def test_files_of_a_storage_that_was_never_read_stay(tmp_path):
    ini = make_index(tmp_path / "new")
    path = write(tmp_path / "new" / "packages" / SPAM)

    assert garbage(ini) == set()
    assert path.exists()


def test_signatures_and_records_without_a_file_are_removed(ini, packages):
    signature = write(packages / "spam" / f"{SPAM}.asc")
    record = write(packages / ".pyramid_pypi" / "records" / "spam" / f"{SPAM}.json", b"{}")

    assert garbage(ini) == {("signature", f"spam/{SPAM}.asc"), ("record", f"spam/{SPAM}")}
    assert not signature.exists()
    assert not record.exists()
    assert list((packages / ".pyramid_pypi" / "records").rglob(f"{GRAIL}.json"))


def test_the_record_of_a_listed_file_without_bytes_stays(ini, packages):
    """The bytes may come back from a backup."""
    (packages / "holy-grail" / GRAIL).unlink()

    assert garbage(ini) == set()
    assert list((packages / ".pyramid_pypi" / "records").rglob(f"{GRAIL}.json"))


def test_what_uploads_have_left_that_were_cut_off_is_removed(ini, packages):
    abandoned = write(packages / ".pyramid_pypi" / "staging" / ".upload-abandoned")
    with index_of(ini) as index, index.served("private").hosted.stage() as staged:
        gc(ini)

        assert staged.path.exists()
    assert not abandoned.exists()


def count(ini, table):
    with index_of(ini) as index, index.catalog.reading() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar()


def test_rows_that_have_ended_are_removed(ini):
    with index_of(ini) as index:
        hosted, catalog = index.served("private").hosted, index.catalog
        gone = put(hosted, "spam", "1.0")
        hosted.delete(gone, ANN)
        notes = Notes(catalog, "parrot", lambda: now() - timedelta(days=2))
        notes.add("ended", expires_at=now() - timedelta(days=1))
        notes.put("lasting", "")
        notes.put("later", "", expires_at=now() + timedelta(days=1))
        login = LoggedIn("ann", "htpasswd", None, "", "127.0.0.1")
        Sessions(catalog, clock=lambda: now() - timedelta(days=30)).begin(login)
        for number, age in enumerate((1, 89, 91)):
            scope = Scope(frozenset({"read"}), expires_at=now() - timedelta(days=age))
            index.tokens.add(Token(f"{number}" * 16, "ann", "", scope, now(), "ann"), f"{number}" * 64)
        Sessions(catalog).find("nothing")

    told = json.loads(gc(ini, "--json"))

    assert [(one["sort"], one["rows"]) for one in told["rows"]] == [
        ("sessions that have ended", 1),
        ("tokens that ended long ago", 1),
        ("notes of plugins that have expired", 1),
        ("metadata of no file", 1),
    ]
    assert told["bytes"] > 0
    assert (count(ini, tables.notes), count(ini, tables.tokens)) == (2, 2)
    assert count(ini, tables.core_metadata) == 1
    assert listing(ini)[GRAIL].metadata_sha256


def test_metadata_of_no_file_are_found_among_many(ini):
    with index_of(ini) as index:
        with index.catalog.writing() as connection:
            (known,) = connection.execute(select(tables.files)).mappings()
            digests = [f"{number:064}" for number in range(15_000)]
            rows = [{"sha256": digest, "body": b""} for digest in digests]
            connection.execute(insert(tables.core_metadata), rows)
            same = {name: value for name, value in known.items() if name != "id"}
            # One file has none, which must not hide the metadata of no file.
            listed = [None, *digests[:-1]]
            files = [
                {**same, "filename_key": f"{at}", "metadata_sha256": one} for at, one in enumerate(listed)
            ]
            connection.execute(insert(tables.files), files)
        began = time.monotonic()
        swept = {
            one.sort: one.rows for one in sweep_rows(index.catalog, index.settings.sessions, dry_run=False)
        }

    assert swept["metadata of no file"] == 1
    # Nobody can upload meanwhile.
    assert time.monotonic() - began < 5


def test_a_dry_run_leaves_the_rows(ini):
    with index_of(ini) as index:
        Notes(index.catalog, "parrot").put("x", "", expires_at=now())

    assert "0 files, 1 rows, 0 bytes would be removed" in gc(ini, "--dry-run")
    assert count(ini, tables.notes) == 1


def test_a_file_that_comes_while_the_garbage_is_collected_stays(ini, packages):
    from pyramid_pypi.upkeep.cleaning import Cleaner

    part = write(packages / "spam" / SPAM)
    time.sleep(0.01)
    with index_of(ini) as index:
        hosted = index.served("private").hosted
        (found,) = Cleaner(hosted, timedelta(0)).find()
        part.unlink()
        put(hosted, "spam", "1.0")

        assert found.remove() is False
    assert part.exists()
    assert SPAM in listing(ini)
