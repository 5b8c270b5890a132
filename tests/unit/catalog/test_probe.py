"""What tells the nodes over one PostgreSQL that something has changed."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from psycopg import OperationalError
from sqlalchemy import text

from pyramid_pypi.catalog import probe
from pyramid_pypi.catalog.notes import Notes
from pyramid_pypi.catalog.probe import Probe
from pyramid_pypi.catalog.tokens import Tokens
from pyramid_pypi.errors import CatalogUnavailable
from tests.unit.catalog.support import a_file, a_token, add, in_threads


@pytest.mark.parametrize("grace", [probe._GRACE, 0])
def test_a_change_elsewhere_is_in_the_next_stamp(catalog, elsewhere, grace, monkeypatch):
    """Others ask all the time, so that there always is an answer that counts if one may."""
    monkeypatch.setattr(probe, "_GRACE", grace)
    done = threading.Event()

    def ask():
        while not done.is_set():
            catalog.stamp.read()

    def change():
        try:
            for step in range(50):
                before = catalog.stamp.read()
                assert catalog.stamp.read() == before
                add(elsewhere, a_file(f"{step}"))
                assert catalog.stamp.read() != before
        finally:
            done.set()

    in_threads(ask, ask, ask, change)


@pytest.mark.parametrize("grace", [probe._GRACE, 0])
@pytest.mark.parametrize("answers", [[b"1", b"2", b"3"], [b"1", OperationalError("away"), b"3"]])
def test_who_waits_for_a_slow_database_shares_the_next_answer(monkeypatch, grace, answers):
    monkeypatch.setattr(probe, "_GRACE", grace)
    asked, asking, go_on = Probe(None, CatalogUnavailable), threading.Event(), threading.Event()
    left = list(answers)

    def slow():
        asking.set()
        go_on.wait()
        return left.pop(0)

    monkeypatch.setattr(asked, "_ask", slow)

    def read():
        try:
            return asked.read()
        except CatalogUnavailable:
            return "away"

    with ThreadPoolExecutor(20) as pool:
        first = pool.submit(read)
        asking.wait()
        later = [pool.submit(read) for _ in range(16)]
        # So that all of them wait when the first question is answered.
        time.sleep(0.1)
        go_on.set()

    assert first.result() == b"1"
    assert {one.result() for one in later} == {"away" if answers[1] != b"2" else b"2"}


def test_a_token_that_is_revoked_elsewhere_is_refused_at_once(catalog, elsewhere):
    ours, theirs = Tokens(catalog), Tokens(elsewhere)
    theirs.add(a_token(), "0" * 64)
    before = ours.generation()

    assert theirs.revoke("a" * 16)

    assert ours.generation() != before


def test_a_stamp_does_not_change_for_what_no_page_shows(catalog, elsewhere):
    before = catalog.stamp.read()

    Notes(elsewhere, "parrot").put("a", "1")
    Tokens(elsewhere).add(a_token(), "0" * 64)

    assert catalog.stamp.read() == before


def test_an_uncommitted_change_is_in_no_stamp(catalog, elsewhere):
    before = catalog.stamp.read()

    def fail():
        raise KeyError

    with pytest.raises(KeyError):
        elsewhere.unless_listed("private", "x", fail)
    with elsewhere.writing() as connection:
        connection.execute(
            text("INSERT INTO journal (repository, project, action, at, by) VALUES ('p', 'x', 'y', 1, '')")
        )
        assert catalog.stamp.read() == before

    assert catalog.stamp.read() != before
