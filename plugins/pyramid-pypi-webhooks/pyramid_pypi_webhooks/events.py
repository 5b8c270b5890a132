"""What happened, as data: its name in the settings, when, and what it is about."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from pyramid_pypi.model import File

__all__ = ["Data", "Event", "EventName", "about_file"]

EventName = Literal[
    "file-added",
    "file-removed",
    "file-yanked",
    "file-unyanked",
    "status-changed",
    "upstream-fetched",
    "login-failed",
]

Data: TypeAlias = Mapping[str, str | int | None]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened `at` a time (UTC); `name` is an EventName, or `test`."""

    name: str
    at: datetime
    data: Data

    @property
    def type(self) -> str:
        """The name as receivers get it: parts with full stops between them, as Standard Webhooks has it."""
        return self.name.replace("-", ".")

    @property
    def timestamp(self) -> str:
        """When it was, as receivers get it."""
        return self.at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def about_file(file: File, repository: str) -> dict[str, str | int | None]:
    """Return what is told of a file."""
    return {
        "repository": repository,
        "project": file.project,
        "version": file.version,
        "filename": file.filename,
        "size": file.size,
        "sha256": file.hashes.sha256,
    }
