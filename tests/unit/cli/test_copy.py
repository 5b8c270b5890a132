import json

import pytest

from pyramid_pypi.model import Identity
from pyramid_pypi.upkeep.copying import Copier
from pyramid_pypi.upkeep.receiving import Receiver
from tests.unit.cli.upkeeping import ANN, index_of, listing, make_index, put, ran, run, wheel_name

GRAIL = wheel_name("holy-grail", "1.0")
ROOT = Identity.user("root")


@pytest.fixture
def ini(tmp_path):
    ini = make_index(tmp_path / "x")
    with index_of(ini) as index:
        private = index.served("private").hosted
        file = put(private, "holy-grail", "1.0", requires_python=">=3.8", signature=b"signed")
        put(private, "spam", "1.0")
        private.yank(file, "bad", ANN)
        private.set_status("holy-grail", "deprecated", "use spam", ANN)
    return ini


def test_files_keep_what_is_known_of_them(ini):
    output = ran(ini, "copy", "private", "other")

    assert "other: 2 files added" in output
    assert listing(ini, "other") == listing(ini, "private")
    with index_of(ini) as index:
        old, new = index.served("private").hosted, index.served("other").hosted
        file = new.file(GRAIL)
        assert new.project("holy-grail").status == "deprecated"
        assert new.metadata(file) == old.metadata(file)
        assert new.signature(file).path.read_bytes() == b"signed"
        assert new.storage.record(file.key) == old.storage.record(file.key)
    assert ran(ini, "verify")


def test_what_is_there_is_passed_over(ini):
    ran(ini, "copy", "private", "other")

    again = ran(ini, "copy", "private", "other")

    assert "other: 0 files added (0 bytes), 2 there already, 0 problems" in again


def test_a_copy_that_was_cut_off_goes_on(ini):
    with index_of(ini) as index:
        old, new = index.served("private").hosted, index.served("other").hosted

        def interrupt(_file):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            Copier(old, Receiver(new, ROOT, interrupt)).run()

    assert list(listing(ini, "other")) == [GRAIL]
    assert "1 files added" in ran(ini, "copy", "private", "other")
    assert listing(ini, "other") == listing(ini, "private")


def test_only_projects_that_match(ini):
    ran(ini, "copy", "private", "other", "--project", "sp*")

    assert list(listing(ini, "other")) == [wheel_name("spam", "1.0")]


def test_a_dry_run_changes_nothing(ini):
    output = ran(ini, "copy", "private", "other", "--dry-run")

    assert "2 files would be added" in output
    assert listing(ini, "other") == {}


def test_other_bytes_of_the_same_name_are_told_and_left(ini):
    with index_of(ini) as index:
        before = put(index.served("other").hosted, "spam", "1.0", files={"x.py": "other"})

    result = run(ini, "copy", "private", "other")

    assert result.exit_code == 1
    assert "spam-1.0-py3-none-any.whl is in 'other' with other bytes" in result.output
    assert listing(ini, "other")[before.filename] == before
    assert GRAIL in listing(ini, "other")


def test_damaged_bytes_are_not_copied(ini, tmp_path):
    path = tmp_path / "x" / "packages" / "spam" / wheel_name("spam", "1.0")
    path.write_bytes(b"x" * path.stat().st_size)

    result = run(ini, "copy", "private", "other")

    assert result.exit_code == 1
    assert "spam-1.0-py3-none-any.whl has the SHA-256 digest" in result.output
    assert list(listing(ini, "other")) == [GRAIL]
    assert not (tmp_path / "x" / "other" / "spam").exists()


def test_the_journal_names_who_copied(ini):
    ran(ini, "copy", "private", "other")

    with index_of(ini) as index:
        changes = [one for one in index.catalog.changes_since(0) if one.repository == "other"]
    assert {one.by for one in changes} != {"ann"}
    assert [one.action for one in changes] == ["add py3 file", "status deprecated", "add py3 file"]


def test_a_closed_project_takes_nothing(ini):
    with index_of(ini) as index:
        other = index.served("other").hosted
        put(other, "spam", "2.0")
        other.set_status("spam", "archived", "", ANN)

    result = run(ini, "copy", "private", "other")

    assert result.exit_code == 1
    assert "The project 'spam' is archived and takes no files" in result.output


def test_json_says_what_became_of_it(ini):
    told = json.loads(ran(ini, "copy", "private", "other", "--json"))

    assert told["repository"] == "other"
    assert (told["added"], told["there"], told["problems"]) == (2, 0, [])


def test_a_repository_is_not_copied_into_itself(ini):
    assert run(ini, "copy", "private", "private").exit_code == 2
