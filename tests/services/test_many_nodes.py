"""Several nodes of one index, and what breaks under them: nothing that was acknowledged is lost."""

import pytest

from pyramid_pypi_objectstore.testing import ACCESS_KEY, BUCKET, SECRET_KEY, SeaweedFS
from pyramid_pypi_objectstore.testing_faults import FaultyProxy
from tests.postgres import Postgres
from tests.services.cluster import DEPLOY, Load, cluster

pytestmark = pytest.mark.alone

OPEN = {
    "PYPI_DEFAULT": "private",
    "PYPI_REPO_PRIVATE_READ": "everyone",
    "PYPI_REPO_PRIVATE_UPLOAD": "everyone",
    "PYPI_REPO_PRIVATE_DELETE": "everyone",
    # Nothing is asked of PyPI.
    "PYPI_REPO_PYPI_UPSTREAM_URL": "http://127.0.0.1:9/simple/",
    "PYPI_AUTH_HTPASSWD_PATH": "htpasswd",
}
INI = (DEPLOY / "pypi.ini").read_text()
FILES = 15


@pytest.fixture(scope="module")
def database():
    """A PostgreSQL that tests may stop."""
    with Postgres() as server:
        yield server


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    """A service with a bucket that tests may stop."""
    with SeaweedFS(tmp_path_factory.mktemp("bucket")) as service:
        yield service


@pytest.fixture
def way(bucket):
    """The way to the bucket, on which things may go wrong."""
    with FaultyProxy(bucket.port) as proxy:
        yield proxy


@pytest.fixture
def remote(tmp_path, database, way):
    """Two nodes over PostgreSQL and a bucket."""
    environ = {
        **OPEN,
        "PYPI_CATALOG": database.create(),
        "PYPI_REPO_PRIVATE_STORAGE_ENDPOINT": way.url,
        "PYPI_REPO_PRIVATE_STORAGE_BUCKET": BUCKET,
        "PYPI_REPO_PRIVATE_STORAGE_PREFIX": tmp_path.name,
        "S3_ACCESS_KEY": ACCESS_KEY,
        "S3_SECRET_KEY": SECRET_KEY,
    }
    with cluster(tmp_path, INI, environ) as nodes:
        yield nodes


@pytest.fixture
def local(tmp_path):
    """Two processes of one machine over SQLite and a folder."""
    shared = tmp_path / "shared"
    lines = [line for line in INI.splitlines() if not line.startswith("pypi.repo.private.storage.")]
    environ = {
        **OPEN,
        "PYPI_CATALOG": f"sqlite:///{shared}/catalog.db",
        "PYPI_REPO_PRIVATE_STORAGE": "filesystem",
        "PYPI_REPO_PRIVATE_STORAGE_PATH": f"{shared}/packages",
    }
    with cluster(tmp_path, "\n".join(lines), environ) as nodes:
        yield nodes


def crash(load, nodes):
    """Kill each node in turn, and let the others go on meanwhile."""
    for node in nodes:
        node.kill()
        load.wait_for(FILES // 2)
        node.start()
        load.wait_for(FILES // 2)


def test_nodes_of_postgresql_and_a_bucket_may_crash(remote):
    with Load(remote) as load:
        load.wait_for(FILES)
        crash(load, remote.nodes)

    load.compare()


def test_postgresql_may_crash(remote, database):
    with Load(remote) as load:
        load.wait_for(FILES)
        database.stop()
        database.start()
        load.wait_for(FILES)

    load.compare()


def test_the_bucket_may_go_away_and_come_back(remote, bucket):
    with Load(remote) as load:
        load.wait_for(FILES)
        bucket.stop()
        bucket.start()
        load.wait_for(FILES)

    load.compare()


def test_the_bucket_may_refuse_cut_and_stall(remote, way):
    with Load(remote) as load:
        load.wait_for(FILES)
        for kind in ("busy", "reset", "lost", "doubt", "stall"):
            way.fail(kind, times=4)
            load.wait_for(FILES // 3)
        way.heal()
        load.wait_for(FILES // 3)

    load.compare()


def test_processes_of_one_machine_may_crash(local):
    with Load(local) as load:
        load.wait_for(FILES)
        crash(load, local.nodes)

    load.compare()


@pytest.mark.soak
def test_everything_breaks_again_and_again(remote, database, bucket):
    with Load(remote) as load:
        for _ in range(10):
            crash(load, remote.nodes)
            database.stop()
            database.start()
            load.wait_for(FILES)
            bucket.stop()
            bucket.start()
            load.wait_for(FILES)

    load.compare()
