"""What the studies of an upstream share: where they work, and how often they measure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.findings import Finding
    from benchmarks.servers import Place


@dataclass(frozen=True, slots=True)
class Bench:
    """Where servers work, how many rounds there are, and who is told how far it is."""

    place: Place
    rounds: int
    quick: bool
    say: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Study:
    """A chapter of the report."""

    name: str
    title: str
    run: Callable[[Bench], list[Finding]]


@dataclass(slots=True)
class Log:
    """Figures by name, one a round, told as they come."""

    say: Callable[[str], None]
    values: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def note(self, name: str, value: float) -> None:
        """Take the figure of this round."""
        self.values[name].append(value)
        self.say(f"  {name}: {value:,.3f}")

    def __getitem__(self, name: str) -> list[float]:
        return self.values.get(name, [])
