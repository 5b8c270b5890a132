"""Tokens and sessions by the API, and the API of an index whose host knows the users."""

import pytest

from pyramid_pypi.testing.artefacts import make_wheel
from tests.functional.api import API, WHEEL, api
from tests.functional.apps import deciding, plain
from tests.functional.support import OPEN, upload_fields
from tests.functional.test_rights import as_user

__all__ = ["api"]


def test_sessions_are_listed_and_ended(api):
    browser = api.with_browser("ann")
    (session,) = api.get("sessions", "ann")["items"]

    assert {key: session[key] for key in ("source", "address")} == {
        "source": "password",
        "address": "192.0.2.7",
    }
    assert browser.get("sessions", "")["items"][0]["id"] == session["id"]
    assert api.ask("DELETE", f"sessions/{session['id']}", user="ann") == {
        "id": session["id"],
        "state": "ended",
    }
    assert browser.get("me", "")["anonymous"]


def test_one_ends_ones_own_sessions_alone(api):
    api.with_browser("ann")
    (session,) = api.get("sessions", "ann")["items"]

    assert api.get("sessions", "bob")["items"] == []
    api.refused("DELETE", f"sessions/{session['id']}", user="bob", status=404)
    assert api.get("sessions", "ann")["items"] == [session]


def test_a_browser_ends_sessions_by_its_forms_alone(api):
    browser = api.with_browser("ann")
    (session,) = api.get("sessions", "ann")["items"]

    browser.refused("DELETE", f"sessions/{session['id']}", status=401)


def test_a_token_looks_after_no_sessions(api):
    secret = api.ask("POST", "tokens", {}, user="ann", status=201)["token"]

    said = api.refused("GET", "sessions", headers=as_user("__token__", secret))

    assert said == "A token cannot look after sessions; come with a password"
    assert api.get("me", "", headers=as_user("__token__", secret))["token"]


def test_one_is_told_what_one_looks_after(api):
    found = api.get("me/roles", "bob")["items"]

    assert found == [{"repository": "private", "project": "spam", "role": "owner"}]
    assert api.get("me/roles", "carol")["items"] == []
    assert api.refused("GET", "me/roles", status=401) == "Log in to see what you look after"


def test_the_policy_of_a_host_decides_about_the_api(host):
    web = host(
        deciding, **{"pypi.repo.private.read": "authenticated", "pypi.repo.private.upload": "user:hilda"}
    )
    hilda, otto = {"X-Host-User": "hilda"}, {"X-Host-User": "otto"}
    web.post("/pypi/", upload_fields(WHEEL, make_wheel("holy-grail", "1.0")), headers=hilda)
    project = f"/pypi{API}repositories/private/projects/holy-grail"

    assert web.get(f"/pypi{API}me", headers=otto).json["name"] == "otto"
    assert web.get(project, headers=otto).json["name"] == "holy-grail"
    assert web.get(project, status=401).content_type == "application/problem+json"
    assert web.delete(f"{project}/releases/1.0", headers=otto, status=403).json["status"] == 403
    foreign = {**hilda, "Origin": "https://evil.example"}
    assert web.delete(f"{project}/releases/1.0", headers=foreign, status=403).json["status"] == 403


@pytest.mark.parametrize("path", ["tokens", "sessions", "tokens/0", "sessions/0", "nothing"])
def test_an_index_whose_host_knows_the_users_has_no_accounts(path, host):
    web = host(deciding, **OPEN)

    answer = web.get(f"/pypi{API}{path}", headers={"X-Host-User": "hilda"}, status=404)

    assert answer.content_type == "application/problem+json"
    document = web.get("/pypi/-/api/openapi.json").json
    assert not [one for one in document["paths"] if one.startswith((f"{API}tokens", f"{API}sessions"))]


def test_the_api_is_below_the_prefix_of_its_host(host):
    web = host(plain, **OPEN)

    assert web.get(f"/pypi{API}repositories").json["items"][0]["name"] == "private"
    document = web.get("/pypi/-/api/openapi.json").json
    assert document["servers"] == [{"url": "http://localhost:80/pypi"}]
    assert f"{API}tokens" in document["paths"]
