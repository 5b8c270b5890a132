"""What commands make of the answers of an index at a URL, and who logs in there."""

import base64
import io
import json

import click
import pytest
import urllib3

from pyramid_pypi.browse.facts import ProjectItem
from pyramid_pypi.cli._index import Failed, Index, Login, Missing, NotAllowed, Reply, Unreachable, read
from pyramid_pypi.cli._remote import open_remote

URL = "https://pypi.example.org"
SECRET = "s:e/c@r%et"


class Answers:
    """A transport that gives prepared answers and notes what was asked."""

    def __init__(self, *replies):
        self.replies = list(replies)
        self.asked = []

    def send(self, method, path, body):
        self.asked.append((method, path, body))
        return self.replies.pop(0)


def reply(content, status=200, content_type="application/json"):
    return Reply(status, content_type, json.dumps(content).encode())


def problem(status, **content):
    return reply(content, status, "application/problem+json")


def test_names_are_quoted_and_empty_options_are_left_out():
    transport = Answers(reply({"x": 1}))

    assert Index(transport).get(
        "repositories", "a b", "projects", "1.0+local", q="x&y", none=None, empty=""
    ) == {"x": 1}
    assert transport.asked == [("GET", "/-/api/v1/repositories/a%20b/projects/1.0%2Blocal?q=x%26y", None)]


def test_lists_are_followed_to_their_end_or_limit():
    parts = [reply({"items": [1, 2], "next": "b"}), reply({"items": [3, 4], "next": None})]
    transport = Answers(*parts)
    assert list(Index(transport).items("search")) == [1, 2, 3, 4]
    assert transport.asked[1][1] == "/-/api/v1/search?limit=100&cursor=b"

    transport = Answers(*parts)
    assert list(Index(transport).items("search", limit=3)) == [1, 2, 3]
    assert [path for _, path, _ in transport.asked] == [
        "/-/api/v1/search?limit=3",
        "/-/api/v1/search?limit=1&cursor=b",
    ]


def repository(name, *, is_default):
    facts = {"name": name, "kind": "hosted", "description": "", "is_default": is_default}
    return {**facts, "projects": 0, "permissions": []}


def test_a_list_that_leads_to_itself_ends():
    transport = Answers(*[reply({"items": [1], "next": "b"})] * 3)

    assert list(Index(transport).items("search")) == [1, 1]


@pytest.mark.parametrize("found", [[], {}, {"items": 1, "next": None}, None, "x"])
def test_what_is_no_list_is_told(found):
    with pytest.raises(Failed, match="does not speak as this version"):
        list(Index(Answers(reply(found))).items("search"))


def test_the_default_repository_is_asked_for_unless_one_is_chosen():
    found = {"items": [repository("a", is_default=False), repository("b", is_default=True)], "next": None}

    assert Index(Answers(reply(found))).repository == "b"
    assert Index(Answers(), chosen="c").repository == "c"
    with pytest.raises(NotAllowed, match="-r"):
        _ = Index(Answers(reply({"items": [], "next": None}))).repository


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, Failed, 1),
        (409, Failed, 1),
        (429, Failed, 1),
        (401, NotAllowed, 4),
        (403, NotAllowed, 4),
        (404, Missing, 3),
        (500, Unreachable, 5),
        (502, Unreachable, 5),
        (507, Unreachable, 5),
    ],
)
def test_problems_are_told_and_have_their_exit_code(status, kind, code):
    with pytest.raises(Failed, match=r"^what is wrong") as raised:
        Index(Answers(problem(status, title="x", detail="what is wrong"))).get("me")

    assert type(raised.value) is kind
    assert raised.value.exit_code == code


@pytest.mark.parametrize(
    "answer",
    [
        Reply(200, "text/html", b"<html>"),
        Reply(404, "text/html", b"<html>"),
        Reply(404, "application/problem+json", b"<"),
        Reply(404, "application/problem+json", b"[]"),
        Reply(404, "application/problem+json", b"{}"),
        Reply(500, "", b""),
    ],
    ids=["page", "no-api", "no-json", "list", "nothing", "empty"],
)
def test_what_is_no_index_is_told_without_a_traceback(answer):
    with pytest.raises(Failed):
        Index(Answers(answer)).get("me")


def test_what_an_index_says_cannot_move_the_cursor():
    with pytest.raises(Failed) as raised:
        Index(Answers(problem(400, detail="\x1b[2Jgone\n"))).get("me")

    assert raised.value.message == "[2Jgone"


def test_another_version_of_the_api_is_told():
    assert read(ProjectItem, {"name": "a", "display": "A", "serial": 1, "new": 2}) == ProjectItem("a", "A", 1)
    with pytest.raises(Failed, match="does not speak as this version"):
        read(ProjectItem, {"name": "a"})


@pytest.fixture
def login(monkeypatch, tmp_path):
    """Return what tells which header is sent to a URL."""
    for name in ("TOKEN", "USERNAME", "PASSWORD"):
        monkeypatch.delenv(f"PYRAMID_PYPI_{name}", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").write_text("machine pypi.example.org login net password rc\n")
    (tmp_path / "netrc").chmod(0o600)

    def header(url=URL, **options):
        with open_remote(url, Login(**options)) as remote:
            return remote.authorization

    return header


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_the_first_who_is_named_logs_in(login, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("typed\n"))

    assert login() == basic("net", "rc")
    assert login("https://ann:s%3Ae%2Fc%40r%25et@pypi.example.org") == basic("ann", SECRET)
    monkeypatch.setenv("PYRAMID_PYPI_USERNAME", "env")
    monkeypatch.setenv("PYRAMID_PYPI_PASSWORD", "ironment")
    assert login("https://ann:x@pypi.example.org") == basic("env", "ironment")
    monkeypatch.setenv("PYRAMID_PYPI_TOKEN", "ppypi_1")
    assert login("https://ann:x@pypi.example.org") == "Bearer ppypi_1"
    assert login(token="ppypi_2") == "Bearer ppypi_2"
    assert login(username="ann", password_stdin=True) == basic("ann", "typed")


def test_a_password_is_asked_for_where_it_is_not_given(login, monkeypatch):
    monkeypatch.setattr(click, "prompt", lambda text, **_options: f"{text}?")

    assert login(username="ann") == basic("ann", "Password?")


def test_the_proxy_of_the_environment_is_used(login, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://me:swordfish@proxy.example.org:3128")
    monkeypatch.setenv("NO_PROXY", "other.example.org")

    with open_remote(URL, Login()) as remote:
        assert isinstance(remote.pool, urllib3.ProxyManager)
        assert remote.pool.proxy_headers == {"Proxy-Authorization": basic("me", "swordfish")}
    with open_remote("https://other.example.org", Login()) as remote:
        assert not isinstance(remote.pool, urllib3.ProxyManager)


def test_nobody_logs_in_where_nobody_is_named(login, monkeypatch, tmp_path):
    assert login("https://other.example.org") == ""
    monkeypatch.setenv("NETRC", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert login() == ""


def test_a_netrc_file_that_everyone_may_read_is_not_used(login, tmp_path, capsys):
    (tmp_path / "netrc").chmod(0o644)

    assert login() == ""
    assert "chmod o=" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [{"username": "a", "token": "b"}, {"password_stdin": True}],
    ids=["both", "password-without-user"],
)
def test_options_that_do_not_go_together_are_refused(login, options):
    with pytest.raises(click.UsageError):
        login(**options)


@pytest.mark.parametrize(
    "url",
    [
        f"https://ann:{SECRET}@",
        f"https://ann:{SECRET}@[::1",
        "https://ann:swordfish@host:99999",
        "https://ann:swordfish@ho st/",
        "https://ann%0A:swordfish@host/",
    ],
    ids=["no-host", "bracket", "port", "space", "control"],
)
def test_a_url_that_is_none_is_told_without_its_password(login, url):
    with pytest.raises(Failed) as raised:
        login(url)

    assert "swordfish" not in raised.value.message
    assert SECRET not in raised.value.message


def test_a_secret_is_in_no_repr(login):
    assert "ppypi" not in repr(Login(token="ppypi_1"))
    with open_remote("https://ann:swordfish@pypi.example.org", Login()) as remote:
        assert "swordfish" not in repr(remote)


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://ann:x@pypi.example.org", True),
        ("http://ann:x@10.0.0.1:8080", True),
        ("http://ann:x@127.0.0.1:6543", False),
        ("http://ann:x@[::1]", False),
        ("http://ann:x@localhost", False),
        ("https://ann:x@pypi.example.org", False),
        ("http://other.example.org", False),
    ],
)
def test_a_password_without_tls_is_warned_of(login, url, warned, capsys):
    login(url)

    assert ("without TLS" in capsys.readouterr().err) is warned


def test_a_file_of_certificates_that_is_none_is_told(login, tmp_path):
    for path in (tmp_path / "nowhere.pem", tmp_path / "netrc"):
        with pytest.raises(Failed, match=str(path)):
            login(ca=str(path))
