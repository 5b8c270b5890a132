"""Memory hardly grows with the number of files: names and digests may be kept, files and pages not."""

import tracemalloc
from contextlib import contextmanager

import pytest
from sqlalchemy import insert, select

from pyramid_pypi.catalog import tables
from pyramid_pypi.upkeep.blobs import missing_files, strays
from pyramid_pypi.upkeep.export import Exporter, Wanted
from pyramid_pypi.upkeep.reindexing import Reindexing
from pyramid_pypi.upkeep.targets import ArchiveTarget
from pyramid_pypi.upkeep.verify import Checkup
from pyramid_pypi.web import rendering
from tests.unit.cli.upkeeping import index_of, make_index, put

MANY = 2_000
# A file as the catalog tells it has more than a kilobyte, and 500 of them come at once.
A_NAME = 1_000
# Each file of a site, and its metadata, have a path and a digest in the manifest, and then as JSON.
AN_ENTRY = 3_000


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """An index of many files of 300 projects."""
    with index_of(make_index(tmp_path_factory.mktemp("many"))) as index:
        hosted = index.served("private").hosted
        first = put(hosted, "holy-grail", "1.0")
        content = (hosted.storage.root / first.key).read_bytes()
        record = hosted.storage.record(first.key)
        names = [f"p{number // 10}-{number % 10}-py3-none-any.whl" for number in range(MANY)]
        keys = [f"{name.partition('-')[0]}/{name}" for name in names]
        for key in keys:
            path = hosted.storage.root / key
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
            hosted.storage.put_record(key, record)
        with index.catalog.writing() as connection:
            (project,) = connection.execute(select(tables.projects)).mappings()
            (file,) = connection.execute(select(tables.files)).mappings()
            projects = [
                {**project, "id": number + 100, "name": f"p{number}", "display": f"p{number}"}
                for number in range(MANY // 10)
            ]
            files = [
                {
                    **file,
                    "id": number + 100,
                    "project_id": number // 10 + 100,
                    "filename": name,
                    "filename_key": name,
                    "storage_key": keys[number],
                }
                for number, name in enumerate(names)
            ]
            connection.execute(insert(tables.projects), projects)
            connection.execute(insert(tables.files), files)
        yield index


@contextmanager
def at_most(size):
    """Fail when more than `size` bytes for each file are in use at one moment."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak / MANY < size


def test_verify(index):
    checkup = Checkup(index.served("private").hosted)
    with at_most(A_NAME):
        found = next(checkup.run(), None)

    assert found is None
    assert checkup.files == MANY + 1


def test_what_is_missing_and_what_is_not_listed(index):
    hosted = index.served("private").hosted
    with at_most(A_NAME):
        assert (next(missing_files(hosted), None), next(strays(hosted), None)) == (None, None)


def test_reindex_of_what_is_listed(index):
    with at_most(A_NAME):
        seen = sum(1 for _ in Reindexing(index.served("private").hosted).run())

    assert seen == MANY + 1


def test_export(index, tmp_path):
    repository = index.served("private").repository
    wanted = [Wanted(project.name) for project in repository.projects()]
    with at_most(AN_ENTRY), (tmp_path / "site.tar").open("wb") as stream:
        target = ArchiveTarget(stream)
        report = Exporter(repository, target, rendering).run(wanted)
        target.finish(complete=True)

    assert report.files == MANY + 1
    assert report.problems == []
