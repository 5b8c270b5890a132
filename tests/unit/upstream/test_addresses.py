"""Where hosts are, and how often that is asked."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pyramid_pypi.testing.clock import FakeClock
from pyramid_pypi.upstream.addresses import Addresses

HOST = ("pypi.example", 443)


class Names:
    """A name service that counts its questions."""

    def __init__(self):
        self.found = ["192.0.2.1", "192.0.2.1", "2001:db8::1"]
        self.asked = []

    def __call__(self, host, port):
        self.asked.append((host, port))
        return self.found


@pytest.fixture
def names():
    return Names()


@pytest.fixture
def clock():
    return FakeClock(1000.0)


@pytest.fixture
def addresses(names, clock):
    return Addresses(resolve=names, clock=clock)


def test_a_host_is_looked_up_once_a_minute(addresses, names, clock):
    assert [addresses.of(*HOST) for _ in range(5)] == [("192.0.2.1", "2001:db8::1")] * 5
    assert names.asked == [HOST]

    clock.advance(60)
    names.found = ["192.0.2.9"]
    assert addresses.of(*HOST) == ("192.0.2.9",)


def test_hosts_are_told_apart(addresses, names):
    addresses.of(*HOST)
    names.found = ["192.0.2.2"]

    assert addresses.of("files.example", 443) == ("192.0.2.2",)
    assert addresses.of(*HOST) == ("192.0.2.1", "2001:db8::1")


def test_the_last_addresses_stay_while_nobody_can_tell(addresses, names, clock):
    addresses.of(*HOST)
    clock.advance(60)
    names.found = []

    assert addresses.of(*HOST) == ("192.0.2.1", "2001:db8::1")


def test_a_host_that_was_never_found_is_asked_for_each_time(addresses, names):
    names.found = []

    assert [addresses.of(*HOST), addresses.of(*HOST)] == [(), ()]
    assert len(names.asked) == 2


def test_a_forgotten_host_is_looked_up_again(addresses, names):
    addresses.of(*HOST)
    addresses.forget("pypi.example")
    addresses.forget("pypi.example")

    addresses.of(*HOST)
    assert len(names.asked) == 2


def test_many_at_once_ask_once(names):
    gate, inside = threading.Event(), threading.Event()

    def slowly(host, port):
        inside.set()
        assert gate.wait(30)
        return names(host, port)

    addresses = Addresses(resolve=slowly)
    with ThreadPoolExecutor(8) as pool:
        found = [pool.submit(addresses.of, *HOST) for _ in range(8)]
        assert inside.wait(30)
        gate.set()
        assert {one.result(30) for one in found} == {("192.0.2.1", "2001:db8::1")}
    assert names.asked == [HOST]


def test_what_is_remembered_is_bounded(addresses):
    for number in range(1000):
        addresses.of(f"h{number}.example", 443)

    assert len(addresses._known) <= 100
