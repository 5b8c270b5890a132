"""Bytes of an upstream that are passed on without being kept."""

from collections.abc import Generator, Iterator
from contextlib import closing
from urllib.parse import urlsplit

from pyramid_pypi.errors import UpstreamUnavailable
from pyramid_pypi.model import File, Stream
from pyramid_pypi.upstream.base import Transfer, Upstream
from pyramid_pypi.upstream.download import HELD_BACK
from pyramid_pypi.upstream.pace import Pace
from pyramid_pypi.upstream.verifying import Verifier

__all__ = ["passing_stream"]


def passing_stream(upstream: Upstream, file: File, *, pace: Pace = Pace()) -> Stream:  # noqa: B008 - frozen
    """Return the file as a stream that asks the upstream each time it is opened.

    The whole file is only sent to its end if size and digest are right; of a part nobody can tell.
    Opening raises FileMissing and UpstreamUnavailable, reading UpstreamUnavailable and, below
    `pace`, UpstreamTimeout.
    """
    origin = urlsplit(file.url).hostname or "the upstream"

    def open_range(start: int, stop: int | None) -> Iterator[bytes]:
        whole = start == 0 and stop in {None, file.size}
        asked = None if whole else stop
        transfer = upstream.download(file, start, asked)
        transfer.chunks = pace.watch(transfer.chunks, f"{file.filename} of {origin}")
        part = _part(transfer, start, asked)
        return _verified(part, Verifier(file, origin=origin)) if whole else part

    return Stream(file.size, file.uploaded_at, open_range)


def _part(transfer: Transfer, start: int, stop: int | None) -> Generator[bytes, None, None]:
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


def _verified(chunks: Generator[bytes, None, None], verifier: Verifier) -> Iterator[bytes]:
    """Yield a whole file, but its end only after it was found right."""
    held = b""
    with closing(chunks):
        for chunk in chunks:
            verifier.update(chunk)
            held += chunk
            if len(held) > HELD_BACK:
                yield held[:-HELD_BACK]
                held = held[-HELD_BACK:]
    verifier.finish()
    yield held
