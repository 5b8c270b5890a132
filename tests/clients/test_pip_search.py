"""pip searches, and Python's own client of XML-RPC asks for the rest."""

import xmlrpc.client
from urllib.parse import urlsplit

import pytest

from tests.clients.client import Client
from tests.clients.people import ANN, BOB
from tests.clients.releases import put_for_team, put_wheel
from tests.live import LiveServer


@pytest.mark.parametrize("end", ["", "/", "/RPC2", "/pypi", "/simple/", "/private", "/repository/private/"])
def test_pip_finds_a_project_by_its_summary(end: str, server: LiveServer, pip: Client) -> None:
    put_wheel(server, "search-parrot", "1.0", summary="A norwegian blue")
    put_wheel(server, "search-parrot", "1.1", summary="A norwegian blue, which is pining")

    found = pip("search", "-i", f"{server.url}{end}", "pining")

    assert found.strip() == "search-parrot (1.1)  - A norwegian blue, which is pining"


def test_pip_finds_a_project_by_a_part_of_its_name(server: LiveServer, pip: Client) -> None:
    put_wheel(server, "search-shrubbery", "2.0", summary="Nice")

    assert "search-shrubbery (2.0)" in pip("search", "-i", f"{server.url}/", "shrubb")


def test_pip_finds_nothing(server: LiveServer, pip: Client) -> None:
    code, said = pip.run("search", "-i", f"{server.url}/", "no-such-word-anywhere")

    # That is pip's way to say so.
    assert (code, said.strip()) == (23, "")


def test_pip_says_what_is_wrong_with_a_search(server: LiveServer, pip: Client) -> None:
    said = pip.fails("search", "-i", f"{server.url}/", "x" * 1000)

    assert "A search has at most" in said


def test_pip_searches_with_a_password(server: LiveServer, pip: Client) -> None:
    put_for_team(server, "search-team", "1.0")

    found = pip("search", "-i", server.at("/team/", *BOB), "search-team")
    refused = pip.fails("search", "-i", server.at("/team/"), "search-team")

    assert "search-team (1.0)" in found
    assert "401" in refused


def test_the_client_of_python_follows_what_changes(server: LiveServer) -> None:
    with xmlrpc.client.ServerProxy(f"{server.url}/pypi") as proxy:
        before = proxy.changelog_last_serial()
        put_wheel(server, "search-follow", "1.0")
        ((name, version, _at, action, serial),) = proxy.changelog_since_serial(before)
        (file,) = proxy.release_urls("search-follow", "1.0")

        assert (name, version, action) == ("search-follow", "1.0", "add py3 file")
        assert proxy.list_packages_with_serial()["search-follow"] == serial
    assert urlsplit(file["url"]).netloc == urlsplit(server.url).netloc


def test_the_client_of_python_shows_a_password(server: LiveServer) -> None:
    put_for_team(server, "search-python", "1.0")

    with xmlrpc.client.ServerProxy(server.at("/team/RPC2", *ANN)) as proxy:
        assert "search-python" in proxy.list_packages()
    with (
        xmlrpc.client.ServerProxy(server.at("/team/RPC2")) as proxy,
        pytest.raises(xmlrpc.client.ProtocolError) as raised,
    ):
        proxy.list_packages()
    assert raised.value.errcode == 401
