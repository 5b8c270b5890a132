"""The pages of an account: tokens, sessions and roles, in a browser."""

import bcrypt
import pytest

from tests.functional.browsing import ACCEPT, Browser, form_to, logged_in
from tests.functional.test_rights import as_user, wheel_of

HASH = bcrypt.hashpw(b"correct horse", bcrypt.gensalt(4)).decode()


@pytest.fixture
def team(build, tmp_path):
    """ann publishes and owns; bob publishes; root manages; zoe reads nothing of the secret repository."""
    (tmp_path / "htpasswd").write_text("".join(f"{name}:{HASH}\n" for name in ("ann", "bob", "root", "zoe")))
    index = build(
        **{
            "pypi.authenticators": "tokens htpasswd",
            "pypi.auth.htpasswd.path": "htpasswd",
            "pypi.repositories": "private secret",
            "pypi.repo.private.upload": "authenticated",
            "pypi.repo.private.manage": "user:root",
            "pypi.repo.private.ownership": "first-uploader",
            "pypi.repo.secret": "hosted",
            "pypi.repo.secret.read": "user:root",
            "pypi.repo.secret.storage": "filesystem",
            "pypi.repo.secret.storage.path": "secret",
        }
    )
    index.upload(*wheel_of("holy-grail"), headers=as_user("ann"))
    return index


@pytest.fixture
def browse(team):
    return lambda user: logged_in(team.application, user)


def make_token(browser, status=201, **fields):
    form = form_to(browser.open("/account"), "account/tokens")
    return browser.send(form, status=status, **{"description": "for a test", **fields})


def secret_on(page):
    return page.text.split('id="secret">')[1].partition("<")[0]


def test_a_token_is_made_shown_once_and_works(team, browse):
    browser = browse("ann")

    secret = secret_on(make_token(browser))

    team.upload(*wheel_of("spam"), headers=as_user("__token__", secret))
    listed = browser.open("/account").text
    assert "for a test" in listed
    assert secret not in listed


def test_the_form_has_all_limits(team, browse):
    browser = browse("ann")
    form = form_to(browser.open("/account"), "account/tokens")
    for box in form.fields["permission"]:
        box.checked = box._value == "read"
    form.fields["repository"][0].checked = True

    browser.send(
        form, status=201, description="x", projects="acme-* spam", networks="10.0.0.0/8", expires="30d"
    )

    (token,) = team.index.tokens.list("ann")
    scope = token.scope
    assert scope.permissions == {"read"}
    assert scope.repositories == {"private"}
    assert scope.projects == ("acme-*", "spam")
    assert [str(one) for one in scope.networks] == ["10.0.0.0/8"]
    assert (scope.expires_at - token.created_at).days in {29, 30}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"projects": "Not A Pattern!"}, "is not a pattern"),
        ({"networks": "10.0.0.1/8"}, "is not a network"),
        ({"description": "x" * 201}, "description is one line"),
    ],
)
def test_what_cannot_be_is_said_and_the_form_keeps_what_was_written(fields, said, team, browse):
    browser = browse("ann")

    page = make_token(browser, status=400, **fields)

    assert said in page.text
    kept = form_to(page, "account/tokens")
    for name, value in fields.items():
        assert kept[name].value == value
    assert team.index.tokens.list() == []


def test_a_token_that_may_nothing_is_not_made(team, browse):
    browser = browse("ann")
    form = form_to(browser.open("/account"), "account/tokens")
    for box in form.fields["permission"]:
        box.checked = False

    page = browser.send(form, status=400, description="x")

    assert "Choose what the token may do" in page.text


def test_repositories_that_one_cannot_see_are_not_offered(browse):
    text = browse("ann").open("/account").text

    assert 'value="private"' in text
    assert 'value="secret"' not in text
    assert 'value="secret"' in browse("root").open("/account").text


def test_a_revoked_token_is_gone_from_the_page_and_refused(team, browse):
    browser = browse("ann")
    secret = secret_on(make_token(browser))

    page = browser.send(form_to(browser.open("/account"), "/revoke"))

    assert page.request.path == "/account"
    assert "You have none" in page.text
    team.web.get("/simple/", headers=as_user("__token__", secret), status=401)


def test_nobody_revokes_the_token_of_another(team, browse):
    make_token(browse("ann"))
    (token,) = team.index.tokens.list("ann")
    bob = browse("bob")
    csrf = bob.open("/account").forms[0]["csrf"].value

    bob.web.post(f"/account/tokens/{token.id}/revoke", {"csrf": csrf}, status=404)

    assert team.index.tokens.list("ann")[0].revoked_at is None


def test_one_sees_where_one_is_logged_in_and_ends_it(team, browse):
    here, there = browse("ann"), browse("ann")

    page = here.open("/account")
    assert page.text.count("(here)") == 1
    ends = [form for form in page.forms.values() if form.action.endswith("/end")]
    assert len(ends) == 2
    other = next(form for form in ends if "(here)" not in row_of(page, form))
    here.send(other)

    there.web.get("/simple/", status=401)
    here.web.get("/simple/")


def row_of(page, form):
    return next(row for row in page.text.split("<tr>") if form.action in row)


def test_nobody_ends_the_session_of_another(team, browse):
    ann, bob = browse("ann"), browse("bob")
    (session,) = team.index.browsers.sessions.list("ann")
    csrf = bob.open("/account").forms[0]["csrf"].value

    bob.web.post(f"/account/sessions/{session.id}/end", {"csrf": csrf}, status=404)

    ann.web.get("/simple/")


def test_descriptions_are_text_and_not_markup(browse):
    browser = browse("ann")

    make_token(browser, description="<script>alert(1)</script>")

    assert "<script>" not in browser.open("/account").text


def test_an_owner_says_who_looks_after_a_project(team, browse):
    ann = browse("ann")
    page = ann.open("/account/projects")
    assert ">holy-grail</a>" in page.text

    place = "/account/projects/private/holy-grail"
    ann.send(form_to(ann.open(place), "/grant"), principal="user:bob", role="maintainer")

    assert team.index.served("private").roles.of("holy-grail") == {
        "user:ann": "owner",
        "user:bob": "maintainer",
    }
    team.upload(*wheel_of("other"), headers=as_user("bob"))
    page = ann.open(place)
    revoke = next(
        form
        for form in page.forms.values()
        if form.fields.get("principal") and form["principal"].value == "user:bob"
    )
    ann.send(revoke)
    assert team.index.served("private").roles.of("holy-grail") == {"user:ann": "owner"}


def test_the_last_owner_stays_unless_a_manager_says_otherwise(team, browse):
    place = "/account/projects/private/holy-grail"
    ann, root = browse("ann"), browse("root")

    page = ann.send(form_to(ann.open(place), "/revoke"), status=400)
    assert "The last owner stays" in page.text

    root.send(form_to(root.open(place), "/revoke"))
    assert team.index.served("private").roles.of("holy-grail") == {}


@pytest.mark.parametrize("user", ["bob", "zoe"])
def test_others_see_who_looks_after_a_project_and_change_nothing(user, team, browse):
    browser = browse(user)
    place = "/account/projects/private/holy-grail"
    page = browser.open(place)

    assert "user:ann" in page.text
    assert not any(form.action.endswith(("/grant", "/revoke")) for form in page.forms.values())
    csrf = page.forms[0]["csrf"].value
    granted = {"csrf": csrf, "principal": f"user:{user}", "role": "owner"}
    browser.web.post(f"{place}/grant", granted, status=403)
    browser.web.post(f"{place}/revoke", {"csrf": csrf, "principal": "user:ann"}, status=403)
    assert team.index.served("private").roles.of("holy-grail") == {"user:ann": "owner"}


@pytest.mark.parametrize("principal", ["bob", "everyone", "user:", "user:a b", "secret:private:read"])
def test_only_users_and_groups_have_roles(principal, team, browse):
    ann = browse("ann")
    form = form_to(ann.open("/account/projects/private/holy-grail"), "/grant")

    page = ann.send(form, principal=principal, status=400)

    assert "is neither user:NAME nor group:NAME" in page.text


@pytest.mark.parametrize("place", ["secret/holy-grail", "private/..%2f", "nothing/x", "private/-x-"])
def test_places_without_roles_are_not_found(place, browse):
    browse("ann").open(f"/account/projects/{place}", status=404)


@pytest.mark.parametrize("path", ["/account", "/account/projects", "/account/projects/private/holy-grail"])
def test_strangers_are_asked_to_log_in(path, team):
    assert Browser(team.application).open(path).request.path == "/login"
    team.web.get(path, status=401)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/logout"),
        ("GET", "/account/tokens"),
        ("PUT", "/login"),
        ("DELETE", "/account"),
        ("POST", "/account/projects"),
    ],
)
def test_other_methods_are_refused(method, path, team):
    team.web.request(path, method=method, status=405)


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"x" * 70_000, "application/x-www-form-urlencoded", 413),
        (b"csrf=%ff", "application/x-www-form-urlencoded", 400),
        (b"\xff\xfe", "application/x-www-form-urlencoded", 400),
        (b"csrf=a%00b", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"a=b" for _ in range(600)), "application/x-www-form-urlencoded", 400),
        (b"{}", "application/json", 400),
        (b"--b--", "multipart/form-data; boundary=b", 400),
        (b"", "", 400),
    ],
)
@pytest.mark.parametrize("path", ["/login", "/logout", "/account/tokens"])
def test_what_is_no_form_is_refused(path, body, content_type, status, team):
    team.web.request(path, method="POST", body=body, headers={"Content-Type": content_type}, status=status)


def test_the_pages_work_for_those_whom_a_server_in_front_has_logged_in(build, tmp_path):
    index = build(
        **{
            "pypi.authenticators": "tokens",
            "pypi.remote_user.header": "X-Forwarded-User",
            "pypi.remote_user.groups_header": "X-Forwarded-Groups",
            "pypi.remote_user.from": "127.0.0.1",
        }
    )
    browser = Browser(
        index.application,
        **{
            "pyramid_pypi.peer": "127.0.0.1",
            "HTTP_X_FORWARDED_USER": "ann",
            "HTTP_X_FORWARDED_GROUPS": "dev,ops",
        },
    )

    refused = make_token(browser, status=400, expires="never")
    assert "have to end within a year" in refused.text
    secret = secret_on(make_token(browser, expires="90d"))

    identity = index.index.identify("Bearer " + secret, "127.0.0.1", write=False)
    assert identity.name == "ann"
    assert {"group:dev", "group:ops"} <= identity.principals


def test_a_browser_gets_pages_for_errors_and_a_tool_gets_sentences(team):
    page = team.web.get(
        "/simple/holy-grail/", headers={"Accept": ACCEPT, **as_user("ann", "wrong")}, status=401
    )
    assert "<h1>Unauthorized</h1>" in page.text
    assert "WWW-Authenticate" in page.headers

    page = team.web.get("/simple/nothing/", headers={"Accept": ACCEPT, **as_user("ann")}, status=404)
    assert page.content_type == "text/html"

    answer = team.web.get("/simple/nothing/", headers=as_user("ann"), status=404)
    assert answer.content_type == "text/plain"


def test_a_token_has_no_account_even_in_a_browser(team, browse):
    secret = secret_on(make_token(browse("ann")))
    stolen = Browser(team.application)
    program = as_user("__token__", secret)
    own = browse("ann").open("/account")

    refused = stolen.open("/account", headers=program, status=403)

    assert "A token cannot look after an account" in refused.text
    token = stolen.open("/login").forms[0]["csrf"].value
    for form in (form_to(own, "revoke"), form_to(own, "end")):
        sent = {"csrf": token}
        answer = stolen.web.post(form.action.replace("./", "/"), sent, headers=program, status=403)
        assert "A token cannot" in answer.text
    assert form_to(browse("ann").open("/account"), "revoke").action == form_to(own, "revoke").action


def test_a_project_that_its_owner_may_not_read_is_not_listed(build, tmp_path):
    (tmp_path / "htpasswd").write_text(f"ann:{HASH}\n")
    index = build(
        **{
            "pypi.authenticators": "htpasswd",
            "pypi.auth.htpasswd.path": "htpasswd",
            "pypi.repo.private.ownership": "first-uploader",
            "pypi.repo.private.project.secret-*.read": "user:root",
        }
    )
    for project in ("secret-sauce", "holy-grail"):
        index.index.served("private").roles.grant(project, "user:ann", "owner", "root")

    page = logged_in(index.application, "ann").open("/account/projects").text

    assert "holy-grail" in page
    assert "secret-sauce" not in page
