"""Hide what is listed."""

from dataclasses import dataclass, field
from datetime import datetime

from pyramid_pypi.model import Decision, File, ProjectPage
from pyramid_pypi.rules import matching

__all__ = ["Deny"]


class Deny:
    """Hides the files for which everything holds that the options say."""

    @dataclass(frozen=True, slots=True)
    class Options:
        """What `deny` takes: at least one of the first three."""

        projects: tuple[str, ...] = field(default=(), metadata={"help": "patterns of normalised names"})
        versions: str = field(default="", metadata={"help": "a version specifier (PEP 440), such as <2.31"})
        files: tuple[str, ...] = field(default=(), metadata={"help": "patterns of file names"})
        reason: str = field(default="", metadata={"help": "a sentence for those who ask why"})

        def __post_init__(self) -> None:
            if not (self.projects or self.versions or self.files):
                raise ValueError("says nothing to hide; set projects, versions or files below it")
            _matches(self)

    def __init__(self, options: Options) -> None:
        self._decision = Decision(hide=True, reason=options.reason or "It is on the list of what is denied")
        self._of_project, self._of_version, self._of_file = _matches(options)

    def decide(self, file: File, page: ProjectPage, at: datetime) -> Decision | None:  # noqa: ARG002
        """Hide the file if it is meant, for good."""
        denied = (
            self._of_project(file.project) and self._of_file(file.filename) and self._of_version(file.version)
        )
        return self._decision if denied else None


def _matches(options: Deny.Options) -> tuple[matching.Match, matching.Match, matching.Match]:
    """Return what looks at names, versions and file names. Raises ValueError."""
    return (
        matching.of_projects(options.projects or ("*",)),
        # What cannot be compared may be what was meant.
        matching.of_versions(options.versions, otherwise=True),
        matching.of_names(options.files or ("*",)),
    )
