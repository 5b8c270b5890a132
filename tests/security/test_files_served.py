"""What goes out: ranges, conditions, headers of files and pages, markup in metadata."""

import hashlib
import itertools
import os
import time

import pytest

from pyramid_pypi.testing.artefacts import make_sdist, make_wheel
from tests.security.support import JSON

pytestmark = pytest.mark.alone

numbers = itertools.count(1)


@pytest.fixture(params=[100, 300_000], ids=["small", "large"])
def published(request, server, uploader):
    """A file that is kept ready, and one that is sent from the disk: client, path and content."""
    name = f"served-{request.param}"
    _, filename, content = uploader.publish(
        name, path="/open/", files={"x.bin": bytes(range(256)) * (request.param // 100)}, size=request.param
    )
    url = uploader.files(name, "/open")[filename]["url"].replace("../..", "/open", 1)
    return uploader, url, content


@pytest.mark.parametrize(
    "header",
    [
        "bytes=" + ",".join(f"{n}-" for n in range(1000)),
        "bytes=0-1,0-1",
        "bytes=99999999999999999999-",
        "bytes=-99999999999999999999",
        "bytes=5-2",
        "bytes=-0",
        "bytes=-",
        "bytes=0-99999999999999999",
        "bytes=\u0661-2",
        "bytes = 0-1",
        "items=0-1",
        "bytes=0-1" + " " * 1000,
        "\xff",
        "bytes=0x1-2",
        "bytes=1-2-3",
    ],
)
def test_no_range_costs_more_than_the_file(published, header):
    client, url, content = published

    answer = client.ask("GET", url, headers={"Range": header.encode("latin-1", "replace")})

    assert answer.status in {200, 206, 416}
    assert len(answer.body) <= len(content)
    if answer.status == 200:
        assert answer.body == content


def test_a_range_is_exact(published):
    client, url, content = published

    for first, last in ((0, 0), (10, 19), (len(content) - 1, len(content) + 5)):
        answer = client.get(url, Range=f"bytes={first}-{last}")
        assert (answer.status, answer.body) == (206, content[first : last + 1])
    assert client.get(url, Range="bytes=-7").body == content[-7:]
    assert client.get(url, Range=f"bytes={len(content)}-").status == 416
    assert client.get(url, Range="bytes=0-1", If_Range='"other"').body == content


def test_a_range_is_for_get_only(published):
    """RFC 9110 §14.2: a server ignores Range for every other method."""
    client, url, content = published

    answer = client.ask("HEAD", url, headers={"Range": "bytes=0-1"})

    assert answer.status == 200
    assert answer.headers["content-length"] == str(len(content))


@pytest.mark.parametrize(
    "date",
    [
        "Mon, 01 Jan 2024 00:00:00 GMT",
        "Mon, 01 Jan 2024 00:00:00 -0000",
        "Mon, 01 Jan 2024 00:00:00",
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2024 00:00:00 +99999999999999",
        "Mon, 01 Jan 0001 00:00:00 +2359",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "Mon, 01 Jan 2024 00:00:00 +9999",
        "\xff",
        "," * 60_000,
        "0",
    ],
)
def test_every_date_gets_an_answer(server, published, date):
    client, url, content = published

    answer = client.ask("GET", url, headers={"If-Modified-Since": date.encode("latin-1")})

    assert answer.status in {200, 304, 431}
    if answer.status == 200:
        assert answer.body == content


def test_files_cannot_become_pages_of_this_site(server, uploader):
    content = make_sdist("sdist-served", "1.0", files={"x.html": "<script>alert(1)</script>"})
    uploader.upload("sdist_served-1.0.tar.gz", content, "/open/")
    file = uploader.files("sdist-served", "/open")["sdist_served-1.0.tar.gz"]

    for path in (
        file["url"].replace("../..", "/open", 1),
        "/open/packages/sdist-served/sdist_served-1.0.tar.gz",
    ):
        for headers in ({}, {"Accept-Encoding": "gzip"}, {"Accept": "text/html"}):
            answer = uploader.ask("GET", path, headers=headers)
            assert answer.headers["content-type"] == "application/octet-stream"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "sandbox" in answer.headers["content-security-policy"]
            assert "content-encoding" not in answer.headers
            assert hashlib.sha256(answer.body).hexdigest() == file["hashes"]["sha256"]


MARKUP = "<script>alert(1)</script>"


def test_metadata_never_becomes_markup(server, uploader):
    content = make_wheel(
        "markup",
        "1.0",
        summary=f'"{MARKUP}',
        requires_python=">=3.8",
        metadata_lines=[f"Home-page: javascript:{MARKUP}"],
    )
    assert (
        uploader.upload("markup-1.0-py3-none-any.whl", content, "/open/", [("comment", MARKUP)]).status == 200
    )
    for bad in (MARKUP, f'>=3.8" onload="{MARKUP}'):
        evil = make_wheel("markup", "2.0", requires_python=bad)
        assert uploader.upload("markup-2.0-py3-none-any.whl", evil, "/open/").status == 400

    for path in ("/open/simple/markup/", "/open/simple/", "/open/", f"/open/simple/{MARKUP}/"):
        answer = uploader.get(path, Accept="text/html")
        assert b"<script>" not in answer.body.lower()
        assert answer.headers["x-content-type-options"] == "nosniff"
        if answer.status == 200:
            assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_the_landing_page_cannot_be_framed(server, address):
    headers = server.client(source=address).get("/open/", Accept="text/html").headers

    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "referrer-policy" in headers


def test_a_project_of_500_files_is_shown_in_a_second(server, uploader):
    folder = server.data / "open" / "crowd"
    started = time.monotonic()
    for number in range(60):
        filename = f"crowd-1.{number}-py3-none-any.whl"
        assert uploader.upload(filename, make_wheel("crowd", f"1.{number}"), "/open/").status == 200
    assert time.monotonic() - started < 20
    assert len(os.listdir(folder)) == 60

    started = time.monotonic()
    answer = uploader.get("/open/simple/crowd/", Accept=JSON)

    assert answer.status == 200
    assert time.monotonic() - started < 1
    assert (
        uploader.get("/open/simple/crowd/", Accept=JSON, If_None_Match=answer.headers["etag"]).status == 304
    )
