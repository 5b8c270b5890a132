"""Views of files: the bytes, the metadata and the signature beside them."""

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import IO

from pyramid.request import Request

from pyramid_pypi.auth.policy import identity_of
from pyramid_pypi.distribution import guess_filename
from pyramid_pypi.errors import (
    FileMissing,
    ProjectNotFound,
    StorageUnavailable,
    UpstreamUnavailable,
)
from pyramid_pypi.model import Blob, File, LocalFile, Redirect, Stream
from pyramid_pypi.served import Served
from pyramid_pypi.storage.reading import CHUNK
from pyramid_pypi.web.answers import CORS, Answer, answer_ready, answer_text, redirect_away
from pyramid_pypi.web.context import RepositoryContext, WebCaller
from pyramid_pypi.web.observe import ORIGIN, note, offer_hot
from pyramid_pypi.web.ranges import Unsatisfiable, parse_range
from pyramid_pypi.web.ready import Headers, Ready, matches_etag
from pyramid_pypi.web.slices import ARRIVING_WRAPPER, SLICE, FileSlices

__all__ = ["file"]

_SMALL = 64 * 1024
# Seconds for which a small file of an upstream is sent without looking at its page.
_FOLLOWED = 60.0
_WHOLE = "bytes=0-"
_SIDECARS = (".metadata", ".asc")


def file(context: RepositoryContext, request: Request) -> Answer:
    """Send a file, its `.metadata` (PEP 658) or its `.asc` (PEP 503)."""
    path: str = request.matchdict["path"]
    suffix = next((suffix for suffix in _SIDECARS if path.endswith(suffix)), "")
    note(request, context.served.name, "", path.rpartition("/")[2])
    identity = identity_of(request)
    found = _find(WebCaller(request, context, identity), path.removesuffix(suffix))
    note(request, context.served.name, found.project, path.rpartition("/")[2])
    context.index.plugins.require(
        "pypi_authorize_download", file=found, repository=context.served.name, identity=identity
    )
    answer = _answer(context, request, found, (path, suffix))
    if not suffix and request.method == "GET" and answer.status_int == HTTPStatus.OK:
        context.index.plugins.notify(
            "pypi_file_served", file=found, repository=context.served.name, identity=identity
        )
    return answer


def _answer(context: RepositoryContext, request: Request, found: File, asked: tuple[str, str]) -> Answer:
    path, suffix = asked
    group = (context.served.name, found.project)
    ready = context.index.pages.get(group, path)
    if ready is None:
        token = context.index.pages.token()
        headers = _headers(context.served, found, by_content=_is_by_content(found, path))
        if suffix == ".metadata":
            body = context.served.repository.metadata(found)
            ready = _ready(found, body, found.metadata_sha256 or sha256(body).hexdigest(), headers)
        else:
            etag = f'"{_tag(found)}{suffix}"'
            if _is_unchanged(request, etag, dict(headers).get("Last-Modified", "")):
                # Before anything is opened, which may mean to fetch it.
                return _not_changed([*headers, ("ETag", etag)])
            blob = _blob(context.served, found, suffix, request)
            if not isinstance(blob, LocalFile) or blob.handoff or blob.size > _SMALL:
                return _answer_blob(blob, _tag(found) + suffix, headers, request)
            ready = _ready(found, _read_small(blob.path), _tag(found) + suffix, headers)
        context.index.pages.put(group, path, ready, token)
    if not _is_watched(context):
        offer_hot(request, group, path)
    if {"HTTP_RANGE", "HTTP_IF_MODIFIED_SINCE"}.isdisjoint(request.environ):
        return answer_ready(ready, request)
    stream = Stream(len(ready.body), found.time, lambda start, stop: iter([ready.body[start:stop]]))
    return _answer_blob(stream, ready.etag.strip('"'), ready.headers[:-2], request)


def _find(caller: WebCaller, path: str) -> File:
    """Return the file at `path`.

    The right is asked for by the name alone, before the file is looked for, and all that is not
    to be had looks alike, so that nobody learns which files there are.
    """
    filename = path.rpartition("/")[2]
    parsed = guess_filename(filename)
    try:
        if parsed is not None:
            caller.require("read", parsed.project)
            found = caller.context.served.repository.file(filename)
            # Other servers name a file by its place in the tree, and lock files remember that.
            if found.project == parsed.project and path in {found.path, found.key}:
                return found
    except (FileMissing, ProjectNotFound):
        pass
    raise FileMissing(f"There is no file at {path!r}")


def _is_watched(context: RepositoryContext) -> bool:
    has = context.index.plugins.has
    return has("pypi_authorize_download") or has("pypi_file_served")


def _is_by_content(found: File, path: str) -> bool:
    """Tell whether the path has a digest of the bytes in it; a place in a tree can be given to others."""
    return path.startswith(found.path) and found.hashes.shown is not None


def _tag(found: File) -> str:
    """Return what tells the bytes from others: their digest, or the place that they alone have."""
    return found.hashes.sha256 or found.path.rpartition("/")[0].replace("/", "")


def _headers(served: Served, found: File, *, by_content: bool) -> Headers:
    scope = "public" if served.rights.is_public else "private"
    keep = f"max-age=365000000, immutable, {scope}" if by_content else f"{scope}, no-cache"
    return [
        ("Content-Type", "application/octet-stream"),
        ("Accept-Ranges", "bytes"),
        ("Cache-Control", keep),
        *([("Last-Modified", _http_date(found.uploaded_at))] if found.uploaded_at else []),
        (ORIGIN, found.repository or served.name),
        ("X-Content-Type-Options", "nosniff"),
        ("Content-Security-Policy", "sandbox; default-src 'none'"),
        *CORS,
    ]


def _ready(found: File, body: bytes, digest: str, headers: Headers) -> Ready:
    etag = f'"{digest}"'
    # An upstream may take a project away whose page nobody asks for, as those with a lock do not.
    expires = time.monotonic() + _FOLLOWED if found.url else None
    return Ready(etag, [*headers, ("ETag", etag), ("Content-Length", str(len(body)))], body, expires)


def _blob(served: Served, found: File, suffix: str, request: Request) -> Blob:
    if suffix == ".asc":
        return served.repository.signature(found)
    # Nobody fetches a file to tell how long it is.
    partly = request.method == "HEAD" or request.environ.get("HTTP_RANGE", _WHOLE) != _WHOLE
    return served.repository.open(found, partly=partly)


def _answer_blob(blob: Blob, digest: str, headers: Headers, request: Request) -> Answer:
    if isinstance(blob, Redirect):
        away = redirect_away(blob)
        # Downloads are counted for the repository that has the file.
        away.headerlist += [pair for pair in headers if pair[0] == ORIGIN]
        return away
    etag = f'"{digest}"'
    headers = [*headers, ("ETag", etag)]
    if _is_unchanged(request, etag, dict(headers).get("Last-Modified", "")):
        return _not_changed(headers)
    if isinstance(blob, LocalFile) and blob.handoff:
        return Answer(status="200 OK", headerlist=[*headers, blob.handoff], app_iter=[])
    if blob.size is None:
        if request.environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
            # There, an answer of unknown length that is cut short looks like a whole one.
            raise UpstreamUnavailable("The size of this file is not known yet; ask for it with HTTP/1.1")
        # An upstream may keep the size to itself; without it no range can be told.
        return Answer(status="200 OK", headerlist=headers, app_iter=_chunks(blob, 0, None, request))
    try:
        wanted = _range(request, etag, blob.size)
    except Unsatisfiable:
        unsatisfied = [*CORS, ("Content-Range", f"bytes */{blob.size}")]
        return answer_text("416 Range Not Satisfiable", f"The file has {blob.size} bytes", unsatisfied)
    start, stop = wanted or (0, blob.size)
    headers.append(("Content-Length", str(stop - start)))
    if wanted:
        headers.append(("Content-Range", f"bytes {start}-{stop - 1}/{blob.size}"))
    status = "206 Partial Content" if wanted else "200 OK"
    chunks = () if request.method == "HEAD" else _chunks(blob, start, stop, request)
    return Answer(status=status, headerlist=headers, app_iter=chunks)


def _not_changed(headers: Headers) -> Answer:
    return Answer(status="304 Not Modified", headerlist=headers[1:], app_iter=[])


def _is_unchanged(request: Request, etag: str, modified: str) -> bool:
    if header := request.environ.get("HTTP_IF_NONE_MATCH"):
        return matches_etag(header, etag)
    since = _parse_date(request.environ.get("HTTP_IF_MODIFIED_SINCE", ""))
    present = _parse_date(modified)
    return since is not None and present is not None and present <= since


def _range(request: Request, etag: str, size: int) -> tuple[int, int] | None:
    # RFC 9110 §14.2: a range is for GET alone.
    header = request.environ.get("HTTP_RANGE") if request.method == "GET" else None
    # RFC 9110 §13.1.5: a validator that no longer holds asks for the whole file.
    if not header or request.environ.get("HTTP_IF_RANGE", etag) != etag:
        return None
    return parse_range(header, size)


def _begun(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Return the same chunks when the first one has come: until then an error can be the answer."""
    rest = iter(chunks)
    return _continued(next(rest, b""), rest)


def _continued(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest


def _chunks(blob: LocalFile | Stream, start: int, stop: int | None, request: Request) -> Iterable[bytes]:
    sent: Iterable[bytes]
    if isinstance(blob, Stream):
        follow = request.environ.get(ARRIVING_WRAPPER)
        if follow is None or blob.arriving is None or stop is None:
            return _begun(blob.open(start, stop))
        # Our own server waits for the bytes without keeping a thread busy.
        sent = follow(blob.arriving, start, stop)
        return sent
    stream = _open(blob.path)
    wrapper = request.environ.get("wsgi.file_wrapper")
    if wrapper is not None and (start, stop) == (0, blob.size):
        sent = wrapper(FileSlices(stream), SLICE)
        return sent
    return _read_range(stream, start, stop or blob.size)


def _open(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise FileMissing(f"{path.name} has disappeared from the storage") from error
    except OSError as error:
        raise StorageUnavailable(f"{path.name} cannot be read: {error.strerror}") from error


def _read_small(path: Path) -> bytes:
    with _open(path) as stream:
        return stream.read()


def _read_range(stream: IO[bytes], start: int, stop: int) -> Iterator[bytes]:
    with stream:
        stream.seek(start)
        left = stop - start
        while left and (chunk := stream.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk


def _http_date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


def _parse_date(text: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text)
        # A date without a zone, or with -0000, is in UTC (RFC 5322 §3.3).
        return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError):
        return None
