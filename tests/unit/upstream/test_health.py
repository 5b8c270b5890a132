import threading

import pytest

from pyramid_pypi.errors import FileMissing, ProjectNotFound, UpstreamTimeout, UpstreamUnavailable
from pyramid_pypi.testing.clock import FakeClock
from pyramid_pypi.upstream import health as module
from pyramid_pypi.upstream.health import Health


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def health(clock):
    return Health(2, clock=clock)


def fail(health, error=None, times=1):
    for _ in range(times):
        with pytest.raises(UpstreamUnavailable), health.asking():
            raise error or UpstreamUnavailable("down")


def ask(health):
    with health.asking():
        return True


def test_in_the_beginning_all_is_well(health):
    assert (health.trouble, health.rests_for) == ("", 0)
    assert ask(health)


def test_a_failure_is_shown_until_something_works(health):
    fail(health)
    assert (health.trouble, health.rests_for) == ("down", 0)

    ask(health)

    assert health.trouble == ""


def test_three_failures_in_a_row_are_followed_by_a_rest(health, clock):
    fail(health, UpstreamTimeout("slow"), times=3)

    assert health.rests_for == 10
    with pytest.raises(UpstreamTimeout, match="slow"), health.asking():
        pytest.fail("somebody asks")
    clock.advance(10)
    assert ask(health)


def test_while_it_rests_nothing_is_counted(health, clock):
    fail(health, times=3)
    clock.advance(4)
    fail(health, times=5)

    assert health.rests_for == 6


def test_two_failures_are_no_reason_to_rest(health):
    fail(health, times=2)
    ask(health)
    fail(health, times=2)

    assert health.rests_for == 0


def test_a_failure_after_the_rest_is_followed_by_another(health, clock):
    fail(health, times=3)
    clock.advance(11)
    fail(health)

    assert health.rests_for == 10


def test_success_after_the_rest_starts_anew(health, clock):
    fail(health, times=3)
    clock.advance(11)
    ask(health)
    fail(health, times=2)

    assert health.rests_for == 0


def test_the_upstream_says_how_long_it_wants_to_be_left_alone(health, clock):
    fail(health, UpstreamUnavailable("busy", retry_after=120))

    assert health.rests_for == 120
    clock.advance(119)
    with pytest.raises(UpstreamUnavailable, match="busy"), health.asking():
        pytest.fail("somebody asks")


@pytest.mark.parametrize("answer", [ProjectNotFound("none"), FileMissing("none")])
def test_not_found_is_an_answer(health, answer):
    fail(health, times=2)
    with pytest.raises(type(answer)), health.asking():
        raise answer

    assert health.trouble == ""
    fail(health, times=2)
    assert health.rests_for == 0


def test_a_defect_of_ours_is_no_failure_of_the_upstream(health):
    for _ in range(5):
        with pytest.raises(ValueError, match="ours"), health.asking():
            raise ValueError("ours")

    assert (health.trouble, health.rests_for) == ("", 0)


class Asking:
    """A thread that is asking until it is told to stop."""

    def __init__(self, health):
        self.inside = threading.Event()
        self.go = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(health,))
        self.thread.start()
        assert self.inside.wait(30)

    def _run(self, health):
        with health.asking():
            self.inside.set()
            assert self.go.wait(30)

    def end(self):
        self.go.set()
        self.thread.join(30)


def test_no_more_than_the_slots_ask_at_a_time(health, monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE", 0.01)
    askers = [Asking(health), Asking(health)]

    with pytest.raises(UpstreamTimeout, match="Too many"), health.asking():
        pytest.fail("somebody asks")

    askers[0].end()
    assert ask(health)
    askers[1].end()


def test_waiting_for_a_slot_is_no_failure_of_the_upstream(health, monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE", 0.01)
    askers = [Asking(health), Asking(health)]
    for _ in range(4):
        with pytest.raises(UpstreamTimeout), health.asking():
            pytest.fail("somebody asks")

    assert (health.trouble, health.rests_for) == ("", 0)
    for one in askers:
        one.end()


@pytest.mark.parametrize("error", [UpstreamUnavailable("down"), ProjectNotFound("none"), ValueError("ours")])
def test_every_end_frees_the_slot(clock, error):
    health = Health(1, clock=clock)
    for _ in range(2):
        with pytest.raises(type(error)), health.asking():
            raise error

    assert ask(health)
