"""Which projects there are and what has happened, as people look at it."""

import pytest

from pyramid_pypi.catalog import Catalog
from pyramid_pypi.catalog.journal import changes_before
from pyramid_pypi.catalog.listing import count_projects, known_projects, projects_after
from tests.unit.catalog.support import ANN, a_file

BOTH = ("private", "team")


@pytest.fixture
def catalog(catalog_url):
    found = Catalog(catalog_url)
    yield found
    found.close()


def put(catalog, repository, *names, display=None, version="1.0"):
    return [
        catalog.add(repository, a_file(version, name), ANN, display=display or name.title(), metadata=None)
        for name in names
    ]


def test_projects_are_counted_once(catalog):
    put(catalog, "private", "a", "b", "c")
    put(catalog, "team", "c", "d")

    assert count_projects(catalog, ["private"]) == 3
    assert count_projects(catalog, BOTH) == 4
    assert count_projects(catalog, ["nothing"]) == 0


def test_names_are_known_that_one_of_the_repositories_has(catalog):
    put(catalog, "private", "a", "b")
    put(catalog, "team", "c")
    many = {f"x-{number}" for number in range(1200)}

    assert known_projects(catalog, BOTH, {"a", "c", "e", *many}) == {"a", "c"}
    assert known_projects(catalog, ["team"], {"a", "c"}) == {"c"}
    assert known_projects(catalog, [], {"a"}) == set()


def test_projects_follow_each_other_by_name_each_as_the_first_repository_has_it(catalog):
    put(catalog, "team", "b", "d", display="of team")
    put(catalog, "private", "a", "b", "c", "d", display="of private")

    def pages(repositories, limit):
        after, found = "", []
        while page := projects_after(catalog, repositories, after, limit):
            found += [(one.name, one.display) for one in page]
            after = page[-1].name
        return found

    expected = [("a", "of private"), ("b", "of team"), ("c", "of private"), ("d", "of team")]
    for limit in (1, 2, 3, 5):
        assert pages(("team", "private"), limit) == expected
    assert [display for _, display in pages(("private", "team"), 2)] == ["of private"] * 4
    assert projects_after(catalog, BOTH, "c\0", 1)[0].name == "d"


def test_the_journal_is_read_back_from_its_end(catalog):
    one, two = put(catalog, "private", "a", "b")
    (three,) = put(catalog, "team", "a")
    (four,) = put(catalog, "private", "a", version="2.0")

    def serials(*arguments, limit=10, **options):
        return [change.serial for change in changes_before(catalog, *arguments, limit=limit, **options)]

    assert serials(0, BOTH) == [four, three, two, one]
    assert serials(0, BOTH, limit=2) == [four, three]
    assert serials(three, BOTH) == [two, one]
    assert serials(0, ("private",), project="a") == [four, one]
    assert serials(four, BOTH, project="a") == [three, one]
    assert serials(2**70, ("team",)) == [three]
    assert serials(0, ()) == serials(0, BOTH, project="\0") == serials(0, ("nothing",)) == []
    newest = changes_before(catalog, 0, BOTH, limit=1)[0]
    assert (newest.repository, newest.project, newest.version, newest.by) == ("private", "a", "2.0", "ann")
