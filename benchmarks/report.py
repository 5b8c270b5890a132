"""Markdown tables of medians and of ratios taken inside rounds."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.load import Sample
    from benchmarks.rounds import Results
    from benchmarks.scenarios import Scenario
    from benchmarks.servers import Server

DASH = "-"
HOW_RATIOS = """Rates, or for seconds and MB their inverse: above 1 is better than the peer.
The median of the ratios inside each round; what a server does not support has a dash."""


class Report:
    """The tables of one run."""

    def __init__(
        self, results: Results, scenarios: Sequence[Scenario], servers: Sequence[Server], home: str
    ) -> None:
        self.results = results
        self.scenarios = [scenario for scenario in scenarios if results.get(scenario.name)]
        self.servers = servers
        self.names = [server.name for server in servers]
        self.home = home

    def markdown(self, corpus: str) -> str:
        """Return the whole report; ``corpus`` says what was served."""
        peers = [name for name in self.names if name != self.home]
        parts = ["# Measured side by side", f"{machine()}\n{corpus}", self._legend()]
        if self.home in self.names and peers:
            parts += [
                f"## How many times better {self.home} is",
                HOW_RATIOS,
                self._table(peers, lambda scenario, name: self._ratio(scenario, name, _rate), times),
                f"## How many times less server CPU a request costs {self.home}",
                self._table(
                    peers, lambda scenario, name: self._ratio(scenario, name, _cpu, inverse=True), times
                ),
            ]
        parts += [
            "## Rates, medians of the rounds",
            self._table(
                self.names, lambda scenario, name: self._median(scenario, name, _rate), number, units=True
            ),
            "## Server CPU, µs per request (for the large file: per file)",
            self._table(self.names, lambda scenario, name: self._median(scenario, name, _cpu), number),
            "## Latency p50 / p99, ms",
            self._latencies(),
            self._remarks(),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"

    def _legend(self) -> str:
        return "\n".join(f"* **{server.name}**: {server.note}" for server in self.servers)

    def _samples(self, scenario: Scenario, name: str) -> dict[int, Sample]:
        return self.results[scenario.name].get(name, {})

    def _median(self, scenario: Scenario, name: str, value: Callable[[Sample], float | None]) -> float | None:
        found = [value(sample) for sample in self._samples(scenario, name).values()]
        known = [one for one in found if one is not None]
        return statistics.median(known) if known else None

    def _ratio(
        self, scenario: Scenario, peer: str, value: Callable[[Sample], float | None], *, inverse: bool = False
    ) -> float | None:
        ours, theirs = self._samples(scenario, self.home), self._samples(scenario, peer)
        pairs = [(value(ours[one]), value(theirs[one])) for one in ours.keys() & theirs.keys()]
        ratios = [a / b for a, b in pairs if a and b]
        if not ratios:
            return None
        ratio = statistics.median(ratios)
        return 1 / ratio if inverse or scenario.better < 0 else ratio

    def _table(
        self,
        columns: Sequence[str],
        cell: Callable[[Scenario, str], float | None],
        show: Callable[[float | None], str],
        *,
        units: bool = False,
    ) -> str:
        rows = []
        for scenario in self.scenarios:
            cells = [show(cell(scenario, name)) for name in columns]
            if any(one != DASH for one in cells):
                rows.append([f"{scenario.title} ({scenario.unit})" if units else scenario.title, *cells])
        return grid(["", *columns], rows)

    def _latencies(self) -> str:
        rows = []
        for scenario in self.scenarios:
            middle = [self._median(scenario, name, lambda sample: sample.p50) for name in self.names]
            tail = [self._median(scenario, name, lambda sample: sample.p99) for name in self.names]
            if any(middle):
                cells = [
                    DASH if a is None else f"{a:,.2f} / {b:,.2f}" for a, b in zip(middle, tail, strict=True)
                ]
                rows.append([scenario.title, *cells])
        return grid(["", *self.names], rows)

    def _remarks(self) -> str:
        lines = []
        for scenario in self.scenarios:
            for name in self.names:
                samples = self._samples(scenario, name).values()
                failed = sum(sample.failed for sample in samples)
                said = [sample.remark for sample in samples if sample.remark]
                words = said[-1:] + ([f"{failed:,} failed"] if failed else [])
                if words:
                    lines.append(f"* {scenario.title}, {name}: {', '.join(words)}")
        return "## Remarks\n\n" + "\n".join(lines) if lines else ""


def machine() -> str:
    """Say what this was measured on, and how busy it was."""
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    return (
        f"{os.cpu_count()} CPUs, {platform.system()}, Python {platform.python_version()}, "
        f"{_version('nginx', '-v')}, {_version('wrk', '-v')}; load average at the end {load}."
    )


def number(value: float | None) -> str:
    """Show a figure with as many digits as mean something."""
    if value is None:
        return DASH
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def times(value: float | None) -> str:
    """Show a ratio."""
    return DASH if value is None else f"{number(value)}x"


def _rate(sample: Sample) -> float | None:
    return sample.rate


def _cpu(sample: Sample) -> float | None:
    return sample.cpu


def grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _version(program: str, option: str) -> str:
    answer = subprocess.run([program, option], capture_output=True, text=True, check=False)
    return (answer.stdout + answer.stderr).splitlines()[0].partition("Copyright")[0].strip()
