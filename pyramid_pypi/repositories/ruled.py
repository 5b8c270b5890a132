"""A repository whose files are shown or hidden by rules."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from pyramid_pypi.errors import FileHidden, Forbidden, ProjectNotFound, UpstreamUnavailable
from pyramid_pypi.model import Blob, Decision, File, ProjectName, ProjectPage, Redirect, Ruling
from pyramid_pypi.repositories.base import Repository
from pyramid_pypi.rules.base import NamedRule

__all__ = ["Ruled", "explain", "unruled"]

log = logging.getLogger(__name__)

# Seconds until a rule that has failed is asked again for a page.
_LOOK_AGAIN = 5.0
_NEVER = datetime.max.replace(tzinfo=UTC)


class Ruled:
    """Offers what `source` offers, but for the files that one of the `rules` hides.

    A project whose files are all hidden stays a project, without files, so that nobody else in a
    group answers for it. `clock` tells the time in UTC.
    """

    def __init__(
        self,
        source: Repository,
        rules: Sequence[NamedRule],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.name = source.name
        self.outside = source.outside
        self.source = source
        self.rules = tuple(rules)
        self.clock = clock

    def projects(self) -> Iterable[ProjectName]:
        """Return the projects of the source."""
        return self.source.projects()

    def own_projects(self) -> Sequence[ProjectName]:
        """Return those of the source."""
        return self.source.own_projects()

    def project(self, name: str) -> ProjectPage:
        """Return the page without what is hidden, until the first of that is to be shown.

        Raises Forbidden where the page is elsewhere, and nobody here could hide anything.
        """
        page = self.source.project(name)
        if isinstance(page, Redirect):
            raise Forbidden(f"{name!r} is at {page.url}, which knows nothing of the rules of {self.name!r}")
        at = self.clock()
        # Those that are hidden within too, for those who ask why and until when.
        within = dict.fromkeys(ruling.file for ruling in page.rulings if ruling.decision.hide)
        rulings = tuple(self._rulings((*page.files, *within), page, at))
        hidden = {ruling.file.filename for ruling in rulings if ruling.decision.hide}
        ages = [] if page.fresh_for is None else [page.fresh_for]
        ages += [(one.decision.until - at).total_seconds() for one in rulings if one.decision.until]
        ages += [_LOOK_AGAIN for one in rulings if one.failed]
        return replace(
            page,
            files=tuple(file for file in page.files if file.filename not in hidden),
            fresh_for=min(ages, default=None),
            rulings=(*page.rulings, *rulings),
        )

    def file(self, filename: str) -> File:
        """Return the file of the source. Raises FileHidden with the reason that holds longest."""
        found = self.source.file(filename)
        rulings = self._rulings((found,), self._page(found), self.clock())
        hiding = [ruling for ruling in rulings if ruling.decision.hide]
        if hiding:
            raise FileHidden(explain(max(hiding, key=lambda ruling: ruling.decision.until or _NEVER)))
        return found

    def open(self, file: File, *, partly: bool = False) -> Blob:
        """Open the bytes at the source."""
        return self.source.open(file, partly=partly)

    def metadata(self, file: File) -> bytes:
        """Return the metadata of the source."""
        return self.source.metadata(file)

    def signature(self, file: File) -> Blob:
        """Open the signature at the source."""
        return self.source.signature(file)

    def check(self) -> None:
        """Look at the source."""
        self.source.check()

    def close(self) -> None:
        """Close the source."""
        self.source.close()

    def _page(self, file: File) -> ProjectPage:
        """Return the page of a file, with nothing but the file where only that is kept."""
        try:
            page = self.source.project(file.project)
        except (ProjectNotFound, UpstreamUnavailable):
            page = None
        if isinstance(page, ProjectPage):
            return page
        return ProjectPage(self.name, file.project, file.project, (file,), 0)

    def _rulings(self, files: Iterable[File], page: ProjectPage, at: datetime) -> Iterator[Ruling]:
        """Yield what the rules say about each of the files."""
        for rule in self.rules:
            failed = False
            for file in files:
                try:
                    decision = _checked(rule.rule.decide(file, page, at))
                except Exception:
                    # Once for each page, as there may be thousands of files.
                    if not failed:
                        log.exception(
                            "The rule %r of %r failed for %s", rule.name, rule.repository, file.filename
                        )
                    failed = True
                    yield Ruling(file, rule.name, rule.repository, _FAILED, failed=True)
                else:
                    if decision is not None:
                        yield Ruling(file, rule.name, rule.repository, decision)


_FAILED = Decision(
    hide=True, reason="The rule failed, so nobody knows whether it hides the file; ask the operator"
)


def explain(ruling: Ruling) -> str:
    """Return a sentence that tells who hides a file, until when, and why."""
    decision = ruling.decision
    until = f" until {decision.until:%Y-%m-%d %H:%M} UTC" if decision.until else ""
    return (
        f"{ruling.file.filename} is hidden in {ruling.repository!r}{until} by the rule {ruling.rule!r}: "
        f"{decision.reason}"
    )


def unruled(repository: Repository) -> Repository:
    """Return a repository without the rules around it."""
    while isinstance(repository, Ruled):
        repository = repository.source
    return repository


def _checked(decision: object) -> Decision | None:
    if decision is None or isinstance(decision, Decision):
        return decision
    raise TypeError(f"a rule answers a Decision or None, and not a {type(decision).__name__}")
