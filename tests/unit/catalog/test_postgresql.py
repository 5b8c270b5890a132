"""What only PostgreSQL has to promise: connections that die, many hosts, and its own types."""

import logging
import threading
from urllib.parse import urlsplit

import pytest
from sqlalchemy import event, text

from pyramid_pypi.catalog import Catalog, reading
from pyramid_pypi.catalog.notes import Notes
from pyramid_pypi.catalog.tokens import Tokens
from pyramid_pypi.errors import BadRequest, CatalogUnavailable
from pyramid_pypi.settings.values import catalog as catalog_url
from tests.postgres import PASSWORD, Postgres
from tests.unit.catalog.support import a_file, add, in_threads


@pytest.fixture(scope="module")
def mortal():
    with Postgres() as server:
        yield server


@pytest.fixture
def restless(mortal):
    """A server that may be stopped and started."""
    yield mortal
    mortal.stop()
    mortal.start()


def name_of(url):
    return urlsplit(url).path[1:]


def test_a_writer_waits_for_one_on_another_node(catalog, elsewhere):
    inside, order = threading.Event(), []

    def here():
        with catalog.writing():
            inside.set()
            # The other one has begun before this ends, or the time is wasted and nothing else.
            waiting.wait(0.2)
            order.append("first")

    def there():
        inside.wait()
        with elsewhere.writing():
            order.append("second")
        waiting.set()

    waiting = threading.Event()
    in_threads(here, there)

    assert order == ["first", "second"]


def test_a_file_is_not_listed_while_somebody_takes_its_bytes_away(catalog, elsewhere):
    inside, added = threading.Event(), threading.Event()

    def remove():
        inside.set()
        assert not added.wait(0.2)

    def add_it():
        inside.wait()
        add(elsewhere, a_file())
        added.set()

    in_threads(lambda: catalog.unless_listed("private", a_file().filename, remove), add_it)

    assert catalog.file("private", a_file().filename) == a_file()


def test_many_threads_share_few_connections(catalog, postgres, url):
    def work():
        for _ in range(5):
            catalog.stamp.read()
            catalog.last_serial()
            catalog.mark_scanned("private")

    in_threads(*[work] * 40)

    query = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name_of(url)}'"
    ((count,),) = postgres.execute(query)
    assert 1 < count <= 17


def test_every_column_of_text_is_compared_by_its_bytes(catalog):
    query = """
        SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = current_schema() AND table_name <> 'alembic_version'
        AND data_type IN ('text', 'character varying') AND collation_name IS DISTINCT FROM 'C'
    """
    with catalog.reading() as connection:
        assert connection.execute(text(query)).fetchall() == []


def test_what_is_acknowledged_is_on_a_disk_whatever_the_database_says(catalog, postgres, url):
    postgres.execute(f"ALTER DATABASE {name_of(url)} SET synchronous_commit = off")

    opened = Catalog(url)

    with opened.writing() as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar() == "on"
        assert connection.execute(text("SHOW statement_timeout")).scalar() == "30s"
    opened.close()


def test_texts_that_it_cannot_keep_are_the_fault_of_the_request(catalog):
    for change in ({"comment": "a\0b"}, {"yanked": "\0"}, {"size": 2**70}):
        with pytest.raises(BadRequest, match="cannot take"):
            add(catalog, a_file(**change))
    with pytest.raises(BadRequest):
        Notes(catalog, "parrot").put("a", "\0")
    with pytest.raises(BadRequest):
        catalog.changes_since(2**70)

    assert list(catalog.files("private")) == []
    assert add(catalog, a_file()) is not None


def test_both_ways_to_reach_a_server_work(postgres, url):
    for each in (url, postgres.url(name_of(url))):
        opened = Catalog(each)
        assert add(opened, a_file(project=f"project-{len(each)}"))
        opened.close()


def test_what_keeps_it_from_opening_is_said_without_the_password(postgres, monkeypatch):
    postgres.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    wrong = {
        postgres.url("nowhere"): "does not exist",
        postgres.url("postgres").replace(PASSWORD, "hunter2"): "password authentication failed",
        postgres.url("postgres").replace(str(postgres.port), "1"): "refused",
        postgres.url("latin"): "create the database with ENCODING 'UTF8'",
        f"{postgres.url('postgres')}?shrub=bery": "shrub",
        f"{postgres.url('nowhere')}?sslpassword=hunter2": "does not exist",
    }
    for url, reason in wrong.items():
        with pytest.raises(CatalogUnavailable, match=reason) as caught:
            Catalog(url)
        assert PASSWORD not in str(caught.value)
        assert "hunter2" not in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_service_and_the_environment_may_say_where_it_is(postgres, url, tmp_path, monkeypatch):
    name = name_of(url)
    service = tmp_path / "services"
    service.write_text(f"[pypi]\nhost=127.0.0.1\nport={postgres.port}\ndbname={name}\nuser=pypi\n")
    monkeypatch.setenv("PGSERVICEFILE", str(service))
    monkeypatch.setenv("PGPASSWORD", PASSWORD)

    Catalog("postgresql:///?service=pypi").close()
    monkeypatch.setenv("PGSERVICE", "pypi")
    Catalog("postgresql://").close()


def test_a_schema_may_have_a_catalog_of_its_own(postgres, url):
    postgres.execute("CREATE SCHEMA index", name_of(url))
    both = [Catalog(url), Catalog(f"{url}&options=-csearch_path%3Dindex")]

    add(both[0], a_file("1.0"))
    add(both[1], a_file("2.0"))

    assert [[file.version for file in one.files("private")] for one in both] == [["1.0"], ["2.0"]]
    for one in both:
        one.close()


def test_of_several_servers_one_that_answers_is_taken(postgres, url):
    there = f"host=127.0.0.1:1&host=127.0.0.1:{postgres.port}&target_session_attrs=read-write"
    found = Catalog(catalog_url(f"postgresql://pypi:{PASSWORD}@/{name_of(url)}?{there}"))

    assert add(found, a_file()) == 1
    found.close()


def test_a_server_that_was_away_is_used_again_by_the_next_request(restless, caplog):
    catalog = Catalog(restless.create())
    Tokens(catalog).generation()
    add(catalog, a_file())
    in_threads(*[catalog.last_serial] * 8, *[catalog.stamp.read] * 8)

    restless.stop()
    with caplog.at_level(logging.WARNING):
        for call in (catalog.check, catalog.stamp.read, lambda: catalog.mark_scanned("private")):
            with pytest.raises(CatalogUnavailable) as caught:
                call()
            assert str(caught.value) == "The catalog does not answer; try again later"
    assert "connection to server" in caplog.text
    assert PASSWORD not in caplog.text
    restless.start()

    in_threads(*[catalog.last_serial] * 8, *[catalog.stamp.read] * 8)
    assert add(catalog, a_file("2.0")) is not None
    catalog.close()


def test_connections_that_have_died_in_the_meantime_are_not_noticed(restless):
    catalog = Catalog(restless.create())
    in_threads(*[catalog.last_serial] * 8, *[catalog.stamp.read] * 8, *[lambda: add(catalog, a_file())] * 4)
    restless.stop()
    restless.start()

    catalog.stamp.read()
    assert catalog.last_serial() == 1
    assert add(catalog, a_file("2.0")) is not None
    in_threads(*[catalog.last_serial] * 8, *[catalog.stamp.read] * 8)
    catalog.close()


@pytest.mark.parametrize("when", ["within", "at the end"])
def test_a_crash_within_a_transaction_leaves_nothing_of_it(restless, when, caplog):
    catalog = Catalog(restless.create())

    with pytest.raises(CatalogUnavailable), catalog.writing() as connection:
        connection.execute(
            text("INSERT INTO journal (repository, project, action, at, by) VALUES ('p', 'x', 'y', 1, '')")
        )
        restless.stop()
        if when == "within":
            reading.last_serial(connection)
    restless.start()

    assert catalog.last_serial() == 0
    assert add(catalog, a_file()) is not None
    assert "Traceback" not in caplog.text
    catalog.close()


def test_who_has_waited_for_the_lock_too_long_is_told_so(catalog, elsewhere, monkeypatch):
    with elsewhere.writing():
        engine = catalog._database.write
        event.listen(
            engine, "checkout", lambda connection, *_: connection.execute("SET statement_timeout = 50")
        )
        for _ in range(2):
            with pytest.raises(CatalogUnavailable):
                catalog.mark_scanned("private")

    catalog.mark_scanned("private")
    assert catalog.is_scanned("private")


def test_without_the_driver_it_is_said_what_to_install(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "pyramid_pypi.catalog.postgresql", raising=False)

    with pytest.raises(CatalogUnavailable, match=r"pip install 'pyramid_pypi\[postgresql\]'"):
        Catalog("postgresql:///pypi")
