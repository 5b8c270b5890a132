"""The bytes of an asset as a stream with ranges, which goes on where a connection broke off."""

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any, Final

import httpx

from pyramid_pypi.errors import BlobMissing, StorageUnavailable
from pyramid_pypi.model import Stream
from pyramid_pypi_github.client import Client, Refused
from pyramid_pypi_github.releases import Asset, Entry
from pyramid_pypi_github.repository import Releases

__all__ = ["Downloads"]

_CHUNK: Final = 1 << 18
_ATTEMPTS: Final = 3
_REDIRECTS: Final = {301, 302, 303, 307, 308}


class Downloads:
    """Fetches assets of private repositories too: with our token, but for the signed URL itself."""

    def __init__(self, client: Client, releases: Releases) -> None:
        self._client = client
        self._releases = releases

    def stream(self, entry: Entry) -> Stream:
        """Return the bytes of a file; each range is fetched when it is read."""

        def chunks(start: int, stop: int | None) -> Iterator[bytes]:
            end = entry.size if stop is None else min(stop, entry.size)
            return self._chunks(entry, start, end)

        return Stream(entry.size, entry.modified_at, chunks)

    def location(self, entry: Entry) -> str | None:
        """Return a signed URL that works for some minutes, None where GitHub sends the bytes itself."""
        if entry.asset is None:
            return None
        answer = self._asked(entry, entry.asset)
        answer.close()
        return _location(answer)

    def _chunks(self, entry: Entry, start: int, stop: int) -> Iterator[bytes]:
        asset, at, failures = entry.asset, start, 0
        while asset is not None and at < stop:
            before = at
            try:
                with closing(self._open(entry, asset, at, stop)) as chunks:
                    for chunk in chunks:
                        at += len(chunk)
                        yield chunk
            except StorageUnavailable:
                failures = failures + 1 if at == before else 1
                if failures >= _ATTEMPTS:
                    raise

    def _open(self, entry: Entry, asset: Asset, start: int, stop: int) -> Generator[bytes]:
        """Yield bytes of one connection. Raises StorageUnavailable when they end too early."""
        answer = self._asked(entry, asset)
        url = _location(answer)
        if url is None:
            with closing(answer):
                yield from self._cut(answer, start, stop, entry)
            return
        answer.close()
        wanted = {"Accept": "*/*", "Range": f"bytes={start}-{stop - 1}"}
        with self._client.fetch(url, wanted) as found:
            if found.status_code == 206:
                if not found.headers.get("content-range", "").startswith(f"bytes {start}-"):
                    raise StorageUnavailable(f"GitHub sends another part of {entry.note.key} than asked for")
                yield from self._cut(found, 0, stop - start, entry)
            elif found.status_code == 200:
                yield from self._cut(found, start, stop, entry)
            else:
                raise StorageUnavailable(f"GitHub's storage answers {found.status_code} for {entry.note.key}")

    def _cut(self, answer: httpx.Response, start: int, stop: int, entry: Entry) -> Iterator[bytes]:
        at = 0
        try:
            for chunk in answer.iter_raw(_CHUNK):
                part = chunk[max(0, start - at) : max(0, stop - at)]
                at += len(chunk)
                if part:
                    yield part
                if at >= stop:
                    return
        except httpx.HTTPError as error:
            raise StorageUnavailable(f"GitHub breaks off in the middle of {entry.note.key}") from error
        raise StorageUnavailable(f"GitHub sends less of {entry.note.key} than there is")

    def _asked(self, entry: Entry, asset: Asset) -> httpx.Response:
        try:
            answer: Any = self._releases.download(asset)
        except Refused as refused:
            if refused.missing:
                raise BlobMissing(f"{entry.note.key} has disappeared from the storage") from refused
            raise StorageUnavailable(f"GitHub does not send {entry.note.key}: {refused.message}") from refused
        raw: httpx.Response = answer.raw_response
        return raw


def _location(answer: httpx.Response) -> str | None:
    if answer.status_code not in _REDIRECTS:
        return None
    # RFC 9110 §10.2.2: a location may be relative to what was asked for.
    return str(answer.request.url.join(answer.headers.get("location", "")))
