"""Studies of files while they arrive from an upstream: many clients, memory, and pages meanwhile."""

from __future__ import annotations

import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from benchmarks import crowd, targets
from benchmarks.client import Client, links
from benchmarks.findings import Finding
from benchmarks.followers import EmptyProxpi, Mixed, OursGroup, fresh
from benchmarks.load import wrk
from benchmarks.process import cpu_microseconds, peak_megabytes, reset_peak, settle
from benchmarks.study import Log
from benchmarks.wheels import big_wheel, wheel_filename
from pyramid_pypi.testing.upstreams import FakeUpstream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.servers import Server
    from benchmarks.study import Bench

MB = 1_000_000
CLIENTS = 50
RATE = 50 * MB
SLOW_START = 0.5
READERS = 8
DOWNLOADS = 4
DOWNLOAD_RATE = 5 * MB
PAGE_SECONDS = 3


def many_clients(bench: Bench) -> list[Finding]:
    """Let 50 clients ask at once for the same wheel that nobody has asked for before."""
    size = (10 if bench.quick else 100) * MB
    log = Log(bench.say)
    with FakeUpstream() as upstream:
        _offer(upstream, bench, "crowd", size)
        for _ in range(bench.rounds):
            for kind, who in ((OursGroup, "ours"), (EmptyProxpi, "proxpi")):
                for speed in ("full speed", "50 MB/s"):
                    _crowd_cell(upstream, bench, (kind, who, speed), log)
            _slow_start(upstream, bench, log)
    return [*_crowd_findings(log, size), *memory(bench)]


def memory(bench: Bench) -> list[Finding]:
    """Compare the peak of the server's memory for small and large files that arrive."""
    sizes = (10, 30) if bench.quick else (10, 100, 300)
    log = Log(bench.say)
    with FakeUpstream() as upstream:
        for size in sizes:
            _offer(upstream, bench, f"memory-{size}", size * MB)
        for _ in range(bench.rounds):
            for size in sizes:
                with _running(OursGroup, bench, upstream) as server:
                    path = _path(server.port, server.page(f"memory-{size}"))
                    before = reset_peak(server.pid)
                    crowd.finish(crowd.start(server.port, path, READERS))
                    log.note(f"{size} MB", peak_megabytes(server.pid) - before)
    least = log[f"{sizes[0]} MB"]
    return [
        Finding(
            f"memory gained, {READERS} clients, a new file of {size} MB",
            "MB",
            log[f"{size} MB"],
            base=least if size != sizes[0] else (),
            at_most=2.0 if size != sizes[0] else None,
        )
        for size in sizes
    ]


def pages_meanwhile(bench: Bench) -> list[Finding]:
    """Compare hosted pages a second with and without slow downloads of new files."""
    log = Log(bench.say)
    seconds = PAGE_SECONDS + 6
    with FakeUpstream() as upstream:
        for number in range(DOWNLOADS):
            _offer(upstream, bench, f"slow-{number}", seconds * DOWNLOAD_RATE)
        for _ in range(bench.rounds):
            with _running(Mixed, bench, upstream) as server:
                _pages_cell(server, upstream, log)
    what = f"{DOWNLOADS} downloads of new files at {DOWNLOAD_RATE // MB} MB/s each"
    past = log["past"]
    return [
        Finding("hosted pages, c8, before", "req/s", log["before"]),
        Finding(f"the same during {what} past this server, against before", "req/s", past, log["before"]),
        Finding("the same through this server, against past it", "req/s", log["through"], past, at_least=0.8),
        Finding("latency p50, through it, against past it", "ms", log["p50 through"], log["p50 past"]),
        Finding("latency p99, through it, against past it", "ms", log["p99 through"], log["p99 past"]),
        Finding("server CPU, through it, against past it", "µs/page", log["cpu through"], log["cpu past"]),
    ]


def _pages_cell(server: Server, upstream: FakeUpstream, log: Log) -> None:
    # The group has the hosted repository as its first member.
    mix = targets.html(server)
    if mix is None:
        raise RuntimeError("the hosted pages are not answered")
    wrk(server, mix, connections=8, seconds=1)
    for name, port in (("before", 0), ("past", upstream.port), ("through", server.port)):
        page = server.page if name == "through" else "/simple/{}/".format
        paths = [_path(port, page(f"slow-{number}")) for number in range(DOWNLOADS if port else 0)]
        upstream.forget()
        upstream.slow("*.whl", DOWNLOAD_RATE)
        clients = [crowd.start(port, path, 1) for path in paths]
        upstream.wait_for("*.whl", len(paths))
        result = wrk(server, mix, connections=8, seconds=PAGE_SECONDS, wait=not clients)
        if upstream.open_transfers != len(paths):
            raise RuntimeError("the downloads ended before the pages were measured")
        log.note(name, result.requests / result.seconds)
        log.note(f"cpu {name}", result.cpu_per_request or 0.0)
        log.note(f"p50 {name}", result.p50)
        log.note(f"p99 {name}", result.p99)
        upstream.clear_faults()
        for client in clients:
            crowd.finish(client)


def _crowd_cell(upstream: FakeUpstream, bench: Bench, cell: tuple[type[Server], str, str], log: Log) -> None:
    kind, who, speed = cell
    with _running(kind, bench, upstream) as server:
        path = _path(server.port, server.page("crowd"))
        upstream.forget()
        if speed != "full speed":
            upstream.slow("*.whl", RATE)
        direct = _direct(upstream)
        settle(server.pid)
        upstream.forget()
        before = cpu_microseconds(server.pid)
        seen = crowd.finish(crowd.start(server.port, path, CLIENTS))
        upstream.clear_faults()
        label = f"{who}, {speed}"
        log.note(f"{label}: downloads", upstream.count("*.whl", method="GET"))
        log.note(f"{label}: failed", seen.failed)
        log.note(f"{label}: cpu", (cpu_microseconds(server.pid) - before) / 1e6)
        if seen.ends:
            log.note(f"{label}: spread", seen.spread)
            log.note(f"{label}: seconds", seen.seconds)
            log.note(f"{label}: first byte", (min(seen.firsts) - seen.began) * 1000 - direct)
            log.note(f"{label}: last first byte", (max(seen.firsts) - seen.began) * 1000 - direct)


def _direct(upstream: FakeUpstream) -> float:
    """Return how long the upstream itself takes to the first byte, in ms."""
    path = _path(upstream.port, "/simple/crowd/")
    seen = crowd.finish(crowd.start(upstream.port, path, 1))
    return (min(seen.firsts) - seen.began) * 1000


def _slow_start(upstream: FakeUpstream, bench: Bench, log: Log) -> None:
    with _running(OursGroup, bench, upstream) as server:
        path = _path(server.port, server.page("crowd"))
        upstream.forget()
        stall = upstream.stall("*.whl")
        clients = crowd.start(server.port, path, CLIENTS)
        stall.wait_until_held()
        time.sleep(SLOW_START)
        released = time.monotonic()
        stall.release()
        seen = crowd.finish(clients)
        upstream.clear_faults()
        log.note("slow start: downloads", upstream.count("*.whl", method="GET"))
        log.note("slow start: failed", seen.failed)
        log.note("slow start: first byte", (min(seen.firsts) - released) * 1000)
        log.note("slow start: last first byte", (max(seen.firsts) - released) * 1000)


def _crowd_findings(log: Log, size: int) -> list[Finding]:
    found = []
    for who in ("ours", "proxpi"):
        limits = who == "ours"
        for speed in ("full speed", "50 MB/s"):
            label = f"{who}, {speed}"
            what = f"{who}, {CLIENTS} clients, {size // MB} MB, {speed}"
            spread, first = (1.2, 50.0) if limits else (None, None)
            found += [
                Finding(f"{what}: upstream downloads", "", log[f"{label}: downloads"], at_most=1.0)
                if limits
                else Finding(f"{what}: upstream downloads", "", log[f"{label}: downloads"]),
                Finding(f"{what}: clients that failed", "", log[f"{label}: failed"]),
                Finding(f"{what}: last / first client", "x", log[f"{label}: spread"], at_most=spread),
                Finding(f"{what}: all done", "s", log[f"{label}: seconds"]),
                Finding(f"{what}: server CPU", "s", log[f"{label}: cpu"]),
                Finding(
                    f"{what}: first byte after the upstream's", "ms", log[f"{label}: first byte"],
                    at_most=first,
                ),
                Finding(f"{what}: the last client's", "ms", log[f"{label}: last first byte"]),
            ]  # fmt: skip
    what = f"ours, {CLIENTS} clients, upstream silent for 0.5 s"
    return [
        *found,
        Finding(f"{what}: upstream downloads", "", log["slow start: downloads"], at_most=1.0),
        Finding(
            f"{what}: first byte after the upstream's", "ms", log["slow start: first byte"], at_most=50.0
        ),
        Finding(f"{what}: the last client's", "ms", log["slow start: last first byte"], at_most=50.0),
    ]


def _offer(upstream: FakeUpstream, bench: Bench, project: str, size: int) -> None:
    path = _wheel(bench.place.root / "arriving", project, size)
    upstream.add_path(path.name, path)


def _wheel(folder: Path, project: str, size: int) -> Path:
    path = folder / f"{size}" / wheel_filename(project, "1.0")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(big_wheel(project, "1.0", size))
    return path


def _path(port: int, page: str) -> str:
    with closing(Client(port)) as client:
        return links(page, client.get(page, {"Accept": "text/html"}).body)[0]


@contextmanager
def _running(kind: type[Server], bench: Bench, upstream: FakeUpstream) -> Iterator[Server]:
    server = fresh(kind, bench.place, upstream.url)
    try:
        yield server
    finally:
        upstream.clear_faults()
        server.stop()
