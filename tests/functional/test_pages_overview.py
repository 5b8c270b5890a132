"""The first page, search, activity and status."""

from datetime import UTC, datetime

import pytest

from pyramid_pypi.testing.artefacts import make_wheel
from pyramid_pypi.testing.upstreams import FakeUpstream
from tests.functional.following import proxy, wheel_of
from tests.functional.looking import look
from tests.functional.support import OPEN
from tests.functional.test_following import add
from tests.functional.test_rights import as_user, filled, team

__all__ = ["filled", "team"]

TWO = {
    **OPEN,
    "pypi.repositories": "private staging",
    "pypi.default": "private",
    "pypi.repo.private.description": "Our <own> packages",
    "pypi.repo.staging": "hosted",
    "pypi.repo.staging.storage": "filesystem",
    "pypi.repo.staging.storage.path": "staging",
}


@pytest.fixture
def upstream():
    with FakeUpstream() as upstream:
        yield upstream


def words(page):
    return page.html.main.get_text(" ", strip=True)


def results(page):
    return [one.text for one in page.html.select(".results h3 a")]


def test_the_first_page_tells_how_tools_use_this_host(client):
    page = look(client, "/", headers={"Host": "pypi.example:81"})

    text = words(page)
    for said in (
        "pip install --index-url http://pypi.example:81/simple/ PROJECT",
        "index-url = http://pypi.example:81/simple/",
        'url = "http://pypi.example:81/simple/" publish-url = "http://pypi.example:81/"',
        'priority = "primary"',
        "twine upload --repository-url http://pypi.example:81/ dist/*",
        "hatch publish --repo http://pypi.example:81/",
    ):
        assert said in " ".join(text.split())
    assert "Nothing has been published here yet" in text


@pytest.mark.parametrize("place", ["/private/", "/repository/private/"])
def test_the_first_page_of_a_repository_has_its_own_address(place, client):
    text = words(look(client, place, headers={"Host": "pypi.example:81"}))

    assert f"--index-url http://pypi.example:81{place}simple/ PROJECT" in text
    assert f"--repository-url http://pypi.example:81{place} dist/*" in text


def test_whoever_is_logged_in_finds_the_name_filled_in(filled):
    ann = words(look(filled, "/", headers={**as_user("ann"), "Host": "pypi.example"}))
    carol = words(look(filled, "/", headers=as_user("carol")))

    assert "index-url = http://ann@pypi.example/simple/" in ann
    assert "--username ann" in ann
    assert "Publish here" not in carol


def test_repositories_that_may_be_read_are_offered(build):
    client = build(**TWO, **{"pypi.repo.staging.read": "everyone"})

    page = look(client, "/")

    assert [(one.text, one["href"]) for one in page.html.select(".switch a")] == [
        ("private", "./"),
        ("staging", "./staging/"),
    ]
    assert page.html.select_one(".switch a[aria-current]").text == "private"
    assert "Our <own> packages" in words(page)
    assert look(client, "/staging/").html.h1.text.startswith("staging")


def test_others_are_not_offered(build):
    client = build(**TWO, **{"pypi.repo.staging.read": "user:nobody"})

    assert look(client, "/").html.select(".switch") == []


def test_what_was_published_lately_is_shown_to_those_who_may_read_it(filled):
    ann, carol = (look(filled, "/", headers=as_user(name)) for name in ("ann", "carol"))

    assert results(ann) == ["secret-sauce", "holy-grail"]
    assert results(carol) == ["holy-grail"]
    assert "2 of our own" in words(ann)
    assert "1 of our own" in words(carol)


def test_a_first_page_of_many_projects_is_short(client):
    for number in range(30):
        client.publish(f"crowd-{number:02}")

    page = look(client, "/")

    assert len(results(page)) == 12
    assert "30 of our own" in words(page)


def test_members_and_the_upstream_are_shown(build, upstream):
    client = build(**proxy(upstream))

    group, follower = words(look(client, "/")), words(look(client, "/pypi/"))

    assert "private, pypi" in group
    assert "go to private" in group
    assert upstream.url in follower
    assert "Publish here" not in follower


def test_a_project_of_an_upstream_is_shown_with_where_it_is_from(build, upstream):
    content = make_wheel("holy-grail", "1.0", requires_dist=["spam>=1"])
    upstream.add(wheel_of("holy-grail"), content, requires_python=">=3.8")
    client = build(**proxy(upstream))

    page = look(client, "/project/holy-grail/")

    assert upstream.url in words(page)
    # The upstream may have it as well.
    assert page.html.find("a", string="spam>=1")["href"] == "../../project/spam/"
    file = look(client, f"/project/holy-grail/1.0/{wheel_of('holy-grail')}")
    assert "This file is elsewhere" in words(file)
    assert "holy_grail-1.0.dist-info/METADATA" in words(file.click("Fetch it"))
    look(client, "/project/holy-grail/-/activity")
    look(client, "/project/holy-grail/-/permissions")


def test_an_upstream_that_is_away_is_said_on_the_page(build, upstream):
    client = build(**proxy(upstream))
    upstream.down()

    assert look(client, "/project/holy-grail/", status=502).html.select_one('[role="alert"]')


def test_a_search_finds_words_and_says_how_many(client):
    client.publish("holy-grail", summary="Finds it")
    client.publish("spam", summary="Breakfast for those who find nothing else")

    page = look(client, "/search?q=find")

    assert "2 projects with find" in words(page)
    assert set(results(page)) == {"holy-grail", "spam"}
    assert page.html.select_one("#find")["value"] == "find"
    assert page.html.select_one('#found[role="status"]')
    assert results(look(client, "/search?q=summary:breakfast")) == ["spam"]
    assert "No project with parrot here" in words(look(client, "/search?q=parrot"))


def test_without_words_all_projects_are_listed_by_name_in_parts(client):
    for number in range(25):
        client.publish(f"crowd-{number:02}")

    first = look(client, "/search")
    second = first.click("More")

    assert results(first) == [f"crowd-{number:02}" for number in range(20)]
    assert results(second) == [f"crowd-{number:02}" for number in range(20, 25)]
    assert results(second.click("Before")) == results(first)


def test_a_search_shows_nobody_more_than_may_be_read(filled):
    assert results(look(filled, "/search?q=secret", headers=as_user("carol"))) == []
    assert results(look(filled, "/search?q=secret", headers=as_user("ann"))) == ["secret-sauce"]


def test_a_name_is_looked_for_at_the_upstream(build, upstream):
    add(upstream, "six")
    client = build(**proxy(upstream))

    page = look(client, "/search?q=Six")

    assert words(page.click("Look for six at the upstream")).startswith("six")
    assert "at the upstream" not in words(look(client, "/search?q=two+words"))
    assert "at the upstream" not in words(look(client, "/private/search?q=six"))


@pytest.mark.parametrize(
    "query",
    ["q=" + "x" * 500, "q=" + "x+" * 50, "offset=x", "q=%ff", "&".join("q=x" for _ in range(100))],
    ids=["long", "many", "offset", "encoding", "fields"],
)
def test_a_search_that_cannot_be_is_refused_with_a_sentence(query, client):
    assert look(client, f"/search?{query}", status=400).html.select_one('[role="alert"]').text


@pytest.mark.parametrize("query", ['"><script>alert(1)</script>', "'%22&<b>", "name:", '"'])
def test_what_is_searched_for_is_text(query, client):
    look(client, "/search?" + "q=" + "".join(f"%{byte:02x}" for byte in query.encode()))


def test_where_nobody_logs_in_uploaders_are_told_what_to_answer(client, filled):
    assert "any will do" in words(look(client, "/"))
    assert "any will do" not in words(look(filled, "/", headers=as_user("ann")))


def test_activity_is_of_all_that_may_be_read(filled):
    ann, carol = (look(filled, "/-/activity", headers=as_user(name)) for name in ("ann", "carol"))

    assert "secret-sauce" in words(ann)
    assert "secret-sauce" not in words(carol)
    assert "holy-grail" in words(carol)
    look(filled, "/-/activity?repository=nope", headers=as_user("ann"), status=404)


def test_the_status_is_for_those_who_manage(filled):
    page = look(filled, "/-/status", headers=as_user("ann"))

    assert "catalog" in words(page)
    look(filled, "/-/status", headers=as_user("carol"), status=403)
    assert "login?next=" in look(filled, "/-/status", status=303).headers["Location"]


def test_a_browser_that_only_looks_gets_no_cookie(client):
    for path in ("/", "/search", "/-/activity"):
        assert "Set-Cookie" not in look(client, path).headers


@pytest.mark.parametrize("path", ["/-/style.css", "/-/ui.js", "/-/icon.svg"])
def test_what_pages_load_is_small_and_kept(path, client):
    answer = client.web.get(path)

    assert len(answer.body) < 14_000
    assert "max-age" in answer.headers["Cache-Control"]
    assert b"//" not in answer.body.replace(b"// ", b"").replace(b"http://www.w3.org/2000/svg", b"")


def test_what_an_upstream_said_before_is_marked_as_old(build, upstream):
    add(upstream)
    client = build(**proxy(upstream, ttl="0", stale_while_revalidate="0"))
    look(client, "/project/holy-grail/")
    upstream.fail("/simple/*", 503)

    assert "does not answer" in words(look(client, "/project/holy-grail/"))


def test_how_many_files_rules_hide_is_said_with_the_way_to_the_reasons(build, upstream):
    add(upstream, upload_time=datetime.now(UTC))
    add(upstream, version="0.9", upload_time=datetime(2024, 1, 1, tzinfo=UTC))
    client = build(**proxy(upstream, rules="cooldown", rule__cooldown__days="3"))

    page = look(client, "/project/holy-grail/")

    assert page.html.h1.get_text(" ", strip=True) == "holy-grail 0.9"
    assert "holy_grail-1.0" in page.click("1 file hidden by rules").text


@pytest.mark.parametrize("path", ["/", "/private/"])
def test_what_tools_ask_the_root_for_is_no_page_for_people(path, client):
    client.publish()
    for _ in range(2):
        for accept in ("*/*", "text/html"):
            client.web.get(f"{path}simple/", headers={"Accept": accept})
        client.web.get(path, headers={"Accept": "*/*"})

    assert "Install from here" in look(client, path).text
