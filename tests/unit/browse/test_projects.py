"""Projects, releases and files, as those see them who may read them."""

from datetime import UTC, datetime

import pytest

from pyramid_pypi.browse.contents import contents
from pyramid_pypi.browse.facts import DependencyFacts, ProjectItem, ReleaseItem
from pyramid_pypi.browse.projects import file, project, projects, release
from pyramid_pypi.errors import FileHidden, FileMissing, ProjectNotFound, UpstreamUnavailable
from pyramid_pypi.model import ANONYMOUS, Identity, Scope
from pyramid_pypi.testing.artefacts import make_wheel
from tests.unit.browse.indexes import ANN, BOB, TEAM_FIRST

WHEEL = "holy_grail-1.0-py3-none-any.whl"


def test_a_hosted_project_has_its_releases_the_newest_first(opened):
    index = opened()
    index.wheel("Holy-Grail", "1.0")
    newest = index.wheel("Holy-Grail", "1.10", requires_python=">=3.9", summary="A cup.")
    index.sdist("Holy-Grail", "1.10")
    index.wheel("Holy-Grail", "2.0rc1")

    found = project(index.viewer("private", ANN), "holy-grail")

    assert [(one.version, one.files, one.is_prerelease) for one in found.releases] == [
        ("2.0rc1", 1, True),
        ("1.10", 2, False),
        ("1.0", 1, False),
    ]
    assert (found.repository, found.origin, found.upstream) == ("private", "private", "")
    assert (found.name, found.display, found.status) == ("holy-grail", "Holy-Grail", "active")
    assert found.permissions == ("read", "upload", "yank", "delete", "manage")
    assert found.may_manage
    assert found.latest is not None
    assert found.latest.version == "1.10"
    assert found.latest.metadata.summary == "A cup."
    wheel = next(one for one in found.latest.files if one.packagetype == "bdist_wheel")
    assert wheel.tags == ("py3", "none", "any")
    assert wheel.url == f"packages/{newest.path}"
    assert (wheel.requires_python, wheel.uploaded_by, wheel.has_metadata) == (">=3.9", "ann", True)


def test_a_group_tells_who_answers_and_who_would_take_changes(opened, upstream):
    index = opened()
    upstream.add("knight-1.0-py3-none-any.whl", make_wheel("Knight", "1.0", summary="Ni!"))
    index.wheel()

    own = project(index.viewer("all", ANN), "holy-grail")
    other = project(index.viewer("all", ANN), "knight")

    assert (own.repository, own.origin, own.may_manage) == ("all", "private", True)
    assert own.permissions == ("read", "upload", "yank", "delete", "manage")
    assert own.latest.files[0].repository == "private"
    assert (other.origin, other.upstream, other.may_manage) == ("pypi", f"{upstream.url}knight/", False)
    assert other.permissions == ("read", "upload")
    assert (other.display, other.latest.metadata.summary) == ("Knight", "Ni!")
    assert other.latest.files[0].repository == "pypi"


def test_a_group_that_takes_no_uploads_only_shows(opened):
    index = opened({"pypi.repo.all.publish": None})
    index.wheel()

    found = project(index.viewer("all", ANN), "holy-grail")

    assert (found.permissions, found.may_manage) == (("read",), False)


def test_an_upstream_that_fails_hides_nothing_but_what_it_would_say(opened, upstream):
    index = opened()
    upstream.add("knight-1.0-py3-none-any.whl", make_wheel("knight", "1.0", summary="Ni!"))
    viewer = index.viewer("pypi")
    viewer.served.repository.project("knight")
    upstream.down()

    found = project(viewer, "knight")

    assert found.latest.metadata.summary == ""
    assert [one.filename for one in found.latest.files] == ["knight-1.0-py3-none-any.whl"]


def test_a_merged_project_names_all_that_have_it(opened, upstream):
    index = opened({"pypi.repo.all.merge": "holy-*"})
    upstream.add("holy_grail-2.0-py3-none-any.whl", make_wheel("holy-grail", "2.0"))
    index.wheel()

    found = project(index.viewer("all", ANN), "holy-grail")

    assert found.origin == "private, pypi"
    assert [one.version for one in found.releases] == ["2.0", "1.0"]
    assert found.latest.files[0].repository == "pypi"
    assert found.may_manage


def test_a_redirecting_repository_says_where_a_project_would_be(opened, upstream):
    index = opened({"pypi.repo.pypi": "redirect", "pypi.repo.pypi.files": None})

    with pytest.raises(ProjectNotFound, match=f"would be at {upstream.url}knight/"):
        project(index.viewer("pypi"), "knight")
    with pytest.raises(FileMissing):
        file(index.viewer("pypi"), "knight-1.0-py3-none-any.whl")


def test_a_quarantined_project_says_so_and_offers_nothing(opened):
    index = opened()
    index.wheel()
    index.hosted().set_status("holy-grail", "quarantined", "odd code", ANN)

    found = project(index.viewer(), "holy-grail")

    assert (found.status, found.status_reason) == ("quarantined", "odd code")
    assert (found.releases, found.latest) == ((), None)
    with pytest.raises(FileHidden, match="quarantined"):
        file(index.viewer(), WHEEL)
    with pytest.raises(ProjectNotFound):
        release(index.viewer(), "holy-grail", "1.0")


def test_what_rules_hide_is_counted_and_has_a_reason(opened):
    index = opened(
        {
            "pypi.repo.all.rules": "no",
            "pypi.repo.all.rule.no": "deny",
            "pypi.repo.all.rule.no.projects": "holy-grail",
            "pypi.repo.all.rule.no.versions": "<2",
            "pypi.repo.all.rule.no.reason": "too old",
        }
    )
    index.wheel(version="1.0")
    index.wheel(version="2.0")

    found = project(index.viewer(), "holy-grail")

    assert ([one.version for one in found.releases], found.hidden) == (["2.0"], 1)
    with pytest.raises(FileHidden, match="too old"):
        file(index.viewer(), WHEEL)


def test_a_release_is_yanked_when_all_of_its_files_are(opened):
    index = opened()
    index.hosted().yank(index.wheel(version="2.0"), "broken", ANN)
    index.hosted().yank(index.sdist(version="2.0"), "", ANN)
    index.hosted().yank(index.wheel(version="1.0"), "", ANN)
    index.sdist(version="1.0")

    found = project(index.viewer(), "holy-grail")

    assert [(one.version, one.yanked) for one in found.releases] == [("2.0", "broken"), ("1.0", None)]
    assert found.latest.version == "1.0"
    assert sorted(str(one.yanked) for one in found.latest.files) == ["", "None"]


def test_the_version_of_a_release_may_be_spelt_in_any_way(opened):
    index = opened()
    index.wheel(version="1.0")

    assert release(index.viewer(), "holy-grail", "v1.0.0").version == "1.0"
    with pytest.raises(ProjectNotFound, match="no version '2'"):
        release(index.viewer(), "holy-grail", "2")


def test_dependencies_are_marked_that_are_here_and_may_be_read(opened):
    index = opened({"pypi.repo.private.project.secret*.read": "user:ann"})
    index.wheel("grail-lib")
    index.wheel("secret-lib")
    index.wheel(requires_dist=["Grail.Lib>=1", "secret_lib; extra == 'x'", "requests", "not a requirement!"])

    def asked_by(identity):
        found = release(index.viewer("private", identity), "holy-grail", "1.0")
        return found.metadata.requires

    assert asked_by(ANN) == (
        DependencyFacts("Grail.Lib>=1", "grail-lib", is_here=True),
        DependencyFacts("secret_lib; extra == 'x'", "secret-lib", is_here=True),
        DependencyFacts("requests", "requests"),
        DependencyFacts("not a requirement!", ""),
    )
    assert [one.is_here for one in asked_by(BOB)] == [True, False, False, False]


def test_a_project_that_may_not_be_read_is_not_there(opened):
    index = opened({"pypi.repo.private.project.holy*.read": "user:ann"})
    index.wheel()

    assert project(index.viewer("all", ANN), "holy-grail").name == "holy-grail"
    for ask in (
        lambda: project(index.viewer("all", BOB), "holy-grail"),
        lambda: release(index.viewer("private", BOB), "holy-grail", "1.0"),
    ):
        with pytest.raises(ProjectNotFound, match="has no project 'holy-grail'"):
            ask()
    with pytest.raises(FileMissing, match="has no file"):
        file(index.viewer("all", BOB), WHEEL)


def test_a_file_is_found_by_its_name(opened):
    index = opened()
    stored = index.wheel(requires_python=">=3.8")
    index.hosted().yank(stored, "", ANN)

    found = file(index.viewer("all", ANN), WHEEL)

    assert (found.repository, found.project, found.version, found.filename) == (
        "private",
        "holy-grail",
        "1.0",
        WHEEL,
    )
    assert (found.sha256, found.size, found.yanked) == (stored.hashes.sha256, stored.size, "")
    assert found.uploaded_at == stored.uploaded_at


@pytest.mark.parametrize(
    "filename", ["x.whl", "holy_grail-9-py3-none-any.whl", "a/b", "", "\0", "é-1.tar.gz"]
)
def test_a_file_that_is_not_there_is_missing(filename, opened):
    index = opened()
    index.wheel()

    with pytest.raises(FileMissing):
        file(index.viewer("private"), filename)


def test_a_kept_file_is_found_while_its_page_cannot_be_had(opened, upstream):
    ages = ("ttl", "stale_while_revalidate", "stale_if_error")
    index = opened({f"pypi.repo.pypi.{age}": "0s" for age in ages})
    upstream.add("knight-1.0-py3-none-any.whl", make_wheel("knight", "1.0"))
    contents(index.viewer("pypi"), "knight-1.0-py3-none-any.whl")
    upstream.down()

    with pytest.raises(UpstreamUnavailable):
        project(index.viewer("pypi"), "knight")
    assert file(index.viewer("pypi"), "knight-1.0-py3-none-any.whl").repository == "pypi"


def test_strangers_see_no_names_of_people(opened):
    index = opened()
    index.wheel()

    assert file(index.viewer("all", ANONYMOUS), WHEEL).uploaded_by == ""
    assert file(index.viewer("all", BOB), WHEEL).uploaded_by == "ann"


def test_where_there_are_no_users_everybody_sees_everything(opened):
    index = opened({"pypi.authenticators": None, "pypi.auth.htpasswd": None, "pypi.auth.htpasswd.path": None})
    index.wheel()

    assert file(index.viewer("all", ANONYMOUS), WHEEL).uploaded_by == "ann"


def test_own_projects_are_listed_page_by_page(opened):
    index = opened()
    for name in ("Delta", "alpha", "Charlie", "bravo"):
        index.wheel(name)
    serials = {one.name: one.serial for one in index.hosted().projects()}

    first = projects(index.viewer(), limit=3)
    rest = projects(index.viewer(), after="charlie", limit=3)

    assert first == [
        ProjectItem("alpha", "alpha", serials["alpha"]),
        ProjectItem("bravo", "bravo", serials["bravo"]),
        ProjectItem("charlie", "Charlie", serials["charlie"]),
    ]
    assert [one.name for one in rest] == ["delta"]
    assert projects(index.viewer("pypi")) == []


def test_the_first_member_gives_the_display_name_of_a_project_that_several_have(opened):
    index = opened(TEAM_FIRST)
    for name in ("a", "B", "c", "d"):
        index.wheel(name)
    index.wheel("b", to="team")

    found = [projects(index.viewer(), after=after, limit=1)[0] for after in ("", "a", "b", "c")]

    assert [one.display for one in found] == ["a", "b", "c", "d"]


def test_hidden_projects_are_in_no_list(opened):
    index = opened({"pypi.repo.private.project.s-*.read": "user:ann"})
    for name in ("a", "s-1", "s-2", "t"):
        index.wheel(name)
    token = Identity("ann", ANN.principals, Scope(frozenset({"read"}), projects=("s-*",)))

    def seen(identity, **options):
        return [one.name for one in projects(index.viewer("all", identity), **options)]

    assert seen(ANN) == ["a", "s-1", "s-2", "t"]
    assert seen(BOB, limit=2) == ["a", "t"]
    assert seen(BOB, after="a") == ["t"]
    assert seen(token) == ["s-1", "s-2"]


def test_the_time_of_a_release_is_that_of_its_first_file(opened, upstream):
    index = opened()
    early, late = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 3, 4, tzinfo=UTC)
    upstream.add("knight-1.0-py3-none-any.whl", make_wheel("knight", "1.0"), upload_time=late)
    upstream.add(
        "knight-1.0-py2-none-any.whl", make_wheel("knight", "1.0", tag="py2-none-any"), upload_time=early
    )

    found = project(index.viewer("pypi"), "knight")

    assert found.releases == (ReleaseItem("1.0", 2, early, None, is_prerelease=False),)
    assert found.latest.uploaded_at == early
