"""The page where a project is managed, in a browser."""

import bcrypt
import pytest

from pyramid_pypi.testing.artefacts import make_wheel
from tests.functional.browsing import ACCEPT, Browser, form_to, logged_in
from tests.functional.support import JSON
from tests.functional.test_rights import as_user

HASH = bcrypt.hashpw(b"correct horse", bcrypt.gensalt(4)).decode()
PLACE = "/project/holy-grail/-"
MANAGE = f"{PLACE}/manage"
ACTIONS = ("yank", "unyank", "delete", "status", "promote")
HOSTILE = "<script>alert('x')</script>\"'><img src=x onerror=alert(1)>"


@pytest.fixture
def team(build, tmp_path):
    """ann owns, bob maintains, root does everything, vic reads, zoe is kept from the project."""
    people = ("ann", "bob", "root", "vic", "zoe")
    (tmp_path / "htpasswd").write_text("".join(f"{name}:{HASH}\n" for name in people))
    hosted = {"": "hosted", ".storage": "filesystem"}
    index = build(
        **{
            "pypi.authenticators": "tokens htpasswd",
            "pypi.auth.htpasswd.path": "htpasswd",
            "pypi.repositories": "private stable sealed other all",
            "pypi.repo.private.upload": "user:ann user:bob user:root",
            "pypi.repo.private.yank": "user:root",
            "pypi.repo.private.delete": "user:root",
            "pypi.repo.private.manage": "user:root",
            "pypi.repo.private.project.holy-grail.read": "user:ann user:bob user:root user:vic",
            "pypi.repo.private.ownership": "first-uploader",
            **{f"pypi.repo.stable{key}": value for key, value in hosted.items()},
            "pypi.repo.stable.storage.path": "stable",
            "pypi.repo.stable.upload": "user:root user:ann",
            **{f"pypi.repo.sealed{key}": value for key, value in hosted.items()},
            "pypi.repo.sealed.storage.path": "sealed",
            "pypi.repo.other": "redirect",
            "pypi.repo.other.upstream": "simple",
            "pypi.repo.other.upstream.url": "https://pypi.example.org/simple/",
            "pypi.repo.all": "group",
            "pypi.repo.all.members": "private other",
            "pypi.repo.all.publish": "private",
        }
    )
    for version in ("1.0", "1.1"):
        publish(index, version)
    index.index.served("private").roles.grant("holy-grail", "user:bob", "maintainer", "ann")
    return index


@pytest.fixture
def browse(team):
    return lambda user: logged_in(team.application, user)


def publish(index, version, project="holy-grail", url="/"):
    name = f"{project.replace('-', '_')}-{version}-py3-none-any.whl"
    index.upload(name, make_wheel(project, version), url=url, headers=as_user("ann"))


def offered(page):
    """Return the names of the forms of a page, but for the one to log out and that to search."""
    actions = (form.action for form in page.forms.values())
    return {action for action in actions if "/" not in action}


def files(index, repository="private"):
    """Return what is yanked, by file name; None for what is not."""
    page = index.index.catalog.page(repository, "holy-grail")
    return {} if page is None else {file.version: file.yanked for file in page.files}


def send(browser, action, *, status=200, place=MANAGE, **fields):
    form = form_to(browser.open(place), action)
    return browser.send(form, status=status, **fields)


def set_status(browser, status, **fields):
    form = form_to(browser.open(MANAGE), "status")
    form["status"] = status
    return browser.send(form, **fields)


def post(browser, action, fields, *, status, place=PLACE):
    """Send a form that the page may not offer, with what a page has given to the browser."""
    csrf = browser.open("/account").forms[0]["csrf"].value
    given = {"csrf": csrf, **fields}
    return browser.web.post(f"{place}/{action}", given, headers={"Accept": ACCEPT}, status=status)


@pytest.mark.parametrize(
    ("user", "forms"),
    [
        ("ann", {"yank", "status", "promote"}),
        ("bob", {"yank"}),
        ("root", {"yank", "status", "promote", "delete"}),
    ],
)
def test_the_page_offers_what_one_may_do(user, forms, browse):
    page = browse(user).open(MANAGE)

    assert offered(page) == forms
    assert 'href="../../../account/projects/private/holy-grail"' in page.text


@pytest.mark.parametrize("place", ["", "/all"])
@pytest.mark.parametrize("user", ["ann", "bob", "root", "vic"])
def test_whoever_may_change_something_finds_the_page(user, place, team, browse):
    team.index.served("private").roles.revoke("holy-grail", "user:ann")
    page = browse(user).open(f"{place}/project/holy-grail/")

    # Without her role ann may still promote.
    assert ('href="-/manage"' in page.text) is (user != "vic")


def test_who_only_reads_is_told_so(browse):
    page = browse("vic").open(MANAGE, status=403)

    assert "may read &#39;holy-grail&#39; of &#39;private&#39;, and change nothing there" in page.text


def test_a_stranger_is_led_to_the_login_and_back(team):
    browser = Browser(team.application)
    asked = browser.open(MANAGE)
    assert asked.request.path == "/login"

    page = browser.log_in("ann", at=MANAGE)

    assert page.request.path == MANAGE
    team.web.get(MANAGE, status=401)


@pytest.mark.parametrize("place", [MANAGE, "/project/nothing/-/manage", "/private/project/x/-/manage"])
def test_what_one_may_not_read_is_not_there(place, browse):
    page = browse("zoe").open(place, status=404)

    assert "has no project" in page.text


def test_what_one_may_not_read_is_not_there_for_forms_either(team, browse):
    zoe = browse("zoe")

    for action in ACTIONS:
        there = post(zoe, action, {"version": "1.0"}, status=404)
        nowhere = post(zoe, action, {"version": "1.0"}, status=404, place="/project/nothing/-")

        assert there.text.replace("holy-grail", "nothing") == nowhere.text
    assert files(team) == {"1.0": None, "1.1": None}


NOT_OFFERED = [
    ("vic", "yank", {"version": "1.0"}),
    ("vic", "delete", {"version": "1.0", "confirmation": "holy-grail 1.0"}),
    ("vic", "status", {"status": "archived"}),
    ("vic", "promote", {"version": "1.0", "to": "stable"}),
    ("bob", "delete", {"version": "1.0", "confirmation": "holy-grail 1.0"}),
    ("bob", "status", {"status": "archived"}),
    ("bob", "promote", {"version": "1.0", "to": "stable"}),
    ("ann", "delete", {"version": "1.0", "confirmation": "holy-grail 1.0"}),
    ("ann", "promote", {"version": "1.0", "to": "sealed"}),
]


def test_what_the_page_does_not_offer_is_refused(team, browse):
    browsers = {user: browse(user) for user in ("ann", "bob", "vic")}

    for user, action, fields in NOT_OFFERED:
        refused = post(browsers[user], action, fields, status=403)

        assert refused.content_type == "text/html"
    assert files(team) == {"1.0": None, "1.1": None}
    assert team.index.catalog.page("private", "holy-grail").status == "active"
    assert files(team, "stable") == files(team, "sealed") == {}


@pytest.mark.parametrize("user", ["ann", "bob", "root"])
def test_a_version_is_yanked_and_offered_again(user, team, browse):
    browser = browse(user)

    page = send(browser, "yank", version="1.0", reason="It loses data")

    assert page.request.path_qs == f"{MANAGE}?done=yanked"
    assert "The version is yanked" in page.text
    assert files(team) == {"1.0": "It loses data", "1.1": None}
    assert "It loses data" in page.text

    page = browser.send(form_to(page, "unyank"))

    assert "The version is offered again" in page.text
    assert files(team) == {"1.0": None, "1.1": None}


def test_a_version_is_yanked_without_a_reason(team, browse):
    send(browse("ann"), "yank", version="1.1")

    assert files(team) == {"1.0": None, "1.1": ""}


def test_a_version_is_deleted_once_its_name_is_typed(team, browse):
    page = send(browse("root"), "delete", version="1.0", confirmation="holy-grail 1.0")

    assert "The version is deleted" in page.text
    assert files(team) == {"1.1": None}


@pytest.mark.parametrize("typed", ["holy-grail", "1.0", "holy-grail 1.1", "Holy-Grail 1.0", "yes", ""])
def test_a_wrong_confirmation_deletes_nothing(typed, team, browse):
    page = send(browse("root"), "delete", status=400, version="1.0", confirmation=typed)

    assert "type &#39;holy-grail 1.0&#39;" in page.text
    form = form_to(page, "delete")
    assert (form["version"].value, form["confirmation"].value) == ("1.0", typed)
    assert files(team) == {"1.0": None, "1.1": None}


def test_the_last_version_is_deleted_and_the_page_stays(browse):
    browser = browse("root")

    send(browser, "delete", version="1.0", confirmation="holy-grail 1.0")
    page = send(browser, "delete", version="1.1", confirmation="holy-grail 1.1")

    assert "There is no version of it now" in page.text
    assert offered(page) == {"status"}


@pytest.mark.parametrize("user", ["ann", "root"])
@pytest.mark.parametrize("status", ["deprecated", "archived", "quarantined"])
def test_owners_and_managers_set_the_status(user, status, team, browse):
    page = set_status(browse(user), status, reason="Use spam")

    assert "The status is set" in page.text
    assert f"is <strong>{status}</strong>: Use spam" in page.text
    answer = team.web.get("/simple/holy-grail/", headers={**as_user("ann"), "Accept": JSON})
    assert answer.json["project-status"] == {"status": status, "reason": "Use spam"}


def test_the_status_is_taken_back(team, browse):
    ann = browse("ann")
    set_status(ann, "quarantined", reason="Look at it")
    assert offered(ann.open(MANAGE)) == {"status"}
    assert "No version can be changed while the project is quarantined" in ann.open(MANAGE).text

    page = set_status(ann, "active", reason="")

    assert offered(page) == {"yank", "status", "promote"}
    assert team.index.catalog.page("private", "holy-grail").status_reason == ""


@pytest.mark.parametrize("action", ["yank", "delete", "promote"])
def test_versions_of_a_quarantined_project_stay_as_they_are(action, team, browse):
    root = browse("root")
    form = form_to(root.open(MANAGE), action)
    if action == "delete":
        form["confirmation"] = "holy-grail 1.0"
    set_status(root, "quarantined")

    page = root.send(form, status=403, version="1.0")

    assert "is quarantined in &#39;private&#39;" in page.text
    assert files(team) == {"1.0": None, "1.1": None}


def test_a_version_is_promoted(team, browse):
    page = send(browse("ann"), "promote", version="1.0", to="stable")

    assert "in the other repository too" in page.text
    assert files(team, "stable") == {"1.0": None}
    again = send(browse("ann"), "promote", version="1.0", to="stable")
    assert again.request.path_qs == f"{MANAGE}?done=promoted"


def test_only_repositories_that_one_may_upload_to_are_offered(browse):
    options = form_to(browse("root").open(MANAGE), "promote")["to"].options

    assert [value for value, *_ in options] == ["stable"]


def test_a_version_whose_file_is_there_with_other_bytes_is_not_promoted(team, browse):
    name = "holy_grail-1.0-py3-none-any.whl"
    team.upload(name, make_wheel("holy-grail", "1.0", summary="Another"), "/stable/", headers=as_user("ann"))

    page = send(browse("ann"), "promote", status=400, version="1.0", to="stable")

    assert "File already exists" in page.text
    assert form_to(page, "promote")["version"].value == "1.0"


def test_an_archived_project_takes_no_promoted_version(team, browse):
    send(browse("ann"), "promote", version="1.0", to="stable")
    identity = team.index.identify(as_user("root")["Authorization"], "127.0.0.1", write=True)
    team.index.served("stable").source.set_status("holy-grail", "archived", "Done", identity)

    page = send(browse("ann"), "promote", status=403, version="1.1", to="stable")

    assert "archived" in page.text
    assert "promote" in offered(page)


WRONG = [
    ("yank", {"version": "9.9"}, 404, "has no version &#39;9.9&#39;"),
    ("yank", {"version": "not a version"}, 404, "has no version"),
    ("yank", {"version": HOSTILE}, 404, "has no version"),
    ("yank", {"version": "1" * 5_000}, 404, "has no version"),
    ("yank", {"version": ""}, 400, "Choose a version"),
    ("yank", {}, 400, "Choose a version"),
    ("yank", {"version": "1.0", "reason": "x" * 501}, 400, "501 characters"),
    ("yank", {"version": "1.0", "reason": "a\u00adb"}, 400, "one line of printable text"),
    ("unyank", {"version": "9.9"}, 404, "has no version"),
    ("delete", {"version": "9.9", "confirmation": "holy-grail 9.9"}, 404, "has no version"),
    ("delete", {"version": HOSTILE, "confirmation": HOSTILE}, 400, "Nothing is deleted"),
    ("status", {"status": "lost"}, 400, "is not a status"),
    ("status", {"status": HOSTILE}, 400, "is not a status"),
    ("status", {}, 400, "is not a status"),
    ("status", {"status": "archived", "reason": "x" * 501}, 400, "501 characters"),
    ("promote", {"version": "9.9", "to": "stable"}, 404, "has no version"),
    ("promote", {"version": "1.0", "to": ""}, 400, "Choose a repository"),
    ("promote", {"version": "1.0", "to": "nowhere"}, 404, "There is no repository"),
    ("promote", {"version": "1.0", "to": HOSTILE}, 404, "There is no repository"),
    ("promote", {"version": "1.0", "to": "private"}, 400, "name another repository"),
]


def test_what_cannot_be_is_said_on_the_page(team, browse):
    root = browse("root")

    for action, fields, status, said in WRONG:
        page = post(root, action, fields, status=status)

        assert said in page.text.partition('role="alert">')[2].partition("</p>")[0], (action, fields)
        assert "<h1>Manage holy-grail</h1>" in page.text
        assert "<script>alert" not in page.text
    assert files(team) == {"1.0": None, "1.1": None}
    assert team.index.catalog.page("private", "holy-grail").status == "active"


@pytest.mark.parametrize("to", ["all", "other"])
def test_nothing_is_promoted_into_what_takes_no_files(to, browse):
    page = post(browse("root"), "promote", {"version": "1.0", "to": to}, status=403)

    assert "takes no files" in page.text


def test_hostile_reasons_are_text_and_not_markup(browse):
    ann = browse("ann")
    send(ann, "yank", version="1.0", reason=HOSTILE)
    page = set_status(ann, "deprecated", reason=HOSTILE)

    assert "<script>alert" not in page.text
    assert "<img" not in page.text
    assert form_to(page, "status")["reason"].value == HOSTILE


@pytest.mark.parametrize("done", ["nothing", "%3Cscript%3E", "%ff", "yanked%00", ""])
def test_only_what_was_done_is_said(done, browse):
    page = browse("ann").open(f"{MANAGE}?done={done}&version={done}")

    assert 'class="done"' not in page.text
    assert "<script>alert" not in page.text


def test_a_version_is_chosen_by_the_link_that_leads_here(browse):
    page = browse("root").open(f"{MANAGE}?version=1.0")

    assert form_to(page, "yank")["version"].value == "1.0"
    assert form_to(page, "delete")["version"].value == "1.0"


def test_forms_without_the_token_of_the_page_are_refused(team, browse):
    browser = browse("root")
    csrf = browser.open("/account").forms[0]["csrf"].value
    fields = {"version": "1.0", "status": "archived", "to": "stable", "confirmation": "holy-grail 1.0"}
    json, foreign = {"Content-Type": "application/json"}, {"Sec-Fetch-Site": "cross-site"}

    for action in ACTIONS:
        place = f"{PLACE}/{action}"
        browser.web.post(place, fields, status=403)
        browser.web.post(place, {**fields, "csrf": "0" * 64}, status=403)
        browser.web.post(place, {**fields, "csrf": csrf}, headers=foreign, status=403)
        browser.web.post(place, "{}", headers=json, status=400)

    assert files(team) == {"1.0": None, "1.1": None}
    assert team.index.catalog.page("private", "holy-grail").status == "active"


def test_whose_session_has_ended_is_led_to_the_login_and_back(team, browse):
    browser = browse("ann")
    form = form_to(browser.open(MANAGE), "yank")
    (session,) = team.index.browsers.sessions.list("ann")
    team.index.browsers.sessions.revoke(session.id, user="ann")

    page = browser.send(form, version="1.0")

    assert page.request.path == "/login"
    assert page.forms[0]["next"].value == MANAGE.lstrip("/")
    assert files(team) == {"1.0": None, "1.1": None}


@pytest.mark.parametrize("place", ["/all", "/repository/all"])
def test_a_group_leads_to_the_repository_that_has_the_project(place, browse):
    page = browse("ann").open(f"{place}{MANAGE}")

    assert page.request.path == f"/repository/private{MANAGE}"
    assert browse("ann").send(form_to(page, "yank"), version="1.0", status=403)


@pytest.mark.parametrize("place", ["/all", "/other"])
def test_a_project_of_an_upstream_is_changed_there(place, browse):
    page = browse("root").open(f"{place}/project/requests/-/manage", status=403)

    assert "follows" in page.text


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", MANAGE), ("PUT", MANAGE), ("GET", f"{PLACE}/yank"), ("DELETE", f"{PLACE}/delete")],
)
def test_other_methods_are_refused(method, path, team):
    team.web.request(path, method=method, status=405)


def test_the_audit_log_has_what_was_refused_and_who_did_it(caplog, browse):
    with caplog.at_level("INFO", logger="pyramid_pypi.audit"):
        post(browse("vic"), "yank", {"version": "1.0"}, status=403)
        send(browse("ann"), "yank", version="1.0")

    said = [record.getMessage() for record in caplog.records]
    assert any('"refused"' in line and '"vic"' in line for line in said)
    assert any('"file yanked"' in line and '"ann"' in line for line in said)


def test_everyone_may_manage_where_nobody_is_known(build):
    index = build(
        **{
            "pypi.repo.private.read": "everyone",
            "pypi.repo.private.upload": "everyone",
            "pypi.repo.private.yank": "everyone",
            "pypi.repo.private.delete": "everyone",
            "pypi.repo.private.manage": "everyone",
        }
    )
    index.publish()
    browser = Browser(index.application)

    page = send(browser, "yank", version="1.0", reason="Why not")

    assert "The version is yanked" in page.text


@pytest.mark.parametrize("place", ["", "/private", "/repository/private"])
def test_another_spelling_of_the_name_leads_to_the_same_page(place, team, browse):
    browser = browse("ann")
    page = browser.open(f"{place}/project/holy-grail/-/manage")
    csrf = form_to(page, "yank")["csrf"].value

    moved = browser.web.get(f"{place}/project/Holy_Grail/-/manage", status=301)
    done = browser.web.post(
        f"{place}/project/Holy_Grail/-/yank", {"csrf": csrf, "version": "1.0"}, status=303
    )

    assert moved.headers["Location"].endswith("project/holy-grail/-/manage")
    assert done.headers["Location"] == "manage?done=yanked"
    assert files(team) == {"1.0": "", "1.1": None}
