"""What is wrong with the settings, and how it is told."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyramid_pypi.errors import SettingsError

__all__ = ["Problem", "UnusableSettings"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: the full key, the reason, what is allowed, what may have been meant.

    None of it shows the value of a secret.
    """

    key: str
    reason: str
    allowed: tuple[str, ...] = ()
    nearest: str | None = None

    def __str__(self) -> str:
        lines = [f"{self.key}: {self.reason}"]
        if self.nearest is not None:
            lines.append(f"    did you mean: {self.nearest}")
        if self.allowed:
            lines.append(f"    allowed: {', '.join(self.allowed)}")
        return "\n".join(lines)


class UnusableSettings(SettingsError):
    """The settings cannot be used; `problems` has every reason, the message shows them all."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        blocks = "\n".join(str(problem) for problem in self.problems)
        super().__init__(f"The settings cannot be used, {count}:\n\n{blocks}")
