"""The repositories, as those see them who may read something there."""

import re

import pytest

from pyramid_pypi.browse.facts import RepositoryFacts
from pyramid_pypi.browse.repositories import repositories, repository
from pyramid_pypi.errors import UpstreamUnavailable
from pyramid_pypi.model import ANONYMOUS
from pyramid_pypi.testing.artefacts import make_wheel
from tests.unit.browse.indexes import ANN, BOB, TEAM_FIRST

WORKS = "nothing has gone wrong"


def test_each_repository_says_what_it_is(opened, upstream):
    index = opened({"pypi.repo.private.description": "Our own"})
    index.wheel("a")
    index.wheel("b")

    private, pypi, group = repositories(index.composed, ANN)

    everything = ("read", "upload", "yank", "delete", "manage")
    assert private == RepositoryFacts("private", "hosted", "Our own", False, 2, everything)
    assert pypi == RepositoryFacts(
        "pypi", "proxy", "", False, 0, ("read",), upstream=upstream.url, upstream_state=WORKS
    )
    assert group == RepositoryFacts(
        "all", "group", "", True, 2, everything, members=("private", "pypi"), publish="private"
    )


def test_a_redirecting_repository_names_its_upstream(opened, upstream):
    index = opened({"pypi.repo.pypi": "redirect", "pypi.repo.pypi.files": None})

    found = repository(index.viewer("pypi"))

    assert (found.kind, found.upstream, found.upstream_state) == ("redirect", upstream.url, "")


def test_an_upstream_is_named_without_credentials(opened):
    index = opened({"pypi.repo.pypi.upstream.url": "https://ann:spam@example.org/simple/"})

    assert repository(index.viewer("pypi")).upstream == "https://example.org/simple/"


def test_repositories_that_may_not_be_read_are_left_out(opened):
    index = opened({"pypi.repo.private.read": "user:ann"})
    index.wheel()

    assert [one.name for one in repositories(index.composed, ANN)] == ["private", "pypi", "all"]
    assert [one.name for one in repositories(index.composed, BOB)] == ["pypi"]


def test_what_is_counted_and_permitted_is_the_viewers_own(opened):
    index = opened(
        {
            "pypi.repo.private.upload": "user:ann",
            "pypi.repo.private.yank": None,
            "pypi.repo.private.project.s-*.read": "user:ann",
            "pypi.repo.private.project.s-*.delete": "user:bob",
            "pypi.repo.private.delete": None,
        }
    )
    index.wheel("a")
    index.wheel("s-1")

    def seen(identity):
        found = repository(index.viewer("all", identity))
        return found.projects, found.permissions

    assert seen(ANN) == (2, ("read", "upload", "manage"))
    assert seen(BOB) == (1, ("read", "delete"))
    assert seen(ANONYMOUS) == (1, ("read",))


def test_a_project_that_two_members_have_counts_once(opened):
    index = opened(TEAM_FIRST)
    index.wheel("a")
    index.wheel("a", to="team")
    index.wheel("b", to="team")

    assert repository(index.viewer("all")).projects == 2


def test_an_upstream_that_fails_is_told_until_it_works_again(opened, upstream):
    index = opened()
    upstream.add("knight-1.0-py3-none-any.whl", make_wheel("knight", "1.0"))
    viewer = index.viewer("pypi")
    guarded = viewer.served.source.parts.upstream

    def state():
        return repository(viewer).upstream_state

    upstream.down()
    with pytest.raises(UpstreamUnavailable):
        guarded.project("knight")
    assert state() == "could not be reached, or failed when it was last asked"

    upstream.up()
    guarded.project("knight")
    assert state() == WORKS

    upstream.down()
    for _ in range(3):
        with pytest.raises(UpstreamUnavailable):
            guarded.project("knight")
    assert re.fullmatch(r"could not be reached, or failed, and is left alone for \d+ seconds", state())
