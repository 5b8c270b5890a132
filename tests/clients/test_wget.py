"""wget mirrors the simple pages and the files behind them."""

import pytest

from tests.clients.client import Client
from tests.clients.people import BOB
from tests.clients.releases import put_for_team, put_wheel
from tests.live import LiveServer

MIRROR = ("--mirror", "--no-verbose", "--execute", "robots=off", "--no-host-directories")


@pytest.mark.parametrize("form", ["/simple/", "/repository/private/simple/"])
def test_a_project_is_mirrored_with_its_files(form: str, server: LiveServer, wget: Client) -> None:
    old = put_wheel(server, "wget-mirror", "1.0")
    new = put_wheel(server, "wget-mirror", "1.1+corp.1")

    wget(*MIRROR, server.at(f"{form}wget-mirror/"))

    found = {path.name: path.read_bytes() for path in wget.cwd.rglob("*.whl")}
    assert found == {
        "wget_mirror-1.0-py3-none-any.whl": old,
        "wget_mirror-1.1+corp.1-py3-none-any.whl": new,
    }


@pytest.mark.parametrize("form", ["/team/simple/", "/repository/team/"])
def test_the_whole_index_is_mirrored_behind_a_password(form: str, server: LiveServer, wget: Client) -> None:
    for project in ("wget-one", "wget-two"):
        put_for_team(server, project, "1.0")

    wget(*MIRROR, "--user", BOB[0], "--password", BOB[1], server.at(form))

    files = {path.name for path in wget.cwd.rglob("*.whl")}
    pages = {path.parent.name for path in wget.cwd.rglob("index.html")}
    assert {"wget_one-1.0-py3-none-any.whl", "wget_two-1.0-py3-none-any.whl"} <= files
    assert {form.split("/")[-2], "wget-one", "wget-two"} <= pages
    assert [path for path in wget.cwd.rglob("*") if "?" in path.name or "@" in path.name] == []


def test_a_second_mirror_leaves_files_alone(server: LiveServer, wget: Client) -> None:
    put_wheel(server, "wget-again", "1.0")
    url = server.at("/simple/wget-again/")
    wget(*MIRROR, url)
    before = len(server.access())

    wget(*MIRROR, url)

    again = [line for line in server.access()[before:] if line["path"].endswith(".whl")]
    assert [line["status"] for line in again if line["method"] == "GET"] in ([], [304])
    assert [line["status"] for line in again] != []


def test_a_stranger_gets_nothing(server: LiveServer, wget: Client) -> None:
    put_for_team(server, "wget-stranger", "1.0")

    said = wget.fails(*MIRROR, server.at("/team/simple/"))

    assert "Authentication Failed" in said
    assert list(wget.cwd.rglob("*.whl")) == []
