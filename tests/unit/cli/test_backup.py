import json
import threading
import zipfile

import pytest
from sqlalchemy import select

from pyramid_pypi.catalog import downloads, tables
from pyramid_pypi.catalog.downloads import Downloaded
from pyramid_pypi.catalog.notes import Notes
from pyramid_pypi.catalog.roles import Roles
from pyramid_pypi.catalog.tokens import Token
from pyramid_pypi.model import Scope
from pyramid_pypi.upkeep import backup as backup_module
from pyramid_pypi.upkeep.backup import back_up
from tests.unit.cli.upkeeping import ANN, index_of, listing, make_index, now, put, ran, run

LEFT_OUT = (tables.sessions, tables.summaries, tables.dependencies)
KEPT = [table for table in tables.metadata.sorted_tables if table not in LEFT_OUT]


@pytest.fixture
def ini(tmp_path):
    """An index that has something in every table of the catalog."""
    return fill(make_index(tmp_path / "old"))


@pytest.fixture
def engines(postgres, tmp_path):
    """The settings of a catalog on each engine."""
    url = postgres.create()
    yield {"sqlite": {"pypi.catalog": "sqlite:///catalog.db"}, "postgresql": {"pypi.catalog": url}}
    postgres.drop(url)


def fill(ini):
    with index_of(ini) as index:
        private = index.served("private").hosted
        first = put(private, "holy-grail", "1.0", requires_python=">=3.8", signature=b"signed")
        put(private, "holy-grail", "2.0")
        gone = put(private, "holy-grail", "3.0")
        private.yank(first, "", ANN)
        private.delete(gone, ANN)
        private.set_status("holy-grail", "archived", "no more", ANN)
        put(index.served("other").hosted, "spam", "1.0")
        Roles(index.catalog, "private").grant("holy-grail", "user:ann", "owner", "root")
        scope = Scope(frozenset({"upload"}), expires_at=now())
        index.tokens.add(Token("a" * 16, "ann", "CI", scope, now(), "root"), "0" * 64)
        Notes(index.catalog, "parrot").put("key", "välue\u2028")
        with index.catalog.writing() as connection:
            downloads.add(connection, {Downloaded("private", "holy-grail", first.filename, 20_778): 3})
    ran(ini, "reindex")
    return ini


def rows(ini):
    with index_of(ini) as index, index.catalog.reading() as connection:
        return {one.name: sorted(map(repr, connection.execute(select(one)))) for one in KEPT}


def test_a_restored_catalog_has_every_row_of_the_old_one(ini, tmp_path):
    new = make_index(tmp_path / "new")
    before = rows(ini)
    ran(ini, "backup", tmp_path / "x.zip")

    result = run(new, "restore", tmp_path / "x.zip")

    assert all(before.values()), "a table has no rows to compare"
    assert rows(new) == before
    assert result.exit_code == 1
    assert "missing in the storage: private: holy-grail/holy_grail-1.0-py3-none-any.whl" in result.output


@pytest.mark.parametrize(("one", "other"), [("sqlite", "postgresql"), ("postgresql", "sqlite")])
def test_a_catalog_goes_from_one_engine_to_the_other(one, other, engines, tmp_path):
    ini = fill(make_index(tmp_path / "old", **engines[one]))
    new = make_index(tmp_path / "new", **engines[other])
    before = rows(ini)
    ran(ini, "backup", tmp_path / "x.zip")

    run(new, "restore", tmp_path / "x.zip")

    assert rows(new) == before
    with index_of(new) as index:
        last = index.catalog.last_serial()
        put(index.served("other").hosted, "eggs", "1.0")

        assert index.catalog.last_serial() == last + 1


def test_a_forced_restore_never_gives_a_serial_twice(ini, tmp_path):
    ran(ini, "backup", tmp_path / "x.zip")
    with index_of(ini) as index:
        put(index.served("other").hosted, "late", "1.0")
        seen = index.catalog.last_serial()

    run(ini, "restore", tmp_path / "x.zip", "--force")
    with index_of(ini) as index:
        put(index.served("other").hosted, "later", "1.0")

        assert index.catalog.last_serial() > seen


def test_new_rows_take_numbers_after_the_restored_ones(ini, tmp_path):
    new = make_index(tmp_path / "new")
    ran(ini, "backup", tmp_path / "x.zip")
    run(new, "restore", tmp_path / "x.zip")

    with index_of(new) as index:
        last = index.catalog.last_serial()
        put(index.served("other").hosted, "eggs", "1.0")

        assert last > 0
        assert index.catalog.last_serial() == last + 1


def test_files_are_saved_and_put_back_with_the_catalog(ini, tmp_path):
    new = make_index(tmp_path / "new")
    saved = ran(ini, "backup", tmp_path / "x.zip", "--with-files", tmp_path / "files")
    again = ran(ini, "backup", tmp_path / "x.zip", "--with-files", tmp_path / "files")

    output = ran(new, "restore", tmp_path / "x.zip", "--with-files", tmp_path / "files")

    assert "3 files copied, 0 problems" in saved
    assert "0 files copied, 0 problems" in again
    assert "3 files put back" in output
    assert ran(new, "verify")
    with index_of(new) as index:
        private = index.served("private").hosted
        assert private.signature(private.file("holy_grail-1.0-py3-none-any.whl")).size == len(b"signed")


def test_a_saved_file_with_other_bytes_is_not_put_back(ini, tmp_path):
    new = make_index(tmp_path / "new")
    ran(ini, "backup", tmp_path / "x.zip", "--with-files", tmp_path / "files")
    for version in ("1.0", "2.0"):
        name = f"holy_grail-{version}-py3-none-any.whl"
        assert (tmp_path / "files" / "private" / "holy-grail" / name).is_file()
    name = "holy_grail-1.0-py3-none-any.whl"
    (tmp_path / "files" / "private" / "holy-grail" / name).write_bytes(b"spam")

    result = run(new, "restore", tmp_path / "x.zip", "--with-files", tmp_path / "files")

    assert result.exit_code == 1
    assert f"{name} has other bytes than were uploaded" in result.output
    assert f"missing in the storage: private: holy-grail/{name}" in result.output
    # The damage of one file is no matter for the others.
    assert (tmp_path / "new" / "packages" / "holy-grail" / "holy_grail-2.0-py3-none-any.whl").is_file()
    assert (tmp_path / "new" / "other" / "spam" / "spam-1.0-py3-none-any.whl").is_file()


def test_a_key_that_leads_out_of_the_folder_is_told_and_not_followed(ini, tmp_path):
    with index_of(ini) as index, index.catalog.writing() as connection:
        key = "../../../escaped/spam-1.0-py3-none-any.whl"
        chosen = tables.files.c.filename == "spam-1.0-py3-none-any.whl"
        connection.execute(tables.files.update().where(chosen).values(storage_key=key))

    result = run(ini, "backup", tmp_path / "x.zip", "--with-files", tmp_path / "files")

    assert result.exit_code == 1
    assert f"other: {key}: this name leads out of the folder" in result.output
    assert not (tmp_path / "escaped").exists()


def test_changed_bytes_do_not_get_into_the_saved_files(ini, tmp_path):
    path = tmp_path / "old" / "other" / "spam" / "spam-1.0-py3-none-any.whl"
    path.write_bytes(b"x" * path.stat().st_size)

    result = run(ini, "backup", tmp_path / "x.zip", "--with-files", tmp_path / "files")

    assert result.exit_code == 1
    assert "other: spam/spam-1.0-py3-none-any.whl: spam-1.0-py3-none-any.whl has other bytes" in result.output
    assert not (tmp_path / "files" / "other" / "spam" / path.name).exists()


def test_restore_leaves_a_catalog_alone_that_is_not_empty_unless_forced(ini, tmp_path):
    new = make_index(tmp_path / "new")
    with index_of(new) as index:
        put(index.served("private").hosted, "eggs", "1.0")
    ran(ini, "backup", tmp_path / "x.zip")

    refused = run(new, "restore", tmp_path / "x.zip")
    before = listing(new)
    run(new, "restore", tmp_path / "x.zip", "--force")

    assert refused.exit_code == 1
    assert "the catalog is not empty; --force" in refused.output
    assert list(before) == ["eggs-1.0-py3-none-any.whl"]
    assert rows(new) == rows(ini)


def test_restore_tells_what_the_storage_has_and_the_backup_has_not(ini, tmp_path):
    ran(ini, "backup", tmp_path / "x.zip")
    with index_of(ini) as index:
        put(index.served("private").hosted, "late", "1.0")

    output = ran(ini, "restore", tmp_path / "x.zip", "--force")

    assert "not listed: private: late/late-1.0-py3-none-any.whl" in output
    assert "private: 1 added, 0 dropped, 3 listed" in ran(ini, "reindex")


def test_a_backup_is_of_one_moment_while_others_write(ini, tmp_path, monkeypatch):
    """A file is published while the backup is between two tables."""
    monkeypatch.setattr(backup_module, "_BATCH", 1)
    with index_of(ini) as index:
        hosted = index.served("private").hosted
        serial = index.catalog.last_serial()
        published = []

        def publish(_rows):
            if not published:
                published.append("late")
                thread = threading.Thread(target=put, args=(hosted, "late", "1.0"))
                thread.start()
                thread.join()

        manifest = back_up(index.catalog, tmp_path / "x.zip", tell=publish)

        assert index.catalog.last_serial() == serial + 1
    assert manifest.last_serial == serial
    assert manifest.tables["journal"].rows == serial
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert b"late" not in b"".join(archive.read(name) for name in archive.namelist())


def test_a_backup_takes_the_place_of_an_older_one_as_a_whole(ini, tmp_path):
    path = tmp_path / "x.zip"
    path.write_bytes(b"the older one")

    ran(ini, "backup", path)

    assert zipfile.is_zipfile(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob(".new-*"))


def test_after_an_error_the_older_backup_is_as_it_was(ini, tmp_path):
    path = tmp_path / "x.zip"
    path.write_bytes(b"the older one")

    def fail(_rows):
        raise RuntimeError

    with index_of(ini) as index, pytest.raises(RuntimeError):
        back_up(index.catalog, path, tell=fail)

    assert path.read_bytes() == b"the older one"
    assert not list(tmp_path.glob(".new-*"))


def test_a_target_that_cannot_be_written_is_told_in_a_sentence(ini, tmp_path):
    result = run(ini, "backup", tmp_path / "nowhere" / "x.zip")

    assert result.exit_code == 1
    assert "cannot be written: No such file or directory" in result.output


def change_entry(path, other, name, change):
    """Write `other` as `path` is, but for what `change` makes of one entry."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w") as new:
        for entry in old.namelist():
            new.writestr(entry, change(old.read(entry)) if entry == name else old.read(entry))


def test_a_backup_with_other_rows_changes_nothing(ini, tmp_path):
    ran(ini, "backup", tmp_path / "x.zip")
    change_entry(
        tmp_path / "x.zip", tmp_path / "bad.zip", "journal.jsonl", lambda old: old.replace(b"ann", b"eve")
    )
    before = rows(ini)

    result = run(ini, "restore", tmp_path / "bad.zip", "--force")

    assert result.exit_code == 1
    assert "is damaged: the table journal is not as it was written" in result.output
    assert rows(ini) == before


def test_a_part_of_a_backup_changes_nothing(ini, tmp_path):
    ran(ini, "backup", tmp_path / "x.zip")
    (tmp_path / "bad.zip").write_bytes((tmp_path / "x.zip").read_bytes()[:-100])
    before = rows(ini)

    result = run(ini, "restore", tmp_path / "bad.zip", "--force")

    assert result.exit_code == 1
    assert "is not a backup, or only a part of one" in result.output
    assert rows(ini) == before


@pytest.mark.parametrize("place", range(40, 400, 80))
def test_a_damaged_byte_is_told_in_a_sentence(ini, tmp_path, place):
    ran(ini, "backup", tmp_path / "x.zip")
    content = bytearray((tmp_path / "x.zip").read_bytes())
    content[place] ^= 0xFF
    (tmp_path / "bad.zip").write_bytes(content)

    result = run(ini, "restore", tmp_path / "bad.zip", "--force")

    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert "bad.zip is" in result.output


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"revision": "9999"}, "has tables of revision 9999"),
        ({"version": 2}, "is of a newer kind"),
        ({"format": "soup"}, "is not a backup of a catalog"),
    ],
)
def test_a_backup_that_this_version_cannot_read_is_refused(change, words, ini, tmp_path):
    path, other = tmp_path / "x.zip", tmp_path / "other.zip"
    ran(ini, "backup", path)
    change_entry(path, other, "manifest.json", lambda old: json.dumps(json.loads(old) | change))

    result = run(make_index(tmp_path / "new"), "restore", other)

    assert result.exit_code == 1
    assert words in result.output


def test_a_backup_of_an_older_revision_without_a_newer_table_is_read(ini, tmp_path):
    path, older = tmp_path / "x.zip", tmp_path / "older.zip"
    ran(ini, "backup", path)

    def age(old):
        manifest = json.loads(old) | {"revision": "0003"}
        del manifest["tables"]["notes"]
        return json.dumps(manifest)

    change_entry(path, older, "manifest.json", age)
    ini2 = make_index(tmp_path / "new")

    run(ini2, "restore", older)

    assert rows(ini2) == rows(ini) | {"notes": []}


def test_both_print_json(ini, tmp_path):
    told = json.loads(ran(ini, "backup", tmp_path / "x.zip", "--json"))
    restored = json.loads(run(make_index(tmp_path / "new"), "restore", tmp_path / "x.zip", "--json").output)

    assert told["tables"]["files"]["rows"] == 3
    assert told["bytes"] == (tmp_path / "x.zip").stat().st_size
    assert restored["last_serial"] == told["last_serial"]
    assert len(restored["missing"]) == 3
    assert restored["unlisted"] == []
