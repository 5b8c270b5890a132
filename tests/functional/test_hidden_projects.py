"""A project that somebody may not read is answered for like one that is not there, wherever it is asked for."""

import re
import xmlrpc.client

import pytest

from tests.functional.api import api
from tests.functional.browsing import ACCEPT
from tests.functional.test_rights import as_user

__all__ = ["api"]

HIDDEN, NOTHING = "secret-sauce", "nothing-here"
STRANGER, READER, PUBLISHER = {}, as_user("carol"), as_user("bob")
PAGES = [
    "/simple/{n}/",
    "/{n}/json",
    "/pypi/{n}/json",
    "/pypi/{n}/1.0/json",
    "/project/{n}/",
    "/project/{n}/1.0/",
    "/project/{n}/1.0/{f}",
    "/project/{n}/-/permissions",
    "/project/{n}/-/activity",
    "/project/{n}/-/manage",
    "/rss/project/{n}/releases.xml",
    "/search?q={n}",
    "/search?q=requires:{n}",
    "/-/why/{n}",
    "/-/why/{n}/{f}",
    "/account/projects/private/{n}",
]
PROJECT = "repositories/{r}/projects/{n}"
API = [
    PROJECT,
    f"{PROJECT}/permissions",
    f"{PROJECT}/dependents",
    f"{PROJECT}/downloads",
    f"{PROJECT}/roles",
    f"{PROJECT}/releases/1.0",
    f"{PROJECT}/files/{{f}}",
    f"{PROJECT}/files/{{f}}/contents",
    "search?q={n}&repository={r}",
    "activity?project={n}",
    "activity?project={n}&repository={r}",
]
CHANGES = [
    ("PUT", "status", {"status": "archived"}),
    ("POST", "releases/1.0/yank", {"reason": "x"}),
    ("POST", "releases/1.0/promote", {"to": "stable"}),
    ("DELETE", "releases/1.0", None),
    ("DELETE", "files/{f}", None),
    ("PUT", "roles/user:bob", {"role": "owner"}),
    ("DELETE", "roles/user:ann", None),
]
CALLS = [
    ("release_data", ("{n}", "1.0")),
    ("release_urls", ("{n}", "1.0")),
    ("package_releases", ("{n}",)),
    ("package_roles", ("{n}",)),
    ("search", ({"name": "{n}"},)),
]


@pytest.fixture(params=["everyone", "group:staff"], ids=["open", "closed"])
def index(request, build, tmp_path):
    """The team's index, where strangers may read what is not secret, or nothing at all."""
    from tests.functional.api import fill  # noqa: PLC0415

    return fill(tmp_path, lambda **team: build(**{**team, "pypi.repo.private.read": request.param}))


def told(answer, name):
    """Return all that an answer says, but for the name that was asked for and what is new each time."""
    kept = {
        key: value for key, value in answer.headers.items() if key not in {"Content-Length", "Set-Cookie"}
    }
    text = re.sub(r'name="csrf" value="\w+"', "", answer.text)
    said = (answer.status, sorted(kept.items()), text)
    return [str(one).replace(name, "N").replace(file_of(name), "F") for one in said]


def file_of(name):
    return f"{name.replace('-', '_')}-1.0-py3-none-any.whl"


def filled(pattern, name, repository="private"):
    return pattern.format(n=name, f=file_of(name), r=repository)


@pytest.mark.parametrize("who", [STRANGER, READER, PUBLISHER], ids=["stranger", "reader", "publisher"])
@pytest.mark.parametrize("accept", [ACCEPT, "*/*"], ids=["browser", "tool"])
def test_pages_tell_no_difference(who, accept, index):
    for pattern in PAGES:
        for mount in ("", "/team") if pattern.startswith("/project") else ("",):
            hidden, nothing = (
                told(
                    index.web.get(
                        mount + filled(pattern, name), headers={**who, "Accept": accept}, status="*"
                    ),
                    name,
                )
                for name in (HIDDEN, NOTHING)
            )

            assert hidden == nothing, pattern


@pytest.mark.parametrize("who", [STRANGER, READER, PUBLISHER], ids=["stranger", "reader", "publisher"])
@pytest.mark.parametrize("repository", ["private", "team"])
def test_the_api_tells_no_difference(who, repository, index):
    for pattern in API:
        hidden, nothing = (
            told(index.web.get(index.url(filled(pattern, name, repository)), headers=who, status="*"), name)
            for name in (HIDDEN, NOTHING)
        )

        assert hidden == nothing, pattern


@pytest.mark.parametrize("who", [STRANGER, READER, PUBLISHER], ids=["stranger", "reader", "publisher"])
@pytest.mark.parametrize("repository", ["private", "team"])
def test_what_is_refused_to_be_changed_tells_no_difference(who, repository, index):
    for method, path, body in CHANGES:
        send = {"PUT": index.web.put_json, "POST": index.web.post_json}.get(method, index.web.delete_json)
        answers = []
        for name in (HIDDEN, NOTHING):
            url = index.url(filled(f"{PROJECT}/{path}", name, repository))
            answers.append(told(send(url, body, headers=who, status="*"), name))

        assert answers[0] == answers[1], path


@pytest.mark.parametrize("who", [STRANGER, READER], ids=["stranger", "reader"])
def test_xmlrpc_tells_no_difference(who, index):
    for method, arguments in CALLS:
        answers = []
        for name in (HIDDEN, NOTHING):
            call = xmlrpc.client.dumps(arguments, method).replace("{n}", name)
            answer = index.web.post("/RPC2", call, headers={**who, "Content-Type": "text/xml"}, status="*")
            answers.append(told(answer, name))

        assert answers[0] == answers[1], method


def test_who_needs_something_is_told_whether_or_not_it_is_here(api):
    assert api.get("repositories/private/projects/requests/dependents")["items"] == []
    assert api.get("./dependents")["items"] == ["spam"]


def test_who_may_decide_may_do_so_before_the_first_upload(api):
    path = "repositories/private/projects/new-one/roles"

    assert api.get(path, "ann")["items"] == []
    api.ask("PUT", f"{path}/user:bob", {"role": "owner"}, user="ann")
    assert api.get(path, "carol")["items"] == [{"principal": "user:bob", "role": "owner"}]


def test_a_closed_index_tells_strangers_no_names_of_repositories(build):
    web = build(**{"pypi.repo.private.read": "authenticated"}).web
    for path in ("", "/projects", "/projects/x", "/projects/x/permissions", "/projects/x/roles"):
        said = [
            web.get(f"/-/api/v1/repositories/{name}{path}", status=401).json["detail"].replace(name, "N")
            for name in ("private", "nowhere")
        ]
        assert said[0] == said[1]
    change = "/-/api/v1/repositories/{}/projects/x/releases/1.0"
    assert {web.delete(change.format(name), status="*").status_int for name in ("private", "nowhere")} == {
        401
    }
