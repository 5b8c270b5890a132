"""The site of the page about single sign-on, run by a real nginx with a stand-in for oauth2-proxy."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.docs.blocks import blocks
from tests.docs.test_blocks import complete
from tests.docs.test_nginx import get
from tests.docs.test_nginx import nginx as nginx  # noqa: PLC0414 - a fixture
from tests.live import LiveServer, write_ini

PAGE = "docs/how-to/remote-user.md"
ANN = {"Cookie": "session=ann"}


class SignOn(BaseHTTPRequestHandler):
    """Takes the name in a cookie for who has logged in."""

    def do_GET(self):
        _, _, name = self.headers.get("Cookie", "").partition("session=")
        self.server.asked.append(self.path)
        self.send_response(200 if self.path.startswith("/oauth2/sign_in") else 202 if name else 401)
        if name:
            self.send_header("X-Auth-Request-User", name)
            self.send_header("X-Auth-Request-Groups", "staff,release")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def sign_on():
    server = ThreadingHTTPServer(("127.0.0.1", 0), SignOn)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def server(tmp_path):
    """An index with the settings of the page."""
    (block,) = (one for one in blocks(PAGE) if one.language == "ini")
    (tmp_path / "htpasswd").write_text("# nobody\n")
    ini = write_ini(tmp_path / "index.ini", complete(block, tmp_path))
    trust = block.text.partition("[server:main]\n")[2]
    ini.write_text(ini.read_text().replace("threads = 24\n", f"threads = 4\n{trust}"))
    with LiveServer(ini, tmp_path / "log") as server:
        yield server
    assert server.problems() == []


@pytest.fixture
def site(nginx, sign_on):
    (block,) = (one for one in blocks(PAGE) if one.how == "nginx")
    return nginx(block.text.replace("127.0.0.1:4180", f"127.0.0.1:{sign_on.server_address[1]}"))


def test_whom_the_provider_knows_is_logged_in(site, server):
    answer = get(site, "/simple/", **ANN)

    assert answer.status == 200
    (line,) = (one for one in server.access() if one["path"] == "/simple/")
    assert (line["identity"], line["address"]) == ("ann", "127.0.0.2")


def test_browsers_of_strangers_are_sent_to_the_provider_and_programs_are_challenged(site, sign_on):
    browser = get(site, "/simple/?x=1", **{"Sec-Fetch-Mode": "navigate"})
    program = get(site, "/simple/")

    assert (browser.status, program.status) == (302, 401)
    assert browser.headers["Location"].endswith("/oauth2/sign_in?rd=/simple/?x=1")
    assert program.headers["WWW-Authenticate"].startswith("Basic")
    assert get(site, "/oauth2/sign_in").status == 200


def test_nobody_gets_a_name_through(site):
    forged = {"X-Forwarded-User": "ann", "X-Forwarded-Groups": "release", "X-Auth-Request-User": "ann"}

    assert get(site, "/simple/", **forged).status == 401
    assert get(site, "/oauth2/auth", **ANN).status == 404


def test_who_comes_with_a_password_is_not_sent_to_the_provider(site, sign_on):
    answer = get(site, "/simple/", Authorization="Basic YW5uOnN3b3JkZmlzaA==", **ANN)

    assert answer.status == 401
    assert sign_on.asked == []


def test_pages_of_other_sites_change_nothing(site):
    connection = http.client.HTTPConnection("127.0.0.1", site, timeout=20)
    connection.request(
        "POST", "/", b"", {"Host": "pypi.example.org", "Origin": "https://evil.example", **ANN}
    )
    answer = connection.getresponse()
    content = answer.read()
    connection.close()

    assert answer.status == 403
    assert b"other sites" in content
