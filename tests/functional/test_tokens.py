"""Tokens instead of passwords, over HTTP."""

import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import bcrypt
import pytest

from pyramid_pypi.auth.basic import TOKEN_PREFIX
from pyramid_pypi.auth.tokens import Grant, issue
from pyramid_pypi.model import Scope
from tests.functional.support import ENGINES, JSON
from tests.functional.test_rights import as_user, wheel_of

pytestmark = ENGINES

HASH = bcrypt.hashpw(b"correct horse", bcrypt.gensalt(4)).decode()
ALL = frozenset({"read", "upload", "yank", "delete"})
DATE = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def users(tmp_path):
    (tmp_path / "htpasswd").write_text(f"ann:{HASH}\nbob:{HASH}\n")
    (tmp_path / "groups").write_text("staff: ann\n")
    return tmp_path / "htpasswd"


@pytest.fixture
def team(build, users):
    """ann may read and change everything; bob may read; robots may upload."""
    return build(
        **{
            "pypi.authenticators": "tokens htpasswd",
            "pypi.auth.htpasswd.path": "htpasswd",
            "pypi.auth.htpasswd.groups": "groups",
            "pypi.repo.private.upload": "group:staff group:robots",
            "pypi.repo.private.delete": "group:staff",
        }
    )


def token_for(team, user="ann", permissions=ALL, **options):
    """Return a new token of a user and its secret."""
    groups = options.pop("groups", None)
    scope = Scope(frozenset(permissions), **options)
    return issue(team.index.tokens, Grant(user, scope, "for a test", groups), by="root")


def names(team, headers):
    found = team.web.get("/simple/", headers={**headers, "Accept": JSON}).json
    return [project["name"] for project in found["projects"]]


@pytest.mark.parametrize("name", ["__token__", "ann", "bob", "whoever"])
def test_any_name_goes_with_a_token(name, team):
    _, secret = token_for(team)

    team.upload(*wheel_of("holy-grail"), headers=as_user(name, secret))

    assert team.index.catalog.page("private", "holy-grail").files[0].uploaded_by == "ann"


@pytest.mark.parametrize("header", ["Bearer {}", "bearer {}", "Bearer  {} "])
def test_a_token_is_shown_as_bearer(header, team):
    _, secret = token_for(team)

    assert names(team, {"Authorization": header.format(secret)}) == []


@pytest.mark.parametrize("form", [" {} ", "{}\n", "\t{}\r\n"])
def test_white_space_around_a_token_does_no_harm(form, team):
    _, secret = token_for(team)

    assert names(team, as_user("__token__", form.format(secret))) == []


def test_a_password_is_still_a_password(team):
    assert names(team, as_user("ann")) == []


def test_a_token_may_not_do_what_its_owner_may_not(team):
    _, secret = token_for(team, "bob")

    team.upload(*wheel_of("holy-grail"), headers=as_user("__token__", secret), status=403)
    assert names(team, as_user("__token__", secret)) == []


def test_permissions_limit_a_token(team):
    _, reading = token_for(team, permissions={"read"})
    _, uploading = token_for(team, permissions={"upload"})

    refused = team.upload(*wheel_of("holy-grail"), headers=as_user("__token__", reading), status=403)
    team.upload(*wheel_of("holy-grail"), headers=as_user("__token__", uploading))

    assert "This token of 'ann' isn't allowed to upload" in refused.text
    team.web.get("/simple/holy-grail/", headers=as_user("__token__", uploading), status=403)
    assert names(team, as_user("__token__", reading)) == ["holy-grail"]


def test_repositories_limit_a_token(team):
    _, elsewhere = token_for(team, repositories=frozenset({"other"}))
    _, here = token_for(team, repositories=frozenset({"private", "other"}))

    team.web.get("/simple/", headers=as_user("__token__", elsewhere), status=403)
    team.upload(*wheel_of("holy-grail"), headers=as_user("__token__", elsewhere), status=403)
    team.upload(*wheel_of("holy-grail"), headers=as_user("__token__", here))


def test_projects_limit_a_token_for_pages_lists_and_files(team):
    team.upload(*wheel_of("acme-tool"), headers=as_user("ann"))
    team.upload(*wheel_of("secret-sauce"), headers=as_user("ann"))
    _, secret = token_for(team, projects=("acme-*",))
    shown = as_user("__token__", secret)
    page = team.web.get("/simple/secret-sauce/", headers={**as_user("ann"), "Accept": JSON}).json
    url = page["files"][0]["url"].replace("../..", "", 1)
    # Once more, so that ready pages do not show more either.
    for _ in range(3):
        assert names(team, as_user("ann")) == ["acme-tool", "secret-sauce"]
        assert names(team, shown) == ["acme-tool"]
        team.web.get("/simple/acme-tool/", headers=shown)
        team.web.get("/simple/secret-sauce/", headers=shown, status=403)
        team.web.get(url, headers=shown, status=403)
    team.upload(*wheel_of("acme-new"), headers=shown)
    team.upload(*wheel_of("other"), headers=shown, status=403)


def test_networks_limit_a_token_also_after_it_was_verified(team):
    _, secret = token_for(team, networks=(ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")))
    shown = as_user("__token__", secret)

    def status(address):
        environ = {"REMOTE_ADDR": address}
        return team.web.get("/simple/", headers=shown, extra_environ=environ, expect_errors=True).status_int

    asked = ["192.0.2.7", "198.51.100.1", "2001:db8::9", "2001:db9::1", "::ffff:192.0.2.8", "", "192.0.2.7"]
    assert [status(address) for address in asked] == [200, 403, 200, 403, 200, 403, 200]


def test_an_expired_token_is_refused_also_after_it_was_verified(team, monkeypatch):
    _, old = token_for(team, expires_at=DATE)
    soon = datetime.now(UTC) + timedelta(milliseconds=700)
    _, secret = token_for(team, expires_at=soon)

    team.web.get("/simple/", headers=as_user("__token__", old), status=401)
    assert names(team, as_user("__token__", secret)) == []
    time.sleep(max(0.0, (soon - datetime.now(UTC)).total_seconds()))
    refused = team.web.get("/simple/", headers=as_user("__token__", secret), status=401)
    assert "expired" in refused.text
    assert refused.headers["WWW-Authenticate"].startswith("Basic")


def test_a_revoked_token_is_refused_at_once(team):
    token, secret = token_for(team)
    assert names(team, as_user("__token__", secret)) == []

    assert team.index.tokens.revoke(token.id)

    team.web.get("/simple/", headers=as_user("__token__", secret), status=401)
    assert names(team, as_user("ann")) == []


def test_the_token_of_a_user_who_is_gone_is_refused(team, users):
    _, secret = token_for(team, "bob")
    assert names(team, as_user("__token__", secret)) == []

    users.write_text(f"ann:{HASH}\n")
    deadline = time.monotonic() + 10
    while (
        team.web.get("/simple/", headers=as_user("__token__", secret), expect_errors=True).status_int == 200
    ):
        assert time.monotonic() < deadline
        time.sleep(0.05)

    team.web.get("/simple/", headers=as_user("__token__", secret), status=401)


def test_a_program_has_groups_of_its_own_and_needs_no_user(team):
    _, secret = token_for(team, "build-farm", groups=("robots",))

    team.upload(*wheel_of("holy-grail"), headers=as_user("__token__", secret))

    assert team.index.catalog.page("private", "holy-grail").files[0].uploaded_by == "build-farm"


def wrong(secret):
    yield secret[:-1]
    yield secret[:-1] + ("0" if secret[-1] != "0" else "1")
    yield secret.swapcase()
    yield f"{secret}0"
    yield TOKEN_PREFIX
    yield TOKEN_PREFIX + "é" * 38


def test_what_only_looks_like_a_token_is_refused(team):
    _, secret = token_for(team)

    for text in wrong(secret):
        team.web.get("/simple/", headers=as_user("__token__", text), status=401)


def test_the_secret_is_kept_nowhere(team, tmp_path):
    _, secret = token_for(team)
    team.upload(*wheel_of("holy-grail"), headers=as_user("__token__", secret))

    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert secret.encode() not in kept
    assert secret.removeprefix(TOKEN_PREFIX)[:16].encode() not in kept


def test_the_use_of_a_token_is_noted(team):
    token, secret = token_for(team)
    assert team.index.tokens.list()[0].used_at is None

    names(team, as_user("__token__", secret))

    used = team.index.tokens.list("ann")[0]
    assert used.id == token.id
    assert datetime.now(UTC) - used.used_at < timedelta(minutes=1)
