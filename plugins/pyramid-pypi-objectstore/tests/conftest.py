"""Services on loopback, each started once, and a prefix of its own for each test."""

import itertools
from pathlib import Path

import pytest

from pyramid_pypi.catalog import Catalog
from pyramid_pypi.options import Secret
from pyramid_pypi_objectstore.azure import AzureStorage
from pyramid_pypi_objectstore.gcs import GcsStorage
from pyramid_pypi_objectstore.s3 import S3Storage
from pyramid_pypi_objectstore.testing import ACCESS_KEY, BUCKET, SECRET_KEY, SeaweedFS
from pyramid_pypi_objectstore.testing_azure import ACCOUNT, ACCOUNT_KEY, Azurite
from pyramid_pypi_objectstore.testing_faults import FaultyProxy
from pyramid_pypi_objectstore.testing_gcs import FakeGcs

CACHE = Path(__file__).parents[3] / ".cache"

_numbers = itertools.count()


@pytest.fixture
def prefix():
    """A part of the bucket that no other test uses."""
    return f"test/{next(_numbers)}"


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory):
    """A service that speaks S3."""
    with SeaweedFS(tmp_path_factory.mktemp("seaweedfs")) as service:
        yield service


@pytest.fixture
def proxy(seaweed):
    """A way to `seaweed` on which things may go wrong."""
    with FaultyProxy(seaweed.port) as proxy:
        yield proxy


@pytest.fixture
def catalog(tmp_path):
    """An empty catalog."""
    catalog = Catalog(f"sqlite:///{tmp_path}/leases.db")
    yield catalog
    catalog.close()


@pytest.fixture
def s3(seaweed, prefix, tmp_path):
    """A function of options that returns a storage in the bucket of `seaweed`."""

    def build(**options):
        given = {
            "bucket": BUCKET,
            "endpoint": seaweed.url,
            "prefix": prefix,
            "staging": tmp_path / "staging",
            "access_key_id": Secret(ACCESS_KEY),
            "secret_access_key": Secret(SECRET_KEY),
        }
        return S3Storage(S3Storage.Options(**{**given, **options}))

    return build


@pytest.fixture(scope="session")
def azurite(tmp_path_factory):
    with Azurite(tmp_path_factory.mktemp("azurite"), cache=CACHE) as service:
        yield service


@pytest.fixture(scope="session")
def google(tmp_path_factory):
    with FakeGcs(tmp_path_factory.mktemp("gcs")) as service:
        yield service


@pytest.fixture
def azure(azurite, prefix, tmp_path):
    """A function of options that returns a storage in the container of `azurite`."""

    def build(**options):
        given = {
            "account": ACCOUNT,
            "container": BUCKET,
            "account_key": Secret(ACCOUNT_KEY),
            "endpoint": azurite.endpoint,
            "prefix": prefix,
            "staging": tmp_path,
        }
        return AzureStorage(AzureStorage.Options(**{**given, **options}))

    return build


@pytest.fixture
def gcs(google, prefix, tmp_path):
    """A function of options that returns a storage in the bucket of `google`."""

    def build(**options):
        given = {"bucket": BUCKET, "endpoint": google.endpoint, "prefix": prefix, "staging": tmp_path}
        return GcsStorage(GcsStorage.Options(**{**given, **options}))

    return build
