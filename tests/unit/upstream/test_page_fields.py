"""What each field of a page of an upstream becomes."""

import json
from datetime import UTC, datetime

import pytest

from pyramid_pypi.model import Hashes
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


def one_json(filename=WHEEL, **said):
    (file,) = from_json(
        entry(filename, **{key.replace("_", "-"): value for key, value in said.items()})
    ).files
    return file


def one_html(attributes="", href=f"/packages/{WHEEL}"):
    (file,) = parse(f'<!DOCTYPE html><a href="{href}" {attributes}>x</a>', HTML).files
    return file


@pytest.mark.parametrize(
    ("told", "known"),
    [
        ({"sha256": A}, Hashes(sha256=A)),
        ({"SHA256": A.upper(), "md5": "b2" * 16}, Hashes(sha256=A, md5="b2" * 16)),
        (
            {"sha512": "c3" * 64, "sha3-384": "d4" * 48, "blake2b": "e5" * 64, "sha1": "f6" * 20},
            Hashes(
                others=(
                    ("blake2b", "e5" * 64),
                    ("sha1", "f6" * 20),
                    ("sha3_384", "d4" * 48),
                    ("sha512", "c3" * 64),
                )
            ),
        ),
        ({"sha256": A[:-1], "md5": "g" * 32, "shake_128": "aa", "crc32": "00000000"}, Hashes()),
        ({"sha256": None, "sha384": 5, "sha224": ["x"]}, Hashes()),
        ({"sha256": f"\n{A} "}, Hashes(sha256=A)),
        ([["sha256", A]], Hashes()),
        (None, Hashes()),
    ],
)
def test_digests(told, known):
    assert one_json(hashes=told).hashes == known


@pytest.mark.parametrize(
    ("fragment", "known"),
    [
        (f"sha256={A}", Hashes(sha256=A)),
        (f"egg=holy-grail&sha256={A.upper()}", Hashes(sha256=A)),
        (f"sha256={A}&sha256={'b2' * 32}", Hashes(sha256=A)),
        (f"md5={'b2' * 16}&sha384={'c3' * 48}", Hashes(md5="b2" * 16, others=(("sha384", "c3" * 48),))),
        ("sha256=", Hashes()),
        ("sha256=None", Hashes()),
        ("sha256", Hashes()),
        ("", Hashes()),
    ],
)
def test_digests_in_the_fragment(fragment, known):
    assert one_html(href=f"/{WHEEL}#{fragment}").hashes == known


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (">=3.9,<4", ">=3.9,<4"),
        (" >=3.9 ", ">=3.9"),
        ("&gt;=3.9,&lt;4", ">=3.9,<4"),
        ("no specifier", "no specifier"),
        ("", None),
        (" ", None),
        (">=3.9\n<4", None),
        ("\ud800", None),
        (">" * 256, None),
        (None, None),
        (3.9, None),
    ],
)
def test_requires_python(written, meant):
    assert one_json(requires_python=written).requires_python == meant


@pytest.mark.parametrize("written", ["&gt;=3.9", "&amp;gt;=3.9", "&#62;=3.9", ">=3.9"])
def test_requires_python_is_unescaped_once_or_twice(written):
    assert one_html(f'data-requires-python="{written}"').requires_python == ">=3.9"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (True, ""),
        (False, None),
        (None, None),
        ("", None),
        ("security", "security"),
        (1, ""),
        (0, None),
        ({"reason": "x"}, ""),
        ("two\r\nlines\x00\u202e\ud800", "two  lines"),
        ("x" * 2000, "x" * 1000),
    ],
)
def test_yank_in_json(said, reason):
    assert one_json(yanked=said).yanked == reason


@pytest.mark.parametrize(
    ("attribute", "reason"),
    [
        ("", None),
        ("data-yanked", ""),
        ('data-yanked=""', ""),
        ('data-yanked="a &lt;b&gt;"', "a <b>"),
        ('data-yanked="false"', "false"),
        ("DATA-YANKED='x'", "x"),
    ],
)
def test_yank_in_html(attribute, reason):
    assert one_html(attribute).yanked == reason


@pytest.mark.parametrize(
    ("said", "metadata"),
    [
        ({}, None),
        ({"core-metadata": False}, None),
        ({"core-metadata": None, "dist-info-metadata": True}, ""),
        ({"core-metadata": False, "dist-info-metadata": {"sha256": A}}, None),
        ({"core-metadata": True}, ""),
        ({"core-metadata": {"sha256": A.upper()}}, A),
        ({"core-metadata": {"sha512": "c3" * 64}}, ""),
        ({"core-metadata": {}}, ""),
        ({"core-metadata": {"sha256": "junk"}}, ""),
        ({"dist-info-metadata": {"sha256": A}}, A),
        ({"data-dist-info-metadata": {"sha256": A}}, A),
        ({"core-metadata": f"sha256={A}"}, A),
        ({"core-metadata": "yes"}, None),
        ({"core-metadata": 1}, None),
    ],
)
def test_metadata_in_json(said, metadata):
    assert from_json(entry(**said)).files[0].metadata_sha256 == metadata


@pytest.mark.parametrize(
    ("attributes", "metadata"),
    [
        (f'data-core-metadata="sha256={A}"', A),
        (f'data-dist-info-metadata="SHA256={A}"', A),
        (f'data-dist-info-metadata="true" data-core-metadata="sha256={A}"', A),
        ('data-core-metadata="true"', ""),
        ('data-core-metadata="md5=x"', ""),
        ('data-core-metadata="false"', None),
        ('data-core-metadata=""', None),
        ("data-core-metadata", None),
        ("", None),
    ],
)
def test_metadata_in_html(attributes, metadata):
    assert one_html(attributes).metadata_sha256 == metadata


def test_metadata_of_an_sdist_is_not_offered():
    assert one_json(SDIST, core_metadata={"sha256": A}).metadata_sha256 is None


@pytest.mark.parametrize(
    ("said", "time"),
    [
        ("2026-11-20T09:15:02.000417Z", datetime(2026, 11, 20, 9, 15, 2, 417, tzinfo=UTC)),
        ("2026-11-20T09:15:02Z", datetime(2026, 11, 20, 9, 15, 2, tzinfo=UTC)),
        ("2026-11-20T09:15:02.123456789Z", datetime(2026, 11, 20, 9, 15, 2, 123456, tzinfo=UTC)),
        (" 2026-11-20 09:15:02 ", datetime(2026, 11, 20, 9, 15, 2, tzinfo=UTC)),
        ("2026-11-20T10:15:02+01:00", datetime(2026, 11, 20, 9, 15, 2, tzinfo=UTC)),
        ("", None),
        (None, None),
        (1795166102, None),
        ("yesterday", None),
        ("1970-01-01T00:00:00Z", None),
        ("1989-12-31T23:59:59Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("2026-11-20T09:15:02Z" + " " * 64, None),
    ],
)
def test_upload_time(said, time):
    assert one_json(upload_time=said).uploaded_at == time
    assert one_html(f'data-upload-time="{said}"').uploaded_at == time


@pytest.mark.parametrize(
    ("said", "size"),
    [
        (0, 0),
        (123, 123),
        ("123", 123),
        (-1, None),
        ("-1", None),
        (1.5, None),
        (True, None),
        (None, None),
        ("", None),
        (10**30, None),
        ("9" * 30, None),
        ("\u0663", None),
    ],
)
def test_size(said, size):
    assert one_json(size=said).size == size
    assert one_html(f'data-size="{said}"').size == size


@pytest.mark.parametrize(
    ("said", "url"),
    [
        ("https://pypi.org/integrity/x", "https://pypi.org/integrity/x"),
        ("http://pypi.org/integrity/x#y", "http://pypi.org/integrity/x"),
        ("/integrity/x", ""),
        ("javascript:alert(1)", ""),
        ("", ""),
        (None, ""),
        (7, ""),
    ],
)
def test_provenance(said, url):
    assert one_json(provenance=said).provenance == url
    assert one_html(f'data-provenance="{said}"' if said else "").provenance == url


@pytest.mark.parametrize(
    ("page", "status"),
    [
        ({}, ("active", "")),
        ({"project-status": {"status": "archived"}}, ("archived", "")),
        ({"project-status": {"status": "quarantined", "reason": "mal\nware"}}, ("quarantined", "mal ware")),
        ({"project-status": {"status": "deprecated", "reason": 5}}, ("deprecated", "")),
        ({"meta": {"project-status": {"status": "archived", "reason": "x"}}}, ("archived", "x")),
        ({"project-status": {"status": "Unheard-of", "reason": "x"}}, ("active", "")),
        ({"project-status": {"status": ["archived"]}}, ("active", "")),
        ({"project-status": "archived"}, ("active", "")),
        ({"project-status": None}, ("active", "")),
    ],
)
def test_status_in_json(page, status):
    parsed = from_json(entry(), **page)

    assert (parsed.status, parsed.status_reason) == status
    assert len(parsed.files) == 1


def test_status_in_html():
    head = (
        '<meta name="pypi:project-status" content="{}"><META name="pypi:project-status-reason" content="why">'
    )

    archived, unknown = (parse(head.format(status), HTML) for status in ("archived", "buried"))
    assert (archived.status, archived.status_reason) == ("archived", "why")
    assert (unknown.status, unknown.status_reason) == ("active", "")


@pytest.mark.parametrize(
    ("said", "serial"), [(7, 7), ("7", 7), (-7, 0), ("x", 0), (None, 0), (1.5, 0), (True, 0)]
)
def test_serial_in_json(said, serial):
    assert from_json(meta={"_last-serial": said}).serial == serial


@pytest.mark.parametrize(
    ("comment", "serial"), [("SERIAL 7", 7), (" SERIAL 7 ", 7), ("SERIAL -7", 0), ("TIMESTAMP 7", 0)]
)
def test_serial_in_html(comment, serial):
    assert parse(f"<p></p><!--{comment}-->", HTML).serial == serial


def test_egg_and_zip_are_read_as_what_they_are():
    egg, archive = from_json(entry("holy_grail-1.0-py3.8.egg"), entry("Holy.Grail-1.0.zip")).files

    assert (egg.packagetype, egg.python_version, egg.version) == ("bdist_egg", "3.8", "1.0")
    assert (archive.packagetype, archive.python_version) == ("sdist", "source")


def test_place_does_not_depend_on_a_signature_in_the_url():
    first, second = (
        one_html(href=f"https://cdn.example.com/{WHEEL}?Signature={sign}#sha256={A}") for sign in ("x", "y")
    )

    assert first.place == second.place
    assert first.url != second.url


@pytest.mark.parametrize(
    ("time", "said", "source"),
    [
        ("2026-11-20T09:15:02Z", "last-modified", "last-modified"),
        ("2026-11-20T09:15:02Z", None, ""),
        ("2026-11-20T09:15:02Z", ["x"], ""),
        ("", "last-modified", ""),
    ],
)
def test_source_of_the_upload_time(time, said, source):
    page = from_json(entry(**{"upload-time": time, "_upload-time-source": said}))

    assert page.files[0].time_source == source
