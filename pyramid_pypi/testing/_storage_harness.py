"""What the contract of storages is built upon: fixtures that an author gives, and a few verbs."""

from collections.abc import Sequence

import pytest

from pyramid_pypi.model import Blob
from pyramid_pypi.storage.base import Storage
from pyramid_pypi.storage.reading import read_blob

__all__ = ["FILENAME", "ODD_FILENAMES", "PROJECT", "THREADS", "StorageHarness"]

PROJECT = "holy-grail"
FILENAME = "holy_grail-1.0.tar.gz"
ODD_FILENAMES = (
    "holy_grail-1.0+acme.1-py3-none-any.whl",
    "holy_grail-1.0%2Bacme.1-py3-none-any.whl",
    "holy_grail-1.0 acme.1-py3-none-any.whl",
    "holy_grail-1!1.0.tar.gz",
    "holy_grail-1.0~rc1.tar.gz",
    "Holy.Grail-1.0#2?.zip",
    "höly_grail-1.0.tar.gz",
    "\N{SNOWMAN}-1.0.zip",
)
THREADS = 8


class StorageHarness:
    """Fixtures and helpers; see `StorageContract` for which of them are for you to override.

    `large` is the size in bytes of the largest blob, more than the storage sends or fetches at
    once; `many` is the number of blobs in the longest listing; `patience` is for how many seconds
    one call may take when the service is away.
    """

    large = (1 << 20) + 1
    many = 10_000
    patience = 15.0

    @pytest.fixture
    def storage(self) -> Storage:
        """Return an empty storage."""
        raise NotImplementedError

    @pytest.fixture
    def second(self, storage: Storage) -> Storage:  # noqa: ARG002 - those who override it need it
        """Return another object for the place of `storage`, as another process has one."""
        pytest.skip("the fixture `second` is not given")

    @pytest.fixture
    def broken(self) -> Storage:
        """Return a storage whose service is away, or whose disk cannot be read."""
        pytest.skip("the fixture `broken` is not given")

    @pytest.fixture
    def full(self) -> Storage:
        """Return a storage that has no space left."""
        pytest.skip("the fixture `full` is not given")

    def fill(self, storage: Storage, filenames: Sequence[str]) -> None:
        """Put a small blob under each name; override it where there is a faster way."""
        for filename in filenames:
            self.put(storage, b"x", filename)

    def read(self, blob: Blob) -> bytes:
        """Return the bytes of a blob; a storage that redirects fetches the URL here."""
        return b"".join(read_blob(blob))

    def put(self, storage: Storage, data: bytes, filename: str = FILENAME) -> str:
        """Stage and put `data` as a file of the project; return the key."""
        key = storage.key(PROJECT, filename)
        with storage.stage() as staged:
            staged.write(data)
            storage.put(key, staged)
        return key

    def listed(self, storage: Storage) -> list[str]:
        """Return the keys in the listing, sorted."""
        return sorted(blob.key for blob in storage.keys())  # noqa: SIM118 - it is no mapping
