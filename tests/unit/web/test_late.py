"""Answers that come later."""

import threading
import time

from pyramid_pypi.web.late import LateBytes, Wakes


def test_bytes_are_ready_when_their_time_has_come():
    now = [100.0]
    late = LateBytes(b"later", 2.0, Wakes(clock=lambda: now[0]))

    assert late.ready() == 0
    now[0] += 2
    assert late.ready() == 5
    assert late.read(1, 3) == b"ate"


def test_whoever_waits_is_told_once_and_in_order():
    wakes, told, done = Wakes(), [], threading.Event()
    begun = time.monotonic()
    late = LateBytes(b"x", 0.05, wakes)
    late.subscribe(lambda: told.append("later"))
    LateBytes(b"x", 0.01, wakes).subscribe(lambda: told.append("sooner"))
    LateBytes(b"x", 0.1, wakes).subscribe(done.set)

    assert done.wait(10)
    assert told == ["sooner", "later"]
    assert late.ready() == 1
    assert time.monotonic() - begun >= 0.1


def test_whoever_has_gone_is_not_told():
    wakes, told, done = Wakes(), [], threading.Event()
    LateBytes(b"x", 0.01, wakes).subscribe(lambda: told.append("gone"))()
    LateBytes(b"x", 0.05, wakes).subscribe(done.set)

    assert done.wait(10)
    assert told == []
