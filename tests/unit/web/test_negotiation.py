import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyramid_pypi.errors import BadRequest, NotAcceptable
from pyramid_pypi.web.negotiation import negotiate, prefers_json


@given(st.text(max_size=200), st.text(max_size=50))
def test_any_header_gives_a_format_or_a_clear_refusal(accept, wanted):
    try:
        assert negotiate(accept, wanted) in {"html", "v1+html", "v1+json"}
    except (NotAcceptable, BadRequest) as error:
        assert error.message


def test_quality_decides():
    accept = "application/vnd.pypi.simple.v1+json;q=0.2, text/html;q=0.3"

    assert negotiate(accept) == "html"


def test_a_plus_in_a_query_may_be_a_space():
    assert negotiate("", "application/vnd.pypi.simple.v1 json") == "v1+json"
    assert negotiate("", "application/vnd.pypi.simple.latest html") == "v1+html"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", False),
        ("*/*", False),
        ("text/html", False),
        ("application/json", True),
        ("application/json;q=0.9, text/plain;q=0.8, text/html;q=0.7", True),
        ("text/plain, application/json;q=0.5", False),
        ("application/vnd.pypi.simple.v1+json, text/html;q=0.1", True),
    ],
)
def test_errors_follow_the_preference(accept, expected):
    assert prefers_json(accept) is expected
