import json

import pytest
from sqlalchemy import update

from pyramid_pypi.catalog import tables
from pyramid_pypi.errors import StorageUnavailable
from pyramid_pypi.storage.filesystem import FilesystemStorage
from pyramid_pypi.testing.artefacts import make_wheel
from tests.unit.cli.upkeeping import ANN, index_of, listing, make_index, put, ran, run, wheel_name

GRAIL = wheel_name("holy-grail", "1.0")
SPAM = wheel_name("spam", "1.0")


@pytest.fixture
def ini(tmp_path):
    ini = make_index(tmp_path / "x")
    with index_of(ini) as index:
        private = index.served("private").hosted
        private.yank(put(private, "holy-grail", "1.0", signature=b"signed"), "", ANN)
    return ini


@pytest.fixture
def packages(ini):
    return ini.parent / "packages"


def findings(ini, *arguments):
    result = run(ini, "verify", "--json", *arguments)
    found = json.loads(result.stdout)["findings"]
    assert result.exit_code == (1 if any(not one["repaired"] for one in found) else 0)
    return [(one["kind"], one["key"], one["repaired"]) for one in found]


def record_of(packages):
    return packages / ".pyramid_pypi" / "records" / "holy-grail" / f"{GRAIL}.json"


def lose_record(packages):
    record_of(packages).unlink()


def change_record(packages):
    path = record_of(packages)
    path.write_text(path.read_text().replace('"yanked": ""', '"yanked": null'))


def damage_record(packages):
    record_of(packages).write_text("soup")


@pytest.mark.parametrize("damage", [lose_record, change_record, damage_record])
def test_a_wrong_record_is_written_anew(damage, ini, packages):
    right = record_of(packages).read_bytes()
    damage(packages)

    before = findings(ini)
    repaired = findings(ini, "--repair")

    assert before == [("record", f"holy-grail/{GRAIL}", "")]
    assert repaired == [("record", f"holy-grail/{GRAIL}", "the record was written anew")]
    assert record_of(packages).read_bytes() == right
    assert findings(ini) == []


def test_a_file_that_other_tools_brought_needs_no_record(ini, packages):
    (packages / SPAM).write_bytes(make_wheel("spam", "1.0"))
    ran(ini, "reindex")

    assert findings(ini) == []


def change_metadata(connection):
    connection.execute(update(tables.core_metadata).values(body=b"soup"))


def test_damaged_metadata_are_read_from_the_file_again(ini):
    with index_of(ini) as index, index.catalog.writing() as connection:
        change_metadata(connection)

    before = findings(ini)
    repaired = findings(ini, "--repair")

    assert before == [("metadata", f"holy-grail/{GRAIL}", "")]
    assert repaired == [("metadata", f"holy-grail/{GRAIL}", "the metadata was read from the file again")]
    assert findings(ini) == []
    with index_of(ini) as index:
        private = index.served("private").hosted
        assert private.metadata(private.file(GRAIL)).startswith(b"Metadata-Version")


def test_metadata_of_damaged_bytes_are_not_believed(ini, packages):
    with index_of(ini) as index, index.catalog.writing() as connection:
        change_metadata(connection)
    (packages / "holy-grail" / GRAIL).write_bytes(make_wheel("holy-grail", "1.0", requires_dist=["evil"]))

    assert [kind for kind, _, repaired in findings(ini, "--repair") if not repaired] == [
        "changed",
        "metadata",
    ]


def test_a_complete_file_is_listed(ini, packages):
    (packages / SPAM).write_bytes(make_wheel("spam", "1.0"))
    (packages / "part-1.0-py3-none-any.whl").write_bytes(b"soup")

    found = findings(ini, "--repair")

    assert sorted(found) == [
        ("unlisted", "part-1.0-py3-none-any.whl", ""),
        ("unlisted", SPAM, "it is listed now"),
    ]
    assert SPAM in listing(ini)


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"soup")])
def test_bytes_that_are_lost_or_changed_stay_as_they_are_and_listed(damage, ini, packages):
    path = packages / "holy-grail" / GRAIL
    damage(path)
    before = path.read_bytes() if path.exists() else None

    found = findings(ini, "--repair")

    assert [(kind, repaired) for kind, _, repaired in found] == [("changed" if before else "missing", "")]
    assert (path.read_bytes() if path.exists() else None) == before
    assert GRAIL in listing(ini)


def test_a_lost_signature_is_told(ini, packages):
    (packages / "holy-grail" / f"{GRAIL}.asc").unlink()

    assert findings(ini, "--repair") == [("signature", f"holy-grail/{GRAIL}", "")]


def test_repairs_are_printed(ini, packages):
    lose_record(packages)

    output = ran(ini, "verify", "--repair")

    assert (
        f"private: holy-grail/{GRAIL}: its record does not say what the catalog says; "
        "repaired: the record was written anew"
    ) in output
    assert "0 problems, 1 repaired" in output


def test_what_was_found_is_told_when_the_storage_fails_afterwards(ini, packages, monkeypatch):
    (packages / "holy-grail" / GRAIL).write_bytes(b"changed")

    def fail(_storage):
        raise StorageUnavailable("The storage does not answer")

    monkeypatch.setattr(FilesystemStorage, "keys", fail)
    result = run(ini, "verify", "-r", "private")

    assert result.exit_code == 1
    assert f"private: holy-grail/{GRAIL}: the bytes have changed" in result.output
    assert "The storage does not answer" in result.output
