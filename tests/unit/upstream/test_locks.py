import threading

import pytest

from pyramid_pypi.errors import StorageUnavailable
from pyramid_pypi.upstream.locks import Flights, HostLocks

A_MOMENT = 0.2


@pytest.fixture
def locks(tmp_path):
    found = HostLocks(tmp_path / "deep" / "locks")
    yield found
    found.close()


def hold_in_a_process(folder, pipe):
    """Hold `x` until told; then wait for `y` if told so before."""
    locks = HostLocks(folder / "deep" / "locks")
    problems = []

    def cross():
        try:
            with locks.hold("y"):
                pass
        except Exception as error:
            problems.append(repr(error))

    waiting = threading.Thread(target=cross)
    with locks.hold("x"):
        pipe.send("held")
        if pipe.recv() == "cross":
            waiting.start()
            pipe.send("waits")
            pipe.recv()
    if waiting.ident:
        waiting.join(30)
    pipe.send(problems)


class Entering:
    """A thread that enters a lock and remembers how that went."""

    def __init__(self, locks, name):
        self.inside = threading.Event()
        self.problem = None
        self.thread = threading.Thread(target=self._run, args=(locks, name))
        self.thread.start()

    def _run(self, locks, name):
        try:
            with locks.hold(name):
                self.inside.set()
        except Exception as error:
            self.problem = error


def test_a_name_that_another_process_holds_is_waited_for(locks, processes, tmp_path):
    child = processes(hold_in_a_process, tmp_path)
    child.start()
    assert child.next() == "held"

    entering = Entering(locks, "x")
    assert not entering.inside.wait(A_MOMENT)
    child.tell("go")

    assert entering.inside.wait(30)
    entering.thread.join(30)


def test_a_name_that_stays_held_is_done_without_after_the_patience(locks, processes, tmp_path):
    child = processes(hold_in_a_process, tmp_path)
    child.start()
    assert child.next() == "held"

    with locks.hold("x", A_MOMENT) as first:
        pass
    # Who does not hold it does not let it go either.
    with locks.hold("x", 0) as second:
        pass
    child.tell("go")
    with locks.hold("x") as third:
        pass

    assert (first, second, third) == (False, False, True)


def test_closing_ends_the_waiting(locks, processes, tmp_path):
    child = processes(hold_in_a_process, tmp_path)
    child.start()
    assert child.next() == "held"
    entering = Entering(locks, "x")
    assert not entering.inside.wait(A_MOMENT)

    locks.close()

    entering.thread.join(30)
    assert isinstance(entering.problem, StorageUnavailable)


def test_a_closed_file_has_no_locks(locks):
    locks.close()

    with pytest.raises(StorageUnavailable, match="the server stops"), locks.hold("x"):
        pass


def test_other_names_are_not_waited_for(locks, processes, tmp_path):
    child = processes(hold_in_a_process, tmp_path)
    child.start()
    assert child.next() == "held"

    with locks.hold("y"), locks.hold("z"):
        pass


def test_the_locks_of_a_process_that_dies_are_free(locks, processes, tmp_path):
    child = processes(hold_in_a_process, tmp_path)
    child.start()
    assert child.next() == "held"
    child.process.kill()

    with locks.hold("x"):
        pass


def test_threads_of_two_processes_that_wait_crosswise_are_not_taken_for_stuck(locks, processes, tmp_path):
    child = processes(hold_in_a_process, tmp_path)
    child.start()
    assert child.next() == "held"
    with locks.hold("y"):
        child.tell("cross")
        assert child.next() == "waits"
        entering = Entering(locks, "x")
        assert not entering.inside.wait(A_MOMENT)
    child.tell("go")

    assert child.next() == []
    entering.thread.join(30)
    assert entering.inside.is_set()
    assert entering.problem is None


def test_a_lock_is_free_after_an_error(locks, processes, tmp_path):
    with pytest.raises(ValueError, match="mine"), locks.hold("x"):
        raise ValueError("mine")

    child = processes(hold_in_a_process, tmp_path)
    child.start()
    assert child.next() == "held"


def test_the_file_stays_empty(locks, tmp_path):
    with locks.hold("x"):
        assert (tmp_path / "deep" / "locks").stat().st_size == 0


def test_a_place_where_no_file_can_be_is_said(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(StorageUnavailable, match="cannot be used"):
        HostLocks(tmp_path / "file" / "locks")


def test_a_file_system_without_locks_is_said(tmp_path, monkeypatch):
    def lockf(*_):
        raise OSError(37, "No locks available")

    locks = HostLocks(tmp_path / "locks")
    monkeypatch.setattr("fcntl.lockf", lockf)

    with pytest.raises(StorageUnavailable, match="No locks available"), locks.hold("x"):
        pass
    locks.close()


class Work:
    """Counts how often it is done; waits in the middle."""

    def __init__(self, outcome):
        self.outcome = outcome
        self.done = 0
        self.reached = threading.Event()
        self.go = threading.Event()

    def __call__(self):
        self.done += 1
        self.reached.set()
        assert self.go.wait(30)
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


class Asking:
    """A thread that runs work by a key."""

    def __init__(self, flights, key, work):
        self.outcome = None
        self.thread = threading.Thread(target=self._run, args=(flights, key, work))
        self.thread.start()

    def _run(self, flights, key, work):
        try:
            self.outcome = flights.run(key, work)
        except BaseException as error:
            self.outcome = error

    def join(self):
        self.thread.join(30)
        return self.outcome


@pytest.mark.parametrize("outcome", ["page", LookupError("none"), SystemExit(3)])
def test_work_of_one_key_is_done_once_for_all_who_ask_meanwhile(outcome):
    flights, work = Flights(), Work(outcome)
    first = Asking(flights, "a", work)
    assert work.reached.wait(30)
    assert flights.is_running("a")

    # Whoever is not let join would do other work.
    others = [Asking(flights, "a", lambda: "other") for _ in range(5)]
    for other in others:
        other.thread.join(A_MOMENT / 10)
        assert other.thread.is_alive()
    work.go.set()

    assert first.join() is outcome
    assert [other.join() for other in others] == [outcome] * 5
    assert work.done == 1
    assert not flights.is_running("a")


def test_other_keys_do_not_wait():
    flights, work = Flights(), Work("page")
    first = Asking(flights, "a", work)
    assert work.reached.wait(30)

    assert flights.run("b", lambda: "other") == "other"
    work.go.set()
    first.join()


def test_after_the_end_work_is_done_anew():
    flights = Flights()

    assert [flights.run("a", lambda number=number: number) for number in range(3)] == [0, 1, 2]


def test_work_after_a_failure_is_done_anew():
    flights = Flights()
    with pytest.raises(ZeroDivisionError):
        flights.run("a", lambda: 1 // 0)

    assert flights.run("a", lambda: 1) == 1
