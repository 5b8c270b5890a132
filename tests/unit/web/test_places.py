"""Where browsers may be sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyramid_pypi.web.places import here, local_path, up


class Request:
    def __init__(self, path, query="", prefix=None):
        self.environ = {"PATH_INFO": path, "QUERY_STRING": query}
        self.registry = {"pyramid_pypi.prefix": prefix}


@pytest.mark.parametrize(
    "path",
    [
        "account",
        "simple/",
        "simple/holy-grail/",
        "-/why/spam",
        "packages/aa/bb/cc/x-1.0+local.whl",
        "search?q=a%20b&page=2",
        "simple/?format=application/json",
    ],
)
def test_a_page_of_ours_is_one(path):
    assert local_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/simple/",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/%09/evil.example",
        "\t//evil.example",
        " //evil.example",
        "https://evil.example",
        "https:evil.example",
        "https:/evil.example",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "..",
        "../x",
        "simple/../../x",
        "simple/%2e%2e/x",
        "simple/%2E%2e/%2e%2e/x",
        "%2f%2fevil.example",
        "%2e%2e%2f",
        "x%5c..%5c..",
        "simple//evil.example",
        ".//evil.example",
        "./",
        "?next=x",
        "#x",
        "x#y",
        "simple/\r\nSet-Cookie: a=b",
        "simple/\x00",
        "simple/ü",
        "@evil.example",
        "x" * 3000,
    ],
)
def test_anything_else_is_none(path):
    assert local_path(path) == ""


@given(st.text(alphabet=st.sampled_from("ab/\\.:%2efc?#@ \t\r\n-"), max_size=24))
def test_a_browser_never_leaves_the_index(text):
    from urllib.parse import unquote, urljoin

    base = "https://pypi.example.org/team/login"
    found = local_path(text)
    if found:
        for once in (found, unquote(found.partition("?")[0])):
            assert urljoin(base, once).startswith("https://pypi.example.org/team/")


@pytest.mark.parametrize(
    ("path", "prefix", "way"),
    [
        ("/", None, "./"),
        ("/login", None, "./"),
        ("/simple/", None, "../"),
        ("/account/projects/private/spam", None, "../../../"),
        ("/pypi/login", "pypi", "./"),
        ("/team/pypi/simple/x/", "team/pypi", "../../"),
    ],
)
def test_the_way_up_leads_to_the_root_of_the_index(path, prefix, way):
    assert up(Request(path, prefix=prefix)) == way


def test_the_place_is_below_the_root_of_the_index():
    assert here(Request("/pypi/simple/spam/", "a=b", "pypi")) == "simple/spam/?a=b"
    assert here(Request("/simple/\xc3\xbc/")) == "simple/%C3%BC/"
    assert here(Request("/")) == ""
