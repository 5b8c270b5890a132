import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyramid_pypi.testing.clock import FakeClock
from pyramid_pypi.web.ready import Ready, ReadyCache, accepts_gzip, matches_etag, ready_page

PAGE = ready_page(b"x" * 3000, [("Content-Type", "text/html")], "html", packed=False)


class Catalog:
    """Stands for the catalog: a stamp, and who changed."""

    def __init__(self):
        self.stamp = b"0"
        self.changes = []
        self.asked = 0

    def commit(self, *groups):
        self.changes += groups
        self.stamp = str(len(self.changes)).encode()

    def changed_since(self, serial):
        self.asked += 1
        if not serial:
            return len(self.changes) + 1, None
        return len(self.changes) + 1, self.changes[serial - 1 :]


@pytest.fixture
def catalog():
    return Catalog()


@pytest.fixture
def cache(catalog):
    return ReadyCache(stamp=lambda: catalog.stamp, changed_since=catalog.changed_since, budget=100_000)


def fill(cache, *projects):
    token = cache.token()
    for project in projects:
        cache.put(("private", project), "json", PAGE, token)


def test_what_was_put_is_found(cache):
    fill(cache, "a")

    assert cache.get(("private", "a"), "json") is PAGE
    assert cache.get(("private", "a"), "html") is None
    assert cache.get(("other", "a"), "json") is None


def test_what_was_made_and_what_it_weighs_is_known(cache):
    before = cache.made, cache.weight
    fill(cache, "a")
    full = cache.made, cache.weight
    cache.get(("private", "a"), "json")
    cache.drop(("private", "a"))

    assert before == (0, 0)
    assert full == (1, PAGE.weight)
    assert (cache.made, cache.weight) == (1, 0)


def test_a_change_drops_what_changed_and_nothing_else(cache, catalog):
    fill(cache, "a", "b")

    catalog.commit(("private", "a"))

    assert cache.get(("private", "a"), "json") is None
    assert cache.get(("private", "b"), "json") is PAGE


def test_without_a_change_nobody_is_asked(cache, catalog):
    fill(cache, "a")
    asked = catalog.asked

    for _ in range(100):
        cache.get(("private", "a"), "json")

    assert catalog.asked == asked


def test_an_answer_from_before_a_change_is_not_kept(cache, catalog):
    token = cache.token()
    catalog.commit(("private", "a"))
    cache.get(("private", "a"), "json")

    cache.put(("private", "a"), "json", PAGE, token)

    assert cache.get(("private", "a"), "json") is None


def test_the_oldest_goes_when_the_budget_is_used_up(cache):
    fill(cache, *(f"p{number}" for number in range(60)))

    assert cache.get(("private", "p0"), "json") is None
    assert cache.get(("private", "p59"), "json") is PAGE
    assert cache._weight <= 100_000


def test_putting_an_answer_again_is_not_counted_twice(cache):
    for _ in range(1000):
        fill(cache, "a")

    assert cache._weight == PAGE.weight


def test_what_is_too_heavy_is_not_kept(cache):
    cache.put(("private", "a"), "x", Ready('"x"', [], b"x" * 50_000), cache.token())

    assert cache.get(("private", "a"), "x") is None


def test_a_small_page_is_not_compressed():
    small = ready_page(b"x", [], "html", packed=True)

    assert small.body == b"x"
    assert small.etag == ready_page(b"x", [], "html", packed=False).etag


def test_a_packed_page_is_the_same_page_with_another_tag():
    packed = ready_page(b"x" * 3000, [("Content-Type", "text/html")], "html", packed=True)

    assert gzip.decompress(packed.body) == PAGE.body
    assert ("Content-Length", str(len(packed.body))) in packed.headers
    assert ("Content-Encoding", "gzip") in packed.headers
    assert packed.etag != PAGE.etag


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", False),
        ("gzip", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip;q=0.0", False),
        ("gzip; q=0.5", True),
        ("deflate, GZIP", True),
        ("br", False),
        ("gzip;q=0.10", True),
    ],
)
def test_gzip_is_sent_where_it_is_welcome(header, expected):
    assert accepts_gzip(header) is expected


@given(st.text(max_size=100))
def test_any_condition_can_be_compared(header):
    assert matches_etag(header, '"a"') in {True, False}


@pytest.mark.parametrize("header", ['"a"', 'W/"a"', '"b", "a"', "*", ' "a" '])
def test_conditions_that_match(header):
    assert matches_etag(header, '"a"')


@pytest.fixture
def clock(monkeypatch):
    clock = FakeClock()
    monkeypatch.setattr("time.monotonic", clock)
    return clock


def test_an_answer_for_a_while_is_given_until_then_and_no_longer(cache, clock):
    page = ready_page(b"x", [], "html", packed=False, fresh_for=30.0)
    cache.put(("all", "a"), "html", page, cache.token())

    clock.advance(30)
    assert cache.get(("all", "a"), "html") is page
    clock.advance(0.1)
    assert cache.get(("all", "a"), "html") is None


def test_an_answer_for_ever_does_not_run_out(cache, clock):
    fill(cache, "a")
    clock.advance(10**6)

    assert PAGE.expires is None
    assert cache.get(("private", "a"), "json") is PAGE


def test_an_answer_that_has_run_out_is_replaced_and_not_counted_twice(cache, clock):
    for _ in range(5):
        page = ready_page(b"x", [], "html", packed=False, fresh_for=1.0)
        cache.put(("all", "a"), "html", page, cache.token())
        clock.advance(2)

    assert cache._weight == page.weight


def test_an_answer_for_no_time_is_not_given_later(cache, clock):
    page = ready_page(b"x", [], "html", packed=False, fresh_for=0.0)
    cache.put(("all", "a"), "html", page, cache.token())
    clock.advance(0.001)

    assert cache.get(("all", "a"), "html") is None


def test_how_long_an_answer_lasts_is_no_part_of_its_validator():
    page = ready_page(b"x", [], "html", packed=False, fresh_for=30.0)

    assert page.etag == ready_page(b"x", [], "html", packed=False).etag


def test_a_dropped_group_is_gone_and_others_stay(cache):
    fill(cache, "a", "b")

    cache.drop(("private", "a"))

    assert cache.get(("private", "a"), "json") is None
    assert cache.get(("private", "b"), "json") is PAGE
    assert cache._weight == PAGE.weight


def test_an_answer_that_was_being_made_while_its_group_was_dropped_is_not_kept(cache):
    token = cache.token()
    cache.drop(("private", "a"))

    cache.put(("private", "a"), "json", PAGE, token)

    assert cache.get(("private", "a"), "json") is None
    fill(cache, "a")
    assert cache.get(("private", "a"), "json") is PAGE


def test_dropping_what_is_not_there_changes_nothing(cache):
    fill(cache, "b")
    cache.drop(("private", "a"))

    assert cache.get(("private", "b"), "json") is PAGE


def test_a_change_is_noticed_without_a_stamp_after_a_while(cache, catalog, clock):
    fill(cache, "a")
    catalog.changes.append(("private", "a"))
    assert cache.get(("private", "a"), "json") is PAGE

    clock.advance(6)

    assert cache.get(("private", "a"), "json") is None
