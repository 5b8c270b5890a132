"""What a search finds, in which order, and what it tells nobody."""

import pytest

from pyramid_pypi.browse.facts import HitFacts
from pyramid_pypi.browse.search import dependents, recent, search, summaries
from pyramid_pypi.errors import BadRequest
from tests.unit.browse.indexes import ANN

SECRET = {"pypi.repo.private.project.secret-*.read": "user:ann"}
TWO = {
    "pypi.repositories": "private other both pypi all",
    "pypi.repo.other": "hosted",
    "pypi.repo.other.storage": "filesystem",
    "pypi.repo.other.storage.path": "other",
    "pypi.repo.other.read": "everyone",
    "pypi.repo.both": "group",
    "pypi.repo.both.members": "private other",
    "pypi.repo.both.read": "everyone",
}


@pytest.fixture
def index(opened, catalog_url):
    return opened({"pypi.catalog": catalog_url, **SECRET})


@pytest.fixture
def two(opened):
    return opened(TWO)


def found(index, query, *, repository="private", **options):
    """Return the names of what somebody has found."""
    return [hit.project for hit in search(index.viewer(repository, **options), query).hits]


def test_a_hit_tells_what_the_newest_release_says(index):
    index.wheel("Holy.Grail", "1.0", summary="A cup")
    file = index.wheel("Holy.Grail", "2.0", summary="  The cup\tof cups ")

    result = search(index.viewer("private"), "cup")

    assert (result.total, result.pending) == (1, 0)
    assert result.hits == (
        HitFacts("private", "holy-grail", "Holy.Grail", "2.0", "The cup of cups", file.uploaded_at),
    )


def test_all_words_have_to_be_there_in_whatever_case(index):
    index.wheel("holy-grail", summary="A cup of Gold")
    index.wheel("spam", summary="A cup of tea")

    assert found(index, "CUP gold") == ["holy-grail"]
    assert found(index, "cup of tin") == []


def test_a_word_of_another_alphabet_is_found_in_whatever_case(index):
    index.wheel("grail", summary="ÄRGER mit der Straße")

    assert found(index, "ärger STRASSE") == ["grail"]


@pytest.mark.parametrize("query", ["holy_grail", "Holy.Grail", "holy-grail", "grail holy"])
def test_however_a_name_is_written_it_is_found(index, query):
    index.wheel("holy-grail")

    assert found(index, query) == ["holy-grail"]


def test_quotes_keep_words_together(index):
    index.wheel("one", summary="gold cup")
    index.wheel("two", summary="cup of gold")

    assert found(index, '"gold cup"') == ["one"]
    assert found(index, '"gold') == ["one", "two"]


def test_the_names_that_are_most_like_the_query_come_first(index):
    index.wheel("aardvark", metadata_lines=["Keywords: grail"])
    index.wheel("bird", summary="It looks for the grail")
    index.wheel("cup-grail")
    index.wheel("grail-cup")
    index.wheel("grail")

    assert found(index, "grail") == ["grail", "grail-cup", "cup-grail", "bird", "aardvark"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("name:grail", ["grail"]),
        ("NAME:Grail", ["grail"]),
        ("summary:cup", ["grail"]),
        ("keyword:gold", ["grail"]),
        ("author:arthur", ["grail"]),
        ("author:knights@example.org", ["grail"]),
        ('classifier:"topic :: games"', ["grail"]),
        ("requires:The_Sword", ["grail"]),
        ("requires:sword", []),
        ("summary:gold", []),
        ("name:grail keyword:gold", ["grail"]),
        ("name:grail keyword:tin", []),
        ("colour:gold", []),
    ],
)
def test_a_field_may_be_named(index, query, expected):
    index.wheel(
        "grail",
        summary="A cup",
        requires_dist=["the-sword>=1; extra == 'knights'", "no requirement at all"],
        metadata_lines=[
            "Author: Arthur",
            "Author-email: Knights <knights@example.org>",
            "Keywords: gold,old",
            "Classifier: Topic :: Games/Entertainment",
        ],
    )
    index.wheel("spam", summary="nothing of the kind")

    assert found(index, query) == expected


@pytest.mark.parametrize("query", ["100%", "a_b", "\\", "'", "%", "_", "/", "name:", "\ud800"])
def test_whatever_characters_are_asked_for_they_mean_themselves(index, query):
    index.wheel("grail", summary="plain")

    assert found(index, query) == []


@pytest.mark.parametrize("query", ["", " ", "\0", '"', '""', 'name:""'])
def test_without_a_word_everything_is_found_by_name(index, query):
    for name in ("b", "c", "a"):
        index.wheel(name)

    assert found(index, query) == ["a", "b", "c"]


def test_a_character_that_matches_anything_elsewhere_is_found(index):
    index.wheel("grail", summary="100% pure")
    index.wheel("spam", summary="100 times")

    assert found(index, "100%") == ["grail"]


def test_pages_of_hits_follow_each_other(index):
    for name in ("a", "b", "c"):
        index.wheel(name)

    result = search(index.viewer("private"), "", limit=2, offset=1)

    assert [hit.project for hit in result.hits] == ["b", "c"]
    assert result.total == 3


@pytest.mark.parametrize("query", ["x" * 401, "x " * 13])
def test_a_search_has_bounds(index, query):
    with pytest.raises(BadRequest, match="A search has at most"):
        search(index.viewer("private"), query)


def test_a_hidden_project_is_neither_found_nor_counted(index):
    index.wheel("secret-sauce", summary="a sauce", requires_dist=["spam"])
    index.wheel("sauce", summary="a sauce")

    result = search(index.viewer("private"), "sauce")

    assert [hit.project for hit in result.hits] == ["sauce"]
    assert result.total == 1
    assert [hit.project for hit in recent(index.viewer("private"))] == ["sauce"]
    assert list(summaries(index.viewer("private"), ["sauce", "secret-sauce"])) == ["sauce"]
    assert dependents(index.viewer("private"), "spam") == []
    assert found(index, "requires:spam") == []
    assert found(index, "sauce", identity=ANN) == ["sauce", "secret-sauce"]
    assert dependents(index.viewer("private", ANN), "spam") == ["secret-sauce"]


def test_what_was_there_before_is_found_as_it_is_now(index):
    file = index.wheel("grail", "1.0", summary="old", requires_dist=["spam"])
    assert found(index, "old") == ["grail"]

    index.wheel("grail", "2.0", summary="new")
    assert (found(index, "old"), found(index, "new")) == ([], ["grail"])
    assert dependents(index.viewer("private"), "spam") == []

    hosted = index.hosted()
    hosted.yank(hosted.file("grail-2.0-py3-none-any.whl"), "broken", ANN)
    assert (found(index, "old"), found(index, "new")) == (["grail"], [])

    hosted.delete(file, ANN)
    assert (found(index, "old"), found(index, "new")) == ([], ["grail"])


def test_a_project_that_offers_no_files_is_not_found(index):
    hosted = index.hosted()
    hosted.delete(index.wheel("gone"), ANN)
    index.wheel("quarantined")
    hosted.set_status("quarantined", "quarantined", "", ANN)

    assert found(index, "") == []
    assert recent(index.viewer("private")) == []

    hosted.set_status("quarantined", "active", "", ANN)
    assert found(index, "") == ["quarantined"]


def test_a_release_without_metadata_is_found_by_its_name(index, monkeypatch):
    index.wheel("grail", summary="A cup")
    monkeypatch.setattr("pyramid_pypi.browse.indexing.read_document", lambda _raw: 1 / 0)

    assert found(index, "grail") == ["grail"]
    assert found(index, "cup") == []


def test_the_newest_files_come_first(index):
    index.wheel("one")
    index.wheel("two")
    index.wheel("one", "0.1")

    assert [hit.project for hit in recent(index.viewer("private"))] == ["one", "two"]
    assert [hit.project for hit in recent(index.viewer("private"), limit=1)] == ["one"]


def test_dependents_require_the_project_in_their_newest_release(index):
    index.wheel("b", requires_dist=["Holy.Grail[gold] >= 1"])
    index.wheel("a", requires_dist=["holy-grail; python_version > '3'", "holy_grail"])
    index.wheel("c", requires_dist=["holy-grail-cup"])

    assert dependents(index.viewer("private"), "holy-grail") == ["a", "b"]
    assert dependents(index.viewer("private"), "holy-grail", limit=1) == ["a"]


def test_a_group_finds_what_its_first_member_has_of_a_name(two):
    two.wheel("grail", summary="private cup", requires_dist=["spam"])
    two.wheel("grail", summary="other cup", to="other", requires_dist=["eggs"])
    two.wheel("shrub", summary="other cup", to="other", requires_dist=["eggs"])

    hits = search(two.viewer("both"), "cup").hits

    assert [(hit.repository, hit.project, hit.summary) for hit in hits] == [
        ("both", "grail", "private cup"),
        ("both", "shrub", "other cup"),
    ]
    assert dependents(two.viewer("both"), "eggs") == ["shrub"]
    assert dependents(two.viewer("both"), "spam") == ["grail"]
    assert found(two, "grail", repository="other") == ["grail"]


def test_a_name_whose_first_owner_offers_nothing_is_not_found_in_a_group(two):
    two.hosted().delete(two.wheel("grail"), ANN)
    two.wheel("grail", to="other")

    assert found(two, "grail", repository="both") == []
    assert recent(two.viewer("both")) == []
    assert summaries(two.viewer("both"), ["grail"]) == {}


def test_what_a_proxy_follows_is_not_found(opened, upstream):
    upstream.add("far-1.0-py3-none-any.whl", b"")
    index = opened()
    index.wheel("near")

    assert found(index, "", repository="pypi") == []
    assert found(index, "", repository="all") == ["near"]
    assert dependents(index.viewer("pypi"), "near") == recent(index.viewer("pypi")) == []
