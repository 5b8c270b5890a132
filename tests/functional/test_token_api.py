"""The API for one's own tokens."""

import json

import bcrypt
import pytest

from tests.functional.test_rights import as_user, wheel_of

HASH = bcrypt.hashpw(b"correct horse", bcrypt.gensalt(4)).decode()
URL = "/-/api/v1/tokens"


@pytest.fixture
def team(build, tmp_path):
    (tmp_path / "htpasswd").write_text(f"ann:{HASH}\nbob:{HASH}\n")
    return build(
        **{
            "pypi.authenticators": "tokens htpasswd",
            "pypi.auth.htpasswd.path": "htpasswd",
            "pypi.repo.private.upload": "user:ann",
        }
    )


def make(team, user="ann", **wish):
    return team.web.post_json(URL, wish, headers=as_user(user), status=201).json


def test_a_token_is_made_listed_used_and_revoked(team):
    made = make(team, description="CI", permissions=["upload"], projects=["spam"], expires="30d")

    team.upload(*wheel_of("spam"), headers=as_user("__token__", made["token"]))
    (listed,) = team.web.get(URL, headers=as_user("ann")).json["items"]
    assert listed["state"] == "valid"
    assert {key: listed[key] for key in ("id", "description", "permissions", "projects")} == {
        "id": made["id"],
        "description": "CI",
        "permissions": ["upload"],
        "projects": ["spam"],
    }
    assert made["token"] not in json.dumps(listed)

    team.web.delete(f"{URL}/{made['id']}", headers=as_user("ann"))
    team.web.get("/simple/", headers=as_user("__token__", made["token"]), status=401)


def test_one_sees_and_revokes_ones_own_alone(team):
    made = make(team)

    assert team.web.get(URL, headers=as_user("bob")).json == {"items": [], "next": None}
    team.web.delete(f"{URL}/{made['id']}", headers=as_user("bob"), status=404)


def test_a_token_makes_no_tokens_and_may_end_itself(team):
    made, other = make(team), make(team)
    with_it = as_user("__token__", made["token"])

    team.web.post_json(URL, {}, headers=with_it, status=403)
    team.web.get(URL, headers=with_it, status=403)
    team.web.delete(f"{URL}/{other['id']}", headers=with_it, status=403)
    team.web.delete(f"{URL}/{made['id']}", headers=with_it)
    team.web.get("/simple/", headers=with_it, status=401)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_strangers_are_challenged(method, team):
    answer = team.web.request(URL, method=method, status=401)

    assert answer.headers["WWW-Authenticate"].startswith("Basic")


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"permissions": ["fly"]}, "Invalid enum value 'fly' - at `$.permissions[0]`"),
        ({"repositories": ["nothing"]}, "There is no repository 'nothing'"),
        ({"projects": ["A B"]}, "Expected a word without spaces - at `$.projects[0]`"),
        ({"projects": ["A_B"]}, "is not a pattern"),
        ({"projects": "spam"}, "Expected `array`, got `str` - at `$.projects`"),
        ({"networks": ["::/129"]}, "is not a network"),
        ({"expires": "soon"}, "is not a time"),
        ({"expires": 5}, "Expected `str | null`, got `int` - at `$.expires`"),
        ({"description": "a\nb"}, "Expected one line of text - at `$.description`"),
        ({"scopes": []}, "Object contains unknown field `scopes`"),
    ],
)
def test_what_cannot_be_is_said(wish, said, team):
    answer = team.web.post_json(URL, wish, headers=as_user("ann"), status=400)

    assert said in answer.json["detail"]
    assert team.index.tokens.list() == []


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff", b"[" * 5000, b"1e999999"])
def test_what_is_no_object_is_refused(body, team):
    team.web.request(URL, method="POST", body=body, headers=as_user("ann"), status=400)


def test_too_much_is_refused(team):
    team.web.request(URL, method="POST", body=b"x" * 70_000, headers=as_user("ann"), status=413)


def test_pages_of_other_sites_cannot_use_what_a_browser_remembers(team):
    foreign = {**as_user("ann"), "Origin": "https://evil.example"}

    team.web.post_json(URL, {}, headers=foreign, status=403)


def test_an_index_without_tokens_says_so(build, tmp_path):
    (tmp_path / "htpasswd").write_text(f"ann:{HASH}\n")
    index = build(**{"pypi.authenticators": "htpasswd", "pypi.auth.htpasswd.path": "htpasswd"})

    answer = index.web.post_json(URL, {}, headers=as_user("ann"), status=404)

    assert "takes no tokens" in answer.text
