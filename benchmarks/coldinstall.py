"""Studies of real installers on real wheels: through us and directly from the same upstream."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.environments import environment
from benchmarks.findings import Finding
from benchmarks.followers import EmptyProxpi, OursProxy, RealNginx, fresh
from benchmarks.process import settle
from benchmarks.realproject import INSTALLED, RESOLVED, offer, wheels, write_site
from benchmarks.study import Log
from pyramid_pypi.testing.upstreams import FakeUpstream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.servers import Server
    from benchmarks.study import Bench

LATENCY = 0.03
RATE = 10_000_000
LIMIT = 180
ARMS = ("direct", "ours, cold", "ours, warm", "proxpi, cold", "proxpi, warm")


def install(bench: Bench) -> list[Finding]:
    """Time `uv pip install` of 30 packages, with uv's own cache empty each time."""
    uv = environment(bench.place.root, "uv") / "uv"
    found = []
    with ExitStack() as running:
        least = ""
        for what, url in _upstreams(bench, running):
            log = Log(bench.say)
            least = least or url
            for _ in range(bench.rounds):
                if url != least:
                    log.note("nginx", _install(uv, least))
                _round(bench, url, lambda index: _install(uv, index), log)
            found += _install_findings(f"install, {what}", log)
    return found


def resolve(bench: Bench) -> list[Finding]:
    """Time `uv pip compile` of 103 packages over an index of HTML pages without metadata."""
    uv = environment(bench.place.root, "uv") / "uv"
    log = Log(bench.say)
    with FakeUpstream() as upstream:
        upstream.formats = {"html"}
        upstream.latency = LATENCY
        offer(upstream, wheels(bench.place.root), core_metadata=False)
        for _ in range(bench.rounds):
            upstream.forget()
            _round(bench, upstream.url, lambda index: _compile(uv, index), log)
    what = f"resolution, HTML only, {LATENCY * 1000:.0f} ms a request"
    direct = log["direct"]
    return [
        Finding(f"{what}: direct", "s", direct),
        Finding(f"{what}: ours, cold, against direct", "s", log["ours, cold"], base=direct, at_most=1.0),
        Finding(f"{what}: ours, backfilled, against direct", "s", log["ours, warm"], direct, at_most=1.0),
        Finding(f"{what}: proxpi, cold, against direct", "s", log["proxpi, cold"], base=direct),
        Finding(f"{what}: proxpi, warm, against direct", "s", log["proxpi, warm"], base=direct),
    ]


def _install_findings(what: str, log: Log) -> list[Finding]:
    direct = log["direct"]
    # What is left with a warm cache is uv's own work, which is all there is where the upstream is nginx.
    limits = {"ours, cold": 1.15, "ours, warm": 0.5 if log["nginx"] else 1.15}
    return [
        Finding(f"{what}: the same from nginx without either, against direct", "s", log["nginx"], direct),
        Finding(f"{what}: direct", "s", direct),
        *(
            Finding(f"{what}: {arm}, against direct", "s", log[arm], base=direct, at_most=limits.get(arm))
            for arm in ARMS[1:]
        ),
    ]


def _upstreams(bench: Bench, running: ExitStack) -> Iterator[tuple[str, str]]:
    """Yield the same index without and with latency, and with a limited rate as well."""
    files = wheels(bench.place.root)
    slow = running.enter_context(FakeUpstream())
    slow.links = "relative"
    offered = offer(slow, files, core_metadata=True)
    site = bench.place.root / "real-site"
    write_site(slow, offered, site)
    nginx = RealNginx(replace(bench.place, upstream=""), site)
    nginx.make_ready()
    running.callback(nginx.stop)
    nginx.start("/simple/sphinx/")
    yield "nginx", f"http://127.0.0.1:{nginx.port}/simple/"
    slow.latency = LATENCY
    delay = f"{LATENCY * 1000:.0f} ms a request"
    yield delay, slow.url
    slow.slow("*.whl", RATE)
    yield f"{delay}, {RATE // 1_000_000} MB/s a file", slow.url


def _round(bench: Bench, upstream: str, client: Callable[[str], float], log: Log) -> None:
    """Measure all arms next to each other in time."""
    log.note("direct", client(upstream))
    for kind, who in ((OursProxy, "ours"), (EmptyProxpi, "proxpi")):
        server: Server = fresh(kind, bench.place, upstream)
        try:
            index = f"http://127.0.0.1:{server.port}{server.simple}"
            for state in ("cold", "warm"):
                # What is read behind the pages has time to end before the warm run.
                settle(server.pid)
                log.note(f"{who}, {state}", client(index))
        finally:
            server.stop()


def _install(uv: Path, index: str) -> float:
    directory = tempfile.mkdtemp()
    try:
        return _uv(uv, "install", ("--default-index", index, "--target", directory, *INSTALLED))
    finally:
        shutil.rmtree(directory)


def _compile(uv: Path, index: str) -> float:
    with tempfile.TemporaryDirectory() as directory:
        wanted = Path(directory) / "requirements.in"
        wanted.write_text("\n".join(RESOLVED))
        return _uv(uv, "compile", ("--default-index", index, "-o", f"{directory}/out.txt", str(wanted)))


def _uv(uv: Path, command: str, arguments: tuple[str, ...]) -> float:
    options = ("--python", sys.executable, "--no-config", "--no-cache", "--quiet")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "PIP_"))}
    began = time.perf_counter()
    subprocess.run([str(uv), "pip", command, *options, *arguments], check=True, env=kept, timeout=LIMIT)
    return time.perf_counter() - began
