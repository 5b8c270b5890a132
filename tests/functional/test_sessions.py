"""Browsers that log in, stay logged in and log out."""

import json
import logging
from datetime import UTC, datetime, timedelta

import bcrypt
import pytest

from pyramid_pypi.catalog.sessions import LoggedIn
from pyramid_pypi.catalog.tables import metadata
from pyramid_pypi.errors import BackendUnavailable
from tests.functional.browsing import ACCEPT, Browser, form_to
from tests.functional.support import ENGINES, JSON, upload_fields
from tests.functional.test_rights import as_user, wheel_of

pytestmark = ENGINES

HASH = bcrypt.hashpw(b"correct horse", bcrypt.gensalt(4)).decode()
OTHER = bcrypt.hashpw(b"battery staple", bcrypt.gensalt(4)).decode()


@pytest.fixture
def users(tmp_path):
    (tmp_path / "htpasswd").write_text(f"ann:{HASH}\nbob:{HASH}\n")
    return tmp_path / "htpasswd"


@pytest.fixture
def team(build, users):
    index = build(
        **{
            "pypi.authenticators": "tokens htpasswd",
            "pypi.auth.htpasswd.path": "htpasswd",
            "pypi.repo.private.upload": "user:ann",
        }
    )
    index.upload(*wheel_of("holy-grail"), headers=as_user("ann"))
    return index


@pytest.fixture
def browser(team):
    return Browser(team.application)


def secret_of(browser):
    return next(iter(browser.cookies.values())).strip('"')


def test_a_browser_logs_in_reads_and_logs_out(team, browser):
    page = browser.log_in(at="/login?next=simple/holy-grail/")

    assert page.request.path == "/simple/holy-grail/"
    secret = secret_of(browser)

    browser.log_out()
    browser.web.get("/simple/holy-grail/", status=401)
    assert secret not in browser.cookies.values()
    assert team.index.browsers.who(secret) is None


def test_who_asks_for_a_page_is_led_to_the_login_and_back(browser):
    login = browser.open("/simple/holy-grail/?format=x")
    assert login.request.path == "/login"

    page = browser.send(login.forms[0], username="ann", password="correct horse", status=400)

    assert page.request.path_qs == "/simple/holy-grail/?format=x"


@pytest.mark.parametrize(
    "accept", ["*/*", JSON, "text/html", f"{JSON}, text/html; q=0.01", "", "application/json"]
)
def test_tools_are_challenged_and_get_no_cookie(accept, team):
    answer = team.web.get("/simple/", headers={"Accept": accept}, status=401)

    assert "WWW-Authenticate" in answer.headers
    assert "Set-Cookie" not in answer.headers


def test_a_tool_that_logs_in_gets_no_cookie(team):
    answer = team.web.get("/simple/", headers={**as_user("ann"), "Accept": ACCEPT})

    assert "Set-Cookie" not in answer.headers
    assert team.index.browsers.sessions.list("ann") == []


def test_the_cookie_is_for_this_host_and_not_for_scripts(team, browser):
    answer = browser.web.get("/login", headers={"Accept": ACCEPT})

    name, _, rest = answer.headers["Set-Cookie"].partition("=")
    assert name == "pypi_session"
    assert rest.split("; ")[1:] == ["Path=/", "HttpOnly", "SameSite=Lax"]


@pytest.mark.parametrize(
    "behind", [{"wsgi.url_scheme": "https"}, {"pypi.base_url": "https://pypi.example.org"}]
)
def test_behind_tls_the_cookie_never_goes_without(behind, build, users):
    changes = {key: value for key, value in behind.items() if key.startswith("pypi.")}
    environ = {key: value for key, value in behind.items() if not key.startswith("pypi.")}
    settings = {"pypi.authenticators": "htpasswd", "pypi.auth.htpasswd.path": "htpasswd", **changes}
    team = build(**settings)

    answer = team.web.get("/login", extra_environ=environ)

    assert answer.headers["Set-Cookie"].startswith("__Host-pypi_session=")
    assert answer.headers["Set-Cookie"].endswith("; Secure")


def test_the_session_is_a_new_one_at_each_login(team, browser):
    browser.open("/login")
    before = secret_of(browser)
    browser.log_in()
    first = secret_of(browser)
    form = browser.open("/account").forms[0]
    browser.web.post("/login", {"csrf": form["csrf"].value, "username": "bob", "password": "correct horse"})
    second = secret_of(browser)

    assert len({before, first, second}) == 3
    assert team.index.browsers.who(before) is None
    assert team.index.browsers.who(first) is None


def test_a_planted_cookie_does_not_become_a_session(team, browser):
    browser.open("/login")
    next(iter(browser.web.cookiejar)).value = "planted"
    browser.log_in()

    assert "planted" not in secret_of(browser)
    assert team.index.browsers.who("planted") is None


@pytest.mark.parametrize("cookie", ["x", "pypi_session=", "pypi_session=%00", "pypi_session=" + "a" * 500])
def test_cookies_of_others_are_nobody(cookie, team):
    team.web.get("/simple/", headers={"Cookie": cookie, "Accept": JSON}, status=401)


def test_nothing_that_could_be_used_is_in_the_catalog(team, browser, tmp_path):
    browser.log_in()

    kept = b"".join(path.read_bytes() for path in tmp_path.glob("catalog.db*"))
    with team.index.catalog.reading() as connection:
        rows = [tuple(row) for table in metadata.sorted_tables for row in connection.execute(table.select())]
    kept += repr(rows).encode()
    assert b"ann" in kept
    assert secret_of(browser).encode() not in kept
    assert HASH.encode() not in kept


def test_a_wrong_password_says_so_without_a_window_of_the_browser(browser):
    page = browser.log_in(password="wrong", status=403)

    assert "Invalid or non-existent" in page.text
    assert "WWW-Authenticate" not in page.headers
    assert page.forms[0]["username"].value == "ann"
    assert "wrong" not in page.forms[0]["password"].value


@pytest.mark.parametrize("username", ["", "a:b", "x" * 300, "<script>", "ann\x85"])
def test_names_that_nobody_has_are_refused_with_a_page(username, browser):
    form = browser.open("/login").forms[0]
    page = browser.web.post(
        "/login",
        {"username": username, "password": "correct horse", "csrf": form["csrf"].value},
        headers={"Accept": ACCEPT},
        status="*",
    )

    assert page.status_int in {400, 403}
    assert "<script>" not in page.text


def test_guessing_is_slowed_down(browser):
    for guess in range(10):
        browser.log_in(password=f"guess {guess}", status=403)
    page = browser.log_in(password="guess 10", status=429)

    assert int(page.headers["Retry-After"]) > 0
    assert "try again in" in page.text


def test_a_token_opens_no_session(team, browser):
    secret = team.web.post_json("/-/api/v1/tokens", {}, headers=as_user("ann")).json["token"]

    page = browser.log_in("__token__", secret, status=403)

    assert "A token is for programs" in page.text


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_page_of_another_site_cannot_log_in(headers, browser):
    form = browser.open("/login").forms[0]

    browser.send(form, username="ann", password="correct horse", headers=headers, status=403)

    assert browser.web.get("/simple/", status=401)


@pytest.mark.parametrize("token", [None, "", "forged", "0" * 64])
def test_a_form_without_our_token_changes_nothing(token, team, browser):
    browser.log_in()
    fields = {"other": "x"} if token is None else {"csrf": token}

    browser.web.post("/logout", fields, status=403)
    browser.web.post("/account/tokens", {**fields, "permission": "read"}, status=403)

    assert team.index.browsers.who(secret_of(browser)) is not None
    assert team.index.tokens.list() == []


def test_the_token_of_another_browser_is_no_good(team, browser):
    other = Browser(team.application)
    other.log_in("bob")
    foreign = form_to(other.open("/account"), "logout")["csrf"].value
    browser.log_in()

    browser.web.post("/logout", {"csrf": foreign}, status=403)


def test_a_session_is_no_credential_for_uploads(team, browser):
    browser.log_in()
    browser.web.post("/", upload_fields(*wheel_of("spam")), status=401)
    browser.web.post_json("/-/api/v1/tokens", {}, status=401)

    assert team.index.tokens.list() == []


@pytest.mark.parametrize("change", [f"ann:{OTHER}\n", f"bob:{HASH}\n"], ids=["password", "user"])
def test_a_session_ends_with_the_password_or_the_user(change, team, browser, users, monkeypatch):
    browser.log_in()
    users.write_text(change)
    authenticator = team.index.login._members[1]._authenticator
    monkeypatch.setattr(authenticator, "_due", 0)

    assert browser.web.get("/simple/", status=401)


def test_sessions_end_when_they_are_not_used_and_at_last(build, users):
    team = build(**{"pypi.authenticators": "htpasswd", "pypi.auth.htpasswd.path": "htpasswd"})
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    sessions = team.index.browsers.sessions
    sessions._clock = lambda: now[0]
    browser = Browser(team.application)

    browser.log_in()
    for _ in range(14):
        now[0] += timedelta(hours=11)
        browser.web.get("/simple/")
    now[0] += timedelta(hours=13)
    browser.web.get("/simple/", status=401)

    browser.log_in()
    for _ in range(15):
        now[0] += timedelta(hours=11)
        browser.web.get("/simple/")
    now[0] += timedelta(hours=11)
    browser.web.get("/simple/", status=401)


def test_whoever_has_been_checked_elsewhere_stays_as_they_were(team, browser):
    principals = frozenset({"everyone", "authenticated", "user:eve", "group:guests"})
    secret = team.index.browsers.begin(LoggedIn("eve", "elsewhere", principals))

    identity, _session = team.index.browsers.who(secret)

    assert identity.name == "eve"
    assert identity.principals == principals


def test_a_secret_of_a_repository_opens_what_it_opens_for_tools(build, users):
    team = build(
        **{
            "pypi.authenticators": "htpasswd",
            "pypi.auth.htpasswd.path": "htpasswd",
            "pypi.repo.private.read_secret": "a-long-secret-for-reading",
        }
    )
    browser = Browser(team.application)

    page = browser.log_in("private", "a-long-secret-for-reading")

    # It is nobody's, so it leads to the packages and not to an account.
    assert page.request.path == "/"
    browser.web.get("/simple/")
    browser.open("/account", status=403)


def test_a_user_with_the_name_of_a_repository_does_not_lend_it_rights(build, users):
    users.write_text(f"ann:{HASH}\nprivate:{OTHER}\n")
    team = build(
        **{
            "pypi.authenticators": "htpasswd",
            "pypi.auth.htpasswd.path": "htpasswd",
            "pypi.repo.private.read_secret": "a-long-secret-for-reading",
            "pypi.repo.private.delete": "user:private",
        }
    )
    browser = Browser(team.application)

    browser.log_in("private", "a-long-secret-for-reading", at="/login?next=simple/")
    identity, _ = team.index.browsers.who(secret_of(browser))

    assert "user:private" not in identity.principals


def test_logins_are_in_the_audit_log_and_secrets_are_not(team, browser, caplog):
    with caplog.at_level(logging.INFO):
        browser.log_in()
        secret = secret_of(browser)
        browser.log_out()

    events = [json.loads(one.getMessage()) for one in caplog.records if one.name == "pyramid_pypi.audit"]
    told = [(one["event"], one["identity"], one["address"]) for one in events]
    assert told == [("logged in", "ann", "192.0.2.7"), ("logged out", "ann", "192.0.2.7")]
    assert secret not in caplog.text
    assert "correct horse" not in caplog.text


def test_pages_are_not_stored_not_framed_and_run_nothing(browser):
    headers = browser.open("/login").headers

    assert headers["Cache-Control"] == "no-store"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_who_is_logged_in_is_led_past_the_login(browser):
    browser.log_in()

    assert browser.open("/login?next=simple/").request.path == "/simple/"


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:x"]
)
def test_nobody_is_led_to_another_host(target, browser):
    form = browser.open(f"/login?next={target}").forms[0]
    form["next"].force_value(target)
    page = browser.send(form, username="ann", password="correct horse")

    assert page.request.path == "/account"


def test_a_host_with_a_login_of_its_own_has_no_pages_of_ours(build):
    team = build(**{"pypi.security": "host", "pypi.repo.private.read": "everyone"})

    team.web.get("/account/projects", status=404)
    assert "Log in" not in team.web.get("/", headers={"Accept": ACCEPT}).text


def test_a_directory_that_is_down_is_said_and_not_a_wrong_password(build, users, monkeypatch):
    team = build(**{"pypi.authenticators": "htpasswd", "pypi.auth.htpasswd.path": "htpasswd"})
    browser = Browser(team.application)

    def down(credentials):
        raise BackendUnavailable("The directory is down")

    monkeypatch.setattr(team.index.login._members[0]._authenticator, "authenticate", down)

    page = browser.log_in(status=503)

    assert "The directory is down" in page.text
    assert "Retry-After" in page.headers


def test_a_form_is_ours_where_people_see_the_index(build, users):
    team = build(
        **{
            "pypi.authenticators": "htpasswd",
            "pypi.auth.htpasswd.path": "htpasswd",
            "pypi.base_url": "http://pypi.example.org/team",
        }
    )
    browser = Browser(team.application)
    form = browser.open("/login").forms[0]
    ann = {"username": "ann", "password": "correct horse"}

    browser.send(form, headers={"Origin": "http://pypi.example.org.evil.example"}, status=403, **ann)
    browser.send(form, headers={"Origin": "http://pypi.example.org"}, **ann)
