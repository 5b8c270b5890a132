"""Reading the `Authorization` header."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyramid_pypi.auth.basic import parse_authorization
from pyramid_pypi.errors import BadRequest, PypiError, Unauthorized


def basic(user_pass: str | bytes, scheme: str = "Basic") -> str:
    raw = user_pass.encode() if isinstance(user_pass, str) else user_pass
    return f"{scheme} {b64encode(raw).decode()}"


def test_absent_header_is_nobody() -> None:
    assert parse_authorization(None) is None


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (basic("alice:secret"), ("alice", "secret")),
        (basic("alice:secret", "bAsIc"), ("alice", "secret")),
        (basic("alice:secret", "Basic  "), ("alice", "secret")),
        (basic("alice:with:colons:"), ("alice", "with:colons:")),
        (basic(" Alice : secret "), (" Alice ", " secret ")),
        (basic("\uff41lice:p\xe4ss"), ("\uff41lice", "p\xe4ss")),
        (basic("alice:p\xe4ss".encode("latin-1")), ("alice", "p\xe4ss")),
        (basic("a:" + "x" * 4096), ("a", "x" * 4096)),
        ("Bearer pypi-abc", ("__token__", "pypi-abc")),
        ("bearer  pypi-abc ", ("__token__", "pypi-abc")),
        (basic("__token__:pypi-abc"), ("__token__", "pypi-abc")),
    ],
)
def test_readable_header_gives_the_exact_values(header: str, expected: tuple[str, str]) -> None:
    assert parse_authorization(header) == expected


@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        "Basic",
        "Basic ",
        "Basic ====",
        "Basic YWxpY2U6c2VjcmV0!",
        "Basic YWxpY2U6c2VjcmV",
        "Basic YWxpY2U6c2Vj cmV0",
        "Basic YWxpY2U6c2VjcmV0, Basic YWxpY2U6c2VjcmV0",
        "Basic p\xe4ss",
        "Digest username=alice",
        "Bearer",
        "Bearer a\nb",
        "Bearer \ud800",
        basic("alice"),
        basic(":secret"),
        basic("alice:"),
        basic(":"),
        basic("alice:sec\x00ret"),
        basic("ali\x00ce:secret"),
        basic("alice\n:secret"),
        basic("alice:secret\r"),
        basic("alice:\x7f"),
        basic("alice:sec\u2028ret"),
        basic(b"alice:\x85"),
        basic("a:" + "x" * 4097),
        basic("a" * 256 + ":x"),
    ],
    ids=repr,
)
def test_unreadable_header_is_unauthorized(header: str) -> None:
    with pytest.raises(Unauthorized):
        parse_authorization(header)


def test_huge_header_is_a_bad_request() -> None:
    with pytest.raises(BadRequest):
        parse_authorization("Basic " + "A" * 100_000)


def test_messages_do_not_quote_the_password() -> None:
    with pytest.raises(Unauthorized) as caught:
        parse_authorization(basic("alice:hunter2\n"))

    assert "hunter2" not in str(caught.value)


@given(st.text() | st.text().map("Basic {}".format) | st.binary().map(basic))
def test_any_header_is_read_or_refused(header: str) -> None:
    try:
        parsed = parse_authorization(header)
    except PypiError:
        return

    assert parsed is not None
    assert all(parsed)


@given(
    st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters=":"), min_size=1, max_size=60),
    st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=60),
)
def test_what_a_client_encodes_is_what_is_read(name: str, password: str) -> None:
    assert parse_authorization(basic(f"{name}:{password}")) == (name, password)
