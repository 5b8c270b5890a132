"""Figures that are judged against a target, and their table."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.report import grid, machine, number

if TYPE_CHECKING:
    from collections.abc import Sequence

HEAD = ("", "median", "least", "most", "ratio", "target", "")
HOW_JUDGED = """The ratio is the median of the ratios to the line's base, which its name tells, inside each
round. The target is one of the ratio where there is one, and else of the median."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: a figure of each round, with those of what it is compared with in the same rounds.

    The target is `at_most` or `at_least`; a finding without one is for the reader.
    """

    what: str
    unit: str
    values: Sequence[float]
    base: Sequence[float] = ()
    at_most: float | None = None
    at_least: float | None = None

    @property
    def ratio(self) -> float | None:
        """The median of the ratios inside the rounds, None without a base."""
        pairs = [(value, base) for value, base in zip(self.values, self.base, strict=False) if base]
        return statistics.median(value / base for value, base in pairs) if pairs else None

    @property
    def met(self) -> bool | None:
        """Whether the target is met, None without one."""
        judged = self.ratio if self.base else statistics.median(self.values)
        if judged is None or (self.at_most is None and self.at_least is None):
            return None
        return (self.at_most is None or judged <= self.at_most) and (
            self.at_least is None or judged >= self.at_least
        )

    def cells(self) -> list[str]:
        """Return the line of the table."""
        middle = f"{number(statistics.median(self.values))} {self.unit}"
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}x"
        target = ""
        if self.at_most is not None:
            target = f"at most {number(self.at_most)}"
        elif self.at_least is not None:
            target = f"at least {number(self.at_least)}"
        verdict = {None: "", True: "met", False: "**missed**"}[self.met]
        return [self.what, middle, number(min(self.values)), number(max(self.values)), ratio, target, verdict]


def findings_markdown(title: str, findings: Sequence[Finding]) -> str:
    """Return a chapter of the report."""
    rows = [finding.cells() for finding in findings if finding.values]
    return f"## {title}\n\n{grid(HEAD, rows)}\n"


def studies_markdown(chapters: Sequence[str]) -> str:
    """Return the report of studies alone."""
    return "\n".join(["# Following an upstream\n", machine(), "", HOW_JUDGED, "", *chapters])
