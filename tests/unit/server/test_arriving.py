import math
import threading
import time

import pytest

from pyramid_pypi.errors import UpstreamUnavailable
from pyramid_pypi.server.arriving import ArrivingBody
from tests.unit.server.fakes import FakeArriving

CONTENT = bytes(range(256)) * 1000


def test_only_what_is_there_is_taken():
    body = ArrivingBody(FakeArriving(CONTENT, ready=30), 10, 100)

    assert body.take(1000) == CONTENT[10:30]
    assert not body.waits


def test_nothing_after_the_end_of_the_range_is_taken():
    body = ArrivingBody(FakeArriving(CONTENT, ready=1000), 10, 100)

    assert body.take(1000) == CONTENT[10:100]


def test_what_was_taken_but_not_sent_is_taken_again():
    body = ArrivingBody(FakeArriving(CONTENT, ready=30), 0, 100)
    body.take(30)
    body.skip(10)

    assert body.take(30) == CONTENT[10:30]


def test_it_waits_once_nothing_is_there():
    body = ArrivingBody(FakeArriving(CONTENT, ready=10), 10, 100)

    assert body.take(1000) == b""
    assert body.waits
    assert body.active_at == math.inf


def test_bytes_that_come_end_the_waiting_and_wake_once():
    woken = []
    arriving = FakeArriving(CONTENT)
    body = ArrivingBody(arriving, 0, 100)
    body.begin(lambda: woken.append(1))
    body.take(1000)
    before = time.time()
    arriving.arrive(10)
    arriving.arrive(10)

    assert woken == [1]
    assert not body.waits
    assert before <= body.active_at <= time.time()
    assert body.take(1000) == CONTENT[:20]


def test_nobody_is_woken_who_does_not_wait():
    woken = []
    arriving = FakeArriving(CONTENT, ready=10)
    body = ArrivingBody(arriving, 0, 100)
    body.begin(lambda: woken.append(1))
    body.take(5)
    arriving.arrive(10)

    assert woken == []


def test_bytes_that_come_while_looking_are_not_missed():
    class Racing(FakeArriving):
        def ready(self):
            found = super().ready()
            if not found:
                self.arrive(10)
            return found

    arriving = Racing(CONTENT)
    body = ArrivingBody(arriving, 0, 100)
    body.begin(lambda: None)

    assert body.take(1000) == b""
    assert not body.waits
    assert body.take(1000) == CONTENT[:10]


def test_it_counts_as_one_byte_until_all_is_sent():
    body = ArrivingBody(FakeArriving(CONTENT, ready=1000), 0, 100)
    sizes = []
    while chunk := body.take(40) if len(body) else b"":
        sizes.append(len(body))
        body.skip(len(chunk))

    assert sizes == [1, 1, 1]
    assert len(body) == 0


def test_a_failure_is_raised():
    arriving = FakeArriving(CONTENT, ready=10)
    body = ArrivingBody(arriving, 0, 100)
    arriving.fail()

    with pytest.raises(UpstreamUnavailable):
        body.take(10)


def test_bytes_that_have_gone_are_a_failure():
    arriving = FakeArriving(CONTENT, ready=10)
    arriving.read = lambda start, amount: b""

    with pytest.raises(EOFError):
        ArrivingBody(arriving, 0, 100).take(10)


def test_closing_ends_following_once():
    arriving = FakeArriving(CONTENT)
    body = ArrivingBody(arriving, 0, 100)
    body.begin(lambda: None)

    assert len(arriving.followers) == 1
    body.close()
    body.close()
    assert arriving.followers == set()
    assert arriving.unsubscribed.acquire(blocking=False)
    assert not arriving.unsubscribed.acquire(blocking=False)
    assert len(body) == 0


def test_whoever_iterates_waits_for_each_byte():
    arriving = FakeArriving(CONTENT)
    chunks = []
    thread = threading.Thread(target=lambda: chunks.extend(ArrivingBody(arriving, 100, 150_000)))
    thread.start()
    assert arriving.subscribed.acquire(timeout=10)
    arriving.arrive(120_000)
    arriving.arrive()
    thread.join(10)

    assert not thread.is_alive()
    assert b"".join(chunks) == CONTENT[100:150_000]
    assert arriving.followers == set()


def test_whoever_iterates_is_told_of_the_failure():
    arriving = FakeArriving(CONTENT, ready=10)
    chunks = iter(ArrivingBody(arriving, 0, 100))

    assert next(chunks) == CONTENT[:10]
    arriving.fail()
    with pytest.raises(UpstreamUnavailable):
        next(chunks)
    assert arriving.followers == set()
