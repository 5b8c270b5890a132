"""What plugins keep in the catalog."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from pyramid_pypi.catalog import Catalog
from pyramid_pypi.catalog.notes import Notes

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def catalog(catalog_url):
    found = Catalog(catalog_url)
    yield found
    found.close()


@pytest.fixture
def now():
    return [NOON]


@pytest.fixture
def notes(catalog, now):
    return Notes(catalog, "parrot", lambda: now[0])


def test_a_note_is_kept_replaced_and_taken(notes):
    notes.put("a", "1")
    notes.put("a", "2")

    assert notes.get("a") == "2"
    assert notes.take("a") == "2"
    assert notes.take("a") is None
    assert notes.get("a") is None


def test_notes_of_others_are_not_seen(notes, catalog):
    notes.put("a", "1")
    other = Notes(catalog, "cheese")

    assert other.get("a") is None
    assert other.all() == {}
    other.put("a", "2")
    assert notes.get("a") == "1"


def test_the_first_note_of_a_key_stays(notes):
    assert notes.add("a", "1")
    assert not notes.add("a", "2")

    assert notes.get("a") == "1"


def test_notes_are_counted_by_the_beginning_of_their_keys(notes, now):
    for key in ("a/1", "a/2", "A/3", "ab"):
        notes.put(key, "")
    notes.put("a/4", "", expires_at=NOON + timedelta(minutes=1))
    before = notes.count("a/")
    now[0] += timedelta(minutes=1)

    assert (before, notes.count("a/"), notes.count()) == (3, 2, 4)


def test_a_note_is_gone_when_it_has_expired(notes, now):
    notes.add("a", expires_at=NOON + timedelta(minutes=1))
    now[0] += timedelta(minutes=1)

    assert notes.get("a") is None
    assert notes.all() == {}
    assert notes.take("a") is None
    assert notes.add("a", "again")


def test_notes_are_found_by_the_beginning_of_their_keys(notes):
    for key in ("user:ann", "user:bob", "user_x", "userx", "USER:carol", "benutzer:ännchen"):
        notes.put(key, key)

    assert notes.all("user:") == {"user:ann": "user:ann", "user:bob": "user:bob"}
    assert list(notes.all("user_")) == ["user_x"]
    assert list(notes.all("benutzer:ä")) == ["benutzer:ännchen"]
    assert list(notes.all())[0] == "USER:carol"


def test_of_many_who_add_at_once_one_was_first(notes):
    barrier = threading.Barrier(16)
    told = []

    def add(number):
        barrier.wait()
        told.append(notes.add("once", str(number)))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(told) == [False] * 15 + [True]


def test_the_first_notes_are_those_of_the_smallest_keys(notes):
    for key in ("due/3", "dead/1", "due/1", "lease", "due/2"):
        notes.put(key, "")

    assert list(notes.all("due/", limit=2)) == ["due/1", "due/2"]
    assert list(notes.all("due/", limit=9)) == ["due/1", "due/2", "due/3"]
    assert list(notes.all(limit=1)) == ["dead/1"]
