import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from pyramid_pypi.catalog import Catalog, reading, tables
from pyramid_pypi.errors import CatalogUnavailable
from pyramid_pypi.model import ProjectName
from tests.unit.catalog.support import ANN, a_file, add, downgrade, in_threads


@pytest.fixture
def catalog(catalog_url):
    found = Catalog(catalog_url)
    yield found
    found.close()


def test_what_was_added_comes_back_unchanged(catalog):
    file = a_file(yanked="", signed=True, comment="late")

    add(catalog, file)

    page = catalog.page("private", "holy-grail")
    assert page.files == (file,)
    assert (page.display, page.serial, page.status) == ("Holy-Grail", 1, "active")
    assert catalog.file("private", file.filename.upper()) == file
    assert list(catalog.files("private")) == [file]


def test_metadata_is_kept_once_for_files_that_share_it(catalog):
    body = "Näme: x\r\n".encode()
    for tag in ("py2", "py3"):
        file = a_file(metadata_sha256="d" * 64, filename=f"holy_grail-1.0-{tag}-none-any.whl")
        catalog.add("private", file, ANN, display="x", metadata=body)

    assert catalog.metadata("d" * 64) == body


def test_a_taken_name_is_not_added_and_leaves_no_journal_row(catalog):
    add(catalog, a_file())

    assert add(catalog, a_file(size=1)) is None

    assert catalog.last_serial() == 1
    assert catalog.page("private", "holy-grail").files == (a_file(),)


def test_the_same_name_in_two_repositories_is_two_files(catalog):
    assert catalog.add("one", a_file(), ANN, display="x", metadata=None) == 1
    assert catalog.add("two", a_file(), ANN, display="x", metadata=None) == 2


def test_a_removed_file_is_remembered_and_its_project_stays(catalog):
    add(catalog, a_file())

    catalog.remove("private", a_file(), ANN)

    assert catalog.removed("private", a_file().filename).sha256 == "a" * 64
    assert catalog.page("private", "holy-grail").files == ()
    assert catalog.projects("private") == [ProjectName("holy-grail", "Holy-Grail", 2)]


def test_a_forgotten_file_leaves_its_name_free(catalog):
    add(catalog, a_file())

    catalog.forget("private", a_file(), ANN)

    assert catalog.removed("private", a_file().filename) is None


def test_serials_never_come_back(catalog):
    add(catalog, a_file())
    with catalog.writing() as connection:
        connection.execute(text("DELETE FROM journal"))

    assert add(catalog, a_file("2.0")) == 2


def test_sixty_four_writers_of_one_name_have_one_winner(catalog):
    start = threading.Barrier(64)
    serials = []

    def write(number):
        start.wait()
        serials.append(add(catalog, a_file(size=number)))

    in_threads(*(partial(write, number) for number in range(64)))

    assert sorted(serials, key=str) == [1] + [None] * 63


def test_writers_of_many_names_all_win(catalog):
    def write(number):
        for step in range(10):
            assert add(catalog, a_file(f"{number}.{step}")) is not None

    in_threads(*(partial(write, number) for number in range(8)))

    assert len(catalog.page("private", "holy-grail").files) == 80
    assert catalog.last_serial() == 80


def test_who_has_seen_a_serial_never_sees_a_smaller_one_appear(catalog, catalog_url):
    """Two processes write, and a third reads what is new, as those do who keep ready pages."""
    other, reader = Catalog(catalog_url), Catalog(catalog_url)
    done = threading.Event()

    def write(into, number):
        for step in range(25):
            assert add(into, a_file(f"{number}.{step}")) is not None
            # A name that is taken leaves a gap at most, and no serial for later.
            assert add(into, a_file("0.0")) is None

    def read():
        seen, finished = [0], False
        while not finished:
            finished = done.is_set()
            seen += [change.serial for change in reader.changes_since(seen[-1])]
        assert seen[1:] == [change.serial for change in reader.changes_since(0)]
        assert len(seen) == 102

    add(catalog, a_file("0.0"))
    writers = [partial(write, into, number) for number, into in enumerate([catalog, other] * 2, 1)]
    with ThreadPoolExecutor() as pool:
        following = pool.submit(read)
        try:
            in_threads(*writers)
        finally:
            done.set()
        following.result()
    other.close()
    reader.close()


def test_every_commit_changes_the_stamp(catalog):
    seen = {catalog.stamp.read()}

    add(catalog, a_file())
    seen.add(catalog.stamp.read())
    catalog.yank("private", a_file(yanked="x"), ANN)
    seen.add(catalog.stamp.read())

    assert len(seen) == 3


def test_sqlite_is_durable_and_keeps_its_promises(tmp_path):
    catalog = Catalog(f"sqlite:///{tmp_path}/catalog.db")
    with catalog._database.write.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }

    catalog.close()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_a_second_process_opens_the_same_schema(catalog_url, catalog):
    add(catalog, a_file())

    other = Catalog(catalog_url)

    assert other.page("private", "holy-grail") == catalog.page("private", "holy-grail")
    other.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request, tmp_path):
    """The URL of a database in which there is nothing."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/new/catalog.db"
        return
    server = request.getfixturevalue("postgres")
    url = server.create(empty=True)
    yield url
    server.drop(url)


def test_many_processes_may_create_the_schema_at_once(empty_url):
    start = threading.Barrier(8)

    def open_it():
        start.wait()
        Catalog(empty_url).close()

    in_threads(*[open_it] * 8)


def test_a_file_that_is_no_database_stops_the_start_with_its_name(tmp_path):
    (tmp_path / "catalog.db").write_text("this is no database, " * 100)

    with pytest.raises(CatalogUnavailable, match=r"catalog\.db"):
        Catalog(f"sqlite:///{tmp_path}/catalog.db")


def schema_of(connection):
    """Return what a database says of the tables in it, of which the order of constraints means nothing."""
    seen = inspect(connection)
    return {
        name: {
            kind: sorted(map(repr, told))
            for kind, told in (
                ("columns", seen.get_columns(name)),
                ("primary key", seen.get_pk_constraint(name)["constrained_columns"]),
                ("foreign keys", seen.get_foreign_keys(name)),
                ("unique", seen.get_unique_constraints(name)),
                ("indexes", seen.get_indexes(name)),
            )
        }
        for name in seen.get_table_names()
    }


def test_migrations_undo_themselves_and_end_at_the_tables_of_a_new_catalog(catalog, catalog_url):
    with catalog._database.write.begin() as connection:
        made = schema_of(connection)
        downgrade(connection, "base")
        undone = inspect(connection).get_table_names()

    again = Catalog(catalog_url)

    with again._database.read.connect() as connection:
        migrated = schema_of(connection)
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        differences = compare_metadata(MigrationContext.configure(connection), tables.metadata)
    again.close()
    assert undone == ["alembic_version"]
    assert "files" in migrated
    assert migrated == made
    assert revision == tables.REVISION
    assert differences == []


def test_a_schema_from_the_future_stops_the_start(catalog, catalog_url):
    with catalog.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(CatalogUnavailable, match="newer version"):
        Catalog(catalog_url)


def test_all_files_come_by_project_and_name_however_many_there_are(catalog, monkeypatch):
    monkeypatch.setattr(reading, "_BATCH", 2)
    files = [a_file(version, project) for project in ("B", "a", "a-b", "a0") for version in ("1", "2", "3")]
    for file in reversed(files):
        add(catalog, file)
    catalog.add("other", a_file(), ANN, display="x", metadata=None)

    assert list(catalog.files("private")) == files


def test_names_are_listed_by_their_bytes(catalog):
    for name in ("b", "a_c", "a-b", "B0", "a.d", "ab"):
        add(catalog, a_file(project=name))

    assert [project.name for project in catalog.projects("private")] == ["B0", "a-b", "a.d", "a_c", "ab", "b"]


@pytest.mark.parametrize("name", ["x\0y", "\0", "x" * 100_000, "\U0001f600'\"%s:y\\"])
def test_whatever_name_is_asked_for_it_is_not_there(catalog, name):
    assert catalog.page("private", name) is None
    assert catalog.file("private", name) is None
    assert catalog.status("private", name) is None
    assert catalog.removed("private", name) is None


def test_long_texts_are_kept_whole(catalog):
    file = a_file("1." + "0" * 300, uploaded_by="x" * 1000, comment="y" * 100_000)

    add(catalog, file)

    assert list(catalog.files("private")) == [file]


def test_versions_that_pep_440_does_not_know_sort_first(catalog):
    for version in ("1.0", "final-one", "0.9"):
        add(catalog, a_file(version))

    assert catalog.page("private", "holy-grail").versions == ("final-one", "0.9", "1.0")
