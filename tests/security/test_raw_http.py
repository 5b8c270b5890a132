"""Requests that no HTTP library sends: framing, hosts, forged headers, paths, slow and endless clients."""

import os
import re
import socket
import time
import pytest

from tests.security.support import raw, statuses

pytestmark = pytest.mark.alone

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: +3\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 0x3\r\n",
        b"Content-Length: 3,5\r\n",
        b"Content-Length: 3 5\r\n",
        b"Content-Length : 3\r\n",
        b"Transfer-Encoding: gzip\r\n",
        b"Transfer-Encoding: chunked, gzip\r\n",
        b"Transfer-Encoding: \x0bchunked\r\n",
        b"X: a\0b\r\n",
    ],
)
def test_a_request_with_two_readings_is_refused(server, address, head):
    received = raw(server.port, POST + head + b"\r\nabc" + SMUGGLED, source=address, timeout=1)

    assert len(statuses(received)) <= 1
    assert set(statuses(received)) <= {400, 501}


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked, chunked\r\n",
    ],
)
def test_a_request_with_two_lengths_is_the_last_of_its_connection(server, address, head):
    data = POST + head + b"\r\n0\r\n\r\n" + SMUGGLED

    assert len(statuses(raw(server.port, data, source=address, timeout=1))) == 1


@pytest.mark.parametrize("size", [b"zz", b"-1", b"0x5", b"+5", b"5 5", b"f" * 40, b""])
def test_a_bad_size_of_a_chunk_is_refused(server, address, size):
    data = POST + b"Transfer-Encoding: chunked\r\n\r\n" + size + b"\r\nhello\r\n0\r\n\r\n" + SMUGGLED

    found = statuses(raw(server.port, data, source=address, timeout=1))

    assert found in ([], [400])


def test_a_chunked_upload_without_credentials_is_refused(server, address):
    data = POST + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n"

    assert statuses(raw(server.port, data, source=address)) == [401]


@pytest.mark.parametrize(
    "line",
    [
        b"GET /simple/%ff/ HTTP/1.1",
        b"GET /simple/\xff/ HTTP/1.1",
        b"GET /simple/?to=%ff HTTP/1.1",
        b"GET /simple?to=%ff%0d%0aX-Injected:%20yes HTTP/1.1",
        b"GET /simple?to=\xff\xfe HTTP/1.1",
        b"GET /simple?a=\rX-Injected: yes HTTP/1.1",
        b"GET /simple/a%00b/ HTTP/1.1",
        b"GET /simple/a%0d%0aX-Injected:%20yes/ HTTP/1.1",
        b"GET /simple/a\x0bb/ HTTP/1.1",
        b"GET /simple/..%5c..%5cetc/ HTTP/1.1",
        b"GET /packages/../../../../etc/passwd HTTP/1.1",
        b"GET /packages/%2F%2F..%2F..%2F..%2Fetc%2Fpasswd HTTP/1.1",
        b"GET /packages/%2e%2e/.pyramid_pypi/staging HTTP/1.1",
        b"GET /packages/.pyramid_pypi/records/x.json HTTP/1.1",
        b"GET /../htpasswd HTTP/1.1",
        b"GET //evil.example/%2e%2e HTTP/1.1",
        b"GET http://evil.example/simple/ HTTP/1.1",
        b"GET * HTTP/1.1",
        b"GET simple/ HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
        b"TRACE / HTTP/1.1",
        b"CONNECT evil.example:443 HTTP/1.1",
        b"PUT /simple/x/ HTTP/1.1",
        b"DELETE /simple/x/ HTTP/1.1",
        b"GET / HTTP/9.9",
        b"GET /simple/?format=%00 HTTP/1.1",
        b"GET /simple/?" + b"a=b&" * 10_000 + b" HTTP/1.1",
        b"GET /" + b"a" * 60_000 + b" HTTP/1.1",
        b"GET /simple/" + b"%F0%9F%90%8D" * 100 + b"/ HTTP/1.1",
    ],
)
def test_every_request_line_gets_an_answer_below_500(server, address, line):
    authorization = server.client("reader").authorization.encode()
    head = b"\r\nHost: x\r\nConnection: close\r\nAuthorization: " + authorization + b"\r\n\r\n"

    received = raw(server.port, line + head, source=address)

    (status,) = statuses(received)
    assert status < 500
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"\nX-Injected" not in head
    assert b"root:" not in body
    assert b"evil.example" not in head


@pytest.mark.parametrize(
    ("name", "values"),
    [
        (
            "Accept",
            ["", ",", ";", "\xff", "text/html;q=", "*/*;q=\u0661", "application/*;q=1e9", "a/a," * 15_000],
        ),
        (
            "Accept",
            [
                "application/vnd.pypi.simple.v1+json;q=2",
                "text/html;q=0, */*;q=0",
                'text/html;a="\\',
                "a" * 60_000,
            ],
        ),
        ("Accept-Encoding", ["gzip;q=x", "\xff", "," * 60_000, "gzip;q=0.0.0", "*;q="]),
        ("If-None-Match", ["*", "\xff", '"' * 60_000, "W/"]),
        ("Cookie", ["\xff=\xff", "a" * 60_000]),
        ("User-Agent", ["\xff\x80", "%s%n" * 1000, '"}\\']),
        ("X-Forwarded-For", ["127.0.0.1", "a" * 1000]),
        ("X-Original-URL", ["/-/plugins"]),
        ("X-Rewrite-URL", ["/-/plugins"]),
        ("X-HTTP-Method-Override", ["DELETE"]),
    ],
)
def test_every_header_gets_an_answer_below_500(server, uploader, address, name, values):
    uploader.publish("headers", path="/open/")
    for path in ("/open/simple/headers/", "/open/simple/", "/open/", "/nowhere", "/open/simple/nobody/"):
        for value in values:
            head = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{name}: {value}\r\n\r\n"
            found = statuses(raw(server.port, head.encode("latin-1", "replace"), source=address))
            assert found, (path, value[:50])
            assert max(found) < 500, (path, value[:50])


HOSTS = [
    b"Host: evil.example",
    b'Host: evil.example/x?"><script>alert(1)</script>',
    b"Host: evil.example\r\nHost: other.example",
    b"Host: x\r\nX-Forwarded-Host: evil.example",
    b"Host: x\r\nForwarded: host=evil.example;proto=https",
    b"Host: x\r\nX-Forwarded-Proto: evil.example",
    b"Host: x\r\nX-Forwarded-Prefix: /evil.example",
    b"",
]


@pytest.mark.parametrize("host", HOSTS)
def test_no_tool_is_sent_to_a_host_that_a_client_named(server, uploader, address, host):
    uploader.publish("hosted", path="/open/")
    for path in (
        b"/open/simple",
        b"/open/simple/Hosted/",
        b"/open/simple/hosted/",
        b"/open/simple/",
        b"/open/nope/",
    ):
        data = b"GET " + path + b" HTTP/1.1\r\n" + (host + b"\r\n" if host else b"")
        received = raw(server.port, data + b"Connection: close\r\n\r\n", source=address)

        assert b"evil.example" not in received
        assert b"<script" not in received


def test_the_landing_page_shows_a_host_only_if_it_is_one(server, address):
    host = b'Host: evil.example/x?"><script>alert(77)</script>'
    data = b"GET /open/ HTTP/1.1\r\nAccept: text/html\r\nConnection: close\r\n" + host + b"\r\n\r\n"

    received = raw(server.port, data, source=address)

    assert statuses(received) == [200]
    assert b"alert(77)" not in received
    assert b"evil.example" not in received


def test_half_open_connections_keep_nobody_out(server, address):
    slow = []
    try:
        for _ in range(300):
            connection = socket.create_connection(("127.0.0.1", server.port), 5)
            connection.sendall(b"GET /open/simple/ HTTP/1.1\r\nHost: x\r\nX: ")
            slow.append(connection)
        started = time.monotonic()
        assert server.client("reader", source=address).get("/simple/").status == 200
        assert time.monotonic() - started < 2
    finally:
        for connection in slow:
            connection.close()


def test_a_client_that_does_not_read_keeps_nobody_out(server, uploader, address):
    _, filename, _ = uploader.publish("slowly", path="/open/", files={"x": os.urandom(8 << 20)})
    url = uploader.files("slowly", "/open")[filename]["url"].replace("../..", "/open", 1)
    slow = []
    try:
        for _ in range(12):
            connection = socket.create_connection(("127.0.0.1", server.port), 5)
            connection.sendall(f"GET {url} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            slow.append(connection)
        started = time.monotonic()
        assert server.client("reader", source=address).get("/simple/").status == 200
        assert time.monotonic() - started < 3
    finally:
        for connection in slow:
            connection.close()


def test_a_body_that_is_declared_too_large_is_refused_at_once(server, address):
    received = raw(server.port, POST + b"Content-Length: 99999999999\r\n\r\n", source=address)

    assert statuses(received) == [413]


def test_an_upload_that_never_ends_leaves_nothing(server, address):
    authorization = server.client("uploader").authorization.encode()
    head = (
        POST + b"Authorization: " + authorization + b"\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    )
    data = (
        head
        + b'Content-Length: 1000000\r\n\r\n--b\r\nContent-Disposition: form-data; name="content"; filename="x"\r\n\r\n'
    )

    with socket.create_connection(("127.0.0.1", server.port), 5) as connection:
        connection.sendall(data + b"x" * 100_000)

    assert server.client("reader", source=address).get("/simple/").status == 200
    assert server.staged() == []


def test_the_log_has_one_line_for_each_request_and_no_secret(server, address):
    reader = server.client("reader", source=address)
    reader.get(
        "/simple/?token=very-secret",
        User_Agent='forged"}\\n{"status": 200',
        Authorization=reader.authorization,
    )
    raw(
        server.port, b"GET /simple/x%1b[31m/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", source=address
    )
    server.client("reader", source=address).get(
        "/simple/", Authorization="Basic bm90LWEtdXNlcjp3cm9uZy1zZWNyZXQ="
    )

    lines = server.access()

    text = server.text()
    assert len([line for line in lines if line["address"] == address]) == 3
    for secret in (
        "very-secret",
        "reader-password",
        "wrong-secret",
        reader.authorization.partition(" ")[2],
        "\x1b",
    ):
        assert secret not in text
    assert not re.search("bm90LWEtdXNlcjp3cm9uZy1zZWNyZXQ", text)
