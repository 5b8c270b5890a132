"""Looking by the API: who sees what, and how lists go on."""

import pytest

from tests.functional.api import API, PROJECT, WHEEL, lasting_api
from tests.functional.test_rights import as_user

__all__ = ["lasting_api"]


@pytest.fixture
def api(lasting_api):
    return lasting_api


def everything(api, path, user="carol"):
    """Return the items of a list, part by part, and how many parts there were."""
    items, cursor, parts = [], "", 0
    while cursor is not None:
        joint = "&" if "?" in path else "?"
        found = api.get(f"{path}{joint}cursor={cursor}" if cursor else path, user)
        items, cursor, parts = items + found["items"], found["next"], parts + 1
    return items, parts


def test_one_is_told_who_one_is_and_what_one_may(api):
    assert api.get("me", "bob") == {
        "name": "bob",
        "anonymous": False,
        "groups": ["staff"],
        "token": "",
        "permissions": [
            {"repository": "private", "permissions": ["read", "upload", "yank"]},
            {"repository": "stable", "permissions": ["read", "upload"]},
            {"repository": "team", "permissions": ["read", "upload", "yank"]},
        ],
    }
    assert api.get("me", "") == {
        "name": "",
        "anonymous": True,
        "groups": [],
        "token": "",
        "permissions": [{"repository": "stable", "permissions": ["read"]}],
    }


def test_repositories_are_those_where_one_may_read(api):
    assert [one["name"] for one in api.get("repositories", "carol")["items"]] == ["private", "stable", "team"]
    assert [one["name"] for one in api.get("repositories", "")["items"]] == ["stable"]
    private = api.get("repositories/private", "ann")
    assert (private["kind"], private["projects"], private["is_default"]) == ("hosted", 3, True)
    assert api.get("repositories/team")["members"] == ["private", "stable"]


def test_projects_come_part_by_part_and_without_hidden_ones(api):
    found, parts = everything(api, "repositories/private/projects?limit=1")

    assert [one["name"] for one in found] == ["holy-grail", "spam"]
    assert parts == 2
    all_of_them = api.get("repositories/private/projects", "ann")
    assert [one["name"] for one in all_of_them["items"]] == ["holy-grail", "secret-sauce", "spam"]
    assert all_of_them["next"] is None


def test_a_project_a_release_and_a_file_are_shown(api):
    project = api.get("repositories/private/projects/Holy.Grail", "carol")
    release = api.get("./releases/1.0.0")
    file = api.get(f"./files/{WHEEL}")

    assert (project["name"], project["status"], project["may_manage"]) == ("holy-grail", "active", False)
    assert [one["version"] for one in project["releases"]] == ["2.0", "1.0"]
    assert project["latest"]["version"] == "2.0"
    assert release["version"] == "1.0"
    assert release["files"] == [file]
    assert (file["filename"], file["uploaded_by"], file["tags"]) == (WHEEL, "ann", ["py3", "none", "any"])
    assert file["uploaded_at"].endswith("Z")


def test_the_inside_of_a_file_is_listed(api):
    found = api.get(f"./files/{WHEEL}/contents")

    assert (found["filename"], found["total"]) == (WHEEL, 4)
    assert found["entries"][0]["path"] == "holy_grail.py"


def test_a_file_is_found_below_its_own_project_alone(api):
    for path in (f"files/{WHEEL}", f"files/{WHEEL}/contents"):
        said = api.refused("GET", f"repositories/private/projects/spam/{path}", user="carol", status=404)
        assert "'spam' has no file" in said


def test_permissions_dependents_and_downloads_are_told(api):
    found = api.get("./permissions")["items"]

    assert [one["who"] for one in found if one["permission"] == "read"] == [["group:staff"]]
    assert api.get("./dependents") == {"items": ["spam"], "next": None}
    days = api.get("./downloads?days=7")["days"]
    assert len(days) == 7
    assert {one["downloads"] for one in days} == {0}


def test_an_index_that_does_not_count_says_so(build):
    client = build(**{"pypi.repo.private.read": "everyone", "pypi.downloads": "false"})

    answer = client.web.get(f"{PROJECT}/downloads", status=404)

    assert answer.json["detail"] == "This index does not count downloads"


def test_projects_are_found_by_words_part_by_part(api):
    found, parts = everything(api, "search?q=tests&limit=1")

    assert [one["project"] for one in found] == ["holy-grail"]
    assert parts == 1
    assert {one["project"] for one in everything(api, "search?limit=1")[0]} == {"holy-grail", "spam"}
    assert everything(api, "search?limit=1")[1] == 2
    assert api.get("search?q=secret")["total"] == 0
    assert api.get("search?q=secret", "ann")["total"] == 1
    assert api.get("search?q=holy&repository=team")["items"][0]["repository"] == "team"
    assert api.get("search?q=holy&repository=stable", "")["total"] == 0


def test_activity_is_the_newest_first_part_by_part(api):
    found, _ = everything(api, "activity?repository=private&limit=1")
    serials = [one["serial"] for one in found]

    assert serials == sorted(serials, reverse=True)
    assert {one["project"] for one in found} == {"holy-grail", "spam"}
    assert {one["by"] for one in found} == {"ann", "bob"}
    about = api.get("activity?project=Holy_Grail")["items"]
    assert {one["project"] for one in about} == {"holy-grail"}
    assert api.get("activity", "")["items"] == []


def test_the_state_of_the_parts_is_for_managers(api):
    found = api.get("status", "ann")["items"]

    assert [(one["kind"], one["ok"]) for one in found][:2] == [("catalog", True), ("storage", True)]
    assert api.refused("GET", "status", user="carol", status=403) == "The user 'carol' manages no repository"
    assert api.refused("GET", "status", status=401) == "Log in to see how the index does"


@pytest.mark.parametrize(
    "path",
    [
        "repositories/private",
        "repositories/private/projects",
        "./",
        "repositories/private/projects/nothing",
        "./releases/1.0",
        f"./files/{WHEEL}",
        f"./files/{WHEEL}/contents",
        "./permissions",
        "./downloads",
        "./dependents",
        "./roles",
        "search",
        "tokens",
        "sessions",
    ],
)
def test_strangers_are_challenged_and_others_refused(path, api):
    answer = api.web.get(api.url(path), status=401)

    assert answer.content_type == "application/problem+json"
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="pypi", charset="UTF-8"'
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("path", ["", "/releases/1.0", "/permissions", "/downloads", "/roles"])
def test_a_hidden_project_is_like_one_that_is_not_there(path, api):
    said = [
        api.refused("GET", f"repositories/private/projects/{name}{path}", user="carol", status=404)
        for name in ("secret-sauce", "secret-nothing")
    ]

    assert said[0].replace("sauce", "nothing") == said[1]


@pytest.mark.parametrize("path", ["repositories/private", "./", "./roles", "search"])
def test_who_may_read_nothing_is_told_so(path, api):
    said = api.refused("GET", path, user="dave")

    assert said == "The user 'dave' isn't allowed to see 'private'"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("repositories/nowhere", "There is no repository 'nowhere'"),
        ("repositories/private/projects/a%20b", "'a b' is not a name that a project can have"),
        ("repositories/private/projects/nothing", "no project 'nothing'"),
        ("./releases/3.0", "no version '3.0'"),
        ("./files/holy_grail-3.0-py3-none-any.whl", "no file"),
        ("./files/nonsense", "no file"),
        ("search?repository=nowhere", "There is no repository 'nowhere'"),
        ("activity?repository=nowhere", "There is no repository 'nowhere'"),
        ("nothing", "There is nothing at this URL"),
        ("repositories/", "There is nothing at this URL"),
        ("../v2/me", "There is nothing at this URL"),
    ],
)
def test_what_is_not_there_is_said(path, said, api):
    assert said in api.refused("GET", path, user="carol", status=404)


@pytest.mark.parametrize("list_", ["repositories/private/projects", "search", "activity", "./dependents"])
@pytest.mark.parametrize(
    "limit", ["0", "501", "-1", "1.0", "x", "", "%D9%A1", pytest.param("9" * 5000, id="long")]
)
def test_limits_are_numbers_from_1_to_500(list_, limit, api):
    said = api.refused("GET", f"{list_}?limit={limit}", user="carol", status=400)

    assert said.startswith("'limit' is a number from 1 to 500")


@pytest.mark.parametrize("list_", ["repositories/private/projects", "search", "activity"])
@pytest.mark.parametrize(
    "cursor", ["%00", "a", "====", "_w", "MQ==", pytest.param("x" * 500, id="long"), "AAAA"]
)
def test_a_cursor_is_one_that_was_given(list_, cursor, api):
    assert api.refused("GET", f"{list_}?cursor={cursor}", user="carol", status=400)


@pytest.mark.parametrize("path", ["search", "activity"])
@pytest.mark.parametrize("cursor", ["LTE", "YWJj", "OTk5OTk5OTk5OTk5OTk5OTk5OTk"])
def test_a_cursor_of_another_list_is_refused(path, cursor, api):
    assert "is not a cursor" in api.refused("GET", f"{path}?cursor={cursor}", user="carol", status=400)


@pytest.mark.parametrize(
    "query", ["q=%FF", "q=%00", "q=%0A", pytest.param("&".join("a=1" for _ in range(60)), id="many")]
)
def test_what_no_query_can_be_is_refused(query, api):
    assert "The query of the URL" in api.refused("GET", f"search?{query}", user="carol", status=400)


def test_unknown_options_change_nothing(api):
    assert api.get("search?q=holy&sort=size") == api.get("search?q=holy")


def test_head_gets_the_headers_of_get(api):
    headers = as_user("carol")
    got, headed = api.web.get(PROJECT, headers=headers), api.web.head(PROJECT, headers=headers)

    assert headed.body == b""
    assert headed.headers["Content-Length"] == got.headers["Content-Length"] == str(len(got.body))
    assert headed.headers["Cache-Control"] == "no-store"


def test_a_wrong_password_is_told_wherever_it_is_shown(api):
    answer = api.web.get(f"{API}me", headers=as_user("ann", "wrong"), status=401)

    assert answer.json["status"] == 401
