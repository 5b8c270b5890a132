"""Users in an htpasswd file."""

import logging
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyramid_pypi.auth.htpasswd import HtpasswdAuthenticator, HtpasswdTable, parse_htpasswd
from pyramid_pypi.auth.passwords import hash_password
from pyramid_pypi.errors import BackendUnavailable, InvalidCredentials
from pyramid_pypi.model import Credentials, Identity
from pyramid_pypi.testing.clock import FakeClock

ONE = "$2y$04$RMi8LnmL5MydQwQBhY7Mwe.LaC9hG27sdYeCnRvcO/cwamstaxXN."
TWO = hash_password("two", cost=4)
SHA = "{SHA}uALzhDAssk+6sKRJl+ggvy6FB7s="
ALICE = Credentials("alice", "one")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "htpasswd"


def build(
    path: Path, clock: FakeClock, text: str | bytes | None = None, **options: Any
) -> HtpasswdAuthenticator:
    if text is not None:
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    return HtpasswdAuthenticator(HtpasswdAuthenticator.Options(path, **options), clock=clock)


def refuses(authenticator: HtpasswdAuthenticator, username: str, password: str) -> bool:
    try:
        authenticator.authenticate(Credentials(username, password))
    except InvalidCredentials:
        return True
    return False


def test_lines_are_read() -> None:
    content = b"# comment\n\nalice:h1\r\nb ob:h2:a comment\n  \ncarol:\n"

    assert parse_htpasswd(content) == HtpasswdTable({"alice": "h1", "b ob": "h2", "carol": ""})


def test_bad_lines_are_numbered_and_skipped() -> None:
    content = b"no colon\n:h\n\xff:h\nx\x00y:h\n" + b"n" * 256 + b":h\nok:h"

    assert parse_htpasswd(content) == HtpasswdTable({"ok": "h"}, bad_lines=(1, 2, 3, 4, 5))


def test_byte_order_mark_is_no_part_of_a_name() -> None:
    assert parse_htpasswd(b"\xef\xbb\xbfalice:h\n") == HtpasswdTable({"alice": "h"})


@given(st.binary())
def test_any_bytes_are_parsed(content: bytes) -> None:
    assert all(name and ":" not in name for name in parse_htpasswd(content).hashes)


def test_first_line_of_a_user_counts(path: Path, clock: FakeClock) -> None:
    authenticator = build(path, clock, f"alice:{ONE}\nalice:{TWO}\n")

    assert authenticator.authenticate(ALICE) == Identity.user("alice")
    assert refuses(authenticator, "alice", "two")


@pytest.mark.parametrize("stored", ["", "one", "*", "rqXexS6ZhobKA", "$2y$31$" + ONE[7:], "$2x$" + ONE[4:]])
def test_unusable_hash_shuts_the_user_out(path: Path, clock: FakeClock, stored: str) -> None:
    authenticator = build(path, clock, f"alice:{stored}\nbob:{TWO}\n")

    assert refuses(authenticator, "alice", "one")
    assert authenticator.authenticate(Credentials("bob", "two")) == Identity.user("bob")


def test_refused_scheme_shuts_the_user_out(path: Path, clock: FakeClock) -> None:
    text = f"alice:{ONE}\ncarol:{SHA}\n"
    open_one, strict = build(path, clock, text), build(path, clock, text, refuse=("sha1",))

    assert open_one.authenticate(Credentials("carol", "three")) == Identity.user("carol")
    assert refuses(strict, "carol", "three")
    assert strict.authenticate(ALICE) == Identity.user("alice")


def test_log_names_users_and_lines_and_nothing_else(
    path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    build(path, clock, f"alice:{ONE}\nsecret-without-colon\nbob:plain-secret\ncarol:{SHA}\n")
    text = caplog.text

    assert "ignored line(s) 2" in text
    assert "cannot log in: 'bob'" in text
    assert "'carol' (sha1)" in text
    assert "secret" not in text
    assert SHA not in text
    assert "alice" not in text


def test_log_of_many_users_is_short(path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    build(path, clock, "".join(f"user{number}:{SHA}\n" for number in range(500)))

    assert "and 480 more" in caplog.text
    assert len(caplog.text) < 2000


def test_groups_become_principals(path: Path, clock: FakeClock) -> None:
    groups = path.with_name("groups")
    groups.write_text("staff: alice bob\nadmins: alice\n")

    assert build(path, clock, f"alice:{ONE}\n", groups=groups).authenticate(ALICE) == Identity.user(
        "alice", ("admins", "staff")
    )


def test_missing_group_file_gives_no_groups(
    path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    authenticator = build(path, clock, f"alice:{ONE}\n", groups=path.with_name("absent"))

    assert authenticator.authenticate(ALICE) == Identity.user("alice")
    assert "absent cannot be read" in caplog.text


def test_missing_file_is_unavailable_until_it_is_there(
    path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    authenticator = build(path, clock)
    with pytest.raises(BackendUnavailable, match="user add"):
        authenticator.authenticate(ALICE)

    assert [record.levelno for record in caplog.records] == [logging.ERROR]

    path.write_text(f"alice:{ONE}\n")

    assert authenticator.authenticate(ALICE) == Identity.user("alice")


def test_changed_password_counts_within_a_second(path: Path, clock: FakeClock) -> None:
    authenticator = build(path, clock, f"alice:{ONE}\n")
    path.write_text(f"alice:{TWO}\n")

    assert authenticator.authenticate(ALICE) == Identity.user("alice")

    clock.advance(1)

    assert refuses(authenticator, "alice", "one")
    assert authenticator.authenticate(Credentials("alice", "two")) == Identity.user("alice")


def test_change_with_equal_time_and_size_is_seen(path: Path, clock: FakeClock) -> None:
    authenticator = build(path, clock, f"alice:{ONE}\n")
    times = path.stat()
    path.write_text(f"alice:{TWO}\n")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    clock.advance(1)

    assert refuses(authenticator, "alice", "one")


def test_removed_user_is_unknown(path: Path, clock: FakeClock) -> None:
    authenticator = build(path, clock, f"alice:{ONE}\nbob:{TWO}\n")
    path.write_text(f"bob:{TWO}\n")
    clock.advance(1)

    assert authenticator.authenticate(ALICE) is None


def test_last_good_table_outlives_the_file(path: Path, clock: FakeClock) -> None:
    authenticator = build(path, clock, f"alice:{ONE}\n")
    path.write_bytes(b"")
    clock.advance(1)

    assert authenticator.authenticate(ALICE) == Identity.user("alice")

    path.unlink()
    clock.advance(100)

    assert authenticator.authenticate(ALICE) == Identity.user("alice")


def test_emptied_file_knows_nobody_after_a_moment(path: Path, clock: FakeClock) -> None:
    authenticator = build(path, clock, f"alice:{ONE}\n")
    path.write_bytes(b"")
    for _ in range(7):
        clock.advance(1)
        authenticator.fingerprint("alice")

    assert authenticator.authenticate(ALICE) is None


def test_fingerprint_follows_hash_and_groups(path: Path, clock: FakeClock) -> None:
    groups = path.with_name("groups")
    groups.write_text("staff: alice\n")
    authenticator = build(path, clock, f"alice:{ONE}\n", groups=groups)
    seen = [authenticator.fingerprint("alice")]
    groups.write_text("admins: alice\n")
    clock.advance(1)
    seen.append(authenticator.fingerprint("alice"))
    path.write_text(f"alice:{TWO}\n")
    clock.advance(1)
    seen.append(authenticator.fingerprint("alice"))

    assert None not in seen
    assert len(set(seen)) == 3
    assert authenticator.fingerprint("bob") is None


def test_files_are_looked_at_once_a_second(
    path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    authenticator = build(path, clock, f"alice:{ONE}\n")
    looks: list[object] = []
    monkeypatch.setattr(authenticator._users, "refresh", lambda: looks.append(1))
    for _ in range(30):
        clock.advance(0.1)
        authenticator.fingerprint("alice")

    assert len(looks) == 3


def test_decoy_checks_a_hash_of_the_file(
    path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    authenticator = build(path, clock, f"alice:{ONE}\nbob:\ncarol:{TWO}\n")
    checked: list[str] = []
    monkeypatch.setattr("pyramid_pypi.auth.passwords.verify", lambda stored, _: checked.append(stored))
    for number in range(40):
        authenticator.decoy(Credentials(f"nobody{number}", "x"))

    assert len(checked) == 40
    assert set(checked) == {ONE, TWO}

    del checked[:]
    for _ in range(10):
        authenticator.decoy(Credentials("nobody", "x"))

    assert len(set(checked)) == 1


def test_decoy_of_an_empty_file_does_nothing(
    path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    monkeypatch.setattr("pyramid_pypi.auth.passwords.verify", lambda stored, _: checked.append(stored))
    build(path, clock, "# no users\n").decoy(ALICE)

    assert checked == []
