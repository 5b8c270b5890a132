"""Bytes of an upstream that are passed on without being kept."""

import hashlib
from collections.abc import Iterator

from pyramid_pypi.errors import UpstreamUnavailable
from pyramid_pypi.model import File, Stream
from pyramid_pypi.upstream.base import Transfer, Upstream

__all__ = ["passing_stream"]

_HELD_BACK = 64 * 1024
_TRUSTED = ("sha512", "sha384", "sha256", "sha224", "sha1", "md5")


def passing_stream(upstream: Upstream, file: File) -> Stream:
    """Return the file as a stream that asks the upstream each time it is opened.

    The whole file is only sent to its end if size and digest are right; of a part nobody can tell.
    Opening raises FileMissing and UpstreamUnavailable.
    """

    def open_range(start: int, stop: int | None) -> Iterator[bytes]:
        if start == 0 and stop in {None, file.size}:
            return _verified(upstream.download(file), file)
        return _part(upstream.download(file, start, stop), start, stop)

    return Stream(file.size, file.uploaded_at, open_range)


def _part(transfer: Transfer, start: int, stop: int | None) -> Iterator[bytes]:
    """Yield the bytes from `start` to `stop`, also when the upstream sends more than was asked for."""
    position = transfer.start
    with transfer:
        if position > start:
            raise UpstreamUnavailable("The upstream has sent another part than it was asked for")
        for chunk in transfer.chunks:
            begin, end = max(0, start - position), len(chunk) if stop is None else stop - position
            if begin < min(end, len(chunk)):
                yield chunk[begin:end]
            position += len(chunk)
            if stop is not None and position >= stop:
                return
    if stop is not None:
        raise UpstreamUnavailable("The upstream has sent less than it said")


def _verified(transfer: Transfer, file: File) -> Iterator[bytes]:
    known = file.hashes.known()
    name = next((name for name in _TRUSTED if name in known), None)
    digest = None if name is None else hashlib.new(name, usedforsecurity=False)
    size, held = 0, b""
    with transfer:
        for chunk in transfer.chunks:
            size += len(chunk)
            if file.size is not None and size > file.size:
                raise UpstreamUnavailable(f"{file.filename} has more than {file.size} bytes at the upstream")
            if digest is not None:
                digest.update(chunk)
            held += chunk
            if len(held) > _HELD_BACK:
                yield held[:-_HELD_BACK]
                held = held[-_HELD_BACK:]
    if file.size is not None and size != file.size:
        raise UpstreamUnavailable(f"{file.filename} has {size} bytes at the upstream, not {file.size}")
    if digest is not None and name is not None and digest.hexdigest() != known[name]:
        raise UpstreamUnavailable(f"The bytes of {file.filename} at the upstream do not have its digest")
    yield held
