"""What is counted while things happen: hooks become counters and histograms."""

import threading
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Histogram

from pyramid_pypi import hookimpl
from pyramid_pypi.model import Answered, File

__all__ = ["Meters"]

_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
_OTHER = "other"
_NOWHERE = "none"
_SIDECARS = (".metadata", ".asc")
_UPSTREAM_FAILED = frozenset({502, 504})


class _Projects:
    """Names of projects as labels: the first ones that come by name, all others as one."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[str] = set()
        self._lock = threading.Lock()

    def label(self, name: str) -> str:
        if name in self._known:
            return name
        with self._lock:
            if len(self._known) >= self._most:
                return _OTHER
            self._known.add(name)
            return name


class _Line(NamedTuple):
    """What is counted of requests with the same route, method and status."""

    requests: Counter
    seconds: Histogram
    bytes: Counter


class Meters:
    """Counts for one index; a client can make no labels but those of what is there."""

    def __init__(self, registry: CollectorRegistry, *, projects: int) -> None:
        self._projects = _Projects(projects)
        self._lines: dict[tuple[str, str, int], _Line] = {}

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"pypi_{name}", text, labels, registry=registry)

        self._requests = counter("requests", "Requests that were answered.", "route", "method", "status")
        self._seconds = Histogram(
            "pypi_request_duration_seconds",
            "Time until the answer to a request began.",
            ("route",),
            registry=registry,
            buckets=_BUCKETS,
        )
        self._bytes = counter("response_bytes", "Bytes of bodies whose size was known.", "route")
        self._downloads = counter("downloads", "Whole files that were fetched.", "repository", "project")
        self._uploads = counter("uploads", "Files that were added.", "repository", "project")
        self._removed = counter("files_removed", "Files that were removed.", "repository")
        self._yanked = counter("files_yanked", "Files that were yanked or un-yanked.", "repository", "action")
        self._statuses = counter("status_changes", "Changes of projects' status.", "repository", "status")
        self._logins = counter("login_failures", "Logins that were refused.")
        self._fetched = counter("upstream_fetches", "Files that came from an upstream.", "repository")
        self._fetched_bytes = counter("upstream_fetched_bytes", "Bytes of these files.", "repository")
        self._failures = counter(
            "upstream_errors", "Requests that failed because an upstream did.", "repository", "status"
        )

    def _line(self, route: str, method: str, status: int) -> _Line:
        return _Line(
            self._requests.labels(route, method, status),
            self._seconds.labels(route),
            self._bytes.labels(route),
        )

    @hookimpl
    def pypi_request_answered(self, request: Answered) -> None:
        method = request.method if request.method in _METHODS else _OTHER
        key = (request.route or _NOWHERE, method, request.status)
        line = self._lines.get(key)
        if line is None:
            # Finding what has certain labels takes longer than all of the rest.
            line = self._lines[key] = self._line(*key)
        line.requests.inc()
        line.seconds.observe(request.seconds)
        if request.size and method != "HEAD":
            line.bytes.inc(request.size)
        if request.status in _UPSTREAM_FAILED and request.repository:
            self._failures.labels(request.repository, request.status).inc()
        if _is_download(request):
            self._downloads.labels(request.repository, self._projects.label(request.project)).inc()

    @hookimpl
    def pypi_file_added(self, file: File, repository: str) -> None:
        self._uploads.labels(repository, self._projects.label(file.project)).inc()

    @hookimpl
    def pypi_file_removed(self, repository: str) -> None:
        self._removed.labels(repository).inc()

    @hookimpl
    def pypi_file_yanked(self, file: File, repository: str) -> None:
        self._yanked.labels(repository, "unyank" if file.yanked is None else "yank").inc()

    @hookimpl
    def pypi_status_changed(self, repository: str, status: str) -> None:
        self._statuses.labels(repository, status).inc()

    @hookimpl
    def pypi_login_failed(self) -> None:
        self._logins.inc()

    @hookimpl
    def pypi_upstream_fetched(self, file: File, repository: str) -> None:
        self._fetched.labels(repository).inc()
        self._fetched_bytes.labels(repository).inc(file.size or 0)


def _is_download(request: Answered) -> bool:
    # Not by `pypi_file_served`, which would take downloads off the fastest way.
    is_file = request.route == "file" and bool(request.project)
    is_whole = request.method == "GET" and request.status == 200
    return is_file and is_whole and not request.file.endswith(_SIDECARS)
