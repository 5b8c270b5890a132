"""Rounds in which every server meets every scenario, next to each other in time.

A neighbour on the machine slows all servers of a round alike, so only the ratios inside one round count.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from benchmarks.process import settle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.load import Sample
    from benchmarks.scenarios import Scenario
    from benchmarks.servers import Server

# A cell that took longer than this is measured once only, so that a slow peer cannot take the evening.
PATIENCE = 12.0

Results = dict[str, dict[str, dict[int, "Sample"]]]


def measure(
    servers: Sequence[Server], scenarios: Sequence[Scenario], rounds: int, say: Callable[[str], None]
) -> Results:
    """Return all samples, by scenario, server and round. The servers must be running."""
    results: Results = defaultdict(lambda: defaultdict(dict))
    done: set[tuple[str, str]] = set()
    for number, scenario, server in _cells(servers, scenarios, rounds):
        key = (scenario.name, server.name)
        if key in done or scenario.name in server.skips:
            continue
        began = time.monotonic()
        sample = _cell(scenario, server, number, say)
        took = time.monotonic() - began
        settle(server.pid)
        if sample is None or (took > PATIENCE and not scenario.last):
            done.add(key)
        if sample is not None:
            results[scenario.name][server.name][number] = sample
            figure = f"{sample.rate:12,.1f} {scenario.unit}"
            say(f"{number + 1} {scenario.name:9} {server.name:20} {figure} {sample.remark}")
    return results


def _cells(
    servers: Sequence[Server], scenarios: Sequence[Scenario], rounds: int
) -> Iterator[tuple[int, Scenario, Server]]:
    loads = [scenario for scenario in scenarios if not scenario.last]
    for number in range(rounds):
        # Every other round runs backwards, so that no server is always the one after the slowest.
        order = servers if number % 2 == 0 else servers[::-1]
        yield from ((number, scenario, server) for scenario in loads for server in order)
    for scenario in scenarios:
        if scenario.last:
            yield from ((number, scenario, server) for number in range(scenario.last) for server in servers)


def _cell(scenario: Scenario, server: Server, number: int, say: Callable[[str], None]) -> Sample | None:
    try:
        return scenario.measure(server, number)
    except Exception as problem:  # noqa: BLE001 - one broken cell must not lose the hour before it
        say(f"{scenario.name} failed on {server.name}: {problem!r}")
        return None


def progress(line: str) -> None:
    """Tell a waiting person how far it is, apart from the report."""
    print(line, file=sys.stderr, flush=True)
