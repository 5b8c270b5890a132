"""What is measured, one function for each way of measuring."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

from benchmarks import download, targets
from benchmarks.environments import environment
from benchmarks.load import Sample, Target, wrk
from benchmarks.process import cpu_microseconds, memory_megabytes, settle
from benchmarks.uploads import forms, upload

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.servers import Server

CELL_SECONDS = 2
MIXED_SECONDS = 4
DOWNLOADERS = 4
DOWNLOAD_RATE = 200_000_000
UPLOADS = 600
UPLOAD_SECONDS = 3.0
INSTALLED = 31
UV_LIMIT = 120


@dataclass(frozen=True, slots=True)
class Scenario:
    """A row of the report. ``measure`` gets the server and the round; ``None`` means not supported.

    ``better`` is 1 where more is better and -1 where less is. ``last`` is not 0 for what is taken after
    all rounds, so many times.
    """

    name: str
    title: str
    unit: str
    measure: Callable[[Server, int], Sample | None]
    better: int = 1
    last: int = 0


@cache
def found(server: Server, find: Callable[[Server], list[Target] | None]) -> list[Target] | None:
    """Find the targets of a scenario, each fetched once: that checks the server and warms it."""
    return find(server)


def pages(find: Callable[[Server], list[Target] | None], connections: int) -> Callable[..., Sample | None]:
    """Measure requests per second."""
    return partial(_requests, find, connections)


def _requests(
    find: Callable[[Server], list[Target] | None], connections: int, server: Server, number: int
) -> Sample | None:
    del number
    mix = found(server, find)
    if mix is None:
        return None
    result = wrk(server, mix, connections=connections, seconds=CELL_SECONDS)
    return Sample(
        rate=result.requests / result.seconds,
        cpu=result.cpu_per_request,
        p50=result.p50,
        p99=result.p99,
        failed=result.failed,
    )


def big_file(connections: int, server: Server, number: int) -> Sample | None:
    """Measure MB per second, CPU for one file of the corpus's large size."""
    del number
    mix = found(server, targets.big)
    if mix is None:
        return None
    result = wrk(server, mix, connections=connections, seconds=CELL_SECONDS)
    files = result.bytes / server.corpus.scale.big
    return Sample(
        rate=result.bytes / result.seconds / 1e6,
        cpu=result.cpu / files if files else None,
        failed=result.failed,
    )


def mixed(server: Server, number: int) -> Sample | None:
    """Measure pages per second while four clients download the large file at 200 MB/s each."""
    del number
    mix, big = found(server, targets.html), found(server, targets.big)
    if mix is None or big is None:
        return None
    clients = [
        download.start(server.port, big[0].path, DOWNLOAD_RATE, MIXED_SECONDS + 1.0)
        for _ in range(DOWNLOADERS)
    ]
    time.sleep(0.5)
    result = wrk(server, mix, connections=8, seconds=MIXED_SECONDS, wait=False)
    received = sum(int(client.communicate(timeout=60)[0]) for client in clients)
    return Sample(
        rate=result.requests / result.seconds,
        p50=result.p50,
        p99=result.p99,
        failed=result.failed,
        remark=f"downloads {received / (MIXED_SECONDS + 1.0) / 1e6:,.0f} MB/s",
    )


def uploads(clients: int, server: Server, number: int) -> Sample | None:
    """Measure uploads per second, at most ``UPLOADS`` in ``UPLOAD_SECONDS``."""
    if server.upload_path is None:
        return None
    prefix = f"upload-{os.getpid()}-{clients}-{number}"
    batches = [forms(f"{prefix}-{client}", UPLOADS // clients) for client in range(clients)]
    settle(server.pid)
    before = cpu_microseconds(server.pid)
    log, seconds = upload(server, batches, UPLOAD_SECONDS)
    done = len(log.latencies)
    if not done:
        return Sample(rate=0.0, failed=log.failed)
    percentiles = (
        statistics.quantiles(log.latencies, n=100, method="inclusive") if done > 1 else [seconds] * 99
    )
    return Sample(
        rate=done / seconds,
        cpu=(cpu_microseconds(server.pid) - before) / done,
        p50=percentiles[49],
        p99=percentiles[98],
        failed=log.failed,
    )


def startup(server: Server, number: int) -> Sample | None:
    """Measure the seconds from the start of the process to the first project page, with a warm page cache."""
    del number
    server.stop()
    return Sample(rate=server.start())


def memory(server: Server, number: int) -> Sample | None:
    """Measure the resident MB of the process tree after everything before it."""
    del number
    resident, proportional = memory_megabytes(server.pid)
    return Sample(rate=resident, remark=f"PSS {proportional:,.0f}")


def uv_install(server: Server, number: int) -> Sample | None:
    """Measure the seconds of ``uv pip install`` of 31 wheels into an empty directory, without uv's cache."""
    del number
    program = environment(server.place.root, "uv") / "uv"
    directory = tempfile.mkdtemp()
    index = f"http://127.0.0.1:{server.port}{server.simple}"
    options = [
        "--python",
        sys.executable,
        "--no-config",
        "--no-cache",
        "--quiet",
        "--default-index",
        index,
        "--target",
        directory,
    ]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "PIP_"))}
    began = time.perf_counter()
    try:
        subprocess.run(
            [str(program), "pip", "install", *options, *server.corpus.ordinary[:INSTALLED]],
            check=True, env=clean, timeout=UV_LIMIT,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Sample(rate=float(UV_LIMIT), failed=1, remark="gave up")
    finally:
        shutil.rmtree(directory)
    return Sample(rate=time.perf_counter() - began)


SCENARIOS = (
    Scenario("html1", "project page, HTML, c1", "req/s", pages(targets.html, 1)),
    Scenario("html", "project page, HTML, c32", "req/s", pages(targets.html, 32)),
    Scenario("html8", "project page, HTML, c8", "req/s", pages(targets.html, 8)),
    Scenario("json", "project page, JSON, c32", "req/s", pages(targets.json, 32)),
    Scenario("304", "304 to If-None-Match, c32", "req/s", pages(targets.conditional, 32)),
    Scenario("page200", "page of 200 files, c4", "req/s", pages(targets.mid, 4)),
    Scenario("page2000", "page of 2,000 files, c4", "req/s", pages(targets.fat, 4)),
    Scenario("root", "root page, c4", "req/s", pages(targets.root, 4)),
    Scenario("file", "small file, c32", "req/s", pages(targets.file, 32)),
    Scenario("metadata", "`.metadata`, c32", "req/s", pages(targets.metadata, 32)),
    Scenario("big1", "100 MB file, c1", "MB/s", partial(big_file, 1)),
    Scenario("big4", "100 MB file, c4", "MB/s", partial(big_file, 4)),
    Scenario("mixed", "pages during 4 downloads, c8", "req/s", mixed),
    Scenario("uv", "`uv pip install`, 31 wheels", "s", uv_install, better=-1),
    Scenario("upload1", "upload, 1 client", "uploads/s", partial(uploads, 1)),
    Scenario("upload4", "upload, 4 clients", "uploads/s", partial(uploads, 4)),
    Scenario("memory", "resident memory after load", "MB", memory, better=-1, last=1),
    Scenario("startup", "start to first page, warm", "s", startup, better=-1, last=3),
)
