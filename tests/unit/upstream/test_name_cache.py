import os
import threading
import time
import tracemalloc
from itertools import islice

import pytest

from pyramid_pypi.errors import StorageUnavailable, UpstreamTimeout, UpstreamUnavailable
from pyramid_pypi.model import ProjectName
from pyramid_pypi.upstream.base import NameList, Validator
from pyramid_pypi.upstream.locks import HostLocks
from pyramid_pypi.upstream.namelist import NameCache
from tests.unit.upstream.paged import UNCHANGED, Held, PagedUpstream, names_of

TTL = 600
ALPHA = ProjectName("alpha", "Alpha", 7)
BETA = ProjectName("beta", "beta", 0)
GAMMA = ProjectName("gamma", "γάμμα", 3)
DOWN = UpstreamUnavailable("The upstream is down")


class World:
    """A cache of names and everything around it."""

    def __init__(self, folder, *lists):
        self.path = folder / "names"
        self.upstream = PagedUpstream(lists=lists)
        self.locks = HostLocks(folder / "locks")
        self.is_offline = False
        self.cache = NameCache(self.upstream, self.path, self.locks, ttl=TTL, offline=lambda: self.is_offline)

    def names(self):
        return list(self.cache.names())

    def age(self, seconds):
        at = time.time() - seconds
        os.utime(self.path, (at, at))

    @property
    def asked(self):
        return len(self.upstream.listed)

    def settle(self):
        for thread in threading.enumerate():
            if thread.name == "pypi-names":
                thread.join(30)


@pytest.fixture
def world(tmp_path):
    made = []

    def world(*lists):
        made.append(World(tmp_path, *lists))
        return made[-1]

    yield world
    for one in made:
        one.settle()
        one.locks.close()


def broken(*projects):
    def names():
        yield from projects
        raise UpstreamUnavailable("The list breaks off")

    return lambda: NameList(names(), Validator('"broken"'))


def test_the_list_is_sorted_and_each_project_is_there_once(world):
    here = world(names_of(GAMMA, ALPHA, BETA, ALPHA, ProjectName("alpha", "ALPHA", 9)))

    found = here.names()

    assert [one.name for one in found] == ["alpha", "beta", "gamma"]
    assert found[1:] == [BETA, GAMMA]
    assert found[0] in {ALPHA, ProjectName("alpha", "ALPHA", 9)}


def test_the_order_is_that_of_the_names(world):
    names = ["a", "a-b", "a0", "aa", "a-0", "b", "0a"]
    here = world(names_of(*(ProjectName(name, name, 0) for name in names)))

    assert [one.name for one in here.names()] == sorted(names)


def test_a_fresh_list_is_not_asked_for_again(world):
    here = world(names_of(ALPHA))
    here.names()
    here.age(TTL - 10)

    assert here.names() == [ALPHA]
    assert here.upstream.listed == [None]


def test_an_old_list_is_given_and_refreshed_behind(world):
    held = Held(names_of(ALPHA, BETA, etag='"2"'))
    here = world(names_of(ALPHA), held)
    here.names()
    here.age(TTL + 10)

    assert here.names() == [ALPHA]
    assert held.reached.wait(30)
    assert here.names() == [ALPHA]
    held.go.set()
    here.settle()

    assert here.names() == [ALPHA, BETA]
    assert here.upstream.listed == [None, Validator('"1"')]


def test_a_list_that_has_not_changed_is_fresh_again(world):
    here = world(names_of(ALPHA), UNCHANGED)
    here.names()
    here.age(TTL + 10)
    here.names()
    here.settle()

    assert here.names() == [ALPHA]
    assert here.asked == 2


def test_no_change_of_a_list_that_is_not_kept_is_a_fault(world):
    here = world(UNCHANGED)

    with pytest.raises(UpstreamUnavailable):
        here.cache.names()


def test_a_time_in_the_future_keeps_no_list_fresh(world):
    here = world(names_of(ALPHA), names_of(BETA))
    here.names()
    here.age(-30 * 24 * 3600)
    here.names()
    here.settle()

    assert here.names() == [BETA]


@pytest.mark.parametrize("answer", [DOWN, broken(BETA, GAMMA), UpstreamTimeout("too slow")])
def test_what_goes_wrong_behind_leaves_the_old_list(world, answer, caplog):
    here = world(names_of(ALPHA), answer)
    here.names()
    here.age(TTL + 10)
    here.names()
    here.settle()

    assert here.names() == [ALPHA]
    assert "The list of projects is out of date" in caplog.text
    here.settle()
    assert sorted(one.name for one in here.path.parent.iterdir()) == ["locks", "names"]


def test_a_defect_behind_is_logged_with_its_traceback(world, caplog):
    here = world(names_of(ALPHA), ValueError("surprise"))
    here.names()
    here.age(TTL + 10)
    here.names()
    here.settle()

    assert "surprise" in caplog.text


def test_a_list_that_cannot_be_written_to_its_end_leaves_nothing_behind(world, caplog):
    here = world(names_of(ALPHA), names_of(ProjectName("beta", "no text: \ud800", 0)))
    here.names()
    here.age(TTL + 10)
    here.names()
    here.settle()

    assert here.names() == [ALPHA]
    here.settle()
    assert sorted(one.name for one in here.path.parent.iterdir()) == ["locks", "names"]


def test_a_list_that_came_while_the_lock_was_waited_for_is_taken(world, tmp_path):
    here, other = world(names_of(ALPHA)), world(names_of(BETA))

    class Late(HostLocks):
        def hold(self, name):
            assert other.names() == [BETA]
            return super().hold(name)

    here.cache._locks = late = Late(tmp_path / "locks")

    assert here.names() == [BETA]
    assert here.asked == 0
    late.close()


@pytest.mark.parametrize("answer", [DOWN, broken(ALPHA), UpstreamTimeout("too slow")])
def test_without_a_list_the_failure_is_told_at_once(world, answer):
    here = world(answer)

    with pytest.raises(UpstreamUnavailable):
        here.cache.names()
    assert not here.path.exists()


def test_an_upstream_without_projects_has_an_empty_list(world):
    here = world(names_of())

    assert here.names() == []
    assert here.names() == []
    assert here.asked == 1


def test_an_empty_file_is_no_list(world):
    here = world(names_of(ALPHA))
    here.path.touch()

    assert here.names() == [ALPHA]
    assert here.upstream.listed == [None]


def test_offline_gives_what_is_kept_and_never_asks(world):
    here = world(names_of(ALPHA))
    here.names()
    here.age(30 * 24 * 3600)
    here.is_offline = True

    assert here.names() == [ALPHA]
    here.settle()
    assert here.asked == 1


def test_offline_without_a_list_is_said(world):
    here = world(names_of(ALPHA))
    here.is_offline = True

    with pytest.raises(UpstreamTimeout, match="offline"):
        here.cache.names()
    assert here.asked == 0


def test_a_list_outlives_the_cache(world):
    world(names_of(ALPHA, GAMMA)).names()

    again = world(DOWN)

    assert again.names() == [ALPHA, GAMMA]
    assert again.asked == 0


def test_threads_that_need_the_first_list_ask_once(world):
    held = Held(names_of(ALPHA))
    here = world(held)
    found = []
    threads = [threading.Thread(target=lambda: found.append(here.names())) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert held.reached.wait(30)
    held.go.set()
    for thread in threads:
        thread.join(30)

    assert found == [[ALPHA]] * 8
    assert here.asked == 1


def test_a_list_that_is_being_read_stays_whole_when_it_is_replaced(world):
    here = world(names_of(ALPHA, GAMMA), names_of(BETA))
    reading = here.cache.names()
    assert next(reading) == ALPHA
    here.age(TTL + 10)
    here.names()
    here.settle()

    assert list(reading) == [GAMMA]
    assert here.names() == [BETA]


def test_a_list_that_cannot_be_written_is_said(world):
    here = world(names_of(ALPHA))
    here.cache._path = here.path.parent / "missing" / "names"

    with pytest.raises(StorageUnavailable, match="cannot be written"):
        here.cache.names()


def test_a_list_that_cannot_be_read_is_said(world):
    here = world(names_of(ALPHA))
    reading = here.cache.names()
    here.path.unlink()

    with pytest.raises(StorageUnavailable, match="cannot be read"):
        next(reading)


def _many(count):
    for number in range(count):
        name = f"project-{number * 7919 % count:06d}-of-many"
        yield ProjectName(name, name.title(), number)


def test_hundreds_of_thousands_of_names_take_little_memory(world):
    count = 600_000
    here = world(NameList(_many(count)))
    tracemalloc.start()
    try:
        names = here.cache.names()
        _, while_refreshed = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        read = sum(1 for _ in islice(names, 100_000))
        _, while_read = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert while_refreshed < 120e6
    assert while_read - before < 5e6
    assert read + sum(1 for _ in names) == count
