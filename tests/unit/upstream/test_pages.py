"""Which documents of an upstream are pages, and which of their entries are files."""

import json
from html import escape

import pytest

from pyramid_pypi.errors import UpstreamUnavailable
from pyramid_pypi.upstream.pages import parse_page

PAGE_URL = "https://index.example.com/simple/holy-grail/"
WHEEL = "holy_grail-1.1-py3-none-any.whl"
SDIST = "holy_grail-1.0.tar.gz"
A = "a1" * 32
JSON, HTML = "application/vnd.pypi.simple.v1+json", "text/html"


def parse(body, kind=JSON, url=PAGE_URL, name="holy-grail"):
    body = body if isinstance(body, bytes) else body.encode()
    return parse_page(body, content_type=kind, url=url, name=name)


def entry(filename=WHEEL, **said):
    return {"filename": filename, "url": f"/packages/{filename}", "hashes": {}, **said}


def from_json(*entries, **page):
    return parse(json.dumps({"meta": {"api-version": "1.1"}, "files": list(entries), **page}))


def one_html(attributes="", href=f"/packages/{WHEEL}"):
    (file,) = parse(f'<!DOCTYPE html><a href="{href}" {attributes}>x</a>', HTML).files
    return file


def link(href):
    return f'<a href="{escape(href)}">x</a>\n'


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b'{"files": []}'),
        ("application/vnd.pypi.simple.v1+json; charset=utf-8", b'{"files": []}'),
        ("application/vnd.pypi.simple.latest+json", b'{"files": []}'),
        ("Application/JSON", b'\xef\xbb\xbf{"files": []}'),
        ("", b' \n{"files": []}'),
        ("text/plain; charset=utf-8", b'{"files": []}'),
        ("application/octet-stream", b'\xef\xbb\xbf{"files": []}'),
        ("text/html", b"<html></html>"),
        ("application/vnd.pypi.simple.v1+html", b"<html></html>"),
        ("application/xhtml+xml", b"<html></html>"),
        ("", b"\n<!DOCTYPE html><p>"),
        ("text/plain", b"\xef\xbb\xbf<html></html>"),
        ("binary/octet-stream", b"<html></html>"),
    ],
)
def test_page_without_files_is_a_page(kind, body):
    assert parse(body, kind).files == ()


@pytest.mark.parametrize(
    ("kind", "body", "why"),
    [
        (JSON, "", "is not JSON"),
        (JSON, "null", "lists no files"),
        (JSON, "[]", "lists no files"),
        (JSON, '{"message": "no such project"}', "lists no files"),
        (JSON, '{"files": {}}', "lists no files"),
        (JSON, '{"files": [{}', "is not JSON"),
        (JSON, "[" * 100_000, "is not JSON"),
        (JSON, '{"files": [], "n": ' + "9" * 5000 + "}", "is not JSON"),
        (JSON, b'{"files": [], "n": "\xff"}', "is not JSON"),
        (JSON, '{"meta": {"api-version": "2.0"}, "files": []}', "version '2.0'"),
        (JSON, '{"meta": {"api-version": "10.0"}, "files": []}', "version '10.0'"),
        (JSON, '{"meta": {"api-version": 2}, "files": []}', "version '2'"),
        (JSON, '{"meta": {"api-version": ["1"]}, "files": []}', "version"),
        (HTML, '<meta name="pypi:repository-version" content="2.0">', "version '2.0'"),
        (HTML, "", "is not HTML"),
        (HTML, "Service temporarily unavailable", "is not HTML"),
        (HTML, f"<html><body>{link('/' + WHEEL)}", "breaks off"),
        (HTML, f"{link('/' + WHEEL)}<a href='/holy", "breaks off"),
        (HTML, "<![wrong[ ]>", "is not HTML"),
        (HTML, f"<p>&#{'9' * 5000};</p>", "is not HTML"),
        (HTML, f"<p {'x' * 300_000}", "is not HTML"),
        (HTML, "<form><input type=password></form>", "login page"),
        ("", "", "neither JSON nor HTML"),
        ("text/plain", "not found", "neither JSON nor HTML"),
        ("text/plain", "[1]", "neither JSON nor HTML"),
        ("image/png", "{}", "'image/png'"),
        ("application/pdf", "<html>", "'application/pdf'"),
        ("application/vnd.pypi.simple.v2+json", '{"meta": {"api-version": "2.0"}, "files": []}', "'2.0'"),
    ],
)
def test_what_is_no_page_is_refused(kind, body, why):
    with pytest.raises(UpstreamUnavailable, match=why) as caught:
        parse(body, kind)

    assert "holy-grail at 'https://index.example.com/simple/holy-grail/'" in caught.value.message


def test_message_shows_no_credentials():
    with pytest.raises(UpstreamUnavailable) as caught:
        parse("x", "", url="https://ann:s3cret@index.example.com/a@b/?token=t0ken#t0ken")

    assert caught.value.message.startswith(
        "The page of holy-grail at 'https://index.example.com/a@b/' is neither"
    )


def test_newer_minor_version_is_read():
    assert from_json(entry(), meta={"api-version": "1.99"}).files


def test_version_may_be_a_number_or_missing():
    assert from_json(entry(), meta={"api-version": 1.0}).files
    assert from_json(entry(), meta=None).files


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "text",
        {},
        {"filename": WHEEL},
        {"filename": None, "url": f"/{WHEEL}"},
        {"filename": WHEEL, "url": None},
        {"filename": WHEEL, "url": ["x"]},
        {"filename": "index.html", "url": "/index.html"},
        {"filename": "holy-grail-1.0.exe", "url": "/holy-grail-1.0.exe"},
        {"filename": "holy_grail-x.y-py3-none-any.whl", "url": "/holy_grail-x.y-py3-none-any.whl"},
        {"filename": "unholy_grail-1.0.tar.gz", "url": "/unholy_grail-1.0.tar.gz"},
        {"filename": WHEEL, "url": "/packages/"},
        {"filename": WHEEL, "url": "/packages/download"},
        {"filename": WHEEL, "url": "/packages/holy_grail-9.9-py3-none-any.whl"},
        {"filename": WHEEL, "url": f"ftp://x/{WHEEL}"},
        {"filename": WHEEL, "url": f"file:///etc/{WHEEL}"},
        {"filename": WHEEL, "url": f"data:text/plain,/{WHEEL}"},
        {"filename": WHEEL, "url": f"http:///{WHEEL}"},
        {"filename": WHEEL, "url": f"https://[::1/{WHEEL}"},
        {"filename": WHEEL, "url": f"https://host:port/{WHEEL}"},
        {"filename": WHEEL, "url": f"https://host:99999/{WHEEL}"},
        {"filename": WHEEL, "url": f"https://h\u00f6st/{WHEEL}"},
        {"filename": WHEEL, "url": f"https://good.example.com\\@evil.example.com/{WHEEL}"},
        {"filename": WHEEL, "url": f"/a\nb/{WHEEL}"},
        {"filename": WHEEL, "url": f"/\ud800/{WHEEL}"},
        {"filename": WHEEL, "url": f"/{'x' * 9000}/{WHEEL}"},
        {"filename": f"../{WHEEL}", "url": f"/..%2F{WHEEL}"},
    ],
)
def test_bad_entry_is_left_out_and_spoils_nothing(bad):
    assert [file.filename for file in from_json(bad, entry(SDIST), bad).files] == [SDIST]


def test_first_of_two_entries_counts():
    page = from_json(entry(size=1), entry(SDIST), entry(size=2))

    assert [(file.filename, file.size) for file in page.files] == [(WHEEL, 1), (SDIST, None)]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (f"../../packages/{WHEEL}", f"https://index.example.com/packages/{WHEEL}"),
        (WHEEL, f"{PAGE_URL}{WHEEL}"),
        (f"//cdn.example.com/{WHEEL}", f"https://cdn.example.com/{WHEEL}"),
        (f"HTTP://[::1]:8080/{WHEEL}", f"http://[::1]:8080/{WHEEL}"),
        (f"https://ann:s3cret@cdn.example.com/{WHEEL}", f"https://cdn.example.com/{WHEEL}"),
        (f"  /{WHEEL} ", f"https://index.example.com/{WHEEL}"),
        (f"/a b/\u00e9/{WHEEL}?q=\u00e9#egg=x", f"https://index.example.com/a%20b/%C3%A9/{WHEEL}?q=%C3%A9"),
        (f"/{WHEEL.replace('_', '%5F')}?X-Amz-Date=1&x=/y", f"https://index.example.com/{WHEEL.replace('_', '%5F')}?X-Amz-Date=1&x=/y"),
    ],
)  # fmt: skip
def test_url_is_made_absolute(written, meant):
    from_html = one_html(href=escape(written))
    (file,) = from_json({"filename": WHEEL, "url": written}).files

    assert (file.url, file.filename) == (meant, WHEEL)
    assert (from_html.url, from_html.filename) == (meant, WHEEL)


def test_relative_link_drops_the_credentials_of_the_page():
    page = parse(link(WHEEL), HTML, url="https://ann:s3cret@index.example.com/simple/holy-grail/")

    assert page.files[0].url == f"https://index.example.com/simple/holy-grail/{WHEEL}"


def test_base_of_html_is_honoured_wherever_it_is():
    page = parse(f'{link(WHEEL)}<base target="_top"><base href="../files/"><base href="/not/this/">', HTML)

    assert page.files[0].url == f"https://index.example.com/simple/files/{WHEEL}"


def test_anchors_that_lead_to_no_file_are_ignored():
    hrefs = [
        "../",
        "",
        "mailto:ann@example.com",
        "javascript:void(0)",
        "#top",
        "?C=N;O=D",
        "/logo.png",
        "x.zip",
    ]

    page = parse("".join(map(link, hrefs)) + f"<a>{WHEEL}</a><a href>{WHEEL}</a>" + link(SDIST), HTML)

    assert [file.filename for file in page.files] == [SDIST]


def test_script_and_comment_are_no_links():
    body = f"<script>'{link(WHEEL)}'</script><!-- {link(WHEEL)} -->{link(SDIST)}"

    assert [file.filename for file in parse(body, HTML).files] == [SDIST]


def test_first_of_two_attributes_counts():
    assert one_html('data-requires-python=">=3.9" data-requires-python=">=3.1"').requires_python == ">=3.9"
