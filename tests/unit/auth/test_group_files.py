"""Apache group files."""

from hypothesis import given
from hypothesis import strategies as st

from pyramid_pypi.auth.groups import GroupTable, parse_groups


def test_groups_of_users() -> None:
    content = b"# comment\n\nstaff: alice bob\r\nadmins:alice\nstaff: carol\nempty:\n"

    assert parse_groups(content) == GroupTable(
        {"alice": ("admins", "staff"), "bob": ("staff",), "carol": ("staff",)}
    )


def test_unknown_user_has_no_groups() -> None:
    assert parse_groups(b"staff: alice\n").of("bob") == ()


def test_bad_lines_are_numbered_and_skipped() -> None:
    table = parse_groups(b"no colon\n: alice\na b: alice\n\xff: alice\nx\x00y: alice\nok: alice")

    assert table == GroupTable({"alice": ("ok",)}, bad_lines=(1, 2, 3, 4, 5))


@given(st.binary())
def test_any_bytes_are_read(content: bytes) -> None:
    table = parse_groups(content)

    assert all(groups for groups in table.groups.values())
