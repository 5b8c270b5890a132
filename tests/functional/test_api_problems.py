"""What goes wrong below the API is a problem (RFC 9457), whatever the client accepts."""

import json

import pytest

from pyramid_pypi.catalog import Catalog
from pyramid_pypi.errors import CatalogUnavailable
from tests.functional.api import API, PROJECT, lasting_api
from tests.functional.browsing import ACCEPT
from tests.functional.test_rights import as_user

__all__ = ["lasting_api"]

YANK = "./releases/1.0/yank"


@pytest.fixture
def api(lasting_api):
    return lasting_api


@pytest.mark.parametrize("accept", ["", "*/*", "text/html", "application/vnd.pypi.simple.v1+json", ACCEPT])
@pytest.mark.parametrize(
    ("path", "status", "title"),
    [
        ("search?limit=x", 400, "Bad Request"),
        ("tokens", 401, "Unauthorized"),
        ("nothing", 404, "Not Found"),
        ("repositories/nowhere", 404, "Not Found"),
        ("tokens/0", 405, "Method Not Allowed"),
        ("a\\b", 400, "Bad Request"),
    ],
)
def test_a_problem_has_one_form(path, status, title, accept, api):
    answer = api.web.get(API + path, headers={"Accept": accept}, status=status)

    assert answer.content_type == "application/problem+json"
    assert answer.status == f"{status} {title}"
    assert set(answer.json) == {"type", "title", "status", "detail"}
    assert (answer.json["type"], answer.json["title"], answer.json["status"]) == (
        "about:blank",
        title,
        status,
    )
    assert answer.json["detail"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("me", "GET, HEAD"),
        ("tokens", "GET, HEAD, POST"),
        ("tokens/0", "DELETE"),
        ("repositories/private/projects/spam/status", "PUT"),
        ("repositories/private/projects/spam/releases/1.0", "GET, HEAD, DELETE"),
        ("repositories/private/projects/spam/releases/1.0/yank", "POST"),
    ],
)
@pytest.mark.parametrize("method", ["PATCH", "OPTIONS"])
def test_another_method_is_told_which_are_possible(method, path, allowed, api):
    answer = api.web.request(API + path, method=method, status=405)

    assert answer.headers["Allow"] == allowed
    assert answer.json["detail"] == f"{method} is not possible here"


@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        ("POST", YANK, {"reason": 5}, "Expected `str`, got `int` - at `$.reason`"),
        ("POST", YANK, {"reason": "a\nb"}, "Expected one line of text - at `$.reason`"),
        ("POST", YANK, {"reason": "x" * 501}, "Expected `str` of length <= 500 - at `$.reason`"),
        ("POST", YANK, {"why": "x"}, "Object contains unknown field `why`"),
        ("POST", YANK, [], "Expected `object`, got `array`"),
        ("PUT", "./status", {}, "Object missing required field `status`"),
        ("PUT", "./status", {"status": "gone"}, "Invalid enum value 'gone' - at `$.status`"),
        ("POST", "./releases/1.0/promote", {"to": ""}, "Expected `str` of length >= 1 - at `$.to`"),
        ("POST", "./releases/1.0/promote", {"to": "private"}, "is in 'private' already"),
        ("PUT", "./roles/user:bob", {"role": "king"}, "Invalid enum value 'king' - at `$.role`"),
        ("POST", YANK, {"reason": "a\u2028b"}, "one line of printable text"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_body_that_is_not_as_it_should_be_is_told_why(method, path, body, said, api):
    assert said in api.refused(method, path, body, user="ann", status=400)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff",
        b"nope",
        b"1e999999",
        pytest.param(b"[" * 60_000, id="deep"),
        pytest.param(b'{"reason": "\\ud800"}', id="half a character"),
    ],
)
def test_what_is_no_json_is_told_so(body, api):
    answer = api.web.request(api.url(YANK), method="POST", body=body, headers=as_user("ann"), status=400)

    assert "The request is not" in answer.json["detail"]


def test_a_body_is_small(api):
    body = json.dumps({"reason": "x" * 65_536}).encode()

    answer = api.web.request(api.url(YANK), method="POST", body=body, headers=as_user("ann"), status=413)

    assert answer.json["detail"] == "The body of such a request has up to 65536 bytes"


def test_too_many_wrong_passwords_are_told_when_to_come_back(build, tmp_path):
    (tmp_path / "htpasswd").write_text("ann:x\n")
    settings = {
        "pypi.authenticators": "htpasswd",
        "pypi.auth.htpasswd.path": "htpasswd",
        "pypi.login.failures": "1",
    }
    web = build(**settings).web
    statuses = [
        web.get(f"{API}me", headers=as_user("ann", f"wrong {n}"), status="*").status_int for n in range(3)
    ]
    answer = web.get(f"{API}me", headers=as_user("ann", "wrong"), status=429)

    assert 401 in statuses
    assert answer.content_type == "application/problem+json"
    assert int(answer.headers["Retry-After"]) > 0


def test_a_catalog_that_is_away_is_told_with_the_time_to_come_back(api, monkeypatch):
    def away(_self):
        raise CatalogUnavailable("The catalog cannot be read")

    monkeypatch.setattr(Catalog, "reading", away)

    answer = api.web.get(f"{API}activity?repository=stable", status=503)

    assert answer.json["detail"] == "The catalog cannot be read"
    assert int(answer.headers["Retry-After"]) > 0


def test_another_host_is_refused_as_a_problem_too(build):
    web = build(**{"pypi.allowed_hosts": "pypi.example.org"}).web

    answer = web.get(f"{API}me", status=421)

    assert answer.json["title"] == "Misdirected Request"


def test_pages_and_installers_are_answered_as_before(api):
    html = api.web.get("/simple/nothing/", headers={"Accept": "text/html"}, status=401)

    assert html.content_type == "text/plain"
    assert api.web.get(f"{PROJECT}", headers={"Accept": ACCEPT}, status=401).json["status"] == 401
