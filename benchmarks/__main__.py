"""``python -m benchmarks``: generate, serve, load, compare; see ``benchmarks/README.md``."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.arriving import many_clients, pages_meanwhile
from benchmarks.browsing import browsing
from benchmarks.coldinstall import install, resolve
from benchmarks.corpus import FULL, QUICK, Corpus, generate
from benchmarks.findings import findings_markdown, studies_markdown
from benchmarks.followers import OursGroup, OursProxy
from benchmarks.logins import logins
from benchmarks.peers import Devpi, Proxpi, PypiServer, PypiServerRepaired
from benchmarks.postgresql import catalogs
from benchmarks.reindexing import reindexing
from benchmarks.report import Report
from benchmarks.rootpage import root_page
from benchmarks.rounds import measure, progress
from benchmarks.scenarios import SCENARIOS, Scenario
from benchmarks.servers import Nginx, Ours, OursWithPassword, Place, Server
from benchmarks.study import Bench, Study

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.rounds import Results

ROOT = Path(__file__).parent.parent / ".cache" / "bench"
SERVERS: dict[str, type[Server]] = {
    kind.name: kind
    for kind in (
        Ours,
        OursProxy,
        OursGroup,
        OursWithPassword,
        Nginx,
        Devpi,
        Proxpi,
        PypiServerRepaired,
        PypiServer,
    )
}
STUDIES = (
    Study("crowd", "A new file for many clients at once", many_clients),
    Study("meanwhile", "Pages while new files arrive", pages_meanwhile),
    Study("install", "Installing 30 packages of a real project with `uv`", install),
    Study("resolve", "Resolving a real project of 103 packages with `uv`", resolve),
    Study("logins", "Logins", logins),
    Study("postgresql", "The catalog in PostgreSQL", catalogs),
    Study("browsing", "Browsing a large index", browsing),
    Study("reindex", "Listing everything anew", reindexing),
    Study("names", "The list of all projects", root_page),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the arguments ask for and print the report."""
    options = _parser().parse_args(arguments)
    missing = [program for program in ("wrk", "nginx") if shutil.which(program) is None]
    if missing:
        progress(
            f"benchmarks need {' and '.join(missing)} on the PATH (Debian: apt-get install wrk nginx-light)"
        )
        return 2
    # Being told to stop must unwind the stack below, or the servers would live on.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    scenarios, studies = _chosen(options.only)
    rounds = 1 if options.quick else options.rounds
    sys.stdout.write(_compare(options, scenarios, rounds) if scenarios else "")
    sys.stdout.flush()
    sys.stdout.write(_study(studies, rounds, quick=options.quick) if studies else "")
    return 0


def _compare(options: argparse.Namespace, scenarios: Sequence[Scenario], rounds: int) -> str:
    """Load the servers side by side and return the report."""
    corpus = generate(ROOT, QUICK if options.quick else FULL)
    with ExitStack() as running:
        servers = _start(_names(options.servers), corpus, running)
        results = measure(servers, scenarios, rounds, progress)
        report = Report(results, scenarios, servers, Ours.name).markdown(corpus.describe())
    if options.json:
        options.json.write_text(json.dumps(_plain(results), indent=1))
    return report


def _study(studies: Sequence[Study], rounds: int, *, quick: bool) -> str:
    """Run the studies one after the other and return the report; one that fails is said there."""
    bench = Bench(Place(ROOT, generate(ROOT, QUICK), upstream=""), rounds, quick, progress)
    chapters = []
    for study in studies:
        progress(f"{study.name}: {study.title}")
        try:
            chapters.append(findings_markdown(study.title, study.run(bench)))
        except Exception as problem:  # noqa: BLE001 - one broken study must not lose the others
            progress(f"{study.name} failed: {problem!r}")
            chapters.append(f"## {study.title}\n\nfailed: {problem!r}\n")
    return studies_markdown(chapters)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="one round of a small corpus, to see that all works"
    )
    parser.add_argument("--only", metavar="SCENARIO,…", help=", ".join(_known()))
    parser.add_argument("--servers", metavar="NAME,…", default=",".join(SERVERS), help=", ".join(SERVERS))
    parser.add_argument("--rounds", type=int, default=3, help="rounds of the full corpus (3)")
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write every sample to this file")
    return parser


def _names(listed: str) -> list[str]:
    names: list[str] = listed.split(",")
    unknown = set(names) - SERVERS.keys()
    if unknown:
        raise SystemExit(f"no server called {', '.join(sorted(unknown))}; there are {', '.join(SERVERS)}")
    return names


def _known() -> list[str]:
    return [*(one.name for one in SCENARIOS), *(one.name for one in STUDIES)]


def _chosen(only: str | None) -> tuple[list[Scenario], list[Study]]:
    wanted = _known() if only is None else only.split(",")
    unknown = set(wanted) - set(_known())
    if unknown:
        raise SystemExit(f"nothing is called {', '.join(sorted(unknown))}; there are {', '.join(_known())}")
    scenarios = [one for one in SCENARIOS if one.name in wanted]
    return scenarios, [one for one in STUDIES if one.name in wanted]


def _start(names: Sequence[str], corpus: Corpus, running: ExitStack) -> list[Server]:
    nginx = Nginx(Place(ROOT, corpus, upstream=""))
    place = Place(ROOT, corpus, upstream=f"http://127.0.0.1:{nginx.port}{nginx.simple}")
    servers = [nginx if name == Nginx.name else SERVERS[name](place) for name in names]
    # nginx is started even when it is not asked for, because the caching proxies follow it.
    for server in [nginx, *(one for one in servers if one is not nginx)]:
        began = time.monotonic()
        server.make_ready()
        prepared = time.monotonic() - began
        running.callback(server.stop)
        seconds = server.start()
        progress(
            f"{server.name}: prepared in {prepared:.1f} s, "
            f"first page on port {server.port} in {seconds:.2f} s"
        )
    return servers


def _plain(results: Results) -> dict[str, object]:
    return {
        scenario: {
            name: {number: asdict(sample) for number, sample in rounds.items()}
            for name, rounds in rows.items()
        }
        for scenario, rows in results.items()
    }


if __name__ == "__main__":
    sys.exit(main())
