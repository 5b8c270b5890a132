"""What has happened, the newest first, for whoever may know."""

import pytest

from pyramid_pypi.browse import activity as module
from pyramid_pypi.browse.activity import activity
from pyramid_pypi.errors import RepositoryNotFound
from pyramid_pypi.model import ANONYMOUS, Identity, Scope
from tests.unit.browse.indexes import ANN, BOB

TEAM = {
    "pypi.repositories": "private team pypi all",
    "pypi.repo.team": "hosted",
    "pypi.repo.team.storage": "filesystem",
    "pypi.repo.team.storage.path": "team",
    "pypi.repo.team.read": "user:ann",
}


def brief(found):
    return [(one.repository, one.project, one.action) for one in found]


def test_what_has_happened_is_told_the_newest_first(opened):
    index = opened()
    file = index.wheel()
    index.hosted().yank(file, "broken", BOB)
    index.hosted().set_status("holy-grail", "archived", "", ANN)

    found = activity(index.composed, ANN)

    assert [(one.action, one.by, one.version, one.filename) for one in found] == [
        ("status archived", "ann", "", ""),
        ("yank file", "bob", "1.0", file.filename),
        ("add py3 file", "ann", "1.0", file.filename),
    ]
    assert [one.serial for one in found] == sorted((one.serial for one in found), reverse=True)
    assert found[2].at >= file.uploaded_at


def test_strangers_are_not_told_who_did_it(opened):
    index = opened()
    index.wheel()

    assert [one.by for one in activity(index.composed, ANONYMOUS)] == [""]


def test_a_group_is_about_its_members_and_a_project_about_itself(opened):
    index = opened(TEAM)
    index.wheel("a")
    index.wheel("b", to="team")
    index.wheel("b")

    assert brief(activity(index.composed, ANN, repository="all")) == [
        ("private", "b", "add py3 file"),
        ("private", "a", "add py3 file"),
    ]
    assert brief(activity(index.composed, ANN, project="b")) == [
        ("private", "b", "add py3 file"),
        ("team", "b", "add py3 file"),
    ]
    assert brief(activity(index.composed, ANN, repository="team", project="b")) == [
        ("team", "b", "add py3 file")
    ]
    assert activity(index.composed, ANN, repository="pypi") == []
    assert activity(index.composed, ANN, project="a\0b") == []


def test_only_what_may_be_read_is_told(opened):
    index = opened({**TEAM, "pypi.repo.private.project.s-*.read": "user:ann"})
    index.wheel("a")
    index.wheel("s-1")
    index.wheel("t", to="team")
    token = Identity("ann", ANN.principals, Scope(frozenset({"read"}), frozenset({"all"}), ("s-*",)))

    def seen(identity, **options):
        return [one.project for one in activity(index.composed, identity, **options)]

    assert seen(ANN) == ["t", "s-1", "a"]
    assert seen(BOB) == ["a"]
    assert seen(BOB, project="s-1") == []
    assert seen(token, repository="all") == ["s-1"]
    assert seen(token) == []
    for name in ("team", "nothing"):
        with pytest.raises(RepositoryNotFound, match=f"no repository '{name}'"):
            seen(BOB, repository=name)


def test_pages_follow_each_other_without_gaps(opened):
    index = opened({"pypi.repo.private.project.s-*.read": "user:ann"})
    for number in range(4):
        index.wheel("a", f"1.{number}")
        index.wheel("s-1", f"1.{number}")

    first = activity(index.composed, BOB, limit=3)
    second = activity(index.composed, BOB, before=first[-1].serial, limit=3)

    assert [one.version for one in (*first, *second)] == ["1.3", "1.2", "1.1", "1.0"]
    assert activity(index.composed, BOB, before=2**70, limit=1) == first[:1]
    assert activity(index.composed, BOB, before=second[-1].serial) == []


def test_looking_for_what_may_be_read_comes_to_an_end(opened, monkeypatch):
    index = opened({"pypi.repo.private.project.s-*.read": "user:ann"})
    index.wheel("a")
    for number in range(10):
        index.wheel("s-1", f"1.{number}")
    monkeypatch.setattr(module, "_FAR", 6)
    monkeypatch.setattr(module, "_BATCH", 3)

    assert activity(index.composed, BOB, limit=3) == []
    assert brief(activity(index.composed, BOB, project="a", limit=3)) == [("private", "a", "add py3 file")]
