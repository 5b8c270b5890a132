import logging
import threading
import time

import pytest

from pyramid_pypi.errors import (
    ProjectNotFound,
    StorageUnavailable,
    UpstreamDown,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from pyramid_pypi.testing.clock import FakeClock
from pyramid_pypi.upstream import pagecache
from pyramid_pypi.upstream.base import Upstream, UpstreamPage, Validator
from pyramid_pypi.upstream.health import Guarded
from pyramid_pypi.upstream.locks import HostLocks
from pyramid_pypi.upstream.pagecache import Ages, Known, PageCache, Reactions
from pyramid_pypi.upstream.store import CacheStore
from tests.unit.upstream.paged import ABSENT, UNCHANGED, Held, PagedUpstream, page_of

AGES = Ages(ttl=600, while_revalidate=60, if_error=1000, negative=60)
NAME = "holy-grail"
FIRST = page_of(NAME, "1.0", etag='"1"')
SECOND = page_of(NAME, "1.0", "2.0", etag='"2"')
DOWN = UpstreamDown("The upstream is down")


class World:
    """A page cache, everything around it, and what it has told."""

    def __init__(self, folder, *answers, ages=AGES, clock=None):
        self.upstream = PagedUpstream(*answers)
        self.store = CacheStore(folder / "cache.db")
        self.locks = HostLocks(folder / "locks")
        self.clock = clock or FakeClock(1e9)
        self.events = []
        self.is_offline = False
        self.cache = PageCache(
            Guarded(self.upstream, clock=self.clock),
            self.store,
            self.locks,
            ages=ages,
            reactions=Reactions(
                prepare=lambda page: self.prepare(page),
                changed=lambda name: self.events.append(("changed", name)),
                withdrawn=lambda name, reason: self.events.append(("withdrawn", name, reason)),
                offline=lambda: self.is_offline,
            ),
        )
        self.cache.clock = self.clock
        self.prepared = 0

    def prepare(self, page):
        self.prepared += 1
        return page

    def get(self, name=NAME):
        return self.cache.get(name)

    @property
    def asked(self):
        return len(self.upstream.asked)

    def settle(self):
        """Wait for what goes on behind."""
        end = time.monotonic() + 30
        while self.cache._queued:
            assert time.monotonic() < end, "a page is still being refreshed"
            time.sleep(0.001)

    def close(self):
        self.cache.close()
        self.store.close()
        self.locks.close()


@pytest.fixture
def world(tmp_path):
    made = []

    def world(*answers, **options):
        made.append(World(tmp_path, *answers, **options))
        return made[-1]

    yield world
    for one in made:
        one.close()


def test_the_fake_is_an_upstream():
    assert isinstance(PagedUpstream(), Upstream)


def test_a_page_is_asked_for_once_and_is_fresh_for_its_time(world):
    here = world(FIRST)

    assert here.get() == Known(FIRST, 600)
    here.clock.advance(599)
    assert here.get() == Known(FIRST, 1)
    assert here.upstream.asked == [(NAME, None)]


def test_a_page_survives_a_restart(world):
    world(FIRST).get()

    again = world(DOWN)

    assert again.get().page == FIRST
    assert again.asked == 0


def test_an_old_page_is_confirmed_by_its_validator(world):
    here = world(FIRST, UNCHANGED)
    here.get()
    here.clock.advance(700)

    assert here.get() == Known(FIRST, 600)
    assert here.upstream.asked == [(NAME, None), (NAME, Validator('"1"'))]
    assert here.events == []


def test_a_confirmation_is_kept_over_a_restart(world):
    here = world(FIRST, UNCHANGED)
    here.get()
    here.clock.advance(700)
    here.get()

    again = world(DOWN, clock=here.clock)

    assert again.get() == Known(FIRST, 600)


def test_an_old_page_is_replaced_by_a_new_one(world):
    here = world(FIRST, SECOND, UNCHANGED)
    here.get()
    here.clock.advance(700)

    assert here.get() == Known(SECOND, 600)
    assert here.events == [("changed", NAME)]
    here.clock.advance(700)
    here.get()
    assert here.upstream.asked[-1] == (NAME, Validator('"2"'))


def test_a_page_that_is_forgotten_while_it_is_completed_is_completed_again(world):
    here = world(FIRST)
    complete = here.prepare

    def completed_too_early(page):
        if not here.prepared:
            here.cache.forget(NAME)
        return complete(page)

    here.prepare = completed_too_early

    assert [here.get().page for _ in range(3)] == [FIRST] * 3
    assert (here.prepared, here.asked) == (2, 1)


def test_a_page_that_has_just_become_old_is_refreshed_behind(world):
    held = Held(SECOND)
    here = world(FIRST, held)
    here.get()
    here.clock.advance(601)

    assert here.get() == Known(FIRST, 5)
    assert held.reached.wait(30)
    assert here.get() == Known(FIRST, 5)

    held.go.set()
    here.settle()
    assert here.get() == Known(SECOND, 600)
    assert here.asked == 2


def test_however_often_an_old_page_is_asked_for_it_is_queued_once(world):
    busy = [Held(FIRST) for _ in range(4)]
    here = world(FIRST)
    names = ["a", "b", "c", "d", NAME]
    for name in names:
        here.get(name)
    here.upstream.pages = [*busy, SECOND]
    here.clock.advance(601)
    for name in names[:4]:
        here.get(name)
    assert all(one.reached.wait(30) for one in busy)

    for _ in range(100):
        assert here.get().page == FIRST

    assert len(here.cache._behind._queue) == 1
    for one in busy:
        one.go.set()


def test_a_failure_behind_is_logged_and_the_page_is_given(world, caplog):
    here = world(FIRST, DOWN)
    here.get()
    here.clock.advance(601)

    assert here.get() == Known(FIRST, 5)
    here.settle()

    assert here.asked == 2
    assert "cannot be refreshed: The upstream is down" in caplog.text


def test_after_a_failure_behind_it_is_tried_again(world, caplog):
    failed, held = Held(DOWN), Held(SECOND)
    here = world(FIRST, failed, held)
    here.get()
    here.clock.advance(601)
    here.get()
    failed.go.set()
    # The first attempt ends in another thread; each page that is asked for from then on tries again.
    while not held.reached.wait(0.01):
        assert here.get().page == FIRST
    held.go.set()
    here.settle()

    assert here.get().page == SECOND


def test_a_defect_behind_is_logged_with_its_traceback(world, caplog):
    here = world(FIRST, ValueError("surprise"))
    here.get()
    here.clock.advance(601)

    here.get()
    here.settle()

    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "surprise" in caplog.text


def test_after_closing_an_old_page_is_still_given(world):
    here = world(FIRST)
    here.get()
    here.clock.advance(601)
    here.cache.close()

    assert here.get().page == FIRST


def test_a_page_is_given_stale_when_the_upstream_fails(world, caplog):
    here = world(FIRST, DOWN)
    here.get()
    here.clock.advance(700)

    assert here.get() == Known(FIRST, 5, 100)
    assert "The page of 'holy-grail' is out of date: The upstream is down" in caplog.text


def test_a_stale_page_is_replaced_when_the_upstream_is_back(world):
    here = world(FIRST, DOWN, SECOND)
    here.get()
    here.clock.advance(700)
    here.get()

    assert here.get() == Known(SECOND, 600)


@pytest.mark.parametrize("error", [DOWN, UpstreamTimeout("too slow")])
def test_a_page_that_is_too_old_is_not_given_instead_of_an_error(world, error):
    here = world(FIRST, error)
    here.get()
    here.clock.advance(600 + 1001)

    with pytest.raises(type(error)):
        here.get()


@pytest.mark.parametrize("error", [DOWN, UpstreamTimeout("too slow")])
def test_with_nothing_kept_the_error_is_the_answer(world, error):
    here = world(error)

    with pytest.raises(type(error), match=error.message):
        here.get()
    assert here.store.page(NAME) is None


def test_an_error_is_not_remembered_as_an_absence(world):
    here = world(DOWN, FIRST)
    with pytest.raises(UpstreamUnavailable):
        here.get()

    assert here.get().page == FIRST


def test_after_three_failures_the_upstream_is_left_alone(world):
    here = world(DOWN)
    for _ in range(10):
        with pytest.raises(UpstreamUnavailable):
            here.get()

    assert here.asked == 3
    here.clock.advance(10)
    with pytest.raises(UpstreamUnavailable):
        here.get()
    assert here.asked == 4


def test_an_absence_is_believed_for_a_short_time(world):
    here = world(ABSENT, FIRST)
    for _ in range(2):
        with pytest.raises(ProjectNotFound):
            here.get()
    here.clock.advance(59)
    with pytest.raises(ProjectNotFound):
        here.get()
    assert here.asked == 1

    here.clock.advance(1)
    assert here.get() == Known(FIRST, 600)
    assert here.upstream.asked == [(NAME, None), (NAME, None)]


def test_an_old_absence_is_no_answer_when_the_upstream_fails(world):
    here = world(ABSENT, DOWN)
    with pytest.raises(ProjectNotFound):
        here.get()
    here.clock.advance(61)

    with pytest.raises(UpstreamUnavailable):
        here.get()


def test_an_absence_that_the_upstream_says_has_not_changed_is_a_fault(world):
    here = world(ABSENT, UNCHANGED)
    with pytest.raises(ProjectNotFound):
        here.get()
    here.clock.advance(61)

    with pytest.raises(UpstreamUnavailable):
        here.get()


def test_no_change_of_a_page_that_is_not_kept_is_a_fault(world):
    with pytest.raises(UpstreamUnavailable):
        world(UNCHANGED).get()


def test_a_page_is_kept_under_the_name_that_was_asked_for(world):
    here = world(page_of("another"))

    here.get()

    assert here.store.page("another") is None
    assert here.store.page(NAME) is not None


def test_offline_gives_what_is_kept_and_never_asks(world):
    here = world(FIRST)
    here.get()
    here.is_offline = True

    assert here.get() == Known(FIRST, 600)
    here.clock.advance(30 * 24 * 3600)
    assert here.get() == Known(FIRST, 5, 30 * 24 * 3600 - 600)
    assert here.asked == 1


def test_offline_remembers_absences_and_never_asks(world):
    here = world(ABSENT)
    with pytest.raises(ProjectNotFound):
        here.get()
    here.is_offline = True
    here.clock.advance(3600)

    with pytest.raises(ProjectNotFound):
        here.get()
    assert here.asked == 1


def test_offline_refuses_what_is_not_kept_and_never_asks(world):
    here = world(FIRST)
    here.is_offline = True

    with pytest.raises(UpstreamTimeout, match="offline"):
        here.get()
    assert here.asked == 0


def test_a_clock_that_was_set_back_keeps_no_page_fresh(world):
    here = world(FIRST, SECOND)
    here.get()
    here.clock.advance(-30 * 24 * 3600)

    assert here.get() == Known(SECOND, 600)


def test_a_deleted_project_is_told_and_then_absent(world):
    here = world(FIRST, ABSENT)
    here.get()
    here.clock.advance(700)

    with pytest.raises(ProjectNotFound):
        here.get()
    assert here.events == [("withdrawn", NAME, "deleted"), ("changed", NAME)]
    here.clock.advance(61)
    with pytest.raises(ProjectNotFound):
        here.get()
    assert len(here.events) == 2


def test_a_project_that_is_back_is_told(world):
    here = world(FIRST, ABSENT, SECOND)
    here.get()
    here.clock.advance(700)
    with pytest.raises(ProjectNotFound):
        here.get()
    here.clock.advance(61)
    here.events.clear()

    assert here.get().page == SECOND
    assert here.events == [("withdrawn", NAME, ""), ("changed", NAME)]


def test_a_quarantined_project_is_told_and_told_when_it_is_released(world):
    bad = page_of(NAME, status="quarantined", etag='"bad"')
    here = world(FIRST, bad, SECOND)
    here.get()

    here.clock.advance(700)
    assert here.get().page == bad
    assert here.events == [("withdrawn", NAME, "quarantined"), ("changed", NAME)]
    here.events.clear()
    here.clock.advance(700)
    assert here.get().page == SECOND
    assert here.events == [("withdrawn", NAME, ""), ("changed", NAME)]


def test_a_page_that_is_forgotten_is_completed_anew_without_asking(world):
    here = world(FIRST)
    here.get()
    here.get()
    before = here.prepared

    here.cache.forget(NAME)

    assert here.get().page == FIRST
    assert (here.asked, here.prepared) == (1, before + 1)


def test_what_prepare_makes_of_a_page_is_given_but_not_stored(world, tmp_path):
    here = world(FIRST)
    here.prepare = lambda page: UpstreamPage(page.name, (), page.validator)
    here.cache._reactions = Reactions(here.prepare, lambda _: None, lambda _, __: None, lambda: False)

    assert here.get().page.files == ()
    assert world(DOWN).get().page == FIRST


def test_memory_is_bounded_by_files(world, monkeypatch):
    monkeypatch.setattr(pagecache, "_MOST_FILES", 100)
    here = world(FIRST)
    for number in range(50):
        here.get(f"p{number}")

    assert here.cache._files <= 100
    assert list(here.cache._recent) == [f"p{number}" for number in range(41, 50)]
    assert here.get("p0").page == FIRST
    assert here.asked == 50


def test_one_page_that_is_larger_than_the_bound_is_kept_alone(world, monkeypatch):
    monkeypatch.setattr(pagecache, "_MOST_FILES", 5)
    here = world(page_of(NAME, *map(str, range(20))))
    here.get("small")
    here.get()

    assert list(here.cache._recent) == [NAME]


class CountingStore(CacheStore):
    """Tells each time when a page has been looked for."""

    def __init__(self, path):
        super().__init__(path)
        self.looked = threading.Semaphore(0)

    def page(self, project):
        found = super().page(project)
        self.looked.release()
        return found


def test_fifty_threads_ask_once(world, tmp_path):
    held = Held(FIRST)
    here = world(held)
    here.cache._store = store = CountingStore(tmp_path / "cache.db")
    found = []
    threads = [threading.Thread(target=lambda: found.append(here.get())) for _ in range(50)]
    for thread in threads:
        thread.start()
    # Each has seen that there is no page, and one has looked again before it asks.
    for _ in range(51):
        assert store.looked.acquire(timeout=30)

    held.go.set()
    for thread in threads:
        thread.join(30)
    store.close()

    assert [one.page for one in found] == [FIRST] * 50
    assert here.asked == 1


def test_all_waiting_threads_get_the_failure(world, tmp_path):
    held = Held(DOWN)
    here = world(held)
    here.cache._store = store = CountingStore(tmp_path / "cache.db")
    found = []

    def ask():
        try:
            here.get()
        except UpstreamUnavailable as error:
            found.append(error.message)

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for _ in range(11):
        assert store.looked.acquire(timeout=30)
    held.go.set()
    for thread in threads:
        thread.join(30)
    store.close()

    assert found == [DOWN.message] * 10


def test_a_page_of_another_process_is_taken_without_asking(world):
    here, other = world(FIRST), world(SECOND)
    here.get()
    other.clock = other.cache.clock = here.clock
    here.clock.advance(700)
    other.get()

    assert here.get().page == SECOND
    assert here.asked == 1


def _ask_in_a_process(folder, found):
    """Be one of two processes that want the same page; the upstream waits for a line of the parent."""

    def answer():
        found.send("asked")
        assert found.poll(30)
        found.recv()
        return FIRST

    class Store(CacheStore):
        def page(self, project):
            seen = super().page(project)
            found.send("looked")
            return seen

    store, locks = Store(folder / "cache.db"), HostLocks(folder / "locks")
    reactions = Reactions(lambda page: page, lambda _: None, lambda _, __: None, lambda: False)
    cache = PageCache(PagedUpstream(answer), store, locks, ages=AGES, reactions=reactions)
    found.send(cache.get(NAME).page)


def test_two_processes_ask_once(tmp_path, processes):
    first, second = (processes(_ask_in_a_process, tmp_path) for _ in range(2))
    first.start()
    assert [first.next() for _ in range(3)] == ["looked", "looked", "asked"]
    second.start()
    # It knows now that there is no page.
    assert second.next() == "looked"

    first.tell("go")

    assert first.next() == FIRST
    assert [second.next() for _ in range(3)] == ["looked", FIRST, None]


def test_a_store_that_does_not_work_is_said(world, tmp_path):
    here = world(FIRST)
    here.store.close()

    with pytest.raises(StorageUnavailable):
        here.get()


def test_a_damaged_page_is_fetched_again(world):
    here = world(FIRST)
    here.get()
    here.store._run("UPDATE pages SET body = ?", (b"no zlib",))

    again = world(SECOND)

    assert again.get().page == SECOND
    assert again.upstream.asked == [(NAME, None)]


def test_what_never_was_there_takes_no_room_on_the_disk(world):
    here = world(ABSENT)
    with pytest.raises(ProjectNotFound):
        here.get()

    # Anybody can ask for any name.
    assert here.store.page(NAME) is None
