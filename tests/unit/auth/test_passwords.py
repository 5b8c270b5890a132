"""Password hashes."""

import subprocess
from pathlib import Path

import bcrypt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyramid_pypi.auth.passwords import hash_password, is_costly, is_weak, scheme, verify

SECRET = "correct h\xf6rse"
# A salt of its own, so that the names of the tests stay the same.
BCRYPT = bcrypt.hashpw(SECRET.encode(), b"$2b$04$RMi8LnmL5MydQwQBhY7Mwe").decode()


def htpasswd(option: str, password: str) -> str:
    """Return the hash that the real program writes."""
    made = subprocess.run(  # noqa: S603 - a program of the system with fixed arguments
        ["htpasswd", f"-nb{option}", "u", password],  # noqa: S607 - wherever the system has it
        capture_output=True,
        check=True,
        text=True,
    )
    return made.stdout.strip().partition(":")[2]


@pytest.mark.parametrize(
    ("option", "name"),
    [("B", "bcrypt"), ("m", "apr1"), ("s", "sha1"), ("2", "sha256-crypt"), ("5", "sha512-crypt")],
)
def test_hashes_of_the_real_program_are_checked(option: str, name: str) -> None:
    stored = htpasswd(option, SECRET)

    assert scheme(stored) == name
    assert verify(stored, SECRET)
    assert not verify(stored, SECRET + "x")
    assert not verify(stored, "")


@pytest.mark.parametrize("option", ["d", "p"])
def test_plain_text_and_des_are_refused(option: str) -> None:
    stored = htpasswd(option, "secret12")

    assert scheme(stored) is None
    assert not verify(stored, "secret12")


def test_long_passwords_of_the_real_program_are_checked() -> None:
    """The program hashes the first 72 bytes."""
    password = "x" * 71 + "yz" * 10

    assert verify(htpasswd("B", password), password)


def test_our_hashes_are_read_by_the_real_program(tmp_path: Path) -> None:
    file = tmp_path / "htpasswd"
    file.write_text(f"u:{hash_password('secret', cost=5)}\n")
    command = ["htpasswd", "-vb", str(file), "u"]

    assert subprocess.run([*command, "secret"], check=False, capture_output=True).returncode == 0  # noqa: S603 - as above
    assert subprocess.run([*command, "other"], check=False, capture_output=True).returncode != 0  # noqa: S603 - as above


def test_seventy_three_bytes_do_not_raise() -> None:
    assert verify(hash_password("x" * 73, cost=4), "x" * 73)
    assert not verify(BCRYPT, "x" * 73)
    assert not verify(BCRYPT, "\xe4" * 200)


@pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2y$"])
def test_all_names_of_bcrypt_are_accepted(prefix: str) -> None:
    assert verify(prefix + BCRYPT[4:], SECRET)


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "$2x$" + BCRYPT[4:],
        "$2$" + BCRYPT[4:],
        BCRYPT.replace("$04$", "$03$"),
        BCRYPT.replace("$04$", "$16$"),
        BCRYPT.replace("$04$", "$31$"),
        BCRYPT[:-1],
        BCRYPT + "\n",
        " " + BCRYPT,
        "{SHA}",
        "{SHA}" + "A" * 28,
        "{sha}9Rfd8dMqES/xrVXGbRsSyzjn6Pc=",
        "$apr1$$XBdlrE7oOJV3Vi0iYHQ1k/",
        "$apr1$duTDqSXr$",
        "$1$duTDqSXr$XBdlrE7oOJV3Vi0iYHQ1k/",
        "$6$rounds=999999999$salt$" + "a" * 86,
        "$6$rounds=1000001$salt$" + "a" * 86,
        "$5$rounds=999$salt$" + "a" * 43,
        "$5$rounds=05000$salt$" + "a" * 43,
        "$5$salt$" + "a" * 86,
        "$y$j9T$salt$hash",
        "*",
        "!",
        SECRET,
    ],
)
def test_unusable_hash_matches_nothing(stored: str) -> None:
    assert scheme(stored) is None
    assert not verify(stored, SECRET)
    assert not verify(stored, stored)


@pytest.mark.parametrize("password", ["nul\x00", "\ud800", "", "x" * 5000, "\n"])
def test_odd_password_matches_nothing(password: str) -> None:
    known = (
        BCRYPT,
        "{SHA}9Rfd8dMqES/xrVXGbRsSyzjn6Pc=",
        "$apr1$duTDqSXr$XBdlrE7oOJV3Vi0iYHQ1k/",
        "$5$WPPE7YvXakpWZZYE$fzSyh6dzUh497jzrHBZQgX279Z4jjx/kJW5AC5v0Jy5",
    )

    assert [verify(stored, password) for stored in known] == [False] * 4


@settings(max_examples=50, deadline=None)
@given(
    st.text()
    | st.from_regex(r"\$(2[abxy]|apr1|5|6)\$.{0,40}", fullmatch=True)
    | st.text(max_size=10).map("{{SHA}}{}".format),
    st.text(),
)
def test_verify_is_total(stored: str, password: str) -> None:
    assert verify(stored, password) is False


@pytest.mark.parametrize("cost", [3, 16, 31])
def test_cost_out_of_bounds_is_refused(cost: int) -> None:
    with pytest.raises(ValueError, match="cost of bcrypt"):
        hash_password("secret", cost=cost)


def test_empty_password_gets_no_hash() -> None:
    with pytest.raises(ValueError, match="empty"):
        hash_password("", cost=4)


def test_default_cost_is_twelve() -> None:
    assert hash_password("secret").startswith("$2y$12$")


def test_weak_and_costly_schemes() -> None:
    assert [is_weak(name) for name in ("bcrypt", "sha1", "apr1", "sha256-crypt")] == [
        False,
        True,
        True,
        False,
    ]
    assert [is_costly(name) for name in ("bcrypt", "sha1", "apr1", "sha512-crypt")] == [
        True,
        False,
        False,
        True,
    ]
