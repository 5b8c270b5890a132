import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pyramid_pypi.errors import FileMissing, ProjectNotFound, UpstreamTimeout, UpstreamUnavailable
from pyramid_pypi.model import File, Hashes
from pyramid_pypi.options import Secret, options_of
from pyramid_pypi.settings.casts import for_annotation
from pyramid_pypi.upstream.base import Upstream, Validator
from pyramid_pypi.upstream.credentials import basic
from pyramid_pypi.upstream.simple import SimpleUpstream
from tests.unit.upstream.loopback import Loopback, in_turn, raw, redirect, reply

JSON = "application/vnd.pypi.simple.v1+json"
WHEEL = "holy_grail-1.0-py3-none-any.whl"
CONTENT = bytes(range(256)) * 4000
DATED = "Wed, 21 Oct 2015 07:28:00 GMT"
PAGE = {
    "meta": {"api-version": "1.4"},
    "name": "holy-grail",
    "files": [
        {"filename": WHEEL, "url": f"../../packages/{WHEEL}", "hashes": {"sha256": "0" * 64}, "size": 7}
    ],
}


@pytest.fixture
def server():
    with Loopback() as running:
        yield running


@pytest.fixture
def upstream_at():
    made = []

    def make(server, path="/simple/", sleeps=None, **options):
        url = path if server is None else f"{server.url}{path}"
        chosen = SimpleUpstream.Options(url, **{"proxy": "none", **options})
        made.append(SimpleUpstream(chosen, sleep=(lambda _: None) if sleeps is None else sleeps.append))
        return made[-1]

    yield make
    for upstream in made:
        upstream.close()


@pytest.fixture
def upstream(server, upstream_at):
    return upstream_at(server)


def page(content=PAGE, kind=JSON, **headers):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return reply(body=body, Content_Type=kind, **headers)


def file_at(server, path=f"/packages/{WHEEL}"):
    url = path if "://" in path else f"{server.url}{path}"
    return File("holy-grail", WHEEL, "1.0", "bdist_wheel", None, Hashes(), None, "", "", url=url)


def test_it_is_an_upstream(upstream):
    assert isinstance(upstream, Upstream)


# Pages


@pytest.mark.parametrize("path", ["/simple/", "/simple", "/simple//"])
def test_a_json_page_is_asked_for_and_read(server, upstream_at, path):
    server.routes["/simple/holy-grail/"] = page(ETag='"one"', Last_Modified=DATED)

    found = upstream_at(server, path).project("holy-grail")

    assert (found.name, found.validator) == ("holy-grail", Validator('"one"', DATED))
    assert [(file.filename, file.url) for file in found.files] == [(WHEEL, f"{server.url}/packages/{WHEEL}")]
    assert server.seen[0].headers == {
        "Host": f"127.0.0.1:{server.port}",
        "User-Agent": server.seen[0].headers["User-Agent"],
        "Accept": f"{JSON}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01",
        "Accept-Encoding": "gzip",
    }


@pytest.mark.parametrize("kind", ["text/html", "application/vnd.pypi.simple.v1+html", None])
def test_an_html_page_is_read_against_the_url_that_it_came_from(server, upstream, kind):
    body = f'<!DOCTYPE html><html><body><a href="../files/{WHEEL}">{WHEEL}</a></body></html>'.encode()
    server.routes["/simple/holy-grail/"] = redirect("/other/place/")
    server.routes["/other/place/"] = page(gzip.compress(body), kind, Content_Encoding="gzip")

    assert [file.url for file in upstream.project("holy-grail").files] == [
        f"{server.url}/other/files/{WHEEL}"
    ]


def test_a_page_that_has_not_changed_is_none(server, upstream):
    server.routes["/simple/holy-grail/"] = reply(304)

    assert upstream.project("holy-grail", Validator('"one"', DATED)) is None
    sent = server.seen[0].headers
    assert (sent["If-None-Match"], sent["If-Modified-Since"]) == ('"one"', DATED)


def test_not_modified_is_no_answer_to_a_first_question(server, upstream):
    server.routes["/simple/holy-grail/"] = reply(304)

    with pytest.raises(UpstreamUnavailable, match="304"):
        upstream.project("holy-grail", Validator())


def test_a_validator_that_could_not_be_sent_is_dropped(server, upstream):
    server.routes["/simple/holy-grail/"] = page(ETag='"a\tb"')

    assert upstream.project("holy-grail").validator == Validator()


def test_a_project_that_is_not_there_is_not_found(server, upstream):
    with pytest.raises(ProjectNotFound, match="'nothing'"):
        upstream.project("nothing")


@pytest.mark.parametrize(
    "route",
    [
        reply(500),
        reply(403),
        redirect("http://169.254.169.254/"),
        page(b"{", JSON),
        page(b"\x00\xff" * 50, "application/zip"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}"),
    ],
)
def test_whatever_else_is_not_turned_into_a_missing_project(server, upstream, route):
    server.routes["/simple/holy-grail/"] = route

    with pytest.raises(UpstreamUnavailable):
        upstream.project("holy-grail")


def test_a_page_has_a_limit(server, upstream_at):
    server.routes["/simple/holy-grail/"] = page()

    with pytest.raises(UpstreamUnavailable, match="more than 100 bytes for project 'holy-grail'"):
        upstream_at(server, max_page=100).project("holy-grail")


def test_a_page_that_drips_is_a_timeout(server, upstream_at):
    def route(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not server.released.wait(0.05):
            handler.wfile.write(b" ")

    server.routes["/simple/holy-grail/"] = route

    with pytest.raises(UpstreamTimeout):
        upstream_at(server, total_timeout=0.4).project("holy-grail")


# The list of projects


def test_the_list_of_projects_is_read(server, upstream):
    names = {"meta": {"api-version": "1.4"}, "projects": [{"name": "Holy_Grail"}, {"name": "b"}]}
    server.routes["/simple/"] = page(names, ETag='"one"')

    found = upstream.projects()

    assert ([one.name for one in found.names], found.validator) == (["holy-grail", "b"], Validator('"one"'))


def test_a_list_that_has_not_changed_is_none(server, upstream):
    server.routes["/simple/"] = reply(304)

    assert upstream.projects(Validator('"one"')) is None


def test_a_list_that_breaks_off_is_an_error_at_its_end(server, upstream):
    body = b'{"meta": {"api-version": "1.4"}, "projects": [{"name": "a"}, '
    server.routes["/simple/"] = raw(
        b"HTTP/1.1 200 OK\r\nContent-Type: " + JSON.encode() + b"\r\nContent-Length: 900\r\n\r\n" + body
    )

    with pytest.raises(UpstreamUnavailable):
        list(upstream.projects().names)


def test_a_list_that_drips_is_a_timeout(server, upstream_at):
    def drip():
        while not server.released.wait(0.02):
            yield b"x"

    def route(handler):
        handler.close_connection = True
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: " + JSON.encode() + b"\r\n\r\n")
        for piece in drip():
            handler.wfile.write(piece)

    server.routes["/simple/"] = route

    with pytest.raises(UpstreamTimeout, match="is slow"):
        list(upstream_at(server, total_timeout=0.05).projects().names)


def test_an_upstream_without_a_list_is_an_error(upstream):
    with pytest.raises(UpstreamUnavailable, match="404 for its list"):
        upstream.projects()


# Metadata


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        (f"/p/{WHEEL}", f"/p/{WHEEL}.metadata"),
        (f"/p/{WHEEL}?sig=a%2Fb&x#sha256=0", f"/p/{WHEEL}.metadata?sig=a%2Fb&x"),
    ],
)
def test_metadata_is_beside_the_file(server, upstream, path, asked):
    server.routes[asked] = reply(body=gzip.compress(b"Name: x"), Content_Encoding="gzip")

    assert upstream.metadata(file_at(server, path)) == b"Name: x"


def test_metadata_that_is_not_there_is_missing(server, upstream):
    with pytest.raises(FileMissing, match=WHEEL):
        upstream.metadata(file_at(server))


def test_metadata_has_a_limit(server, upstream):
    packed = gzip.compress(bytes(9 * 2**20))
    server.routes["*"] = reply(body=packed, Content_Encoding="gzip")

    with pytest.raises(UpstreamUnavailable, match="more than"):
        upstream.metadata(file_at(server))


# Files


def ranged(handler, *, total=True, whole=False):
    """Answer as a server with ranges does."""
    asked = handler.headers.get("Range")
    size = len(CONTENT)
    if not asked or whole:
        return reply(body=CONTENT, Last_Modified=DATED)(handler)
    first, _, last = asked.removeprefix("bytes=").partition("-")
    begin = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    said = f"bytes {begin}-{end - 1}/{size if total else '*'}"
    return reply(206, CONTENT[begin:end], Content_Range=said, Last_Modified=DATED)(handler)


RANGES = [
    (0, None, None),
    (5, None, "bytes=5-"),
    (0, 1, "bytes=0-0"),
    (100, 5000, "bytes=100-4999"),
    (-1000, None, "bytes=-1000"),
    (-99_999_999, None, "bytes=-99999999"),
    (1_023_000, 99_999_999, "bytes=1023000-99999998"),
]


@pytest.mark.parametrize(("start", "stop", "header"), RANGES)
def test_a_range_is_asked_for_and_given(server, upstream, start, stop, header):
    server.routes["*"] = ranged

    with upstream.download(file_at(server), start, stop) as transfer:
        assert transfer.start == (max(0, len(CONTENT) + start) if start < 0 else start)
        assert b"".join(transfer.chunks) == CONTENT[start:stop]

    assert (transfer.size, transfer.modified_at) == (len(CONTENT), datetime(2015, 10, 21, 7, 28, tzinfo=UTC))
    assert server.seen[0].headers.get("Range") == header
    assert server.seen[0].headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(("start", "stop", "header"), RANGES[1:])
def test_an_upstream_without_ranges_gives_the_whole_file(server, upstream, start, stop, header):
    server.routes["*"] = lambda handler: ranged(handler, whole=True)

    with upstream.download(file_at(server), start, stop) as transfer:
        assert (transfer.start, transfer.size) == (0, len(CONTENT))
        assert b"".join(transfer.chunks) == CONTENT


def test_the_size_may_be_unknown(server, upstream):
    server.routes["*"] = lambda handler: ranged(handler, total=False)
    with upstream.download(file_at(server), 5, 9) as transfer:
        assert (transfer.size, b"".join(transfer.chunks)) == (None, CONTENT[5:9])

    server.routes["*"] = raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    with upstream.download(file_at(server)) as transfer:
        assert (transfer.size, transfer.modified_at, b"".join(transfer.chunks)) == (None, None, b"abc")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (206, None),
        (206, "bytes 0-9/100"),
        (206, "bytes 10-18/100"),
        (206, "bytes 10-20/100"),
        (206, "bytes 10-19/15"),
        (206, "bytes 11-19/*"),
        (206, "bytes 10-20/*"),
        (206, "bytes 19-10/100"),
        (206, "items 10-19/100"),
        (206, "bytes 10-19"),
        (416, "bytes */5"),
        (204, None),
    ],
)
def test_another_range_than_was_asked_for_is_refused(server, upstream, status, said):
    server.routes["*"] = reply(status, b"0123456789", Content_Range=said)

    with pytest.raises(UpstreamUnavailable):
        upstream.download(file_at(server), 10, 20)


@pytest.mark.parametrize("said", ["bytes 80-99/100", "bytes 90-98/100", "bytes 90-99/101"])
def test_another_end_than_was_asked_for_is_refused(server, upstream, said):
    server.routes["*"] = reply(206, b"0123456789", Content_Range=said)

    with pytest.raises(UpstreamUnavailable):
        upstream.download(file_at(server), -10)


def test_a_range_that_nobody_asked_for_is_refused(server, upstream):
    server.routes["*"] = reply(206, b"0123456789", Content_Range="bytes 0-9/100")

    with pytest.raises(UpstreamUnavailable, match="206"):
        upstream.download(file_at(server))


@pytest.mark.parametrize(("start", "stop"), [(5, 5), (5, 4), (-5, 4), (0, 0)])
def test_an_empty_range_is_not_asked_for(server, upstream, start, stop):
    with pytest.raises(ValueError, match="no range"):
        upstream.download(file_at(server), start, stop)
    assert server.seen == []


@pytest.mark.parametrize(
    "route",
    [
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"),
        raw(b"HTTP/1.1 206 P\r\nContent-Length: 3\r\nContent-Range: bytes 0-9/10\r\n\r\nabc"),
        raw(b"HTTP/1.1 206 P\r\nContent-Length: 13\r\nContent-Range: bytes 0-9/10\r\n\r\nabcabcabcabca"),
        raw(b"HTTP/1.1 206 P\r\nContent-Range: bytes 0-9/10\r\n\r\nabc"),
    ],
)
def test_bytes_that_are_not_those_announced_are_an_error(server, upstream, route):
    server.routes["*"] = route

    with upstream.download(file_at(server), 0, 10) as transfer, pytest.raises(UpstreamUnavailable):
        list(transfer.chunks)


def test_a_file_is_taken_as_it_is_or_not_at_all(server, upstream):
    server.routes["*"] = reply(body=gzip.compress(b"wheel"), Content_Encoding="gzip")
    with pytest.raises(UpstreamUnavailable, match="another coding"):
        upstream.download(file_at(server))

    server.routes["*"] = reply(body=b"wheel", Content_Encoding="identity")
    assert b"".join(upstream.download(file_at(server)).chunks) == b"wheel"


def test_the_first_bytes_come_at_once(server, upstream):
    server.routes["*"] = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", server.released.wait)

    with upstream.download(file_at(server)) as transfer:
        assert next(transfer.chunks) == b"abc"


def test_chunks_are_small(server, upstream):
    server.routes["*"] = ranged

    assert max(map(len, upstream.download(file_at(server)).chunks)) <= 2**18


def test_a_file_that_is_not_there_is_missing(server, upstream):
    with pytest.raises(FileMissing, match=WHEEL):
        upstream.download(file_at(server))


def test_files_elsewhere_need_a_host_in_the_settings(server, upstream, upstream_at):
    with Loopback() as other:
        other.routes["*"] = reply(body=b"wheel")
        file = file_at(other, f"http://me:secret@127.0.0.1:{other.port}/x?sig=1#frag")
        for ask in (upstream.download, upstream.metadata, upstream.file_url):
            with pytest.raises(UpstreamUnavailable, match="`hosts`"):
                ask(file)
        assert other.connections == 0

        open_minded = upstream_at(server, hosts=(f"127.0.0.1:{other.port}",), token=Secret("t"))
        assert b"".join(open_minded.download(file).chunks) == b"wheel"
        assert open_minded.file_url(file) == f"{other.url}/x?sig=1"
        assert "Authorization" not in other.seen[0].headers


def test_a_closed_upstream_lets_its_connections_go(server, upstream):
    server.routes["*"] = page()
    upstream.project("holy-grail")
    upstream.close()
    upstream.project("holy-grail")

    assert server.connections == 2


def test_failures_are_tried_again_with_the_sleep_that_was_given(server, upstream_at):
    server.routes["*"] = in_turn(reply(503, Retry_After="1"), page())
    sleeps = []
    upstream_at(server, sleeps=sleeps).project("holy-grail")

    assert sleeps == [1]


# Options


@pytest.mark.parametrize(
    ("options", "header"),
    [
        ({}, None),
        ({"user": "me", "password": Secret("pw")}, basic("me", "pw")),
        ({"user": "me"}, basic("me", "")),
        ({"token": Secret("t0k3n")}, "Bearer t0k3n"),
    ],
)
def test_options_say_who_we_are(server, upstream_at, options, header):
    server.routes["*"] = page()
    upstream_at(server, **options).project("holy-grail")

    assert server.seen[0].headers.get("Authorization") == header


def test_a_url_may_say_who_we_are_and_is_not_shown(server, upstream_at):
    server.routes["*"] = page()
    options = SimpleUpstream.Options(f"http://me:p%40ss@127.0.0.1:{server.port}/simple", proxy="none")
    upstream = SimpleUpstream(options)
    upstream.project("holy-grail")
    upstream.close()

    assert server.seen[0].headers["Authorization"] == basic("me", "p@ss")
    assert upstream.page_url("holy-grail") == f"{server.url}/simple/holy-grail/"
    assert "p@ss" not in repr(options)
    assert "p%40ss" not in repr(options)
    assert replace(options, max_page=5).user == "me"


def test_a_netrc_says_who_we_are(server, upstream_at, tmp_path):
    path = tmp_path / "netrc"
    path.write_text("machine 127.0.0.1 login me password pw")
    path.chmod(0o600)
    server.routes["*"] = page()
    upstream_at(server, netrc=path).project("holy-grail")

    assert server.seen[0].headers["Authorization"] == basic("me", "pw")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"url": "pypi.org/simple"}, "neither http nor https"),
        ({"url": "ftp://pypi.org/simple"}, "neither http nor https"),
        ({"url": "https:///simple"}, "no host"),
        ({"url": "https://h/simple?x=1"}, "query"),
        ({"url": "https://h/simple#x"}, "fragment"),
        ({"url": "https://me:secret@h/", "user": "me"}, "write one of them"),
        ({"url": "https://me:secret@h:x/"}, "cannot be read"),
        ({"password": Secret("secret")}, "needs `user`"),
        ({"user": "me", "token": Secret("secret")}, "only one of"),
        ({"user": "a:b"}, "colon"),
        ({"token": Secret("secret\n")}, "the token"),
        ({"netrc": "missing"}, "cannot be read"),
        ({"ca": "missing"}, "cannot be read"),
        ({"client_key": "missing"}, "`client_cert`"),
        ({"proxy": "socks5://u:secret@h"}, "the proxy"),
        ({"hosts": ("https://files.example",)}, "is not a host"),
        ({"connect_timeout": 0}, "`connect_timeout` must"),
        ({"read_timeout": -1}, "`read_timeout` must"),
        ({"connections": 0}, "`connections` must"),
        ({"max_page": 0}, "`max_page` must"),
    ],
)
def test_options_that_cannot_work_are_refused_with_a_reason(tmp_path, options, reason):
    given = {key: tmp_path / value if value == "missing" else value for key, value in options.items()}

    with pytest.raises(ValueError, match=reason) as caught:
        SimpleUpstream.Options(**{"url": "https://index.example/simple/", **given})
    assert "secret" not in str(caught.value)


def test_every_option_can_be_read_and_has_help():
    for option in options_of(SimpleUpstream):
        assert for_annotation(option.annotation, {})
        assert option.help
