import pytest

from pyramid_pypi.errors import (
    FileMissing,
    ProjectNotFound,
    UpstreamDown,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from pyramid_pypi.testing.clock import FakeClock
from pyramid_pypi.upstream.health import Guarded, Health


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def health(clock):
    return Health(clock=clock)


def fail(health, error=None, times=1):
    for _ in range(times):
        with pytest.raises(UpstreamUnavailable), health.asking():
            raise error or UpstreamDown("down")


def ask(health):
    with health.asking():
        return True


def test_in_the_beginning_all_is_well(health):
    assert health.rests_for == 0
    assert ask(health)


def test_three_failures_in_a_row_are_followed_by_a_rest(health, clock):
    fail(health, UpstreamTimeout("slow"), times=3)

    assert health.rests_for == 5
    with pytest.raises(UpstreamTimeout, match="left alone for 5 seconds") as told, health.asking():
        pytest.fail("somebody asks")
    assert told.value.retry_after == 5
    clock.advance(5)
    assert ask(health)


def test_while_it_rests_nothing_is_counted(health, clock):
    fail(health, times=3)
    clock.advance(4)
    fail(health, times=5)

    assert health.rests_for == 1


def test_two_failures_are_no_reason_to_rest(health):
    fail(health, times=2)
    ask(health)
    fail(health, times=2)

    assert health.rests_for == 0


def test_a_failure_after_the_rest_is_followed_by_another(health, clock):
    fail(health, times=3)
    clock.advance(11)
    fail(health)

    assert health.rests_for == 5


def test_success_after_the_rest_starts_anew(health, clock):
    fail(health, times=3)
    clock.advance(11)
    ask(health)
    fail(health, times=2)

    assert health.rests_for == 0


def test_the_upstream_says_how_long_it_wants_to_be_left_alone(health, clock):
    fail(health, UpstreamUnavailable("busy with secret-1", retry_after=30))

    assert health.rests_for == 30
    clock.advance(29)
    with pytest.raises(UpstreamUnavailable, match="left alone for 1 seconds") as told, health.asking():
        pytest.fail("somebody asks")
    assert "secret-1" not in told.value.message


def test_nobody_is_left_alone_for_longer_than_a_minute(health):
    fail(health, UpstreamUnavailable("busy", retry_after=86400))

    assert health.rests_for == 60


@pytest.mark.parametrize("answer", [ProjectNotFound("none"), FileMissing("none")])
def test_not_found_is_an_answer(health, answer):
    fail(health, times=2)
    with pytest.raises(type(answer)), health.asking():
        raise answer

    fail(health, times=2)
    assert health.rests_for == 0


def test_a_defect_of_ours_is_no_failure_of_the_upstream(health):
    for _ in range(5):
        with pytest.raises(ValueError, match="ours"), health.asking():
            raise ValueError("ours")

    assert health.rests_for == 0


def test_a_wrong_answer_is_no_reason_to_rest(health):
    fail(health, UpstreamUnavailable("this is no page"), times=5)

    assert health.rests_for == 0
    assert ask(health)


def test_a_guarded_upstream_is_not_asked_while_it_rests(clock):
    class Slow:
        asked = 0

        def project(self, name, validator):
            self.asked += 1
            raise UpstreamTimeout("slow")

        page_url = file_url = close = None

    slow = Slow()
    guarded = Guarded(slow, clock=clock)
    for _ in range(5):
        with pytest.raises(UpstreamTimeout):
            guarded.project("parrot")

    assert slow.asked == 3


class Failing:
    """An upstream that fails with what a test gives it, or answers."""

    def __init__(self):
        self.error = None
        self.page_url = self.file_url = self.close = None

    def project(self, name, validator=None):
        self.answer()

    def metadata(self, file):
        self.answer()

    def answer(self):
        if self.error is not None:
            raise self.error


def test_what_has_failed_is_known_until_it_works(clock):
    upstream = Failing()
    guarded = Guarded(upstream, clock=clock)
    before = guarded.failing
    upstream.error = UpstreamTimeout("slow")
    for _ in range(3):
        with pytest.raises(UpstreamTimeout):
            guarded.metadata(None)
    failing = guarded.failing

    assert before is None
    assert failing is not None
    assert (failing.failure, failing.rests_for > 0) == (upstream.error, True)

    upstream.error = None
    clock.advance(10)
    guarded.project("holy-grail")
    assert guarded.failing is failing
    guarded.metadata(None)
    assert guarded.failing is None
