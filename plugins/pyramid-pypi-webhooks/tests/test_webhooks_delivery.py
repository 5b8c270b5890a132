"""Letters on their way: again and again, in order, by one process, and never lost."""

import logging
import random
import sys
import textwrap
import threading

import pytest

from pyramid_pypi.catalog import Catalog
from pyramid_pypi.catalog.notes import Notes
from pyramid_pypi.errors import NotFound
from pyramid_pypi_webhooks import queue as queues
from pyramid_pypi_webhooks.courier import Courier
from pyramid_pypi_webhooks.events import Event
from pyramid_pypi_webhooks.queue import OWNER, Queue
from pyramid_pypi_webhooks.sending import Outcome
from pyramid_pypi_webhooks.signing import signing_key
from pyramid_pypi_webhooks.testing import Answer


class Line:
    """Stands in for the network: answers what it is told, then 200, and remembers."""

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.sent = []

    def __call__(self, webhook, letter, at):
        self.sent.append((letter.event.data["n"], letter.attempts))
        return self.outcomes.pop(0) if self.outcomes else Outcome(200, "200 OK")


def failed(status=500, **more):
    return Outcome(status, f"{status} Sorry", **more)


@pytest.fixture
def add(queue):
    def add(*numbers):
        return [queue.add("ci", Event("test", queue.notes.clock(), {"n": number})) for number in numbers]

    return add


@pytest.fixture
def courier(queue, webhook):
    """A function of a line and options; its jitter takes nothing away."""

    def make(line, **options):
        return Courier(webhook(**options), queue, send=line, jitter=lambda: 0.0)

    return make


def test_letters_are_delivered_in_their_order_and_forgotten(add, courier, queue, clock):
    for number in range(30):
        clock.advance(0.001)
        add(number)
    line = Line()
    courier(line).work()

    assert [number for number, _ in line.sent] == list(range(30))
    assert queue.waiting() == queue.dead() == []


def test_attempts_have_longer_and_longer_pauses(add, courier, queue, clock):
    (letter,) = add(1)
    one = courier(Line(*[failed()] * 5), first_retry=5, longest_retry=400, attempts=9)
    pauses = []
    for _ in range(5):
        one.work()
        (waiting,) = queue.waiting()
        pauses.append((waiting.due - clock()).total_seconds())
        clock.advance(pauses[-1])
    one.work()

    assert pauses == [5, 20, 80, 320, 400]
    assert waiting.id == letter.id
    assert queue.waiting() == []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_jitter_takes_up_to_a_half_away(add, queue, webhook, clock, seed):
    add(1)
    chance = random.Random(seed)
    Courier(webhook(first_retry=100), queue, send=Line(failed()), jitter=chance.random).work()
    (waiting,) = queue.waiting()

    assert 50 < (waiting.due - clock()).total_seconds() < 100


def test_after_the_last_attempt_the_letter_is_kept_as_dead(add, courier, queue, clock, caplog):
    (letter,) = add(1)
    line = Line(*[failed()] * 3)
    one = courier(line, attempts=3)
    for _ in range(9):
        one.work()
        clock.advance(100)
    (dead,) = queue.dead()

    assert (dead.id, dead.attempts, dead.why) == (letter.id, 3, "500 Sorry")
    assert len(line.sent) == 3
    assert "given up after 3 attempts" in caplog.text


def test_dead_letters_are_kept_for_thirty_days(add, courier, queue, clock):
    add(1)
    courier(Line(failed()), attempts=1).work()
    clock.advance(29 * 86400)
    before = len(queue.dead())
    clock.advance(2 * 86400)

    assert (before, queue.dead()) == (1, [])


def test_letters_that_nobody_touches_are_forgotten_in_the_end(add, queue, clock):
    """Those of a webhook that has left the ini."""
    add(1)
    clock.advance(29 * 86400)
    before = len(queue.waiting())
    clock.advance(2 * 86400)

    assert (before, queue.waiting()) == (1, [])


def test_no_more_than_so_many_letters_are_kept_as_dead(add, courier, queue, monkeypatch, caplog):
    monkeypatch.setattr(queues, "MOST", 2)
    add(*range(5))
    courier(Line(*[failed(410)] * 5)).work()

    assert len(queue.dead()) == 2
    assert queue.waiting() == []
    assert caplog.text.count("given up") == 5


def test_receiver_that_is_gone_gets_no_second_attempt(add, courier, queue):
    add(1)
    courier(Line(failed(410))).work()

    assert [letter.attempts for letter in queue.dead()] == [1]
    assert queue.waiting() == []


def test_retry_after_is_respected_for_all_letters(add, courier, queue, clock):
    add(1, 2)
    line = Line(failed(429, retry_after=600.0))
    one = courier(line, first_retry=5)
    one.work()
    for _ in range(59):
        clock.advance(10)
        one.work()
    early = list(line.sent)
    clock.advance(11)
    one.work()

    assert len(early) == 1
    assert sorted(line.sent[1:]) in ([(1, 0), (2, 1)], [(1, 1), (2, 0)])


def test_letter_that_is_refused_does_not_hold_others_up(add, courier, queue, clock):
    add(1)
    clock.advance(1)
    add(2)
    line = Line(failed(400))
    courier(line).work()

    assert [number for number, _ in line.sent] == [1, 2]
    assert [letter.event.data["n"] for letter in queue.waiting()] == [1]


def test_receiver_that_is_down_is_left_alone_for_a_minute_at_most(add, courier, queue, clock):
    add(1)
    line = Line(failed())
    one = courier(line, first_retry=3600)
    one.work()
    clock.advance(1)
    add(2)
    one.work()
    during = list(line.sent)
    clock.advance(60)
    one.work()

    assert [number for number, _ in during] == [1]
    assert [number for number, _ in line.sent] == [1, 2]


def test_two_processes_deliver_each_letter_once(add, courier, queue, webhook):
    """The second one looks while the first one is at work, as often as it can."""
    add(*range(5))
    second = Line()
    other = Courier(webhook(), queue, send=second)

    class Busy(Line):
        def __call__(self, *letter):
            other.work()
            return super().__call__(*letter)

    first = Busy()
    courier(first).work()

    assert sorted(number for number, _ in first.sent) == list(range(5))
    assert second.sent == []


def test_process_that_was_asleep_for_too_long_leaves_the_rest_to_another(add, queue, webhook, clock):
    add(1)
    clock.advance(1)
    add(2)
    second = Line()
    other = Courier(webhook(), queue, send=second)

    class Asleep(Line):
        def __call__(self, *letter):
            clock.advance(3600)
            other.work()
            return super().__call__(*letter)

    first = Asleep()
    Courier(webhook(), queue, send=first).work()

    assert [number for number, _ in first.sent] == [1]
    assert [number for number, _ in second.sent] == [1, 2]


KILLED = """
    import os, sys
    from pyramid_pypi.catalog import Catalog
    from pyramid_pypi.catalog.notes import Notes
    from pyramid_pypi.options import Secret
    from pyramid_pypi_webhooks.courier import Courier
    from pyramid_pypi_webhooks.events import Event
    from pyramid_pypi_webhooks.queue import OWNER, Queue
    from pyramid_pypi_webhooks.settings import Webhook

    queue = Queue(Notes(Catalog(sys.argv[1]), OWNER))
    queue.add("ci", Event("test", queue.notes.clock(), {"n": 1}))
    webhook = Webhook("ci", Webhook.Options(Secret("http://127.0.0.1:9/"), shape="slack"))
    Courier(webhook, queue, send=lambda *_: os.kill(os.getpid(), 9)).work()
"""


def test_letter_of_a_killed_process_is_delivered_by_the_next_one(url, tmp_path, receiver, webhook, clock):
    import subprocess

    script = tmp_path / "killed.py"
    script.write_text(textwrap.dedent(KILLED))
    process = subprocess.run([sys.executable, script, url], check=False, capture_output=True)
    catalog = Catalog(url)
    queue = Queue(Notes(catalog, OWNER))
    one = webhook(receiver.url)
    Courier(one, queue).work()
    during_the_lease = receiver.received
    later = Queue(Notes(catalog, OWNER, clock))
    clock.now = queue.notes.clock()
    clock.advance(60)
    Courier(one, later).work()

    assert process.returncode == -9, process.stderr
    assert during_the_lease == []
    (got,) = receiver.received
    assert got.is_signed_with(signing_key(one.options.secret))
    assert got.json["data"] == {"n": 1}
    assert later.waiting() == []
    catalog.close()


def test_thread_delivers_what_is_there_and_what_comes(queue, webhook, receiver, add):
    queue = Queue(Notes(queue.notes.catalog, OWNER))
    receiver.answers.append(Answer(500))
    courier = Courier(webhook(receiver.url, first_retry=1), queue, jitter=lambda: 1.0)
    queue.add("ci", Event("test", queue.notes.clock(), {"n": 1}))
    courier.start()
    receiver.wait(2)
    queue.add("ci", Event("test", queue.notes.clock(), {"n": 2}))
    courier.wake()
    received = receiver.wait(3)
    courier.stop()
    courier.join()

    assert [one.json["data"]["n"] for one in received] == [1, 1, 2]
    assert received[0].headers["webhook-id"] == received[1].headers["webhook-id"]
    assert received[1].headers["webhook-id"] != received[2].headers["webhook-id"]


def test_closing_waits_for_the_letter_on_its_way_and_sends_no_more(queue, webhook):
    queue = Queue(Notes(queue.notes.catalog, OWNER))
    for number in range(2):
        queue.add("ci", Event("test", queue.notes.clock(), {"n": number}))
    on_its_way, may_arrive = threading.Event(), threading.Event()

    class Slow(Line):
        def __call__(self, *letter):
            on_its_way.set()
            may_arrive.wait(20)
            return super().__call__(*letter)

    line = Slow()
    courier = Courier(webhook(), queue, send=line)
    courier.start()
    assert on_its_way.wait(20)
    courier.stop()
    may_arrive.set()
    courier.join()

    assert len(line.sent) == len(queue.waiting()) == 1


def test_nothing_secret_is_logged(queue, webhook, caplog):
    clock = queue.notes.clock
    queue.add("ci", Event("test", clock(), {"n": 1}))
    with caplog.at_level(logging.DEBUG):
        Courier(webhook("http://127.0.0.1:1/services/swordfish"), queue).work()

    assert "did not take" in caplog.text
    assert "swordfish" not in caplog.text
    assert "whsec" not in caplog.text


def test_letter_is_found_by_its_number(add, queue):
    (letter,) = add(1)

    assert queue.find(letter.id) == letter
    with pytest.raises(NotFound, match="msg_none"):
        queue.find("msg_none")
