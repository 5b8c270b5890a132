"""``python -m benchmarks.inprocess``: CPU time of a request inside the application, without a socket.

Process CPU time is steady on a busy machine, where requests per second are not; the line of the empty
application says what the loop itself costs and calibrates one machine against another.
"""

from __future__ import annotations

import io
import logging
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from wsgiref.util import setup_testing_defaults

from benchmarks.targets import ACCEPT_HTML, ACCEPT_JSON
from benchmarks.uploads import forms
from pyramid_pypi import main as make_application

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

SERIES = 7
CALLS = 2000
PROJECT = "inprocess-0"


@dataclass(frozen=True, slots=True)
class Case:
    """A request that is repeated; ``before`` is called ahead of each, and its cost taken off."""

    title: str
    environ: dict[str, Any]
    status: str
    before: Callable[[], object] | None = None
    calls: int = CALLS


def request(path: str, **more: str) -> dict[str, Any]:
    """Return the environment of a GET request, as waitress would make it."""
    environ: dict[str, Any] = {"PATH_INFO": path, "QUERY_STRING": "", "REMOTE_ADDR": "127.0.0.1", **more}
    setup_testing_defaults(environ)
    return environ


def call(application: WSGI, environ: dict[str, Any]) -> tuple[str, dict[str, str], bytes]:
    """Send one request; its status line, headers and body."""
    seen: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: object) -> Callable[[bytes], object]:
        seen.extend((status, dict(headers)))
        return lambda _chunk: None

    chunks = application(dict(environ), start_response)
    body = b"".join(chunks)
    close = getattr(chunks, "close", None)
    if close is not None:
        close()
    return seen[0], seen[1], body


def measure(application: WSGI, case: Case) -> float:
    """Return the median over the series of the CPU time of one request, in µs."""
    status = call(application, case.environ)[0]
    if not status.startswith(case.status):
        raise SystemExit(f"{case.title}: {status} instead of {case.status}")
    series = [_series(application, case) for _ in range(SERIES)]
    return statistics.median(series) * 1e6


def _series(application: WSGI, case: Case) -> float:
    idle = 0.0
    if case.before is not None:
        began = time.process_time()
        for _ in range(case.calls):
            case.before()
        idle = time.process_time() - began
    began = time.process_time()
    for _ in range(case.calls):
        if case.before is not None:
            case.before()
        call(application, case.environ)
    return (time.process_time() - began - idle) / case.calls


def cases(application: Any) -> list[Case]:
    """Return the cases, whose pages must exist."""
    page = f"/simple/{PROJECT}/"
    etag = call(application, request(page, HTTP_ACCEPT=ACCEPT_HTML))[1]["ETag"]
    # A query string is more than the ready bytes are kept for, so the router is asked.
    around = request(page, HTTP_ACCEPT=ACCEPT_HTML, QUERY_STRING="around=1")
    forget = application.index.pages.clear
    return [
        Case("project page, HTML, ready", request(page, HTTP_ACCEPT=ACCEPT_HTML), "200"),
        Case("project page, JSON, ready", request(page, HTTP_ACCEPT=ACCEPT_JSON), "200"),
        Case("304, ready", request(page, HTTP_ACCEPT=ACCEPT_HTML, HTTP_IF_NONE_MATCH=etag), "304"),
        Case("project page through the router", around, "200"),
        Case("304 through the router", {**around, "HTTP_IF_NONE_MATCH": etag}, "304"),
        Case("404", request("/simple/no-such-project/", HTTP_ACCEPT=ACCEPT_HTML), "404", calls=500),
        Case("page of 10 files rendered from the catalog", around, "200", before=forget, calls=300),
    ]


def publish(application: WSGI) -> None:
    """Upload one project of ten files."""
    for body, content_type in forms("inprocess", 10):
        environ = request(
            "/", REQUEST_METHOD="POST", CONTENT_TYPE=content_type, CONTENT_LENGTH=str(len(body))
        )
        status, _, answer = call(application, {**environ, "wsgi.input": io.BytesIO(body)})
        if not status.startswith("200"):
            raise SystemExit(f"upload: {status} {answer!r}")


def empty(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:  # noqa: ARG001
    """Answer nothing, for the cost of the loop."""
    start_response("200 OK", [])
    return (b"",)


def main() -> None:
    """Print a Markdown table."""
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as directory:
        application = make_application({}, **settings(Path(directory)))
        try:
            publish(application)
            print("| request | CPU µs, median of 7 |\n| --- | --: |")
            loop = measure(empty, Case("loop", request("/"), "200"))
            print(f"| (the loop and an empty application) | {loop:.2f} |")
            for case in cases(application):
                print(f"| {case.title} | {measure(application, case):.1f} |", flush=True)
        finally:
            application.close()


def settings(directory: Path) -> dict[str, str]:
    """Return what an ini for one open repository would say."""
    return {
        "pypi.catalog": f"sqlite:///{directory}/catalog.db",
        "pypi.repositories": "private",
        "pypi.repo.private": "hosted",
        "pypi.repo.private.storage": "filesystem",
        "pypi.repo.private.storage.path": f"{directory}/packages",
        "pypi.repo.private.read": "everyone",
        "pypi.repo.private.upload": "everyone",
        "pypi.access_log": "false",
    }


if __name__ == "__main__":
    main()
