"""Reading and hashing blobs in chunks, wherever they are."""

import hashlib
from collections.abc import Generator, Iterable

from pyramid_pypi.errors import BlobMissing, StorageUnavailable
from pyramid_pypi.model import Blob, Hashes, LocalFile, Redirect, Stream

__all__ = ["CHUNK", "Hasher", "hash_blob", "read_blob"]

CHUNK = 1 << 18


class Hasher:
    """Computes the digests of a file while its bytes pass by."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self._blake2b = hashlib.blake2b(digest_size=32)
        self._md5 = hashlib.md5(usedforsecurity=False)

    def update(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self._sha256.update(chunk)
        self._blake2b.update(chunk)
        self._md5.update(chunk)

    def hashes(self) -> Hashes:
        """Return the digests of what has passed."""
        return Hashes(
            sha256=self._sha256.hexdigest(),
            blake2b_256=self._blake2b.hexdigest(),
            md5=self._md5.hexdigest(),
        )


def read_blob(blob: Blob) -> Generator[bytes, None, None]:
    """Yield the bytes of `blob`. Raises BlobMissing when they have gone meanwhile."""
    match blob:
        case LocalFile(path=path):
            try:
                with path.open("rb") as stream:
                    while chunk := stream.read(CHUNK):
                        yield chunk
            except FileNotFoundError as error:
                raise BlobMissing(f"{path.name} has disappeared from the storage") from error
            except OSError as error:
                raise StorageUnavailable(f"{path.name} cannot be read: {error.strerror}") from error
        case Stream(size=size, open=open_range) | Redirect(stream=Stream(size=size, open=open_range)):
            yield from open_range(0, size)
        case _:
            raise StorageUnavailable("The bytes are elsewhere and cannot be read here")


def hash_blob(chunks: Iterable[bytes]) -> Hashes:
    """Return the digests of `chunks`."""
    hasher = Hasher()
    for chunk in chunks:
        hasher.update(chunk)
    return hasher.hashes()
