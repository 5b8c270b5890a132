"""Work that runs at the same time."""

import threading
from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest

from pyramid_pypi.auth.flights import Flights, Slots
from pyramid_pypi.errors import InvalidCredentials, TooManyAttempts

SECONDS = 10


def test_same_key_runs_once() -> None:
    flights: Flights[int] = Flights()
    started, go = threading.Event(), threading.Event()
    runs: list[int] = []

    def work() -> int:
        runs.append(1)
        started.set()
        assert go.wait(SECONDS)
        return 7

    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(flights.run, "key", work)
        assert started.wait(SECONDS)
        rest = [pool.submit(flights.run, "key", lambda: 8) for _ in range(7)]
        other = flights.run("other", lambda: 9)
        go.set()
        results = [future.result(SECONDS) for future in (first, *rest)]

    assert runs == [1]
    assert other == 9
    # A thread that comes after the first one is done works itself.
    assert set(results) <= {7, 8}
    assert results[0] == 7


def test_followers_get_the_error() -> None:
    flights: Flights[int] = Flights()
    started, go = threading.Event(), threading.Event()

    def work() -> int:
        started.set()
        assert go.wait(SECONDS)
        raise InvalidCredentials("no")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(flights.run, "key", work)
        assert started.wait(SECONDS)
        second = pool.submit(flights.run, "key", work)
        go.set()

        for future in (first, second):
            with pytest.raises(InvalidCredentials):
                future.result(SECONDS)


def test_key_is_free_after_an_error() -> None:
    flights: Flights[int] = Flights()
    numbers: dict[str, int] = {}
    with pytest.raises(KeyError):
        flights.run("key", lambda: numbers["absent"])

    assert flights.run("key", lambda: 1) == 1


def test_slots_wait_a_moment_and_then_refuse() -> None:
    slots = Slots(1, patience=0.01)

    with slots.hold(), pytest.raises(TooManyAttempts) as caught, slots.hold():
        pass

    assert caught.value.retry_after == 1
    with slots.hold():
        pass


def test_too_many_waiters_are_refused_at_once() -> None:
    slots = Slots(1, patience=SECONDS)
    release, holding = threading.Event(), threading.Event()

    def use() -> None:
        with slots.hold():
            holding.set()
            assert release.wait(SECONDS)

    with ThreadPoolExecutor(4) as pool:
        used = [pool.submit(use)]
        assert holding.wait(SECONDS)
        used += [pool.submit(use) for _ in range(3)]
        # One holds and two wait, whichever they are; the fourth never waits.
        refused = next(as_completed(used, timeout=SECONDS))
        release.set()

    assert isinstance(refused.exception(), TooManyAttempts)
    assert sum(future.exception() is None for future in used) == 3


def test_slot_is_free_after_an_error() -> None:
    slots = Slots(1, patience=0.01)
    for _ in range(5):
        with pytest.raises(KeyError), slots.hold():
            raise KeyError

    with slots.hold():
        pass
