"""The memory of checked credentials."""

import timeit

from hypothesis import given
from hypothesis import strategies as st

from pyramid_pypi.auth.verified import VerifiedCredentials
from pyramid_pypi.model import Identity
from pyramid_pypi.testing.clock import FakeClock

ALICE = Identity.user("alice")
HEADER = "Basic YWxpY2U6c2VjcmV0"


def test_unseen_header_is_unknown(clock: FakeClock) -> None:
    verified = VerifiedCredentials(clock=clock)

    assert verified.lookup(HEADER, write=False) is None
    assert not verified.is_wrong(HEADER)


def test_verified_header_is_known(clock: FakeClock) -> None:
    verified = VerifiedCredentials(clock=clock)
    verified.remember(HEADER, ALICE)

    assert verified.lookup(HEADER, write=False) == ALICE
    assert verified.lookup(HEADER, write=True) == ALICE
    assert verified.lookup(HEADER + "x", write=False) is None


def test_changes_need_a_younger_check_than_reads(clock: FakeClock) -> None:
    verified = VerifiedCredentials(clock=clock)
    verified.remember(HEADER, ALICE)
    clock.advance(299)

    assert verified.lookup(HEADER, write=True) == ALICE

    clock.advance(1)

    assert verified.lookup(HEADER, write=True) is None
    assert verified.lookup(HEADER, write=False) == ALICE

    clock.advance(3300)

    assert verified.lookup(HEADER, write=False) is None


def test_checking_again_starts_the_times_again(clock: FakeClock) -> None:
    verified = VerifiedCredentials(clock=clock)
    verified.remember(HEADER, ALICE)
    clock.advance(400)
    verified.remember(HEADER, ALICE)

    assert verified.lookup(HEADER, write=True) == ALICE


def test_changed_password_is_forgotten_at_once(clock: FakeClock) -> None:
    verified = VerifiedCredentials(clock=clock)
    valid = [True]
    verified.remember(HEADER, ALICE, still_valid=lambda: valid[0])

    assert verified.lookup(HEADER, write=False) == ALICE

    valid[0] = False

    assert verified.lookup(HEADER, write=False) is None

    valid[0] = True

    assert verified.lookup(HEADER, write=False) is None


def test_entry_that_cannot_tell_is_not_valid(clock: FakeClock) -> None:
    verified = VerifiedCredentials(clock=clock)
    verified.remember(HEADER, ALICE, still_valid=lambda: bool(1 / 0))

    assert verified.lookup(HEADER, write=False) is None


def test_wrong_credentials_are_remembered_for_seconds(clock: FakeClock) -> None:
    verified = VerifiedCredentials(clock=clock)
    verified.refuse(HEADER)

    assert verified.is_wrong(HEADER)

    clock.advance(5)

    assert not verified.is_wrong(HEADER)


def test_last_outcome_counts(clock: FakeClock) -> None:
    verified = VerifiedCredentials(clock=clock)
    verified.remember(HEADER, ALICE)
    verified.refuse(HEADER)

    assert verified.lookup(HEADER, write=False) is None

    verified.remember(HEADER, ALICE)

    assert not verified.is_wrong(HEADER)


def test_oldest_entries_go_first(clock: FakeClock) -> None:
    verified = VerifiedCredentials(VerifiedCredentials.Options(size=3), clock=clock)
    for number in range(4):
        verified.remember(str(number), Identity.user(f"user{number}"))

    found = [verified.lookup(str(number), write=False) for number in range(4)]
    assert found == [None, *(Identity.user(f"user{number}") for number in (1, 2, 3))]


def test_flood_of_wrong_credentials_keeps_the_right_ones(clock: FakeClock) -> None:
    verified = VerifiedCredentials(VerifiedCredentials.Options(size=3), clock=clock)
    verified.remember(HEADER, ALICE)
    for number in range(100):
        verified.refuse(str(number))

    assert verified.lookup(HEADER, write=False) == ALICE
    assert [number for number in range(100) if verified.is_wrong(str(number))] == [97, 98, 99]


def test_clear_forgets_everything(clock: FakeClock) -> None:
    verified = VerifiedCredentials(clock=clock)
    verified.remember(HEADER, ALICE)
    verified.refuse("other")
    verified.clear()

    assert verified.lookup(HEADER, write=False) is None
    assert not verified.is_wrong("other")


def test_keys_differ_between_processes() -> None:
    assert VerifiedCredentials().key(HEADER) != VerifiedCredentials().key(HEADER)


@given(st.text(st.characters()))
def test_any_text_can_be_looked_up(header: str) -> None:
    assert VerifiedCredentials().lookup(header, write=False) is None


def test_lookup_takes_microseconds() -> None:
    """The bound is wide enough for a busy machine and far below the cheapest password check."""
    verified = VerifiedCredentials()
    verified.remember(HEADER, ALICE)
    seconds = min(timeit.repeat(lambda: verified.lookup(HEADER, write=False), number=1000, repeat=5)) / 1000

    assert seconds < 50e-6
