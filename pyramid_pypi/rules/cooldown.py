"""Hide what is new, so that somebody else notices first what is wrong with it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from pyramid_pypi.model import Decision, File, ProjectPage
from pyramid_pypi.rules import matching

__all__ = ["Cooldown"]

_LONGEST = 36_500


class Cooldown:
    """Shows a file some days after its upload."""

    @dataclass(frozen=True, slots=True)
    class Options:
        """What `cooldown` takes."""

        days: int = field(metadata={"help": "for how many days after its upload a file is hidden"})
        exempt: tuple[str, ...] = field(
            default=(), metadata={"help": "patterns of normalised names that need not wait"}
        )
        unknown: Literal["hide", "show"] = field(
            default="hide", metadata={"help": "what becomes of files whose upload time nobody knows"}
        )

        def __post_init__(self) -> None:
            if not 1 <= self.days <= _LONGEST:
                raise ValueError(f"days is a number from 1 to {_LONGEST}, and not {self.days}")
            matching.of_projects(self.exempt)

    def __init__(self, options: Options) -> None:
        self._options = options
        self._time = timedelta(days=options.days)
        self._is_exempt = matching.of_projects(options.exempt)
        plural = "" if options.days == 1 else "s"
        self._reason = f"Files are offered {options.days} day{plural} after their upload"

    def decide(self, file: File, page: ProjectPage, at: datetime) -> Decision | None:  # noqa: ARG002
        """Hide the file until it is old enough."""
        if self._is_exempt(file.project):
            return Decision(hide=False, reason="The project is exempt")
        if file.uploaded_at is None:
            hide = self._options.unknown == "hide"
            return Decision(hide=hide, reason=f"{self._reason}, and nobody knows when that was")
        # Not the sum of both, which may be after the end of all time where an upstream says so.
        left = self._time - (at - file.uploaded_at)
        if left <= timedelta():
            return None
        return Decision(hide=True, reason=self._reason, until=_later(at, left))


def _later(at: datetime, left: timedelta) -> datetime | None:
    try:
        return at + left
    except OverflowError:
        return None
