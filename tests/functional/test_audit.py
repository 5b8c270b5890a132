"""Who did what from where, and that no log has a secret."""

import base64
import json
import logging

import pytest
from webtest import Upload

from tests.functional.test_rights import PASSWORD, as_user, filled, team, wheel_of
from tests.functional.test_tokens import team as token_team
from tests.functional.test_tokens import token_for, users

__all__ = ["filled", "team", "token_team", "users"]


@pytest.fixture
def audited(caplog):
    """Return the events since the beginning of the test, or since the last call."""
    caplog.set_level(logging.INFO, logger="pyramid_pypi")
    seen = 0

    def events():
        nonlocal seen
        lines = [json.loads(one.message) for one in caplog.records if one.name == "pyramid_pypi.audit"]
        new, seen = lines[seen:], len(lines)
        return new

    return events


def test_changes_say_who_what_and_from_where(team, audited):
    team.upload(*wheel_of("holy-grail"), headers=as_user("ann"))
    team.upload(*wheel_of("holy-grail"), headers=as_user("ann"))
    form = [(":action", "remove_pkg"), ("name", "holy-grail"), ("version", "1.0"), ("x", Upload("x", b""))]
    team.web.post("/", form, headers=as_user("ann"), extra_environ={"REMOTE_ADDR": "192.0.2.8"})

    added, removed = audited()
    about = {"repository": "private", "project": "holy-grail", "file": wheel_of("holy-grail")[0]}
    assert {key: added[key] for key in ("event", "identity", "token")} == {
        "event": "file added",
        "identity": "ann",
        "token": "",
    }
    assert (removed["event"], removed["address"]) == ("file removed", "192.0.2.8")
    assert about.items() <= added.items()
    assert about.items() <= removed.items()
    assert added["time"] <= removed["time"]


def test_refusals_and_failed_logins_are_told(team, audited):
    team.upload(*wheel_of("holy-grail"), headers=as_user("carol"), status=403)
    team.web.get("/simple/", headers=as_user("ann", "wrong"), status=401)
    team.web.get("/simple/", headers={"Authorization": "Basic ?"}, status=401)
    team.web.get("/simple/", status=401)

    refused, wrong, unreadable = audited()
    assert (refused["event"], refused["identity"], refused["method"]) == ("refused", "carol", "POST")
    assert "isn't allowed to upload" in refused["reason"]
    assert (wrong["event"], wrong["identity"], wrong["reason"]) == ("login failed", "ann", "wrong password")
    assert (unreadable["identity"], unreadable["reason"]) == ("", "unreadable header")


def test_tokens_are_named_by_their_numbers(token_team, audited):
    token, secret = token_for(token_team)

    token_team.upload(*wheel_of("holy-grail"), headers=as_user("__token__", secret))
    token_team.web.get("/simple/", headers=as_user("__token__", secret))

    used, added = audited()
    assert (used["event"], used["identity"], used["token"]) == ("token used", "ann", token.id)
    assert (added["event"], added["identity"], added["token"]) == ("file added", "ann", token.id)


def test_no_log_has_a_secret(token_team, caplog):
    caplog.set_level(logging.DEBUG)
    _, secret = token_for(token_team)
    _, other = token_for(token_team, permissions={"read"})
    for name, password in [
        ("__token__", secret),
        ("ann", PASSWORD),
        ("ann", f"{PASSWORD}-wrong"),
        ("nobody", PASSWORD),
        (secret, "x"),
        ("__token__", other),
        ("__token__", f"{secret}0"),
    ]:
        headers = as_user(name, password)
        token_team.web.get("/simple/", headers=headers, expect_errors=True)
        token_team.upload(*wheel_of("holy-grail"), headers=headers, status="*")
    token_team.application.flush()

    secrets = [secret, other, PASSWORD]
    secrets += [base64.b64encode(f"{name}:{secret}".encode()).decode() for name in ("__token__", "ann")]
    assert "login failed" in caplog.text
    assert [one for one in secrets if one in caplog.text] == []


def test_a_line_of_the_log_is_one_line(team, audited, caplog):
    team.web.get("/simple/", headers=as_user('a"b\\c é', "wrong"), status=401)

    assert [event["identity"] for event in audited()] == ['a"b\\c é']
    assert all("\n" not in one.message for one in caplog.records if one.name == "pyramid_pypi.audit")
