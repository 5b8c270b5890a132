"""What the fake GitHub notices: words that are not in the published description."""

import json
import urllib.error
import urllib.request

import pytest

from pyramid_pypi_github.testing import GitHubServer

RELEASES = "/repos/acme/packages/releases"


def problems(description, method, path, *, query=None, body=None):
    operation = description.find(method, path)
    return list(description.request_problems(operation, query or {}, body))


@pytest.mark.parametrize(
    ("method", "path", "asked", "told"),
    [
        ("GET", RELEASES, {"query": {"limit": "5"}}, "limit is no parameter"),
        ("GET", RELEASES, {"query": {"page": "two"}}, "is not of type 'integer'"),
        ("POST", RELEASES, {"body": {"name": "x"}}, "'tag_name' is a required property"),
        ("POST", RELEASES, {"body": {"tag_name": "x", "colour": "red"}}, "colour is no property"),
        ("POST", RELEASES, {"body": {"tag_name": "x", "make_latest": "no"}}, "is not one of"),
        ("POST", RELEASES, {}, "is not of type 'object'"),
        ("POST", f"{RELEASES}/1/assets", {}, "name is missing"),
        ("DELETE", f"{RELEASES}/1", {"body": {"x": 1}}, "there is no JSON to be sent"),
        ("GET", f"{RELEASES}/assets/one", {}, "is not of type 'integer'"),
    ],
)
def test_wrong_requests_are_noticed(description, method, path, asked, told):
    assert any(told in each for each in problems(description, method, path, **asked))


def test_right_requests_have_no_problems(description):
    assert problems(description, "POST", RELEASES, body={"tag_name": "x", "draft": True}) == []
    assert problems(description, "GET", RELEASES, query={"page": "2", "per_page": "100"}) == []
    assert problems(description, "DELETE", "/repos/acme/packages/git/refs/tags/a%2Bb") == []


def test_wrong_answers_are_noticed(description):
    operation = description.find("GET", f"{RELEASES}/tags/v1")
    right = description.example("release")
    wrong = {key: value for key, value in right.items() if key != "assets"}

    assert list(description.answer_problems(operation, 200, right)) == []
    assert "'assets' is a required property" in "".join(description.answer_problems(operation, 200, wrong))
    assert list(description.answer_problems(operation, 200, {**right, "id": "one"}))
    assert list(description.answer_problems(operation, 202, right)) == ["202 is no answer"]


def test_the_server_remembers_what_was_wrong(description):
    with GitHubServer(description) as server:
        headers = {"Authorization": f"Bearer {server.token}"}
        for path, data in (
            ("/nowhere", None),
            (RELEASES, json.dumps({"colour": "red", "tag_name": "x"}).encode()),
        ):
            request = urllib.request.Request(f"{server.url}{path}", data, headers)
            try:
                urllib.request.urlopen(request).close()
            except urllib.error.HTTPError as error:
                error.close()

    assert "GET /nowhere: /nowhere is no path of the description" in server.problems
    assert f"POST {RELEASES}: colour is no property" in server.problems
    assert f"POST {RELEASES}: X-GitHub-Api-Version is missing" in server.problems
