"""Whether the bytes that arrive are the file that a page describes."""

import hashlib
from dataclasses import replace
from typing import Protocol

from pyramid_pypi.errors import UpstreamUnavailable
from pyramid_pypi.model import File, Hashes

__all__ = ["Verifier", "WrongFile", "known_digests", "strongest"]

# Best first. Only the best one counts, as the weak ones of an old index prove nothing beside it.
_STRENGTH = (
    "sha256",
    "sha512",
    "sha384",
    "blake2b",
    "blake2b_256",
    "blake2s",
    "sha3_256",
    "sha3_384",
    "sha3_512",
    "sha224",
    "sha3_224",
    "md5",
    "sha1",
)


class WrongFile(UpstreamUnavailable):
    """The upstream sends another file than its page describes; asking again does not help."""


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


class Verifier:
    """Counts and hashes the bytes of `file`, from the first to the last.

    `size` is in bytes: the page's, else what the upstream announces, None as long as nobody has
    told. `received` is the number of bytes that have passed. `origin` names the upstream.
    """

    def __init__(self, file: File, *, origin: str) -> None:
        self.size = file.size
        self.received = 0
        self._file = file
        self._origin = origin
        self._sha256 = hashlib.sha256()
        self._name, self._expected = strongest(file.hashes)
        self._extra = None if self._name in {"", "sha256"} else _new_hash(self._name)

    @property
    def complete(self) -> bool:
        """Whether all bytes have passed, as far as the size is known."""
        return self.received == self.size

    def announce(self, size: int | None) -> None:
        """Take the size that the upstream tells. Raises WrongFile when it is not the known one."""
        if size is None:
            return
        if self.size is None:
            self.size = size
        if size != self.size:
            raise self._wrong(f"has {size} bytes, not {self.size}")

    def update(self, chunk: bytes) -> None:
        """Take the next bytes. Raises WrongFile when they are too many."""
        if self.size is not None and self.received + len(chunk) > self.size:
            raise self._wrong(f"has more than {self.size} bytes")
        self.received += len(chunk)
        self._sha256.update(chunk)
        if self._extra is not None:
            self._extra.update(chunk)

    def finish(self) -> File:
        """Return the file with its size and those digests that are known to be right.

        Raises WrongFile when they are not the page's.
        """
        if self.size is not None and not self.complete:
            raise self._wrong(f"has {self.received} bytes, not {self.size}")
        found = {"sha256": self._sha256.hexdigest()}
        if self._extra is not None:
            found[self._name] = self._extra.hexdigest()
        if self._name and found[self._name] != self._expected:
            raise self._wrong(f"has the {self._name} digest {found[self._name]}, not {self._expected}")
        return replace(self._file, size=self.received, hashes=_hashes(**found))

    def _wrong(self, what: str) -> WrongFile:
        return WrongFile(f"{self._file.filename} of {self._origin} {what}; nothing of it is kept")


def _new_hash(name: str) -> _Hash:
    if name == "blake2b_256":
        return hashlib.blake2b(digest_size=32)
    return hashlib.new(name, usedforsecurity=False)


def _hashes(*, sha256: str, blake2b_256: str = "", md5: str = "", **others: str) -> Hashes:
    return Hashes(sha256, blake2b_256, md5, tuple(others.items()))


def strongest(hashes: Hashes) -> tuple[str, str]:
    """Return the name and the value of the digest that counts, both empty where there is none."""
    known = known_digests(hashes)
    return next(((name, known[name]) for name in _STRENGTH if name in known), ("", ""))


def known_digests(hashes: Hashes) -> dict[str, str]:
    """Return all digests by name; BLAKE2b with 32 bytes, which hashlib has no name for, too."""
    own = {"blake2b_256": hashes.blake2b_256} if hashes.blake2b_256 else {}
    return hashes.known() | own
