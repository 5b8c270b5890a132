"""Limits on wrong passwords."""

import pytest

from pyramid_pypi.auth.throttle import Throttle
from pyramid_pypi.errors import TooManyAttempts
from pyramid_pypi.testing.clock import FakeClock


def fail(throttle: Throttle, name: str, address: str, times: int) -> None:
    for _ in range(times):
        throttle.failure(name, address)


def refused(throttle: Throttle, name: str, address: str) -> bool:
    try:
        throttle.allow(name, address)
    except TooManyAttempts:
        return True
    return False


def test_eleventh_wrong_password_for_a_name_is_refused(clock: FakeClock) -> None:
    throttle = Throttle(clock=clock)
    fail(throttle, "alice", "192.0.2.1", 9)
    throttle.allow("alice", "192.0.2.1")
    throttle.failure("alice", "192.0.2.1")

    with pytest.raises(TooManyAttempts) as caught:
        throttle.allow("alice", "192.0.2.1")

    assert caught.value.retry_after == 30
    assert "30 seconds" in str(caught.value)


def test_tokens_come_back_with_time(clock: FakeClock) -> None:
    throttle = Throttle(clock=clock)
    fail(throttle, "alice", "192.0.2.1", 10)
    clock.advance(29.0)

    assert refused(throttle, "alice", "192.0.2.1")

    clock.advance(1.0)

    assert not refused(throttle, "alice", "192.0.2.1")

    throttle.failure("alice", "192.0.2.1")

    assert refused(throttle, "alice", "192.0.2.1")


def test_attack_from_one_address_does_not_shut_out_another(clock: FakeClock) -> None:
    throttle = Throttle(clock=clock)
    fail(throttle, "alice", "192.0.2.1", 50)

    assert refused(throttle, "alice", "192.0.2.1")
    assert not refused(throttle, "alice", "192.0.2.2")
    assert not refused(throttle, "bob", "192.0.2.1")


def test_many_names_from_one_address_are_refused(clock: FakeClock) -> None:
    throttle = Throttle(clock=clock)
    for number in range(100):
        throttle.failure(f"user{number}", "192.0.2.1")

    assert refused(throttle, "somebody", "192.0.2.1")
    assert not refused(throttle, "somebody", "192.0.2.2")


def test_everybody_together_is_limited(clock: FakeClock) -> None:
    throttle = Throttle(Throttle.Options(failures=5, per_address=5, overall=20), clock=clock)
    for number in range(20):
        throttle.failure("alice", f"192.0.2.{number}")

    assert refused(throttle, "bob", "198.51.100.1")


def test_address_may_fail_as_often_as_a_name(clock: FakeClock) -> None:
    throttle = Throttle(Throttle.Options(failures=200), clock=clock)
    fail(throttle, "alice", "192.0.2.1", 199)

    assert not refused(throttle, "alice", "192.0.2.1")


def test_success_forgets_the_name_and_not_the_address(clock: FakeClock) -> None:
    throttle = Throttle(Throttle.Options(per_address=15), clock=clock)
    fail(throttle, "alice", "192.0.2.1", 10)
    throttle.success("alice", "192.0.2.1")

    assert not refused(throttle, "alice", "192.0.2.1")

    fail(throttle, "alice", "192.0.2.1", 5)

    assert refused(throttle, "bob", "192.0.2.1")


def test_wrong_token_does_not_shut_out_other_tokens_of_the_address(clock: FakeClock) -> None:
    throttle = Throttle(clock=clock)
    fail(throttle, "__token__", "192.0.2.1", 50)

    assert not refused(throttle, "__token__", "192.0.2.1")


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("unix:", "unix:", True),
        ("", "", True),
    ],
)
def test_network_of_an_address_counts(clock: FakeClock, first: str, second: str, same: bool) -> None:
    throttle = Throttle(clock=clock)
    fail(throttle, "alice", first, 10)

    assert refused(throttle, "alice", second) is same


def test_memory_is_bounded(clock: FakeClock) -> None:
    throttle = Throttle(Throttle.Options(size=5, overall=10**6), clock=clock)
    for number in range(1000):
        throttle.failure(f"user{number}", f"192.0.2.{number}")

    assert len(throttle._names._levels) == 5
    assert len(throttle._addresses._levels) == 5


def test_flood_of_names_does_not_push_out_the_address(clock: FakeClock) -> None:
    throttle = Throttle(Throttle.Options(size=5, per_address=20), clock=clock)
    for number in range(20):
        throttle.failure(f"user{number}", "192.0.2.1")

    assert refused(throttle, "user0", "192.0.2.1")
