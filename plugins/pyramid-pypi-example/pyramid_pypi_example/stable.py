"""A rule that hides pre-releases, also from installers that would take them."""

from dataclasses import dataclass, field
from datetime import datetime

from packaging.version import Version

from pyramid_pypi.distribution import normalise
from pyramid_pypi.model import Decision, File, ProjectPage

__all__ = ["StableRule"]


class StableRule:
    """Hides files of pre-releases and of development releases (PEP 440)."""

    @dataclass(frozen=True, slots=True)
    class Options:
        """What `stable` takes."""

        exempt: tuple[str, ...] = field(default=(), metadata={"help": "projects that may have pre-releases"})

    def __init__(self, options: Options) -> None:
        self._exempt = frozenset(map(normalise, options.exempt))

    def decide(self, file: File, page: ProjectPage, at: datetime) -> Decision | None:  # noqa: ARG002
        if file.project in self._exempt or not _is_prerelease(file.version):
            return None
        return Decision(hide=True, reason=f"{file.version} is a pre-release")


def _is_prerelease(version: str) -> bool:
    try:
        return Version(version).is_prerelease
    except ValueError:
        # Installers take no version that they cannot compare.
        return False
