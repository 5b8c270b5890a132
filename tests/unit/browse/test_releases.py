"""The order of versions, and the newest one."""

from dataclasses import replace

import pytest

from pyramid_pypi.browse.releases import by_version, find_version, newest
from pyramid_pypi.errors import ProjectNotFound
from pyramid_pypi.model import ProjectPage
from pyramid_pypi.testing.rules import make_file

FILE = make_file("holy_grail-1.0.tar.gz")


def releases(*versions, yanked=()):
    return by_version([replace(FILE, version=one, yanked="" if one in yanked else None) for one in versions])


def test_versions_are_in_the_order_of_pep_440_behind_those_that_it_does_not_know():
    found = releases("1.10", "1.9", "2.0rc1", "odd-one", "2.0", "1.9.post1")

    assert list(found) == ["odd-one", "1.9", "1.9.post1", "1.10", "2.0rc1", "2.0"]


@pytest.mark.parametrize(
    ("versions", "yanked", "expected"),
    [
        (("1.0", "2.0rc1"), (), "1.0"),
        (("1.0rc1", "2.0rc1"), (), "2.0rc1"),
        (("1.0", "2.0"), ("2.0",), "1.0"),
        (("1.0rc1", "2.0"), ("2.0",), "1.0rc1"),
        (("1.0", "2.0"), ("1.0", "2.0"), "2.0"),
        (("odd-one", "1.0a1"), (), "1.0a1"),
        ((), (), ""),
    ],
    ids=["stable", "pre-releases", "yanked", "pre-release", "all-yanked", "unknown", "none"],
)
def test_the_newest_is_what_an_installer_would_take(versions, yanked, expected):
    assert newest(releases(*versions, yanked=yanked)) == expected


def test_a_version_is_found_however_it_is_spelt():
    found = releases("1.0", "odd-one")
    page = ProjectPage("private", "holy-grail", "holy-grail", (), 1)

    assert [find_version(one, found, page) for one in ("1.0", "v1", "1.0.0", "odd-one")] == [
        "1.0",
        "1.0",
        "1.0",
        "odd-one",
    ]
    for asked in ("1.1", "odd-two", "9" * 5000, ""):
        with pytest.raises(ProjectNotFound, match="no version"):
            find_version(asked, found, page)
