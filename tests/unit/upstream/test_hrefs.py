"""What links mean, and that usual ones are read as all others are."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pyramid_pypi.upstream.hrefs import absolute, segment_of
from pyramid_pypi.upstream.pages import parse_page

WHEEL = "holy_grail-1.1-py3-none-any.whl"
BASE = "https://index.example.com/simple/holy-grail/"
STARTS = [
    "",
    "/",
    "//",
    "./",
    "../",
    "../../",
    "../../../../",
    "https://",
    "http://",
    "HTTPS://",
    "ftp://",
    "?",
    "#",
]
HOSTS = [
    "a.example.com",
    "h:8080",
    "h:0",
    "h:99999",
    "h:",
    ":80",
    "-h",
    "ann:pw@h",
    "[::1]",
    "[::1",
    "h..",
    "é",
]
PARTS = [
    "",
    ".",
    "..",
    "a",
    "b.c",
    ".well-known",
    "...",
    "%2E%2e",
    "a;b",
    "x:y",
    "a=b&c",
    "@",
    "~+,!'()*$",
    "é",
    "\\",
    "\n",
]
ENDS = [
    "",
    "?",
    "?q=1:2/../x&y=@",
    "?a;b",
    "?q?q",
    "#",
    f"#sha256={'a1' * 32}",
    "#egg=a;b#c",
    "?q#f",
    ";p",
    " ",
    "\x00",
]
PATHS = st.lists(st.sampled_from(PARTS), max_size=4).map("/".join)
NAMES = st.sampled_from(["", "/", WHEEL, f"/{WHEEL}", f"/{WHEEL.replace('_', '%5F')}"])
PIECES = st.sampled_from(STARTS), st.sampled_from(["", *HOSTS]), PATHS, NAMES, st.sampled_from(ENDS)
HREFS = st.tuples(*PIECES).map("".join) | st.text(alphabet="htps:/.?#%;@[]ax \n", max_size=20)
ABSOLUTE = st.tuples(
    st.sampled_from(["http://", "https://"]), st.sampled_from(HOSTS), st.just("/"), *PIECES[2:]
)
BASES = st.sampled_from(
    [BASE, "", "https://h", "https://h/a//b/../c;p?q#f", "https://ann:pw@h:8080/x", "http://[::1"]
)
MANY = settings(deadline=None, max_examples=500)


@given(HREFS | ABSOLUTE.map("".join), BASES | HREFS)
@example("x:y/a", BASE)
@example("https://h/..", "https://h/a/")
@MANY
def test_usual_links_are_read_as_all_others_are(href, base):
    # Blanks around a link mean nothing, but make it an unusual one.
    assert absolute(href, base) == absolute(f" {href}", base)


@given(HREFS | ABSOLUTE.map("".join), st.sampled_from([BASE, "https://ann:pw@h:8080/x?q"]))
@MANY
def test_usual_links_give_the_same_files(href, base):
    usual, other = (
        parse_page(
            json.dumps({"files": [{"filename": WHEEL, "url": url}]}).encode(),
            content_type="application/json",
            url=base,
            name="holy-grail",
        )
        for url in (href, f" {href}")
    )

    assert usual == other


@pytest.mark.parametrize(
    ("href", "meant"),
    [
        (f"https://cdn.example.com/a/{WHEEL}?x=1#sha256=00", (f"https://cdn.example.com/a/{WHEEL}?x=1", "sha256=00")),
        (f"../../packages/{WHEEL}", (f"https://index.example.com/packages/{WHEEL}", "")),
        (f"../../../../{WHEEL}", (f"https://index.example.com/{WHEEL}", "")),
        (f"/{WHEEL}", (f"https://index.example.com/{WHEEL}", "")),
        (WHEEL, (f"{BASE}{WHEEL}", "")),
        (f"a/../{WHEEL}", (f"{BASE}{WHEEL}", "")),
        (f"https://cdn.example.com:0/{WHEEL}", ("", "")),
        (f"https://-/{WHEEL}", ("", "")),
        (None, ("", "")),
    ],
)  # fmt: skip
def test_absolute(href, meant):
    assert absolute(href, BASE) == meant


@pytest.mark.parametrize(
    ("url", "segment"),
    [
        ("https://h/a/b", "b"),
        ("https://h/a/b?c/d#e/f", "b"),
        ("https://h/a/b#e?c/d", "b"),
        ("https://h/a/b%2Bc", "b+c"),
        ("https://h/a/b%2Fc", "b/c"),
        ("https://h/a/", ""),
        ("", ""),
    ],
)
def test_segment(url, segment):
    assert segment_of(url) == segment
