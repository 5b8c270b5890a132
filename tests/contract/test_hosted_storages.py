"""Hosted repositories keep their contract over every storage, with the catalog on either engine."""

import itertools
from functools import partial

import pytest

from pyramid_pypi.catalog import Catalog
from pyramid_pypi.options import Secret
from pyramid_pypi.repositories import Hosted
from pyramid_pypi.testing.repositories import Offered, WritableContract, offer_files, publish_file
from pyramid_pypi_example.memory import MemoryStorage
from pyramid_pypi_github.options import Options as GitHubOptions
from pyramid_pypi_github.storage import GitHubStorage
from pyramid_pypi_github.testing import Description, GitHubServer
from pyramid_pypi_github.testing.description import PATHS, PUBLISHED
from pyramid_pypi_objectstore.azure import AzureStorage
from pyramid_pypi_objectstore.s3 import S3Storage
from pyramid_pypi_objectstore.testing import ACCESS_KEY, BUCKET, SECRET_KEY, SeaweedFS
from pyramid_pypi_objectstore.testing_azure import ACCOUNT, ACCOUNT_KEY, Azurite
from tests.clients.toolbox import CACHE, make_once

_numbers = itertools.count()


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    with SeaweedFS(tmp_path_factory.mktemp("seaweedfs")) as service:
        yield service


@pytest.fixture(scope="module")
def container(tmp_path_factory):
    with Azurite(tmp_path_factory.mktemp("azurite"), cache=CACHE) as service:
        yield service


@pytest.fixture(scope="module")
def description():
    folder = CACHE / "github-openapi"
    with make_once(folder, f"{PUBLISHED} {PATHS}") as missing:
        if missing:
            Description.fetch(folder)
    return Description.load(folder / "cut.json")


def memory(request, tmp_path):
    yield MemoryStorage(MemoryStorage.Options())


def s3(request, tmp_path):
    yield S3Storage(
        S3Storage.Options(
            bucket=BUCKET,
            endpoint=request.getfixturevalue("bucket").url,
            prefix=f"contract/{next(_numbers)}",
            staging=tmp_path,
            access_key_id=Secret(ACCESS_KEY),
            secret_access_key=Secret(SECRET_KEY),
        )
    )


def azure(request, tmp_path):
    yield AzureStorage(
        AzureStorage.Options(
            account=ACCOUNT,
            container=BUCKET,
            account_key=Secret(ACCOUNT_KEY),
            endpoint=request.getfixturevalue("container").endpoint,
            prefix=f"contract/{next(_numbers)}",
            staging=tmp_path,
        )
    )


def github(request, tmp_path):
    with GitHubServer(request.getfixturevalue("description")) as server:
        options = {"owner": "acme", "repo": "packages", "base_url": server.url, "staging": tmp_path}
        yield GitHubStorage(GitHubOptions(**options, token=Secret(server.token)))
        assert server.problems == []


class TestHostedStorages(WritableContract):
    """Its files are somewhere else."""

    @pytest.fixture(params=[memory, s3, azure, github], ids=lambda make: make.__name__)
    def storage(self, request, tmp_path):
        yield from request.param(request, tmp_path)

    @pytest.fixture
    def repository(self, storage, catalog_url):
        catalog = Catalog(catalog_url)
        if hasattr(storage, "use_catalog"):
            storage.use_catalog(catalog)
        hosted = Hosted("private", storage=storage, catalog=catalog)
        hosted.look()
        yield hosted
        catalog.close()

    @pytest.fixture
    def offered(self, repository) -> Offered:
        return offer_files(partial(publish_file, repository))
