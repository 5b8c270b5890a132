"""How what is searched keeps up with what is uploaded."""

import threading

import pytest
from sqlalchemy import delete, select, text, update

from pyramid_pypi.browse import indexing
from pyramid_pypi.browse.indexing import Indexing
from pyramid_pypi.browse.search import search
from pyramid_pypi.catalog import Catalog, tables
from pyramid_pypi.errors import CatalogUnavailable
from tests.unit.browse.indexes import ANN, BOB
from tests.unit.catalog.support import downgrade


@pytest.fixture
def index(opened, catalog_url):
    return opened({"pypi.catalog": catalog_url})


def rows(index, table):
    with index.composed.catalog.reading() as connection:
        return list(connection.execute(select(table)))


def writes(index, monkeypatch):
    """Return what counts the transactions that write, from now on."""
    seen = []
    writing = index.composed.catalog.writing

    def counted():
        seen.append(threading.current_thread().name)
        return writing()

    monkeypatch.setattr(index.composed.catalog, "writing", counted)
    return seen


def test_uploads_write_no_summary(index):
    index.wheel("grail", requires_dist=["spam"])

    assert rows(index, tables.summaries) == rows(index, tables.dependencies) == []


def test_what_has_not_changed_is_not_made_again(index, monkeypatch):
    index.wheel("grail")
    index.composed.indexing.refresh()
    seen = writes(index, monkeypatch)

    index.composed.indexing.refresh()

    assert seen == []


def test_what_another_process_has_made_is_not_made_again(index, catalog_url, monkeypatch):
    index.wheel("grail")
    elsewhere = Catalog(catalog_url)
    Indexing(elsewhere).refresh()
    elsewhere.close()
    seen = writes(index, monkeypatch)

    index.composed.indexing.refresh()

    assert seen == []
    assert [row.name for row in rows(index, tables.summaries)] == ["grail"]


def test_a_summary_is_never_replaced_by_an_older_one(index, catalog_url, monkeypatch):
    index.wheel("grail", "1.0")
    elsewhere = Catalog(catalog_url)
    late = Indexing(elsewhere)
    writing = elsewhere.writing

    def overtaken():
        monkeypatch.setattr(elsewhere, "writing", writing)
        index.wheel("grail", "2.0")
        index.composed.indexing.refresh()
        return writing()

    monkeypatch.setattr(elsewhere, "writing", overtaken)
    late.refresh()
    elsewhere.close()

    assert [row.version for row in rows(index, tables.summaries)] == ["2.0"]


def test_the_newest_changes_are_found_first_and_a_thread_does_the_rest(index, monkeypatch):
    monkeypatch.setattr(indexing, "_AT_ONCE", 2)
    may_go_on = threading.Event()
    monkeypatch.setattr(Indexing, "_run", _after(may_go_on, Indexing._run))
    for name in ("a", "b", "c", "d", "e"):
        index.wheel(name)

    first = search(index.viewer("private"), "")
    thread = index.composed.indexing._thread
    may_go_on.set()
    thread.join()
    last = search(index.viewer("private"), "")

    assert ([hit.project for hit in first.hits], first.pending) == (["d", "e"], 3)
    assert (last.total, last.pending) == (5, 0)
    assert index.composed.indexing._thread is None


def _after(event, function):
    def run(self):
        event.wait()
        function(self)

    return run


def test_an_index_may_close_while_its_thread_is_at_work(index, monkeypatch):
    monkeypatch.setattr(indexing, "_AT_ONCE", 1)
    monkeypatch.setattr(indexing, "_PAUSE", 600)
    index.wheel("a")
    index.wheel("b")
    search(index.viewer("private"), "")
    thread = index.composed.indexing._thread

    index.composed.indexing.close()

    assert not thread.is_alive()


def test_a_catalog_that_was_put_back_is_searched_as_it_is(index):
    index.wheel("grail")
    assert search(index.viewer("private"), "").total == 1
    with index.composed.catalog.writing() as connection:
        connection.execute(delete(tables.summaries))

    assert search(index.viewer("private"), "").total == 1


def test_what_cannot_be_written_keeps_nobody_from_searching(index, monkeypatch, caplog):
    index.wheel("old")
    search(index.viewer("private"), "")
    index.wheel("new")

    def refuse():
        raise CatalogUnavailable("The disk is full")

    with monkeypatch.context() as context:
        context.setattr(index.composed.catalog, "writing", refuse)
        assert search(index.viewer("private"), "").total == 1

    assert "The disk is full" in caplog.text
    assert search(index.viewer("private"), "").total == 2


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\xfe", b"Name: x\nSummary: \x00\n", b"Summary: \xed\xa0\x80\n", b"A: b\n" * 30_000],
    ids=["empty", "bytes", "nul", "half a character", "many fields"],
)
def test_whatever_was_taken_once_can_be_searched(index, body):
    import zlib

    index.wheel("grail")
    with index.composed.catalog.writing() as connection:
        connection.execute(update(tables.core_metadata).values(body=zlib.compress(body)))

    assert [hit.project for hit in search(index.viewer("private"), "grail").hits] == ["grail"]


def test_a_catalog_of_the_former_version_keeps_its_data_and_is_searched(opened, tmp_path):
    index = opened()
    index.wheel("grail", summary="A cup")
    with index.composed.catalog._database.write.begin() as connection:
        downgrade(connection, "0004")
        assert connection.execute(text("SELECT name FROM projects")).scalars().all() == ["grail"]

    again = opened()

    assert [hit.summary for hit in search(again.viewer("private"), "cup").hits] == ["A cup"]


def test_nobody_is_told_how_many_hidden_projects_wait(opened, monkeypatch):
    monkeypatch.setattr(indexing, "_AT_ONCE", 1)
    may_go_on = threading.Event()
    monkeypatch.setattr(Indexing, "_run", _after(may_go_on, Indexing._run))
    index = opened({"pypi.repo.private.project.secret-*.read": "user:ann"})
    for name in ("open", "secret-one", "secret-two", "last"):
        index.wheel(name)
    hosted = index.viewer("private", ANN)

    told = [search(viewer, "").pending for viewer in (index.viewer("private", BOB), hosted)]
    may_go_on.set()

    # Each of the searches makes one summary: of `last`, and of `secret-two`.
    assert told == [1, 2]
