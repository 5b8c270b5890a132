"""Memory hardly grows with the number of files: names and digests may be kept, files and pages not."""

import tracemalloc

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


def peak(act):
    """Return the most bytes for each file that are in use at one moment.

    It is the smaller of two: while one is measured, a table of the interpreter may double its size.
    """

    def once():
        tracemalloc.start()
        try:
            act()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    return min(once(), once()) / MANY


def test_verify(index):
    def verify():
        checkup = Checkup(index.served("private").hosted)
        assert next(checkup.run(), None) is None
        assert checkup.files == MANY + 1

    assert peak(verify) < A_NAME


def test_what_is_missing_and_what_is_not_listed(index):
    hosted = index.served("private").hosted

    def compare():
        assert (next(missing_files(hosted), None), next(strays(hosted), None)) == (None, None)

    assert peak(compare) < A_NAME


def test_reindex_of_what_is_listed(index):
    def reindex():
        assert sum(1 for _ in Reindexing(index.served("private").hosted).run()) == MANY + 1

    assert peak(reindex) < A_NAME


def test_export(index, tmp_path):
    repository = index.served("private").repository
    wanted = [Wanted(project.name) for project in repository.projects()]

    def export():
        with (tmp_path / "site.tar").open("wb") as stream:
            target = ArchiveTarget(stream)
            report = Exporter(repository, target, rendering).run(wanted)
            target.finish(complete=True)
        assert report.files == MANY + 1
        assert report.problems == []

    assert peak(export) < AN_ENTRY
