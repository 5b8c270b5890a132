import sqlite3
import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pyramid_pypi.catalog import Catalog
from pyramid_pypi.errors import CatalogUnavailable
from pyramid_pypi.model import File, Hashes, Identity, ProjectName

ANN = Identity.user("ann")
AT = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)


@pytest.fixture
def catalog(tmp_path):
    found = Catalog(f"sqlite:///{tmp_path}/catalog.db")
    yield found
    found.close()


def a_file(version="1.0", project="holy-grail", **changes):
    name = f"{project.replace('-', '_')}-{version}-py3-none-any.whl"
    file = File(
        project=project,
        filename=name,
        version=version,
        packagetype="bdist_wheel",
        size=3 * 2**30,
        hashes=Hashes("a" * 64, "b" * 64, "c" * 32),
        uploaded_at=AT,
        uploaded_by="ann",
        key=f"{project}/{name}",
        requires_python=">=3.9",
        python_version="py3",
    )
    return replace(file, **changes)


def add(catalog, file, **options):
    return catalog.add("private", file, ANN, display="Holy-Grail", metadata=None, **options)


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


def test_serials_never_come_back(catalog, tmp_path):
    add(catalog, a_file())
    with sqlite3.connect(tmp_path / "catalog.db") as connection:
        connection.execute("DELETE FROM journal")
    connection.close()

    assert add(catalog, a_file("2.0")) == 2


def test_sixty_four_writers_of_one_name_have_one_winner(catalog):
    start = threading.Barrier(64)
    serials = []

    def write(number):
        start.wait()
        serials.append(add(catalog, a_file(size=number)))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(serials, key=str) == [1] + [None] * 63


def test_writers_of_many_names_all_win(catalog):
    def write(number):
        for step in range(10):
            assert add(catalog, a_file(f"{number}.{step}")) is not None

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(catalog.page("private", "holy-grail").files) == 80
    assert catalog.last_serial() == 80


def test_every_commit_changes_the_stamp(catalog):
    seen = {catalog.stamp.read()}

    add(catalog, a_file())
    seen.add(catalog.stamp.read())
    catalog.yank("private", a_file(yanked="x"), ANN)
    seen.add(catalog.stamp.read())

    assert len(seen) == 3


def test_the_database_is_durable_and_keeps_its_promises(catalog):
    with catalog._write.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }

    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_a_second_process_opens_the_same_schema(tmp_path, catalog):
    add(catalog, a_file())

    other = Catalog(f"sqlite:///{tmp_path}/catalog.db")

    assert other.page("private", "holy-grail") == catalog.page("private", "holy-grail")
    other.close()


def test_many_processes_may_create_the_schema_at_once(tmp_path):
    start = threading.Barrier(8)
    failures = []

    def open_it():
        start.wait()
        try:
            Catalog(f"sqlite:///{tmp_path}/new/catalog.db").close()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []


def test_a_file_that_is_no_database_stops_the_start_with_its_name(tmp_path):
    (tmp_path / "catalog.db").write_text("this is no database, " * 100)

    with pytest.raises(CatalogUnavailable, match=r"catalog\.db"):
        Catalog(f"sqlite:///{tmp_path}/catalog.db")


def test_models_and_migrations_agree(catalog):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from pyramid_pypi.catalog.tables import metadata

    with catalog._read.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []


def test_the_schema_can_be_undone(catalog):
    from alembic import command
    from alembic.config import Config

    from pyramid_pypi.catalog import engine

    config = Config()
    config.set_main_option("script_location", str(engine.Path(engine.__file__).parent / "migrations"))
    with catalog._write.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        tables = engine.inspect(connection).get_table_names()

    assert tables == ["alembic_version"]


def test_versions_that_pep_440_does_not_know_sort_first(catalog):
    for version in ("1.0", "final-one", "0.9"):
        add(catalog, a_file(version))

    assert catalog.page("private", "holy-grail").versions == ("final-one", "0.9", "1.0")
