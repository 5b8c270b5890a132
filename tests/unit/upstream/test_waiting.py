import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pyramid_pypi.errors import UpstreamBusy
from pyramid_pypi.upstream.waiting import WaitingRoom


@pytest.fixture
def full():
    """A room with two places, which are taken until the second one is called; nobody waits for long."""
    room = WaitingRoom(2, patience=0.05)
    leave, inside = threading.Event(), threading.Semaphore(0)

    def stay():
        with room.stay():
            inside.release()
            leave.wait(10)

    with ThreadPoolExecutor(2) as pool:
        staying = [pool.submit(stay) for _ in range(2)]
        for _ in staying:
            assert inside.acquire(timeout=10)

        def clear():
            leave.set()
            for one in staying:
                one.result()

        yield room, clear
        clear()


def enter(room):
    with room.stay():
        return True


def test_there_are_as_many_places_as_were_asked_for():
    room = WaitingRoom(2, patience=0.05)

    with room.stay():
        assert enter(room)


def test_a_place_is_free_again_whatever_happens_there():
    room = WaitingRoom(1, patience=0)

    for _ in range(3):
        with pytest.raises(KeyError), room.stay():
            raise KeyError

    assert enter(room)


def test_who_finds_no_place_is_told_to_come_again(full):
    room, _ = full

    with pytest.raises(UpstreamBusy, match="Too many requests wait for the upstream; try again") as told:
        enter(room)

    assert told.value.status == 503


def test_who_finds_no_place_gets_the_next_one_that_becomes_free():
    room = WaitingRoom(1, patience=10)
    inside, leave = threading.Event(), threading.Event()

    def stay():
        with room.stay():
            inside.set()
            leave.wait(10)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(stay)
        assert inside.wait(10)
        second = pool.submit(enter, room)
        assert not second.done()
        leave.set()

        assert second.result(timeout=10)
        first.result()


def test_after_waiting_in_vain_nobody_waits_until_a_place_is_free(full):
    room, clear = full
    with pytest.raises(UpstreamBusy):
        enter(room)
    room._patience = 1000

    with pytest.raises(UpstreamBusy):
        enter(room)

    clear()
    assert enter(room)
