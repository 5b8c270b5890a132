import gzip
import socket
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from pyramid_pypi.errors import (
    FileMissing,
    ProjectNotFound,
    UpstreamDown,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from pyramid_pypi.upstream.addresses import Addresses
from pyramid_pypi.upstream.allowed import AllowedHosts, Target
from pyramid_pypi.upstream.answers import http_date
from pyramid_pypi.upstream.client import Client, Limits, Request
from pyramid_pypi.upstream.connections import Connections, Tls
from pyramid_pypi.upstream.proxies import Proxies
from pyramid_pypi.upstream.credentials import Authorization, basic
from tests.unit.upstream.loopback import (
    Loopback,
    in_turn,
    make_certificates,
    raw,
    redirect,
    reply,
    server_context,
)

LIMITS = Limits(connect=2, read=5, total=10)
SHORT = Limits(connect=2, read=0.3, total=10)
NOWHERE = "http://127.0.0.1:9/"


@pytest.fixture
def server():
    with Loopback() as running:
        yield running


@pytest.fixture
def other():
    with Loopback() as running:
        yield running


@pytest.fixture
def client_for():
    clients = []

    def make(
        own,
        *hosts,
        limits=LIMITS,
        user="",
        tls=Tls(),
        proxy="none",
        size=4,
        resolve=None,
        sleeps=None,
        at=None,
    ):
        target = Target.parse(own)
        allowed = AllowedHosts(target, hosts, resolve=resolve)
        connections = Connections(
            target, allowed.check_address, tls=tls, proxies=Proxies.read(proxy), size=size, addresses=at
        )
        shown = Authorization(target.origin, basic(user, "secret") if user else "")
        sleep = (lambda seconds: None) if sleeps is None else sleeps.append
        clients.append(Client(allowed, shown, connections, limits=limits, sleep=sleep))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def asking(url, **said):
    return Request(url, "thing", {"Accept": "text/x", "Accept-Encoding": "gzip"}, **said)


def body(answer, limit=2**20, **said):
    return b"".join(answer.decoded(limit, **said))


def fetch(client, url, limit=2**20, **said):
    return body(client.get(asking(url, **said)), limit)


def refused(client, url, error=UpstreamUnavailable, **said):
    """Return the message of the error of exactly this class, whose name and text show no secrets."""
    with pytest.raises(UpstreamUnavailable) as caught:
        fetch(client, url, **said)

    assert type(caught.value) in (error, *([UpstreamDown] if error is UpstreamUnavailable else []))
    assert "secret" not in caught.value.message
    return caught.value.message


def test_a_request_has_our_headers_alone(server, client_for):
    server.routes["/x?y=1"] = reply(body=b"hello")

    assert fetch(client_for(server.url), f"{server.url}/x?y=1#sha256=0") == b"hello"
    assert [set(one.headers) for one in server.seen] == [{"Host", "User-Agent", "Accept", "Accept-Encoding"}]
    assert server.seen[0].headers["User-Agent"].startswith("pyramid_pypi/")


def test_connections_are_used_again_after_every_kind_of_answer(server, client_for):
    server.routes |= {
        "/a": reply(body=b"a" * 300_000),
        "/b": redirect("/a"),
        "/c": reply(503, b"busy"),
        "/d": reply(304),
    }
    client = client_for(server.url)

    fetch(client, f"{server.url}/b")
    refused(client, f"{server.url}/c")
    with pytest.raises(ProjectNotFound):
        fetch(client, f"{server.url}/gone", missing=ProjectNotFound)
    client.get(asking(f"{server.url}/d", expected=frozenset({304}))).discard()
    fetch(client, f"{server.url}/a")

    assert len(server.seen) == 8
    assert server.connections == 1


@pytest.mark.parametrize("abandon", ["close", "forget", "forget begun"])
def test_an_answer_that_is_left_half_way_frees_its_place(server, client_for, abandon):
    server.routes["/x"] = reply(body=b"x" * 2_000_000)
    client = client_for(server.url, size=1)

    for _ in range(3):
        answer = client.get(asking(f"{server.url}/x"))
        if abandon != "forget":
            next(answer.chunks())
        if abandon == "close":
            answer.close()
            answer.close()
        del answer

    assert fetch(client, f"{server.url}/x", 2**21) == b"x" * 2_000_000


def test_a_full_pool_is_waited_for_and_named(server, client_for):
    server.routes["/x"] = reply(body=b"x" * 2_000_000)
    client = client_for(server.url, size=1, limits=Limits(2, 5, 0.2))
    held = client.get(asking(f"{server.url}/x"))

    assert "`connections`" in refused(client, f"{server.url}/x", UpstreamTimeout)
    assert len(fetch(client, f"{server.url}/x", 2**21, lane="file")) == 2_000_000
    held.close()


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["/b", "b", "../b", "{url}/b", "//127.0.0.1:{port}/b#frag"])
def test_redirects_are_followed(server, client_for, status, location):
    server.routes |= {
        "/a": redirect(location.format(url=server.url, port=server.port), status),
        "/b": reply(body=b"here"),
    }
    answer = client_for(server.url).get(asking(f"{server.url}/a"))

    assert (body(answer), answer.target.url) == (b"here", f"{server.url}/b")


def test_five_redirects_are_enough(server, client_for):
    server.routes |= {f"/{n}": redirect(f"/{n - 1}") for n in range(1, 8)} | {"/0": reply(body=b"end")}

    assert fetch(client_for(server.url), f"{server.url}/5") == b"end"
    assert "more than 5 times" in refused(client_for(server.url), f"{server.url}/6")


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "gopher://127.0.0.1/", "http://[::1", "", "http://169.254.169.254/"]
)
def test_redirects_to_elsewhere_are_refused(server, client_for, location):
    server.routes["/a"] = redirect(location)

    refused(client_for(server.url), f"{server.url}/a")
    assert server.paths == ["/a"]


def test_a_redirect_to_another_port_reaches_nobody(server, other, client_for):
    server.routes["/a"] = redirect(f"{other.url}/x?token=secret")

    assert f"127.0.0.1:{other.port}" in refused(client_for(server.url), f"{server.url}/a")
    assert (other.seen, other.connections) == ([], 0)


def test_a_url_of_another_host_reaches_nobody(server, other, client_for):
    refused(client_for(server.url), f"http://user:secret@127.0.0.1:{other.port}/x")

    assert (other.seen, other.connections) == ([], 0)


def test_a_redirect_from_tls_to_plain_reaches_nobody(certificates, other, client_for):
    with Loopback(context=server_context(certificates)) as secure:
        secure.routes["/a"] = redirect(f"{other.url}/x")
        client = client_for(secure.url, f"127.0.0.1:{other.port}", tls=Tls(certificates / "ca.pem"))

        assert "has TLS" in refused(client, f"{secure.url}/a")
    assert (other.seen, other.connections) == ([], 0)


def test_an_internal_address_of_an_outside_upstream_gets_not_a_byte(server, client_for):
    server.routes["/x"] = reply(body=b"internal")
    url = f"http://localhost:{server.port}/x"
    client = client_for("http://8.8.8.8/simple/", f"localhost:{server.port}")

    assert "internal address 127.0.0.1" in refused(client, url)
    assert server.seen == []
    named = client_for("http://8.8.8.8/", f"localhost:{server.port}", f"127.0.0.1:{server.port}")
    assert fetch(named, url) == b"internal"


# Credentials


def test_credentials_are_shown_to_the_upstream_alone(server, other, client_for):
    server.routes |= {"/a": redirect("/b"), "/b": redirect(f"{other.url}/c"), "/d": reply(body=b"end")}
    other.routes["/c"] = redirect(f"http://x:y@127.0.0.1:{server.port}/d")
    client = client_for(server.url, f"127.0.0.1:{other.port}", user="me")

    assert fetch(client, f"{server.url}/a") == b"end"
    assert {one.headers.get("Authorization") for one in server.seen} == {basic("me", "secret")}
    assert ["Authorization" in one.headers for one in other.seen] == [False]


def test_nor_to_the_same_host_at_another_port_directly(server, other, client_for):
    other.routes["/c"] = reply(body=b"end")
    client = client_for(server.url, f"127.0.0.1:{other.port}", user="me")

    assert fetch(client, f"{other.url}/c") == b"end"
    assert "Authorization" not in other.seen[0].headers


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_the_upstreams_fault_and_named(server, client_for, status):
    server.routes["/x"] = reply(status, b"no")

    assert "refuses the credentials" in refused(
        client_for(server.url, user="me"), f"{server.url}/x", missing=ProjectNotFound
    )
    assert "shown no credentials" in refused(client_for(server.url), f"{server.url}/x")


# Statuses and retries


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("missing", [ProjectNotFound, FileMissing])
def test_what_is_missing_is_missing(server, client_for, status, missing):
    server.routes["/x"] = reply(status, b"gone")

    with pytest.raises(missing, match="has no thing"):
        client_for(server.url).get(asking(f"{server.url}/x", missing=missing))


@pytest.mark.parametrize("status", [201, 204, 206, 304, 400, 404, 405, 407, 416, 418, 501, 505])
def test_other_statuses_are_no_answer(server, client_for, status):
    server.routes["/x"] = reply(status)

    assert str(status) in refused(client_for(server.url), f"{server.url}/x")
    assert len(server.seen) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_passing_failures_are_tried_again_twice(server, client_for, status):
    server.routes |= {
        "/good": in_turn(reply(status), reply(status), reply(body=b"at last")),
        "/bad": reply(status),
    }
    sleeps = []
    client = client_for(server.url, sleeps=sleeps)

    assert fetch(client, f"{server.url}/good") == b"at last"
    assert [0.2 <= sleeps[0] <= 0.3, 0.4 <= sleeps[1] <= 0.6] == [True, True]
    assert str(status) in refused(client, f"{server.url}/bad")
    assert server.paths.count("/bad") == 3


def test_a_broken_connection_is_tried_again(server, client_for):
    server.routes["/x"] = in_turn(raw(), raw(b"garbage\r\n\r\n"), reply(body=b"at last"))

    assert fetch(client_for(server.url), f"{server.url}/x") == b"at last"


def test_a_short_retry_after_is_obeyed(server, client_for):
    server.routes["/x"] = in_turn(reply(503, Retry_After="2"), reply(429, Retry_After="1"), reply(body=b"x"))
    sleeps = []

    assert fetch(client_for(server.url, sleeps=sleeps), f"{server.url}/x") == b"x"
    assert sleeps == [2, 1]


def in_seconds(seconds):
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        ("3", 3, 3),
        ("600", 600, 600),
        ("99999999", 600, 600),
        (100, 40, 100),
        (10**6, 600, 600),
    ],
)
def test_a_long_retry_after_is_passed_on_at_once(server, client_for, value, least, most):
    after = value if isinstance(value, str) else in_seconds(value)
    server.routes["/x"] = reply(429, Retry_After=after)

    with pytest.raises(UpstreamUnavailable) as caught:
        client_for(server.url).get(asking(f"{server.url}/x"))

    assert least <= caught.value.retry_after <= most
    assert len(server.seen) == 1


@pytest.mark.parametrize("value", ["", "soon", "-5", "1.5", "0", "Thu, 01 Jan 2026 00:00:00 GMT", "9" * 5000])
def test_a_retry_after_that_says_nothing_is_ignored(server, client_for, value):
    server.routes["/x"] = in_turn(reply(503, Retry_After=value), reply(body=b"x"))
    sleeps = []

    assert fetch(client_for(server.url, sleeps=sleeps), f"{server.url}/x") == b"x"
    assert 0.2 <= sleeps[0] <= 0.3


def test_nobody_waits_beyond_the_total(server, client_for):
    server.routes["/x"] = reply(503, Retry_After="2")
    sleeps = []

    refused(client_for(server.url, limits=Limits(2, 2, 1), sleeps=sleeps), f"{server.url}/x")
    assert sleeps == []


# Time


def test_a_closed_port_is_an_error_with_its_reason(client_for):
    with Loopback() as gone:
        url = gone.url

    assert "Connection refused" in refused(client_for(url), f"{url}/x")


def test_an_unknown_name_is_an_error(client_for, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    assert "has no address" in refused(client_for("http://nowhere.invalid/"), "http://nowhere.invalid/x")


def test_the_next_address_of_a_name_is_tried(server, client_for):
    server.routes["/x"] = reply(body=b"found")
    url = f"http://upstream.test:{server.port}"
    asked = []

    def resolve(host, port):
        asked.append(host)
        return ["127.0.0.2", "127.0.0.1"]

    client = client_for(url, at=Addresses(resolve=resolve))

    assert [fetch(client, f"{url}/x") for _ in range(3)] == [b"found"] * 3
    assert server.seen[0].headers["Host"] == f"upstream.test:{server.port}"
    assert asked == ["upstream.test"]


def test_a_name_whose_addresses_do_not_answer_is_looked_up_again(server, client_for):
    server.routes["/x"] = reply(body=b"moved")
    url = f"http://upstream.test:{server.port}"
    places = [["127.0.0.2", "127.0.0.3"], ["127.0.0.1"]]
    client = client_for(url, at=Addresses(resolve=lambda host, port: places.pop(0)))

    assert fetch(client, f"{url}/x") == b"moved"


def test_a_silent_server_is_a_timeout_and_not_tried_again(server, client_for):
    server.routes["/x"] = raw(server.released.wait)

    refused(client_for(server.url, limits=SHORT), f"{server.url}/x", UpstreamTimeout)
    assert len(server.seen) == 1


def dripping(server, piece=b"x", pause=0.05):
    """Send a piece again and again until the test is over."""

    def route(handler):
        handler.close_connection = True
        while not server.released.wait(pause):
            handler.wfile.write(piece)

    return route


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX: ",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0000",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nTrailer: ",
    ],
    ids=["status", "header", "chunk size", "trailer"],
)
def test_a_drip_where_no_byte_of_the_body_is_ends_with_the_read_timeout(server, client_for, beginning):
    def route(handler):
        handler.wfile.write(beginning)
        dripping(server, b"0")(handler)

    server.routes["/x"] = route
    client = client_for(server.url, limits=Limits(2, 0.4, 10))
    begun = time.monotonic()

    refused(client, f"{server.url}/x", UpstreamTimeout)
    assert time.monotonic() - begun < 5


def test_a_page_that_drips_ends_with_the_total(server, client_for):
    def route(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        dripping(server)(handler)

    server.routes["/x"] = route
    client = client_for(server.url)
    begun = time.monotonic()

    with pytest.raises(UpstreamTimeout, match="is slow"):
        body(client.get(asking(f"{server.url}/x")), due=begun + 0.4)
    assert time.monotonic() - begun < 5


def test_a_body_that_stalls_is_a_timeout(server, client_for):
    server.routes["/x"] = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", server.released.wait)

    refused(client_for(server.url, limits=SHORT), f"{server.url}/x", UpstreamTimeout)


def test_the_first_bytes_do_not_wait_for_the_others(server, client_for):
    server.routes["/x"] = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", server.released.wait)
    answer = client_for(server.url).get(asking(f"{server.url}/x"))

    assert next(answer.chunks()) == b"abc"
    answer.close()


# Bodies


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nnonsense\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"abc" * 999, mtime=0)[:-9],
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 8\r\n\r\nnot gzip",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3, 4\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\nabc",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\nabc",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
    ],
)
def test_a_body_that_is_not_whole_is_an_error(server, client_for, sent):
    server.routes["/x"] = raw(sent)

    refused(client_for(server.url), f"{server.url}/x")


@pytest.mark.parametrize(
    ("sent", "limit"),
    [
        (b"Content-Length: 5\r\n\r\nhello", 5),
        (b"Content-Length: 5, 5\r\n\r\nhello", 5),
        (b"\r\nhello", 5),
        (b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nT: r\r\n\r\n", 5),
        (b"Content-Encoding: identity\r\n\r\nhello", 5),
        (b"Content-Encoding: GZIP\r\n\r\n" + gzip.compress(b"hello", mtime=0), 50),
        (
            b"Content-Encoding: x-gzip\r\n\r\n"
            + gzip.compress(b"he", mtime=0)
            + gzip.compress(b"llo", mtime=0),
            50,
        ),
    ],
)
def test_a_whole_body_is_read(server, client_for, sent, limit):
    server.routes["/x"] = raw(b"HTTP/1.1 200 OK\r\n" + sent)

    assert fetch(client_for(server.url), f"{server.url}/x", limit) == b"hello"


@pytest.mark.parametrize("size", [1, 70_000, 262_143, 262_144, 262_145, 1_000_003])
def test_packed_bodies_of_all_sizes_are_whole(server, client_for, size):
    content = bytes(range(251)) * (size // 251) + b"z" * (size % 251)
    server.routes["/x"] = reply(body=gzip.compress(content), Content_Encoding="gzip")

    assert fetch(client_for(server.url), f"{server.url}/x", size + 100) == content


def test_a_body_that_is_too_large_is_left(server, client_for):
    server.routes["/x"] = reply(body=b"x" * 101)

    assert "more than 100 bytes" in refused(client_for(server.url), f"{server.url}/x", limit=100)


def test_a_gzip_bomb_is_never_unpacked(server, client_for):
    bomb = gzip.compress(gzip.compress(bytes(2**20)) + bytes(100 * 2**20))
    server.routes["/x"] = reply(body=bomb, Content_Encoding="gzip")
    taken = 0

    with pytest.raises(UpstreamUnavailable, match="more than 1000000 bytes"):
        for chunk in client_for(server.url).get(asking(f"{server.url}/x")).decoded(1_000_000):
            taken += len(chunk)
            assert len(chunk) <= 2**18

    assert taken <= 1_000_000


def test_packing_without_content_is_bounded_too(server, client_for):
    server.routes["/x"] = reply(body=gzip.compress(b"") * 10_000, Content_Encoding="gzip")

    assert "more than 100000 bytes" in refused(client_for(server.url), f"{server.url}/x", limit=100_000)


# Proxies


def forwarding(proxy):
    """Answer for every host, as a proxy does that has fetched it."""
    proxy.routes["*"] = reply(body=b"through the proxy")


def test_requests_go_through_a_proxy(server, client_for):
    forwarding(server)
    own = "http://index.invalid/simple/"
    client = client_for(own, proxy=f"http://me:p%40ss@127.0.0.1:{server.port}", user="me")

    assert fetch(client, f"{own}x/?q=1") == b"through the proxy"
    assert server.paths == [f"{own}x/?q=1"]
    assert server.seen[0].headers["Host"] == "index.invalid"
    assert server.seen[0].headers["Proxy-Authorization"] == basic("me", "p@ss")
    assert server.seen[0].headers["Authorization"] == basic("me", "secret")


def test_the_hosts_are_checked_before_a_proxy_is_asked(server, client_for):
    server.routes["*"] = redirect("http://169.254.169.254/latest/")
    client = client_for("http://index.invalid/", proxy=server.url)

    refused(client, "http://index.invalid/x")
    refused(client, "http://10.0.0.1/x")
    assert server.paths == ["http://index.invalid/x"]


def test_tls_goes_through_a_tunnel(server, client_for):
    server.routes["index.invalid:443"] = raw(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
    client = client_for("https://index.invalid/", proxy=server.url, user="me")

    assert "407" in refused(client, "https://index.invalid/x")
    assert {(one.method, one.path) for one in server.seen} == {("CONNECT", "index.invalid:443")}
    assert not any("Authorization" in one.headers for one in server.seen)


def test_a_proxy_that_is_down_is_named(client_for):
    client = client_for("http://index.invalid/", proxy=NOWHERE)

    assert "through the proxy" in refused(client, "http://index.invalid/x")


def test_the_environment_names_proxies_and_exceptions(server, client_for, monkeypatch):
    forwarding(server)
    server.routes["/direct"] = reply(body=b"direct")
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HTTP_PROXY", f"127.0.0.1:{server.port}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    assert (
        fetch(client_for("http://index.invalid/", proxy=None), "http://index.invalid/x")
        == b"through the proxy"
    )
    assert fetch(client_for(server.url, proxy=None), f"{server.url}/direct") == b"direct"
    assert server.paths == ["http://index.invalid/x", "/direct"]


def test_none_is_no_proxy(server, client_for, monkeypatch):
    monkeypatch.setenv("http_proxy", NOWHERE)
    server.routes["/direct"] = reply(body=b"direct")

    assert fetch(client_for(server.url, proxy="none"), f"{server.url}/direct") == b"direct"


@pytest.mark.parametrize(
    "proxy", ["socks5://u:secret@h:1", "ftp://h", "http://", "http://u:secret@h:x", "http://u%0a:secret@h"]
)
def test_a_proxy_that_is_none_is_refused(proxy):
    with pytest.raises(ValueError, match="the proxy is not usable") as caught:
        Proxies.read(proxy)

    assert "secret" not in str(caught.value)
    assert "secret" not in repr(Proxies.read("http://u:secret@h"))


# TLS


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder)
    return folder


def test_a_certificate_is_checked(certificates, client_for):
    with Loopback(context=server_context(certificates)) as secure:
        secure.routes["/x"] = reply(body=b"safe")

        assert "certificate" in refused(client_for(secure.url), f"{secure.url}/x")
        assert secure.seen == []
        assert fetch(client_for(secure.url, tls=Tls(certificates / "ca.pem")), f"{secure.url}/x") == b"safe"
        assert "mismatch" in refused(
            client_for(f"https://localhost:{secure.port}", tls=Tls(certificates / "ca.pem")),
            f"https://localhost:{secure.port}/x",
        )


def test_plain_http_where_tls_is_expected_is_an_error(server, client_for):
    url = f"https://127.0.0.1:{server.port}"

    assert "cannot be trusted" in refused(client_for(url), f"{url}/x")


def test_the_client_certificate_is_shown_to_the_upstream_alone(certificates, client_for):
    shown = {}

    def route(handler):
        shown[handler.server.server_address[1]] = bool(handler.connection.getpeercert())
        reply(body=b"x")(handler)

    asking_context = server_context(certificates, ask_client=True)
    with Loopback(context=asking_context) as own, Loopback(context=asking_context) as other:
        own.routes["/x"] = other.routes["/x"] = route
        tls = Tls(certificates / "ca.pem", certificates / "client.pem", certificates / "client.key")
        client = client_for(own.url, f"127.0.0.1:{other.port}", tls=tls)
        fetch(client, f"{own.url}/x")
        fetch(client, f"{other.url}/x")

    assert shown == {own.port: True, other.port: False}


@pytest.mark.parametrize(
    "names", [("gone",), ("empty",), ("ca.pem", "client.pem"), ("ca.pem", "client.pem", "ca.key")]
)
def test_files_of_tls_that_are_no_good_are_refused(certificates, names):
    (certificates / "empty").touch()

    with pytest.raises(ValueError, match="gone|empty|client.pem"):
        Tls(*(certificates / name for name in names)).context(show_certificate=True)


@pytest.mark.parametrize(
    ("value", "time"),
    [
        ("Wed, 21 Oct 2015 07:28:00 GMT", datetime(2015, 10, 21, 7, 28, tzinfo=UTC)),
        ("Wed, 21 Oct 2015 09:28:00 +0200", datetime(2015, 10, 21, 7, 28, tzinfo=UTC)),
        ("Wed, 21 Oct 2015 07:28:00", datetime(2015, 10, 21, 7, 28, tzinfo=UTC)),
        ("", None),
        ("yesterday", None),
        ("Wed, 99 Oct 2015 07:28:00 GMT", None),
    ],
)
def test_times_of_headers_are_utc(value, time):
    assert http_date(value) == time
