"""The contract of rules."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from pyramid_pypi.model import Decision, File, ProjectPage

__all__ = ["NamedRule", "Rule"]


@runtime_checkable
class Rule(Protocol):
    """Something that hides files of a repository, and says why.

    Every rule of a repository is asked about every file, for its page and each time that the file
    itself is wanted, from several threads; a file that one of them hides is hidden. An exception,
    or an answer that is something else, hides the file until the rule can tell.
    """

    def decide(self, file: File, page: ProjectPage, at: datetime) -> Decision | None:
        """Return what is to become of `file` at the time `at` (UTC); None: no opinion.

        `page` is the project with all its files. A file that is only kept by a proxy is not among
        them. The same question always has the same answer: `at` is the only clock. What
        is shown is kept ready, so time alone never hides it, and only shows what was hidden: at
        `Decision.until`. What an upstream has not told of a file, its time or its size, is None.
        """
        ...


@dataclass(frozen=True, slots=True)
class NamedRule:
    """A rule with its name in the settings, and the repository that it was given to."""

    name: str
    repository: str
    rule: Rule
