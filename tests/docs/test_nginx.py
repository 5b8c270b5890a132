"""The configurations of nginx, run by a real nginx in front of a real server."""

import contextlib
import http.client
import os
from urllib.parse import urljoin

import pytest

from pyramid_pypi.testing.artefacts import make_wheel
from tests.docs.blocks import blocks
from tests.docs.test_blocks import complete
from tests.live import LiveServer, post_file, write_ini
from tests.nginx import nginx as run_nginx

PAGE = "docs/how-to/behind-nginx.md"
WHEEL = "holy_grail-1.0-py3-none-any.whl"
CONTENT = make_wheel("holy-grail", "1.0", files={"data.bin": os.urandom(200_000)})
CLIENT = "127.0.0.2"
OPEN = {"pypi.repo.private.read": "everyone", "pypi.repo.private.upload": "everyone"}


def of(name: str) -> str:
    (block,) = (one for one in blocks(PAGE) if one.how == "nginx" and one.detail == name)
    return block.text


@pytest.fixture
def server(tmp_path):
    """An index with the settings of the page."""
    (block,) = (one for one in blocks(PAGE) if one.language == "ini" and "handoff" in one.text)
    settings = {**complete(block, tmp_path), **OPEN}
    ini = write_ini(tmp_path / "index.ini", settings)
    trust = block.text.partition("[server:main]\n")[2]
    ini.write_text(
        ini.read_text().replace("use = egg:pyramid_pypi#server\n", f"use = egg:pyramid_pypi#server\n{trust}")
    )
    with LiveServer(ini, tmp_path / "log") as server:
        yield server
    assert server.problems() == []


@pytest.fixture
def nginx(tmp_path, server, port):
    """Start nginx with a site; return a function that asks it, as the host of the page."""
    with contextlib.ExitStack() as running:

        def start(site: str) -> int:
            site = site.replace("listen 443 ssl;", f"listen 127.0.0.1:{port};").replace(
                "http://127.0.0.1:6543", server.url
            )
            site = site.replace("/srv/pypi/var", str(tmp_path))
            lines = (line for line in site.splitlines() if "ssl_certificate" not in line)
            running.enter_context(run_nginx(tmp_path, "\n".join(lines)))
            return port

        yield start


def get(port: int, path: str, host: str = "pypi.example.org", **headers: str) -> http.client.HTTPResponse:
    """Return the answer to a GET; its body is in `content`, and what was asked in `path`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20, source_address=(CLIENT, 0))
    connection.request("GET", path, headers={"Host": host, **headers})
    answer = connection.getresponse()
    answer.path, answer.content = path, answer.read()
    connection.close()
    return answer


def link(page: http.client.HTTPResponse) -> str:
    """Return where the first link of a page leads, without its digest."""
    return urljoin(page.path, page.content.decode().partition('<a href="')[2].partition("#")[0])


def test_the_site_publishes_shows_and_sends(nginx, server, tmp_path):
    port = nginx(of("site"))
    assert post_file(f"http://127.0.0.1:{port}/", WHEEL, CONTENT) == (200, "")

    page = get(port, "/simple/holy-grail/")
    file = get(port, link(page))
    start = get(port, "/", Accept="text/html")

    assert file.content == CONTENT
    assert file.headers["Content-Type"] == "application/octet-stream"
    assert "immutable" in file.headers["Cache-Control"]
    assert b"https://pypi.example.org/simple/" in start.content
    assert get(port, "/simple/", host="pypi.example.net").status == 421


def test_the_bytes_come_from_nginx(nginx, server):
    port = nginx(of("site"))
    post_file(f"http://127.0.0.1:{port}/", WHEEL, CONTENT)
    path = link(get(port, "/simple/holy-grail/"))

    direct = get(int(server.url.rpartition(":")[2]), path)
    ranged = get(port, path, Range="bytes=10-19")

    assert direct.headers["X-Accel-Redirect"] == f"/packages-on-disk/holy-grail/{WHEEL}"
    assert direct.content == b""
    assert (ranged.status, ranged.content) == (206, CONTENT[10:20])
    assert get(port, f"/packages-on-disk/holy-grail/{WHEEL}").status == 404


def test_the_index_hears_the_address_of_the_client_and_no_forged_one(nginx, server):
    port = nginx(of("site"))

    get(port, "/simple/", **{"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Host": "evil.example"})

    (line,) = (one for one in server.access() if one["path"] == "/simple/")
    assert line["address"] == CLIENT
    assert line["status"] == 200


def test_the_index_lives_below_a_path(nginx, server):
    disk = of("site").partition("    # Files that")[2]
    port = nginx(f"server {{ listen 443 ssl; {of('prefix')} {disk.partition(chr(10))[2]}")
    assert post_file(f"http://127.0.0.1:{port}/pypi/", WHEEL, CONTENT) == (200, "")

    page = get(port, "/pypi/simple/holy-grail/")
    moved = get(port, "/pypi/simple/holy-grail")

    assert link(page).startswith("/pypi/packages/")
    assert get(port, link(page)).content == CONTENT
    assert moved.headers["Location"] == "holy-grail/"
