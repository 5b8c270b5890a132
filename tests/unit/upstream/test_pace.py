import pytest

from pyramid_pypi.errors import UpstreamTimeout
from pyramid_pypi.upstream.pace import Pace


class Sending:
    """Chunks of some sizes, each after some seconds on a clock of its own."""

    def __init__(self, *chunks):
        self.now = 100.0
        self.chunks = chunks
        self.pace = Pace(rate=10, window=60, clock=lambda: self.now)

    def __iter__(self):
        for size, seconds in self.chunks:
            self.now += seconds
            yield bytes(size)

    def watched(self):
        return self.pace.watch(iter(self), "x.whl")


def test_chunks_pass_as_they_are():
    sending = Sending((700, 59), (5, 2), (1, 1))

    assert [len(chunk) for chunk in sending.watched()] == [700, 5, 1]


def test_nothing_is_too_slow_within_the_window():
    assert len(list(Sending((1, 30), (1, 29)).watched())) == 2


@pytest.mark.parametrize("before", [[], [(10**9, 61)]])
def test_a_drip_ends_after_a_window_however_fast_the_beginning_was(before):
    sending = Sending(*before, *[(1, 5)] * 100)
    seen = []

    with pytest.raises(UpstreamTimeout, match="x.whl comes with less than 10 bytes per second"):
        seen.extend(sending.watched())
    assert len(seen) == len(before) + 12


def test_the_time_of_a_slow_reader_does_not_count():
    sending = Sending(*[(1, 0)] * 5)

    for _ in sending.watched():
        sending.now += 100


def test_what_goes_wrong_on_the_way_is_raised():
    def broken():
        yield b"x"
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        list(Pace().watch(broken(), "x"))
