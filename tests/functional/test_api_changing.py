"""Changing by the API: releases, files, status and roles, and who may not."""

import pytest

from tests.functional.api import API, PROJECT, WHEEL, api
from tests.functional.test_audit import audited
from tests.functional.test_rights import as_user

__all__ = ["api", "audited"]

FILES = {"repository": "private", "project": "holy-grail", "files": [WHEEL]}
TEAM = "repositories/team/projects/holy-grail"

WRITES = [
    ("PUT", "./status", {"status": "archived"}),
    ("POST", "./releases/1.0/yank", {}),
    ("POST", "./releases/1.0/unyank", None),
    ("DELETE", "./releases/1.0", None),
    ("POST", "./releases/1.0/promote", {"to": "stable"}),
    ("DELETE", f"./files/{WHEEL}", None),
    ("PUT", "./roles/user:bob", {"role": "owner"}),
    ("DELETE", "./roles/user:ann", None),
]
EACH_WRITE = pytest.mark.parametrize(
    ("method", "path", "body"), WRITES, ids=[f"{m} {p}" for m, p, _ in WRITES]
)


def yanked(api):
    return {one["version"]: one["yanked"] for one in api.get("./")["releases"]}


def state(api):
    """Return what a refused change must leave as it is."""
    return api.get("./"), api.get("./roles"), api.get("repositories/stable/projects")


def test_a_release_is_yanked_and_offered_again(api, audited):
    assert api.ask("POST", "./releases/1.0/yank", {"reason": "  it burns "}, user="ann") == FILES
    assert yanked(api) == {"2.0": None, "1.0": "it burns"}

    assert api.ask("POST", "./releases/1.0/unyank", user="ann") == FILES
    assert yanked(api) == {"2.0": None, "1.0": None}
    assert [line["event"] for line in audited()][-2:] == ["file yanked", "file unyanked"]


def test_a_yank_needs_no_reason_and_no_body(api):
    api.web.post(f"{PROJECT}/releases/1.0/yank", headers=as_user("ann"))

    assert yanked(api)["1.0"] == ""


def test_a_release_and_a_file_are_deleted(api):
    assert api.ask("DELETE", f"./files/{WHEEL}", user="ann") == FILES
    assert api.ask("DELETE", "./releases/2.0", user="ann")["files"] == [WHEEL.replace("1.0", "2.0")]

    assert api.get("./")["releases"] == []


def test_a_file_is_deleted_below_its_own_project_alone(api):
    api.refused("DELETE", f"repositories/private/projects/spam/files/{WHEEL}", user="ann", status=404)

    api.get(f"./files/{WHEEL}")


def test_a_status_is_set_by_owners_and_managers(api):
    wish = {"status": "deprecated", "reason": "use the other one"}
    spam = "repositories/private/projects/spam"

    assert api.ask("PUT", "./status", wish, user="ann") == {
        "repository": "private",
        "project": "holy-grail",
        **wish,
    }
    api.ask("PUT", f"{spam}/status", wish, user="bob")
    api.ask("PUT", f"{spam}/status", {"status": "active"}, user="ann")

    assert (api.get("./")["status"], api.get("./")["status_reason"]) == ("deprecated", "use the other one")
    assert api.get(spam)["status"] == "active"


def test_a_release_is_promoted(api):
    api.index.served("private").roles.grant("holy-grail", "user:bob", "maintainer", "root")

    told = api.ask("POST", "./releases/1.0/promote", {"to": "stable"}, user="bob")

    assert told == {**FILES, "repository": "stable"}
    there = api.get(f"repositories/stable/projects/holy-grail/files/{WHEEL}", user="carol")
    assert (there["uploaded_by"], there["sha256"]) == ("bob", api.get(f"./files/{WHEEL}")["sha256"])


def test_what_is_hidden_is_not_promoted(api):
    hidden = "repositories/private/projects/secret-sauce/releases/1.0/promote"

    said = api.refused("POST", hidden, {"to": "stable"}, user="bob", status=404)

    assert said == "'private' has no project 'secret-sauce'"


def test_a_group_changes_what_it_publishes_to(api):
    assert api.ask("POST", f"{TEAM}/releases/1.0/yank", {"reason": "bad"}, user="ann") == FILES
    api.ask("PUT", f"{TEAM}/roles/user:carol", {"role": "maintainer"}, user="ann")

    assert yanked(api)["1.0"] == "bad"
    assert api.get(f"{TEAM}/roles") == api.get("./roles")


def test_roles_are_told_granted_and_revoked(api, audited):
    assert api.get("./roles")["items"] == [{"principal": "user:ann", "role": "owner"}]

    given = api.ask("PUT", "./roles/group:staff/dev", {"role": "maintainer"}, user="ann")
    left = api.ask("DELETE", "./roles/group:staff%2Fdev", user="ann")

    assert given == {"principal": "group:staff/dev", "role": "maintainer"}
    assert left == {"items": [{"principal": "user:ann", "role": "owner"}], "next": None}
    assert [line["event"] for line in audited()][-2:] == ["role granted", "role revoked"]


def test_the_last_owner_stays(api):
    spam = "repositories/private/projects/spam/roles"

    gone = api.refused("DELETE", f"{spam}/user:bob", user="bob", status=400)
    lower = api.refused("PUT", f"{spam}/user:bob", {"role": "maintainer"}, user="bob", status=400)
    assert gone == lower == "The last owner stays; make somebody else an owner first"

    # Who manages the repository may leave a project to nobody.
    assert api.ask("DELETE", f"{spam}/user:bob", user="ann")["items"] == []


def test_only_owners_change_roles(api):
    said = api.refused("PUT", "./roles/user:bob", {"role": "owner"}, user="bob")

    assert said == "The user 'bob' does not own 'holy-grail'"
    assert "has no role" in api.refused("DELETE", "./roles/user:carol", user="ann", status=404)
    assert "neither user:NAME" in api.refused(
        "PUT", "./roles/carol", {"role": "owner"}, user="ann", status=400
    )


@EACH_WRITE
def test_strangers_readers_and_browsers_change_nothing(method, path, body, api):
    before = state(api)
    assert api.refused(method, path, body, status=401).startswith("Log in to ")
    api.refused(method, path, body, user="carol")
    foreign = {"Origin": "https://evil.example"}
    said = api.refused(method, path, body, user="ann", headers=foreign)
    assert said == "Requests from pages of other sites are refused"
    api.with_browser("ann").refused(method, path, body, status=401)

    assert state(api) == before


def test_a_browser_that_is_logged_in_may_look(api):
    assert api.with_browser("ann").get("me", "")["name"] == "ann"


@pytest.mark.parametrize("permission", ["yank", "delete"])
def test_a_token_changes_what_its_scope_allows(permission, api):
    wish = {"permissions": ["read", permission], "projects": ["holy-*"]}
    secret = api.ask("POST", "tokens", wish, user="ann", status=201)["token"]
    headers = as_user("__token__", secret)

    api.ask("POST", "./releases/1.0/yank", {}, headers=headers, status=200 if permission == "yank" else 403)
    api.ask("DELETE", "./releases/1.0", headers=headers, status=200 if permission == "delete" else 403)
    api.refused("PUT", "./status", {"status": "archived"}, headers=headers)
    api.refused("DELETE", "repositories/private/projects/spam/releases/1.0", headers=headers)


@EACH_WRITE
def test_what_is_not_there_cannot_be_changed(method, path, body, api):
    nowhere = path.replace("./", "repositories/nowhere/projects/holy-grail/")

    assert api.refused(method, nowhere, body, user="ann", status=404) == "There is no repository 'nowhere'"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "projects/nothing/status", {"status": "archived"}),
        ("POST", "projects/nothing/releases/1.0/yank", {}),
        ("POST", "projects/holy-grail/releases/3.0/yank", {}),
        ("POST", "projects/holy-grail/releases/not-a-version/unyank", None),
        ("DELETE", "projects/holy-grail/releases/3.0", None),
        ("POST", "projects/holy-grail/releases/3.0/promote", {"to": "stable"}),
        ("POST", "projects/holy-grail/releases/1.0/promote", {"to": "nowhere"}),
        ("DELETE", f"projects/holy-grail/files/x{WHEEL}", None),
        ("DELETE", "projects/a%20b/releases/1.0", None),
    ],
)
def test_changes_of_what_is_missing_say_so(method, path, body, api):
    api.index.served("private").roles.grant("holy-grail", "user:bob", "maintainer", "root")
    user = "bob" if "promote" in path else "ann"

    assert api.refused(method, f"repositories/private/{path}", body, user=user, status=404)


def test_a_repository_without_files_of_its_own_takes_no_changes(build):
    client = build(
        **{
            "pypi.repositories": "private pypi",
            "pypi.repo.pypi": "proxy",
            "pypi.repo.pypi.upstream": "simple",
            "pypi.repo.pypi.upstream.url": "http://127.0.0.1:9/simple/",
            "pypi.repo.pypi.read": "everyone",
        }
    )

    answer = client.web.post_json(f"{API}repositories/pypi/projects/spam/releases/1.0/yank", {}, status=403)

    assert "takes no files" in answer.json["detail"]
    down = client.web.get(f"{API}repositories/pypi/projects/spam", status=502)
    assert down.json["status"] == 502
    assert down.content_type == "application/problem+json"
