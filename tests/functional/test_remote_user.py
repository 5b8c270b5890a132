"""Users whom a web server in front has logged in, over HTTP."""

import http.client
import json
from types import SimpleNamespace

import pytest

from pyramid_pypi.auth.policy import SecurityPolicy
from pyramid_pypi.auth.remote import PEER
from pyramid_pypi.errors import Forbidden
from pyramid_pypi.model import Identity
from pyramid_pypi.web.context import INDEX
from tests.functional.support import JSON, OPEN, settings
from tests.functional.test_rights import HASH, as_user, wheel_of
from tests.live import LiveServer, write_ini

REMOTE = {
    "pypi.remote_user.header": "X-Forwarded-User",
    "pypi.remote_user.groups_header": "X-Forwarded-Groups",
    "pypi.remote_user.from": "127.0.0.1 10.1.0.0/16",
}
PEOPLE = {
    **REMOTE,
    "pypi.repo.private.read": "authenticated",
    "pypi.repo.private.upload": "group:release",
    "pypi.repo.private.project.secret-*.read": "user:ann",
}
ANN = {"X-Forwarded-User": "ann", "X-Forwarded-Groups": "staff, release"}
BOB = {"X-Forwarded-User": "bob"}


def through(client, peer="10.1.0.9"):
    """Let all further requests come over a connection from `peer`."""
    client.web.extra_environ = {PEER: peer, "REMOTE_ADDR": "192.0.2.7"}
    return client


@pytest.fixture
def office(build):
    """An index without passwords, behind a web server that logs people in."""
    client = through(build(**PEOPLE))
    for name in ("holy-grail", "secret-sauce"):
        client.upload(*wheel_of(name), headers=ANN)
    return client


def names(client, headers, *, status=200):
    answer = client.web.get("/simple/", headers={**headers, "Accept": JSON}, status=status)
    return [project["name"] for project in answer.json["projects"]] if status == 200 else answer.text


def test_the_header_names_the_user_and_the_groups(office):
    for _ in range(2):
        assert names(office, ANN) == ["holy-grail", "secret-sauce"]
        assert names(office, BOB) == ["holy-grail"]
    office.upload(*wheel_of("shrubbery"), headers=BOB, status=403)

    assert office.index.catalog.page("private", "holy-grail").files[0].uploaded_by == "ann"


def test_who_is_not_named_is_asked_to_log_in(office):
    names(office, {}, status=401)


@pytest.mark.parametrize("peer", ["192.0.2.7", "10.2.0.9", "::1", "localhost"])
def test_the_header_of_others_is_ignored(office, peer):
    names(through(office, peer), ANN, status=401)


def test_the_header_is_ignored_where_the_server_does_not_tell_the_peer(office):
    office.web.extra_environ = {"REMOTE_ADDR": "127.0.0.1"}

    names(office, ANN, status=401)


def test_the_header_is_ignored_unless_it_is_set_up(build):
    names(through(build()), ANN, status=401)


@pytest.mark.parametrize("name", ["", "a\x01b", "x" * 256, "ann, bob", "\xff"], ids=repr)
def test_what_is_no_name_is_400_even_where_everyone_may_read(build, name):
    client = through(build(**OPEN, **REMOTE))
    client.publish()
    peer = client.web.extra_environ
    for _ in range(2):
        assert client.raw("/simple/holy-grail/", **peer)[0].startswith("200 ")

    # WebTest refuses such headers itself.
    status, *_ = client.raw("/simple/holy-grail/", **peer, HTTP_X_FORWARDED_USER=name)
    assert status.startswith("400 ")


def test_who_is_named_sees_more_than_everyone_of_a_page_that_is_ready(build):
    client = through(build(**{**PEOPLE, "pypi.repo.private.read": "everyone"}))
    for name in ("holy-grail", "secret-sauce"):
        client.upload(*wheel_of(name), headers=ANN)

    for _ in range(3):
        assert names(client, {}) == names(client, BOB) == ["holy-grail"]
        assert names(client, ANN) == ["holy-grail", "secret-sauce"]


def test_a_page_that_is_ready_for_one_is_not_given_to_another(office):
    for who, status in ((ANN, 200), (BOB, 404), ({}, 401), (ANN, 200), (BOB, 404)):
        office.web.get("/simple/secret-sauce/", headers=who, status=status)


def test_authorization_goes_first(build, tmp_path):
    (tmp_path / "htpasswd").write_text(f"bob:{HASH}\n")
    client = through(
        build(**PEOPLE, **{"pypi.authenticators": "htpasswd", "pypi.auth.htpasswd.path": "htpasswd"})
    )
    client.upload(*wheel_of("secret-sauce"), headers=ANN)

    assert names(client, ANN) == ["secret-sauce"]
    assert names(client, {**ANN, **as_user("bob")}) == []
    names(client, {**ANN, **as_user("bob", "wrong")}, status=401)
    names(client, {**ANN, "Authorization": "Bearer x"}, status=401)


@pytest.mark.parametrize(
    "page",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:80"},
    ],
    ids=repr,
)
def test_a_page_of_another_site_changes_nothing(office, page):
    office.upload(*wheel_of("shrubbery"), headers={**ANN, **page}, status=403)

    assert names(office, ANN) == ["holy-grail", "secret-sauce"]


def test_nor_does_it_in_views_of_plugins_that_do_not_look_themselves(office):
    environ = {PEER: "127.0.0.1", "HTTP_X_FORWARDED_USER": "ann", "HTTP_ORIGIN": "https://evil.example"}
    post, get = (
        SimpleNamespace(registry={INDEX: office.index}, environ={**environ, "REQUEST_METHOD": method})
        for method in ("POST", "GET")
    )

    with pytest.raises(Forbidden):
        SecurityPolicy().identity(post)
    assert SecurityPolicy().identity(get) == Identity.user("ann")


def test_a_page_of_our_own_may(office):
    page = {"Origin": "https://pypi.example.org", "Host": "pypi.example.org", "Sec-Fetch-Site": "same-origin"}

    office.upload(*wheel_of("shrubbery"), headers={**ANN, **page})


def test_reading_from_a_page_of_another_site_is_reading(office):
    assert names(office, {**BOB, "Sec-Fetch-Site": "cross-site"}) == ["holy-grail"]


@pytest.fixture
def live(tmp_path):
    """A server that takes addresses from a proxy on this machine."""

    def start(networks):
        ini = write_ini(
            tmp_path / "index.ini",
            settings(tmp_path, **{**PEOPLE, "pypi.remote_user.from": networks, "pypi.access_log": "true"}),
        )
        proxy = "trusted_proxy = *\ntrusted_proxy_headers = x-forwarded-for\ntrusted_proxy_count = 1\n"
        text = ini.read_text().replace("threads = 24\n", f"threads = 4\n{proxy}")
        ini.write_text(text)
        return LiveServer(ini, tmp_path / "log")

    return start


def ask(server, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", int(server.url.rpartition(":")[2]), timeout=20)
    connection.request("GET", "/simple/", headers={"Accept": JSON, **headers})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


def test_the_server_tells_who_is_connected_whatever_headers_say(live):
    with live("127.0.0.1") as server:
        status, content = ask(server, **ANN, **{"X-Forwarded-For": "192.0.2.7"})
        (line,) = (one for one in server.access() if one["path"] == "/simple/")

    assert (status, json.loads(content)["projects"]) == (200, [])
    assert (line["identity"], line["address"]) == ("ann", "192.0.2.7")


def test_a_forged_address_is_not_believed(live):
    with live("10.1.0.0/16") as server:
        forged = {"X-Forwarded-For": "10.1.0.9", "Pyramid-Pypi.Peer": "10.1.0.9", "Remote-Addr": "10.1.0.9"}

        assert ask(server, **ANN, **forged)[0] == 401


def test_an_underscore_does_not_stand_for_a_dash(live):
    with live("127.0.0.1") as server:
        assert ask(server, X_Forwarded_User="ann")[0] == 401
