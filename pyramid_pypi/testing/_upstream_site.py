"""What a fake upstream has, and its answers when nothing goes wrong."""

import base64
import gzip
import hashlib
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Literal, Unpack
from urllib.parse import quote, unquote

from pyramid_pypi.distribution import normalise
from pyramid_pypi.model import ProjectStatus
from pyramid_pypi.testing._upstream_faults import Answer, Part
from pyramid_pypi.testing._upstream_files import FileOptions, OfferedFile, offer
from pyramid_pypi.testing._upstream_log import Request
from pyramid_pypi.testing._upstream_pages import (
    JSON,
    ProjectView,
    choose_type,
    names_html,
    names_json,
    page_html,
    page_json,
)
from pyramid_pypi.web.ranges import Unsatisfiable, parse_range

__all__ = ["Site"]

_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
_BLOCK = 1 << 16
_NOT_FOUND = Answer(404, {"Content-Type": "text/html"}, b"<h1>404 Not Found</h1>\n")


@dataclass(slots=True)
class _Project:
    files: dict[str, OfferedFile] = field(default_factory=dict)
    status: str = "active"
    reason: str = ""
    serial: int = 0


class Site:
    """The content of a fake upstream and its habits, which tests may change at any time.

    - `formats`: of the pages, `json` and `html`; one that is missing is never sent.
    - `links`: how pages link to files: with whole URLs (`absolute`), from the page's own URL
      (`relative`), or from a `<base>` (`base`, where JSON has whole URLs).
    - `validators`: what comes with pages and files and is compared: `etag`, `last-modified`.
    - `ranges`: whether files can be had in part; `ignored` promises it and sends the whole file.
    - `gzip`: whether pages are compressed for who wants that.
    - `redirect_names`: whether a name that is not normalised is redirected or answered.
    - `cache_control`: what pages say; empty for nothing.
    - `names`: a function that gives the names of the root page instead of the projects here.
    - `latency`: seconds before each answer.
    """

    def __init__(self, credentials: tuple[str, str] | None, token: str, files: "Site | None") -> None:
        self.formats: set[str] = {"html", "json"}
        self.links: Literal["absolute", "relative", "base"] = "absolute"
        self.validators: set[str] = {"etag", "last-modified"}
        self.ranges: Literal[True, False, "ignored"] = True
        self.gzip = True
        self.redirect_names = True
        self.cache_control = "max-age=600, public"
        self.names: Callable[[], Iterable[str]] | None = None
        self.latency = 0.0
        self._store = files or self
        self._paths: dict[str, OfferedFile] = {}
        self._projects: dict[str, _Project] = {}
        self._serial = 0
        self._lock = threading.RLock()
        basic = ":".join(credentials).encode() if credentials else b""
        told = {f"Bearer {token}": token, f"Basic {base64.b64encode(basic).decode()}": basic}
        self._authorizations = {header for header, given in told.items() if given}

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        raise NotImplementedError

    def add(self, filename: str, content: bytes, **options: Unpack[FileOptions]) -> OfferedFile:
        """Offer a file, or offer it anew; its project begins with its first file."""
        return self._offer(offer(filename, content, **options))

    def add_path(self, filename: str, path: Path, **options: Unpack[FileOptions]) -> OfferedFile:
        """Offer a file of this machine, which is not read into memory."""
        return self._offer(offer(filename, path, **options))

    def url_of(self, file: OfferedFile) -> str:
        """Return the whole URL that pages link to."""
        return file.options.get("url") or self._store.origin + quote(file.path)

    def remove(self, project: str, filename: str | None = None) -> None:
        """Take a file away, or a whole project; the bytes of a project's files stay, as with PyPI."""
        with self._lock:
            if filename is None:
                del self._projects[normalise(project)]
                self._serial += 1
            else:
                file = self._touch(project).files.pop(filename)
                del self._store._paths[file.path]  # noqa: SLF001 - it is another of this class

    def set_status(self, project: str, status: ProjectStatus | str, reason: str = "") -> None:
        """Give the project a status (PEP 792); one that has no files yet begins with this."""
        with self._lock:
            touched = self._touch(project)
            touched.status, touched.reason = status, reason

    def _offer(self, file: OfferedFile) -> OfferedFile:
        with self._lock:
            self._touch(file.project).files[file.filename] = file
            self._store._paths[file.path] = file  # noqa: SLF001 - it is another of this class
        return file

    def _touch(self, name: str) -> _Project:
        self._serial += 1
        project = self._projects.setdefault(normalise(name), _Project())
        project.serial = self._serial
        return project

    def _respond(self, request: Request) -> Answer:
        """Return the answer to a request."""
        if self._authorizations and request.headers.get("authorization", "") not in self._authorizations:
            return Answer(401, {"WWW-Authenticate": 'Basic realm="fake upstream"'}, b"Log in first.\n")
        if request.method not in {"GET", "HEAD"}:
            return Answer(405, {"Allow": "GET, HEAD"})
        path = unquote(request.path)
        with self._lock:
            if path == "/simple/":
                return self._root(request)
            if path.startswith("/simple/"):
                return self._page(request, path.removeprefix("/simple/"))
            if file := self._paths.get(path):
                return self._file(request, file)
            beside = self._paths.get(path.removesuffix(".metadata"))
            return self._metadata(request, beside) if beside else _NOT_FOUND

    def _root(self, request: Request) -> Answer:
        serial, listed = self._serial, sorted(self._projects)
        names = self.names or (lambda: listed)
        media_type, headers = self._page_headers(request, f"root {serial} {self.names}".encode(), serial)
        write = names_json if media_type == JSON else names_html
        packed = "Content-Encoding" in headers
        return _validated(request, headers, lambda: _blocks(write(names(), serial), packed=packed))

    def _page(self, request: Request, rest: str) -> Answer:
        name = rest.removesuffix("/")
        project = self._projects.get(normalise(name))
        if project is None or "/" in name:
            return _NOT_FOUND
        if not rest.endswith("/") or (self.redirect_names and name != normalise(name)):
            return Answer(301, {"Location": f"{self.origin}/simple/{normalise(name)}/"})
        html = choose_type(request.headers.get("accept", ""), self.formats) != JSON
        view = self._view(normalise(name), project, html=html)
        body = page_html(view) if html else page_json(view)
        _, headers = self._page_headers(request, body, project.serial)
        return _validated(request, headers, _gzip(body) if "Content-Encoding" in headers else body)

    def _view(self, name: str, project: _Project, *, html: bool) -> ProjectView:
        here = self.origin + "/packages/"
        up = {"relative": "../../packages/", "base": "" if html else here, "absolute": here}[self.links]

        def url_of(file: OfferedFile) -> str:
            # Files of other hosts can only be linked with whole URLs.
            url = self.url_of(file)
            return up + url.removeprefix(here) if url.startswith(here) else url

        return ProjectView(
            name=name,
            files=tuple(project.files.values()),
            status=project.status,
            reason=project.reason,
            serial=project.serial,
            url_of=url_of,
            base=here if html and self.links == "base" else "",
        )

    def _page_headers(self, request: Request, told: bytes, serial: int) -> tuple[str, dict[str, str]]:
        media_type = choose_type(request.headers.get("accept", ""), self.formats)
        # Seconds are all that a date can tell, and tests change things faster.
        headers = self._headers(media_type.encode() + told, _EPOCH + timedelta(seconds=serial))
        headers["Content-Type"] = f"{media_type}; charset=utf-8" if media_type == "text/html" else media_type
        headers |= {"Vary": "Accept, Accept-Encoding", "X-PyPI-Last-Serial": str(serial)}
        if self.cache_control:
            headers["Cache-Control"] = self.cache_control
        if self.gzip and "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
        return media_type, headers

    def _headers(self, told: bytes, modified_at: datetime) -> dict[str, str]:
        headers = {"Content-Type": "application/octet-stream"}
        if "etag" in self.validators:
            headers["ETag"] = f'"{hashlib.sha256(told).hexdigest()[:32]}"'
        if "last-modified" in self.validators:
            headers["Last-Modified"] = format_datetime(modified_at.replace(microsecond=0), usegmt=True)
        return headers

    def _metadata(self, request: Request, file: OfferedFile) -> Answer:
        if file.metadata is None:
            return _NOT_FOUND
        return _validated(request, self._headers(file.metadata, file.modified_at), file.metadata)

    def _file(self, request: Request, file: OfferedFile) -> Answer:
        headers = self._headers(file.path.encode(), file.modified_at)
        if self.ranges:
            headers["Accept-Ranges"] = "bytes"
        asked = request.headers.get("range", "")
        whole = Part(file.content, 0, file.size) if isinstance(file.content, Path) else file.content
        if self.ranges is not True or not asked or not _same(request, headers):
            return _validated(request, headers, whole)
        try:
            span = parse_range(asked, file.size)
        except Unsatisfiable:
            return Answer(416, {**headers, "Content-Range": f"bytes */{file.size}"})
        if span is None:
            return _validated(request, headers, whole)
        start, stop = span
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{file.size}"
        if isinstance(whole, Part):
            return Answer(206, headers, replace(whole, start=start, stop=stop))
        return Answer(206, headers, memoryview(whole)[start:stop])


def _same(request: Request, headers: dict[str, str]) -> bool:
    """Whether a part continues what the client has already (RFC 9110 §13.1.5)."""
    condition = request.headers.get("if-range")
    return condition is None or condition in {headers.get("ETag"), headers.get("Last-Modified")}


def _validated(
    request: Request, headers: dict[str, str], body: bytes | Part | Callable[[], Iterable[bytes]]
) -> Answer:
    """Return 304 for a client that has this already (RFC 9110 §13.2.2)."""
    asked = request.headers.get("if-none-match")
    known = headers.get("ETag")
    if asked is None:
        asked, known = request.headers.get("if-modified-since"), headers.get("Last-Modified")
    if asked and known and known in asked:
        kept = {"ETag", "Last-Modified", "Cache-Control", "Vary", "X-PyPI-Last-Serial"}
        return Answer(304, {name: value for name, value in headers.items() if name in kept})
    return Answer(200, headers, body)


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, compresslevel=1, mtime=0)


def _blocks(pieces: Iterable[str], *, packed: bool) -> Iterator[bytes]:
    """Join small pieces to blocks, compressed or not."""
    squeeze = zlib.compressobj(1, wbits=31) if packed else None
    waiting: list[str] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= _BLOCK:
            block = "".join(waiting).encode()
            yield squeeze.compress(block) if squeeze else block
            waiting, size = [], 0
    rest = "".join(waiting).encode()
    yield squeeze.compress(rest) + squeeze.flush() if squeeze else rest
