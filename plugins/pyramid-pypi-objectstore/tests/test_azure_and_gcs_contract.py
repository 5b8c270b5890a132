"""Azure Blob Storage and Google Cloud Storage keep the contract of storages, as far as emulators tell."""

import base64
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import obstore
import pytest

from pyramid_pypi.errors import StorageUnavailable
from pyramid_pypi.model import Redirect
from pyramid_pypi.options import Secret
from pyramid_pypi.testing.storages import PROJECT, StorageContract
from pyramid_pypi_objectstore.testing_azure import ACCOUNT

NOWHERE = "http://127.0.0.1:9"


class RemoteContract(StorageContract):
    many = 300
    large = (9 << 20) + 1

    def fill(self, storage, filenames):
        store = storage._connect(20)
        paths = [storage._folder + storage.key(PROJECT, name) for name in filenames]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda path: obstore.put(store, path, b"x", use_multipart=False), paths))


class TestAzure(RemoteContract):
    @pytest.fixture
    def storage(self, azure):
        return azure()

    @pytest.fixture
    def second(self, azure):
        return azure()

    @pytest.fixture
    def broken(self, azure):
        return azure(endpoint=f"{NOWHERE}/{ACCOUNT}")


class TestGcs(RemoteContract):
    @pytest.fixture
    def storage(self, gcs):
        return gcs()

    @pytest.fixture
    def second(self, gcs):
        return gcs()

    @pytest.fixture
    def broken(self, gcs):
        return gcs(endpoint=NOWHERE)


def test_azure_signs_urls(azure):
    storage = azure(serve="redirect")
    with storage.stage() as staged:
        staged.write(b"data")
        storage.put("a/a-1.0+a.zip", staged)
    blob = storage.open("a/a-1.0+a.zip")

    assert isinstance(blob, Redirect)
    with urllib.request.urlopen(blob.url, timeout=20) as answer:
        assert answer.read() == b"data"


def test_azure_names_a_wrong_key(azure):
    wrong = azure(account_key=Secret(base64.b64encode(b"x" * 32).decode()))
    for call in (wrong.check, lambda: wrong.open("a/a-1.0.zip")):
        with pytest.raises(StorageUnavailable, match="The container 'packages' does not accept the cred"):
            call()


def test_azure_names_a_missing_container(azure):
    storage = azure(container="nowhere")
    for call in (storage.check, lambda: storage.open("a/a-1.0.zip"), lambda: storage.record("a/a-1.0.zip")):
        with pytest.raises(StorageUnavailable, match="The container 'nowhere' does not exist"):
            call()
