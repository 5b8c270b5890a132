"""The storage keeps the contract of storages."""

import socket
import subprocess
import sys

import pytest

from pyramid_pypi.testing.storages import StorageContract


class TestGitHubStorage(StorageContract):
    @pytest.fixture
    def storage(self, make):
        return make()

    @pytest.fixture
    def second(self, storage, make):
        return make()

    @pytest.fixture
    def broken(self, make):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            yield make(base_url=f"http://127.0.0.1:{unused.getsockname()[1]}")

    @pytest.fixture
    def remote(self, description_path):
        """A GitHub with many packages in a process of its own, whose memory is not measured."""
        command = [sys.executable, "-m", "pyramid_pypi_github.testing", description_path, str(self.many)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            yield process.stdout.readline().strip()
            process.stdin.close()

    def test_long_listing_takes_little_memory(self, make, remote):
        storage = make(base_url=remote)
        # The first request loads modules.
        storage.check()

        super().test_long_listing_takes_little_memory(storage)

    def fill(self, storage, filenames):
        """They are there already."""
