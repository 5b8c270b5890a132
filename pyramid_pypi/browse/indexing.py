"""Keeping what is searched up to date, when somebody searches: no upload waits for it."""

import logging
import threading
import unicodedata
from collections.abc import Sequence

from pyramid_pypi.browse.documents import EMPTY, Document, read_document
from pyramid_pypi.browse.releases import by_version, newest
from pyramid_pypi.catalog import Catalog, summaries
from pyramid_pypi.catalog.summaries import Progress, Summary
from pyramid_pypi.catalog.tables import to_microseconds
from pyramid_pypi.distribution import LENIENT, parse_metadata
from pyramid_pypi.errors import InvalidUpload, Unavailable
from pyramid_pypi.model import File, ProjectPage

__all__ = ["Indexing", "fold"]

log = logging.getLogger(__name__)

_AT_ONCE = 50
"""How many projects somebody who searches waits for; they take about a millisecond each."""

_LONGEST = 4_000
"""Characters of a text that are searched."""

_PAUSE = 0.05
"""Seconds for everybody else, between two batches of the thread."""


class Indexing:
    """Makes the summaries of those projects that have changed, the newest change first.

    Any number of processes may do so at the same time. A thread does what is left, one in each
    process, and ends when nothing is.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._turn = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        # The newest serial for which there was nothing left to do.
        self._complete = 0

    def refresh(self) -> int:
        """Make a few summaries now; return how many projects are left, which a thread then does.

        What cannot be written is left out: who searches gets what is there. Raises
        CatalogUnavailable when it cannot be read.
        """
        if self._is_complete():
            return 0
        with self._turn:
            left = self._some()
            if left and self._thread is None and not self._stopped.is_set():
                self._thread = threading.Thread(target=self._run, name="pypi-summaries", daemon=True)
                self._thread.start()
        return left

    def close(self) -> None:
        """Stop the thread."""
        self._stopped.set()
        thread = self._thread
        if thread is not None:
            thread.join()

    def _is_complete(self) -> bool:
        with self._catalog.reading() as connection:
            found = summaries.progress(connection)
        return found.last == self._since(found)

    def _since(self, found: Progress) -> int:
        """Return up to which serial there is nothing to do."""
        # A catalog that was put back from a backup has no summaries, whatever its newest serial is.
        return self._complete if found.begun and found.last >= self._complete else 0

    def _some(self) -> int:
        """Make a few summaries, and return how many are left."""
        with self._catalog.reading() as connection:
            found = summaries.progress(connection)
            since = self._since(found)
            if since == found.last:
                # Somebody else in this process has been quicker.
                return 0
            due = summaries.stale(connection, since, _AT_ONCE)
        pages = (self._catalog.page(repository, name) for repository, name in due)
        made = [self._summary(page) for page in pages if page is not None]
        try:
            self._write(made)
        except Unavailable as error:
            log.warning("What was changed cannot be found yet: %s", error)
            return 0
        if len(due) == _AT_ONCE:
            with self._catalog.reading() as connection:
                left = summaries.count_stale(connection, since)
            if left:
                return left
        # What is written after `found` was read has a serial of its own.
        self._complete = found.last
        return 0

    def _write(self, made: Sequence[Summary]) -> None:
        if made:
            with self._catalog.writing() as connection:
                summaries.write(connection, made)

    def _run(self) -> None:
        while not self._stopped.wait(_PAUSE):
            with self._turn:
                try:
                    left = self._some()
                except Unavailable as error:
                    log.warning("What was changed cannot be found yet: %s", error)
                    left = 0
                if not left:
                    self._thread = None
                    return

    def _summary(self, page: ProjectPage) -> Summary:
        if page.status == "quarantined" or not page.files:
            return Summary(page.repository, page.name, page.serial, page.display)
        releases = by_version(page.files)
        version = newest(releases)
        try:
            document = self._document(releases[version])
        except Unavailable:
            raise
        except Exception:
            # Whatever one project has in it, the others are to be found, and this one by its name.
            log.exception("The metadata of %s %s cannot be read", page.name, version)
            document = EMPTY
        return _summary(page, version, document)

    def _document(self, files: Sequence[File]) -> Document:
        described = [file for file in files if file.metadata_sha256]
        if not described:
            return EMPTY
        best = min(described, key=lambda file: not file.serves_metadata)
        raw = self._catalog.metadata(best.metadata_sha256 or "") or b""
        try:
            # What an older version has taken may take too long to read.
            parse_metadata(raw, LENIENT)
        except InvalidUpload:
            return EMPTY
        return read_document(raw)


def _summary(page: ProjectPage, version: str, document: Document) -> Summary:
    facts = document.facts
    author = (facts.author, facts.author_email, facts.maintainer, facts.maintainer_email)
    about = [_joined(author), _joined(facts.keywords), _joined(facts.classifiers)]
    summary = _clean(facts.summary)[:_LONGEST]
    requires = {one.project for one in facts.requires if one.project}
    return Summary(
        page.repository,
        page.name,
        page.serial,
        page.display,
        version,
        summary,
        max(to_microseconds(file.time) for file in page.files),
        summary_key=fold(summary),
        author=about[0],
        keywords=about[1],
        classifiers=about[2],
        text="\n".join((page.name, fold(page.display), fold(summary), *about)),
        requires=tuple(sorted(name for name in requires if len(name) <= 255)),
    )


def fold(text: str) -> str:
    """Return a text as it is compared: case and ways to write a letter make no difference."""
    return unicodedata.normalize("NFKC", _clean(text)).casefold()


def _joined(texts: Sequence[str]) -> str:
    return fold("\n".join(text for text in texts if text)[:_LONGEST])


def _clean(text: str) -> str:
    """Return a text without what some databases do not take: NUL, and halves of characters."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode()
