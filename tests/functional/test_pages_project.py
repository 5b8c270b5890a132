"""The pages of a project, its releases and its files."""

import pytest

from pyramid_pypi.model import ANONYMOUS
from pyramid_pypi.testing.artefacts import make_sdist, make_wheel
from tests.functional.looking import look
from tests.functional.support import OPEN
from tests.functional.test_rights import as_user, filled, team, wheel_of

__all__ = ["filled", "team", "wheel_of"]

SAID = (
    "Author: Arthur",
    "License: MIT",
    "Keywords: grail,quest",
    "Project-URL: Documentation, https://docs.example.org/",
    "Classifier: Typing :: Typed",
    "Description-Content-Type: text/markdown",
    "",
    "# Quest",
    "",
    "Find *it*.",
)
WHEEL = "holy_grail-1.0-py3-none-any.whl"


@pytest.fixture
def grail(client):
    client.publish(
        "Holy-Grail",
        metadata_lines=SAID,
        summary="Finds it",
        requires_python=">=3.9",
        requires_dist=["spam>=1", "elsewhere"],
    )
    client.publish("spam", requires_dist=["holy-grail"])
    return client


def hosted(client):
    return client.index.served("private").repository


def test_a_project_is_shown_with_what_its_authors_say(grail):
    page = look(grail, "/project/holy-grail/")

    assert page.html.h1.get_text(" ", strip=True) == "Holy-Grail 1.0"
    text = page.html.get_text(" ", strip=True)
    for said in ("1.0", "Finds it", "MIT", "Arthur", "grail, quest", ">=3.9", "Typing :: Typed"):
        assert said in text
    assert page.html.select_one(".readme h3").text == "Quest"
    assert page.html.select_one('a[href="https://docs.example.org/"]')["rel"] == [
        "nofollow",
        "noopener",
        "noreferrer",
    ]


def test_installers_are_given_the_address_of_this_host(grail):
    headers = {"Host": "pypi.example:81"}

    assert (
        "pip install --index-url http://pypi.example:81/simple/ holy-grail"
        in look(grail, "/project/holy-grail/", headers=headers).html.get_text()
    )
    assert (
        "pip install --index-url http://pypi.example:81/repository/private/simple/ holy-grail==1.0"
        in look(grail, "/repository/private/project/holy-grail/1.0/", headers=headers).html.get_text()
    )


@pytest.mark.parametrize("place", ["", "/private", "/repository/private"])
def test_every_link_leads_somewhere(place, grail):
    seen = set()
    for path in (
        "/",
        "/search",
        "/project/holy-grail/",
        "/project/holy-grail/1.0/",
        f"/project/holy-grail/1.0/{WHEEL}",
    ):
        page = look(grail, place + path)
        for link in page.html.select("a[href], link[href], script[src]"):
            target = link.get("href") or link["src"]
            if "://" in target or target.startswith("#") or target in seen:
                continue
            answer = page.goto(target, headers={"Accept": "text/html"}, status="*")
            assert answer.status_int in {200, 303}, (path, target)


def test_dependencies_and_dependents_are_linked_inside_the_repository(grail):
    page = look(grail, "/project/holy-grail/").html

    needs, needed = page.select_one("#needs").parent, page.select_one("#needed").parent
    assert [one.text for one in needs.select("li")] == ["spam>=1", "elsewhere"]
    assert [one["href"] for one in needs.select("a")] == ["../../project/spam/"]
    assert [one["href"] for one in needed.select("a")] == ["../spam/"]


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("/project/Holy_Grail/", "/project/holy-grail/"),
        ("/project/Holy.Grail/1.0/", "/project/holy-grail/1.0/"),
        ("/private/project/HOLY-GRAIL/-/permissions", "/private/project/holy-grail/-/permissions"),
        (
            f"/repository/private/project/Holy.Grail/1.0/{WHEEL}",
            f"/repository/private/project/holy-grail/1.0/{WHEEL}",
        ),
        ("/project/holy-grail/1.0.0/", "/project/holy-grail/1.0/"),
        (f"/project/holy-grail/1/{WHEEL}", f"/project/holy-grail/1.0/{WHEEL}"),
        ("/project/holy-grail?versions=all", "/project/holy-grail/?versions=all"),
    ],
)
def test_other_spellings_lead_to_the_page(asked, shown, grail):
    answer = look(grail, asked, status=301)

    assert "://" not in answer.headers["Location"]
    assert answer.follow().request.path_qs == shown


def test_versions_have_their_marks(grail):
    grail.publish("holy-grail", "2.0rc1")
    grail.publish("holy-grail", "0.9")
    repository = hosted(grail)
    repository.yank(repository.file("holy_grail-0.9-py3-none-any.whl"), "<too> old", ANONYMOUS)

    page = look(grail, "/project/holy-grail/").html

    rows = [row.get_text(" ", strip=True) for row in page.select_one("#versions").parent.select("tbody tr")]
    assert [row.split()[0] for row in rows] == ["2.0rc1", "1.0", "0.9"]
    assert "pre-release" in rows[0]
    assert "yanked: <too> old" in rows[2]
    assert "This version is yanked" in look(grail, "/project/holy-grail/0.9/").text


def test_a_version_is_named_where_installers_would_pass_over_it(grail):
    repository = hosted(grail)
    repository.yank(repository.file(WHEEL), "", ANONYMOUS)

    assert look(grail, "/project/holy-grail/").html.pre.get_text().endswith("/simple/ holy-grail==1.0")


@pytest.mark.parametrize("status", ["deprecated", "archived", "quarantined"])
def test_a_status_is_said_with_its_reason(status, grail):
    hosted(grail).set_status("holy-grail", status, "ask <ann>", ANONYMOUS)

    text = look(grail, "/project/holy-grail/").html.main.get_text(" ", strip=True)

    assert f"This project is {status}: ask <ann>" in text


def test_only_the_newest_versions_are_listed_unless_all_are_asked_for(client):
    for number in range(60):
        client.publish("crowd", f"1.{number}")

    few, every = look(client, "/project/crowd/"), look(client, "/project/crowd/?versions=all")

    assert len(few.html.select("#versions ~ .wide tbody tr")) == 50
    assert "All 60 versions" in few.text
    assert len(every.html.select("#versions ~ .wide tbody tr")) == 60


def test_a_release_of_many_files_is_shown_in_parts(client):
    for number in range(60):
        client.publish("broad", tag=f"cp311-cp311-manylinux_2_{number}_x86_64")

    assert len(look(client, "/project/broad/").html.select("#files ~ .wide tbody tr")) == 20
    first = look(client, "/project/broad/1.0/")
    assert len(first.html.select("#files ~ .wide tbody tr")) == 50
    assert len(first.click("More").html.select("#files ~ .wide tbody tr")) == 10


def test_a_file_is_shown_with_what_is_inside(grail):
    file = hosted(grail).file(WHEEL)

    page = look(grail, f"/project/holy-grail/1.0/{WHEEL}")

    text = page.html.main.get_text(" ", strip=True)
    for said in (WHEEL, file.hashes.sha256, file.hashes.blake2b_256, file.hashes.md5, "py3", "none", "any"):
        assert said in text
    assert "holy_grail-1.0.dist-info/METADATA" in text
    assert f"packages/{file.path}#sha256={file.hashes.sha256}" in text
    assert page.click("Metadata").text.startswith("Metadata-Version")
    assert len(page.click("Download", index=0).body) == file.size


def test_a_source_distribution_is_shown_too(client):
    client.upload("holy_grail-1.0.tar.gz", make_sdist("holy-grail", "1.0"))

    text = look(client, "/project/holy-grail/1.0/holy_grail-1.0.tar.gz").html.main.get_text(" ", strip=True)

    assert "source" in text
    assert "holy_grail-1.0/PKG-INFO" in text


@pytest.mark.parametrize(
    "path",
    [
        "/project/nothing/",
        "/project/nothing/1.0/",
        "/project/holy-grail/9/",
        "/project/holy-grail/-/",
        "/project/holy-grail/1.0/nothing",
        "/project/holy-grail/1.0/nothing-1.0-py3-none-any.whl",
        "/project/spam/1.0/" + WHEEL,
        "/project/nothing/-/permissions",
        "/project/nothing/-/activity",
        "/project/.../",
    ],
)
def test_what_is_not_there_is_said_on_a_page_and_to_tools(path, grail):
    page = look(grail, path, status=404)
    assert page.html.h1
    assert page.html.select_one('[role="alert"]').text
    assert page.click("To the first page").status_int == 200

    assert grail.web.get(path, headers={"Accept": "application/json"}, status=404).json["message"]


@pytest.mark.parametrize(
    "path",
    ["/project/holy-grail/1.0/?offset=x", "/project/holy-grail/1.0/?offset=-1", "/-/activity?before=1e9"],
)
def test_a_number_that_is_none_is_refused(path, grail):
    assert "is a count" in look(grail, path, status=400).text


def test_who_may_do_what_is_said_with_the_reason(filled):
    page = look(filled, "/project/holy-grail/-/permissions", headers=as_user("carol"))

    text = page.html.main.get_text(" ", strip=True)
    assert "You are carol , in staff, and may read" in text
    assert "user:ann" in text
    assert "pypi.repo.private.upload" in text


@pytest.mark.parametrize(
    "path",
    ["/project/secret-sauce/", "/project/secret-sauce/1.0/", "/project/secret-sauce/-/permissions"],
)
def test_a_project_that_may_not_be_read_is_not_there(path, filled):
    hidden = look(filled, path, headers=as_user("carol"), status=404)
    unknown = look(filled, path.replace("sauce", "spice"), headers=as_user("carol"), status=404)

    assert hidden.text.replace("sauce", "") == unknown.text.replace("spice", "")
    assert "secret-sauce" in look(filled, path, headers=as_user("ann")).text


@pytest.mark.parametrize(
    "path", ["/", "/search", "/project/holy-grail/", "/project/holy-grail/1.0/", "/-/activity"]
)
def test_strangers_are_led_to_the_login(path, filled):
    answer = look(filled, path, status=303)

    assert "login?next=" in answer.headers["Location"]
    assert look(filled, path, headers=as_user("dave"), status=403)


def test_what_has_happened_is_said_in_words(grail):
    repository = hosted(grail)
    file = repository.file(WHEEL)
    repository.yank(file, "", ANONYMOUS)
    repository.unyank(file, ANONYMOUS)
    repository.set_status("holy-grail", "archived", "", ANONYMOUS)
    repository.delete(file, ANONYMOUS)

    page = look(grail, "/project/holy-grail/-/activity")

    said = [cell.text for cell in page.html.select('td[data-label="What"]')]
    assert said == ["file removed", "status: archived", "file offered again", "file yanked", "file added"]


def test_what_has_happened_to_a_project_is_shown_in_parts(client):
    for number in range(60):
        client.publish("busy", f"1.{number}")

    first = look(client, "/project/busy/-/activity")
    second = first.click("Earlier")

    assert len(first.html.select("tbody tr")) == 50
    assert len(second.html.select("tbody tr")) == 10
    assert "busy-1.59" in first.text
    assert "busy-1.59" not in second.text


def test_pages_of_projects_with_names_of_urls_are_there(build):
    client = build(**OPEN)
    for name in ("json", "project", "search", "simple"):
        client.upload(f"{name}-1.0-py3-none-any.whl", make_wheel(name, "1.0"))

    for name in ("json", "project", "search", "simple"):
        assert look(client, f"/project/{name}/").html.h1.text.startswith(name)
    assert client.web.get("/project/json").json["info"]["name"] == "project"
