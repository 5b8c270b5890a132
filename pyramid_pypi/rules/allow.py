"""Hide what is not listed."""

from dataclasses import dataclass, field
from datetime import datetime

from pyramid_pypi.model import Decision, File, ProjectPage
from pyramid_pypi.rules import matching

__all__ = ["Allow"]


class Allow:
    """Shows the listed versions of the listed projects, as far as other rules do, and nothing else."""

    @dataclass(frozen=True, slots=True)
    class Options:
        """What `allow` takes."""

        projects: tuple[str, ...] = field(metadata={"help": "patterns of normalised names"})
        versions: str = field(default="", metadata={"help": "a version specifier (PEP 440), such as >=2.31"})
        reason: str = field(default="", metadata={"help": "a sentence for those who ask why"})

        def __post_init__(self) -> None:
            _matches(self)

    def __init__(self, options: Options) -> None:
        reason = options.reason
        self._no_project = Decision(
            hide=True, reason=reason or "The project is not on the list of allowed ones"
        )
        self._no_version = Decision(
            hide=True, reason=reason or f"Only versions {options.versions} are allowed"
        )
        self._of_project, self._of_version = _matches(options)

    def decide(self, file: File, page: ProjectPage, at: datetime) -> Decision | None:  # noqa: ARG002
        """Hide the file unless it is listed."""
        if not self._of_project(file.project):
            return self._no_project
        return None if self._of_version(file.version) else self._no_version


def _matches(options: Allow.Options) -> tuple[matching.Match, matching.Match]:
    """Return what looks at names and at versions. Raises ValueError."""
    of_version = matching.of_versions(options.versions, otherwise=not options.versions)
    return matching.of_projects(options.projects), of_version
