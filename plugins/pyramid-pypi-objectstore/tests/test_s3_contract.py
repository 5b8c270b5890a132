"""SeaweedFS, by way of S3, keeps the contract of storages, whoever decides who was first."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import obstore
import pytest

from pyramid_pypi.catalog import Catalog
from pyramid_pypi.testing.storages import PROJECT, StorageContract


class BucketContract(StorageContract):
    """More than one page of a listing, more than one part of a blob."""

    many = 2_100
    large = (9 << 20) + 1

    def fill(self, storage, filenames):
        store = storage._connect(20)
        paths = [storage._folder + storage.key(PROJECT, name) for name in filenames]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda path: obstore.put(store, path, b"x", use_multipart=False), paths))


class TestConditional(BucketContract):
    """The service decides who was first."""

    @pytest.fixture
    def storage(self, s3):
        return s3()

    @pytest.fixture
    def second(self, s3):
        return s3()

    @pytest.fixture
    def broken(self, s3):
        return s3(endpoint="http://127.0.0.1:9")

    @pytest.fixture
    def full(self, s3, proxy):
        proxy.fail("full", method="PUT")
        return s3(endpoint=proxy.url)


class TestLeased(BucketContract):
    """The catalog decides who was first."""

    many = 10

    @pytest.fixture
    def leased(self, s3, tmp_path):
        """A function that returns a storage with a connection to the catalog of its own."""
        with ExitStack() as open_catalogs:

            def build(**options):
                catalog = Catalog(f"sqlite:///{tmp_path}/catalog.db")
                open_catalogs.callback(catalog.close)
                storage = s3(exclusive="catalog", **options)
                storage.use_catalog(catalog)
                return storage

            yield build

    @pytest.fixture
    def storage(self, leased):
        return leased()

    @pytest.fixture
    def second(self, leased):
        return leased()

    @pytest.fixture
    def broken(self, leased):
        return leased(endpoint="http://127.0.0.1:9")
