"""A study of the list of all projects of an index as large as PyPI."""

from __future__ import annotations

import http.client
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.findings import Finding
from benchmarks.followers import OursGroup, fresh
from benchmarks.process import cpu_microseconds, memory_megabytes, peak_megabytes, reset_peak, settle
from benchmarks.study import Log
from pyramid_pypi.testing.upstreams import FakeUpstream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.servers import Server
    from benchmarks.study import Bench

NAMES = 600_000
LIMIT_MEGABYTES = 200.0
JSON_TYPE = "application/vnd.pypi.simple.v1+json"
CASES = {
    "proxy, JSON": ("/pypi/simple/", JSON_TYPE, "identity"),
    "proxy, HTML": ("/pypi/simple/", "text/html", "identity"),
    "proxy, JSON, gzip": ("/pypi/simple/", JSON_TYPE, "gzip"),
    "group, JSON": ("/simple/", JSON_TYPE, "identity"),
}


@dataclass(frozen=True, slots=True)
class _Seen:
    first: float
    seconds: float
    size: int
    cpu: float
    peak: float


def root_page(bench: Bench) -> list[Finding]:
    """Ask for the page of 600,000 names, first through to the upstream and then from the cache."""
    log = Log(bench.say)
    count = NAMES // 10 if bench.quick else NAMES
    with FakeUpstream() as upstream:
        upstream.names = lambda: _names(count)
        for _ in range(bench.rounds):
            server = fresh(OursGroup, bench.place, upstream.url)
            try:
                _note(log, "first time, proxy, JSON", _ask(server, *CASES["proxy, JSON"]))
                for name, case in CASES.items():
                    _note(log, name, _ask(server, *case))
                log.note("left: RSS", memory_megabytes(server.pid)[0])
            finally:
                server.stop()
    found = []
    for name in ("first time, proxy, JSON", *CASES):
        what = f"{count:,} names, {name}"
        found += [
            Finding(f"{what}: peak RSS", "MB", log[f"{name}: peak"], at_most=LIMIT_MEGABYTES),
            Finding(f"{what}: first byte", "ms", log[f"{name}: first"]),
            Finding(f"{what}: all {log[f'{name}: size'][-1]:.1f} MB", "s", log[f"{name}: seconds"]),
            Finding(f"{what}: server CPU", "s", log[f"{name}: cpu"]),
        ]
    return [*found, Finding("RSS after all", "MB", log["left: RSS"], at_most=LIMIT_MEGABYTES)]


def _names(count: int) -> Iterator[str]:
    return (f"a-{number * 7919 % count:06d}-project" for number in range(count))


def _note(log: Log, name: str, seen: _Seen) -> None:
    log.note(f"{name}: peak", seen.peak)
    log.note(f"{name}: first", seen.first * 1000)
    log.note(f"{name}: seconds", seen.seconds)
    log.note(f"{name}: cpu", seen.cpu)
    log.note(f"{name}: size", seen.size / 1e6)


def _ask(server: Server, path: str, accept: str, encoding: str) -> _Seen:
    settle(server.pid)
    reset_peak(server.pid)
    cpu = cpu_microseconds(server.pid)
    began = time.perf_counter()
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)) as connection:
        connection.request("GET", path, headers={"Accept": accept, "Accept-Encoding": encoding})
        answer = connection.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"{path} is answered {answer.status}: {answer.read(500)!r}")
        size = len(answer.read(1))
        first = time.perf_counter() - began
        while chunk := answer.read(1 << 20):
            size += len(chunk)
    seconds = time.perf_counter() - began
    spent = (cpu_microseconds(server.pid) - cpu) / 1e6
    return _Seen(first, seconds, size, spent, peak_megabytes(server.pid))
