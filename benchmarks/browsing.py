"""A study of browsing: pages, search and the API of a large index, and what they cost installers."""

from __future__ import annotations

import json
import statistics
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import quote

from benchmarks.catalogue import fill, name_of
from benchmarks.client import Client
from benchmarks.findings import Finding
from benchmarks.load import Target, wrk
from benchmarks.process import ServerFailed
from benchmarks.servers import Ours
from benchmarks.study import Log
from benchmarks.targets import ACCEPT_HTML

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.study import Bench

PROJECTS, RELEASES = 10_000, 10
SAMPLE = 40
BROWSERS = 4
SECONDS = 6
INDEXED_WITHIN = 600.0
PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
JSON = {"Accept": "application/json"}
TYPED = ("g", "gr", "gra", "grail", "grail ", "grail p", "grail parrot")
QUERIES = {
    "as typed": TYPED,
    "a common word": ("data", "server", "knight"),
    "three words": ("holy cheese vector", "spam test queue"),
    "a whole name": (name_of(17), name_of(4_711)),
    "nothing": ("xylophone",),
    "a field": ("keyword:grail", "summary:parrot", f"requires:{name_of(3)}"),
}


class OursLarge(Ours):
    """The same with a catalog of many projects."""

    name = "ours-large"
    note = "ours, a catalog of many projects"
    count = PROJECTS

    def prepare(self) -> None:
        """Write the catalog, which no upload could in that time."""
        fill(self.catalog, self.directory / "packages", count=self.count, releases=RELEASES)
        (self.directory / "server.ini").write_text(self._configuration())


def browsing(bench: Bench) -> list[Finding]:
    """Measure one server, warm."""
    log = Log(bench.say)
    server = OursLarge(bench.place)
    server.count = PROJECTS // 10 if bench.quick else PROJECTS
    server.make_ready()
    server.start(f"/simple/{name_of(0)}/")
    try:
        with closing(Client(server.port, timeout=60)) as client:
            log.note("indexed", _index(client))
            chosen = [name_of(number) for number in range(0, server.count, server.count // SAMPLE)]
            for _ in range(bench.rounds):
                _pages(client, chosen, log)
                _searches(client, log)
                _api(client, chosen, log)
        for _ in range(bench.rounds):
            _installers(server, chosen, log, 2 if bench.quick else SECONDS)
    finally:
        server.stop()
    return _findings(log, server.count)


def _findings(log: Log, count: int) -> list[Finding]:
    alone, beside = log["simple p50, alone"], log["simple p99, alone"]
    return [
        Finding(f"until {count:,} projects can be found, from the first search", "s", log["indexed"]),
        Finding("project page, first time", "ms", log["project page, first time"]),
        Finding("project page", "ms", log["project page"], at_most=30),
        Finding("page of a release", "ms", log["release page"], at_most=30),
        Finding("root page", "ms", log["root page"], at_most=100),
        *(Finding(f"search page, {kind}", "ms", log[f"search page, {kind}"], at_most=50) for kind in QUERIES),
        Finding("search by the API, as typed", "ms", log["API search"], at_most=50),
        Finding("project by the API", "ms", log["API project"], at_most=30),
        Finding("feed of the newest releases", "ms", log["feed"]),
        Finding("simple page, p50, one client alone", "ms", alone),
        Finding("the same beside 4 that install", "ms", log["simple p50, installers"], alone),
        Finding("the same beside 4 that browse", "ms", log["simple p50, browsers"], alone),
        Finding("simple page, p99, one client alone", "ms", beside),
        Finding("the same beside 4 that install", "ms", log["simple p99, installers"], beside),
        Finding("the same beside 4 that browse", "ms", log["simple p99, browsers"], beside),
        Finding("pages browsed by these 4", "req/s", log["browsed"]),
    ]


def _index(client: Client) -> float:
    """Search until all projects are known; return the seconds that took."""
    began = time.perf_counter()
    while json.loads(_get(client, "/-/api/v1/search?q=grail", JSON))["pending"]:
        if time.perf_counter() - began > INDEXED_WITHIN:
            raise ServerFailed("the projects are not found")
        time.sleep(0.5)
    return time.perf_counter() - began


def _pages(client: Client, chosen: Sequence[str], log: Log) -> None:
    pages = [f"/project/{name}/" for name in chosen]
    first = "project page" if log["project page, first time"] else "project page, first time"
    log.note(first, _median(client, pages, PAGE))
    if first != "project page":
        log.note("project page", _median(client, pages, PAGE))
    log.note("release page", _median(client, [f"{page}1.3/" for page in pages], PAGE))
    log.note("root page", _median(client, ["/"] * 10, PAGE))


def _searches(client: Client, log: Log) -> None:
    for kind, queries in QUERIES.items():
        paths = [f"/search?q={quote(query)}" for query in queries] * 3
        log.note(f"search page, {kind}", _median(client, paths, PAGE))


def _api(client: Client, chosen: Sequence[str], log: Log) -> None:
    base = "/-/api/v1"
    paths = [f"{base}/search?q={quote(query)}" for query in TYPED] * 3
    log.note("API search", _median(client, paths, JSON))
    paths = [f"{base}/repositories/private/projects/{name}" for name in chosen]
    log.note("API project", _median(client, paths, JSON))
    log.note("feed", _median(client, ["/rss/updates.xml"] * 5, PAGE))


def _installers(server: OursLarge, chosen: Sequence[str], log: Log, seconds: int) -> None:
    """Read simple pages with one client: alone, beside others like it, and beside browsers."""
    mine = [Target(f"/simple/{name}/", (("Accept", ACCEPT_HTML),)) for name in chosen]
    accept = tuple(PAGE.items())
    pages = [Target(f"/project/{name}/", accept) for name in chosen]
    pages += [Target(f"/search?q={quote(query)}", accept) for query in TYPED]
    wrk(server, mine, connections=1, seconds=1)
    for what, theirs in (("alone", []), ("installers", mine), ("browsers", pages)):
        rates: list[float] = []
        others = threading.Thread(target=_load, args=(server, theirs, seconds + 2, rates))
        others.start()
        time.sleep(1)
        seen = wrk(server, mine, connections=1, seconds=seconds, wait=False)
        others.join()
        log.note(f"simple p50, {what}", seen.p50)
        log.note(f"simple p99, {what}", seen.p99)
        if theirs is pages:
            log.note("browsed", rates[0])


def _load(server: OursLarge, theirs: list[Target], seconds: int, rates: list[float]) -> None:
    if theirs:
        found = wrk(server, theirs, connections=BROWSERS, seconds=seconds, wait=False)
        rates.append(found.requests / found.seconds)


def _median(client: Client, paths: Sequence[str], headers: dict[str, str]) -> float:
    """Return the median of how long the answers take, in milliseconds."""
    took = []
    for path in paths:
        began = time.perf_counter()
        _get(client, path, headers)
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def _get(client: Client, path: str, headers: dict[str, str]) -> bytes:
    answer = client.get(path, headers)
    if answer.status != 200:
        raise ServerFailed(f"{path} is answered {answer.status}: {answer.body[:200]!r}")
    return answer.body
