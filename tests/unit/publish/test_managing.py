"""Changing what is there: yanking, deleting, and the status of a project."""

import json
import logging

import pytest

from pyramid_pypi.errors import BadRequest, FileMissing, Forbidden, ProjectClosed, ProjectNotFound
from pyramid_pypi.model import Identity, Scope
from pyramid_pypi.publish.managing import check_reason, status_of
from pyramid_pypi.testing.artefacts import make_wheel
from tests.unit.publish.conftest import SDIST, WHEEL, Caller, add

ANN = Caller("yank", "delete", "manage")
NOBODY = Caller()


@pytest.fixture
def publisher(index, listener):
    listener.heard.clear()
    return index.served("private").takes


def actions(index, since=2):
    return [(one.action, one.filename) for one in index.catalog.changes_since(since)]


def test_yanking_a_release_marks_all_of_its_files_and_no_other(index, publisher, listener):
    add(index.served("private"), "holy_grail-1.1-py3-none-any.whl", make_wheel("holy-grail", "1.1"))
    listener.heard.clear()

    changed = publisher.yank_release("holy-grail", "v1.0.0", " too holy ", ANN)

    assert {file.filename: file.yanked for file in changed} == {WHEEL: "too holy", SDIST: "too holy"}
    page = publisher.repository.project("holy-grail")
    assert [file.yanked for file in page.files if file.version == "1.1"] == [None]
    assert sorted(listener.heard) == [
        ("yanked", WHEEL, "too holy", "ann"),
        ("yanked", SDIST, "too holy", "ann"),
    ]


def test_what_is_yanked_for_the_same_reason_is_left_alone(index, publisher):
    publisher.yank_release("holy-grail", "1.0", "", ANN)
    before = index.catalog.last_serial()

    again = publisher.yank_release("holy-grail", "1.0", "", ANN)

    assert index.catalog.last_serial() == before
    assert [file.yanked for file in again] == ["", ""]


def test_another_reason_is_a_change(index, publisher):
    publisher.yank_release("holy-grail", "1.0", "", ANN)
    publisher.yank_release("holy-grail", "1.0", "worse", ANN)

    assert [file.yanked for file in publisher.repository.project("holy-grail").files] == ["worse", "worse"]
    assert len(actions(index)) == 4


def test_a_release_is_offered_again_once(index, publisher):
    publisher.yank_release("holy-grail", "1.0", "why", ANN)
    publisher.yank_release("holy-grail", "1.0", None, ANN)
    publisher.yank_release("holy-grail", "1.0", None, ANN)

    assert [action for action, _ in actions(index)] == ["yank file"] * 2 + ["unyank file"] * 2


@pytest.mark.parametrize("version", ["2.0", "one", "", "1.0" + "0" * 5000, "1.0\n", "\udc80"])
def test_a_version_that_is_not_there_is_told(publisher, version):
    with pytest.raises(ProjectNotFound, match="has no version"):
        publisher.yank_release("holy-grail", version, "", ANN)
    with pytest.raises(ProjectNotFound, match="has no version"):
        publisher.delete_release("holy-grail", version, ANN)


def test_a_project_that_is_not_there_is_told(publisher):
    with pytest.raises(ProjectNotFound, match="no project 'nope'"):
        publisher.yank_release("nope", "1.0", "", ANN)
    with pytest.raises(ProjectNotFound, match="no project 'nope'"):
        publisher.set_status("nope", "archived", "", ANN)


def test_whoever_may_not_is_refused_before_anything_is_looked_at(index, publisher):
    calls = [
        lambda: publisher.yank_release("nope", "1.0", "", NOBODY),
        lambda: publisher.delete_release("nope", "1.0", NOBODY),
        lambda: publisher.delete_file("nope", WHEEL, NOBODY),
        lambda: publisher.set_status("nope", "archived", "", NOBODY),
    ]
    for call in calls:
        with pytest.raises(Forbidden, match="isn't allowed to"):
            call()

    assert actions(index) == []


def test_one_file_is_deleted_and_the_others_stay(publisher, listener):
    assert publisher.delete_file("holy-grail", SDIST, ANN).filename == SDIST

    assert [file.filename for file in publisher.repository.project("holy-grail").files] == [WHEEL]
    assert listener.heard == [("removed", SDIST, "private", "ann")]


@pytest.mark.parametrize(
    ("name", "filename"), [("holy-grail", "nope.whl"), ("other", WHEEL), ("holy-grail", WHEEL.upper())]
)
def test_a_file_that_the_project_has_not_is_told(publisher, name, filename):
    with pytest.raises(FileMissing):
        publisher.delete_file(name, filename, ANN)

    assert len(publisher.repository.project("holy-grail").files) == 2


def test_a_status_is_set_audited_and_told(publisher, listener, caplog):
    with caplog.at_level(logging.INFO, "pyramid_pypi.audit"):
        publisher.set_status("holy-grail", "deprecated", "use the lesser grail", ANN)

    page = publisher.repository.project("holy-grail")
    assert (page.status, page.status_reason) == ("deprecated", "use the lesser grail")
    assert listener.heard == [("holy-grail", "private", "deprecated", "use the lesser grail", "ann")]
    line = json.loads(caplog.records[-1].message)
    assert (
        line.items()
        >= {
            "event": "status changed",
            "identity": "ann",
            "project": "holy-grail",
            "status": "deprecated",
        }.items()
    )


def test_the_same_status_again_changes_nothing(index, publisher, listener):
    publisher.set_status("holy-grail", "active", "", ANN)
    publisher.set_status("holy-grail", "archived", "done", ANN)
    publisher.set_status("holy-grail", "archived", "done ", ANN)

    assert [action for action, _ in actions(index)] == ["status archived"]
    assert len(listener.heard) == 1


def test_a_quarantined_release_cannot_be_changed_until_it_has_another_status(publisher):
    publisher.set_status("holy-grail", "quarantined", "", ANN)
    for change in (
        lambda: publisher.yank_release("holy-grail", "1.0", "", ANN),
        lambda: publisher.delete_release("holy-grail", "1.0", ANN),
    ):
        with pytest.raises(ProjectClosed, match="quarantined"):
            change()

    publisher.set_status("holy-grail", "active", "", ANN)
    assert len(publisher.delete_release("holy-grail", "1.0", ANN)) == 2


def test_an_owner_manages_the_status_and_a_maintainer_or_a_token_does_not(open_index):
    index = open_index(**{"pypi.repo.private.ownership": "first-uploader"})
    served = index.served("private")
    add(served, WHEEL, make_wheel("holy-grail", "1.0"))
    served.roles.grant("holy-grail", "user:bob", "maintainer", "ann")
    limited = Identity("ann", Identity.user("ann").principals, Scope(frozenset({"yank"})), "7")
    for who in (Identity.user("bob"), limited):
        with pytest.raises(Forbidden):
            served.takes.set_status("holy-grail", "archived", "", Caller("yank", identity=who))

    served.takes.set_status("holy-grail", "archived", "", Caller(identity=Identity.user("ann")))
    assert served.repository.project("holy-grail").status == "archived"


@pytest.mark.parametrize(
    "reason",
    ["two\nlines", "a\ttab", "\x1b[31mred", "a\x00b", "\u2028", "\u202etxt", "\ud800", "x" * 501],
    ids=["lines", "tab", "escape", "null", "separator", "right-to-left", "surrogate", "long"],
)
def test_a_reason_is_one_short_printable_line(publisher, reason):
    with pytest.raises(BadRequest, match="reason"):
        check_reason(f"a{reason}b")
    with pytest.raises(BadRequest, match="reason"):
        publisher.yank_release("holy-grail", "1.0", f"a{reason}b", ANN)


def test_a_reason_may_have_any_letters():
    assert check_reason("  зломано — 壊れた 🐉 ") == "зломано — 壊れた 🐉"
    assert len(check_reason("x" * 500)) == 500


@pytest.mark.parametrize("status", ["", "Active", "deleted", "\x1b"])
def test_an_unknown_status_is_refused_with_those_that_there_are(publisher, status):
    with pytest.raises(BadRequest, match="use active, archived, quarantined, deprecated"):
        publisher.set_status("holy-grail", status, "", ANN)
    with pytest.raises(BadRequest):
        status_of(status)
