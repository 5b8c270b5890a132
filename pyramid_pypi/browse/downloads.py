"""Counting downloads, off the path of those who download, and telling of them."""

import logging
import threading
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from pyramid_pypi.browse.facts import DayFacts, DownloadFacts
from pyramid_pypi.browse.releases import page_of
from pyramid_pypi.browse.viewer import Viewer
from pyramid_pypi.catalog import Catalog
from pyramid_pypi.catalog import downloads as rows
from pyramid_pypi.catalog.downloads import Downloaded
from pyramid_pypi.errors import BadRequest, Unavailable

__all__ = ["DownloadCounter", "downloads"]

log = logging.getLogger(__name__)

_EVERY = 5.0
"""Seconds for which a count is only in memory."""

_MOST = 100_000
"""How many files may wait for a catalog that is away."""

_MOST_DAYS = 1_000
_FIRST = date(1970, 1, 1)


def downloads(viewer: Viewer, name: str, *, days: int = 90) -> DownloadFacts | None:
    """Return how often files of a project were downloaded, in all and on each of the last `days`.

    None where nobody counts. For a group it is what the repository has that answers for the
    project. Raises ProjectNotFound, Unavailable, BadRequest.
    """
    if not viewer.index.settings.downloads:
        return None
    if not 1 <= days <= _MOST_DAYS:
        raise BadRequest(f"The number of days is between 1 and {_MOST_DAYS}")
    viewer.require(name)
    origin = page_of(viewer.served, name).repository
    # A group may merge the files of several repositories.
    repositories = origin.split(", ")
    first = datetime.now(UTC).date() - timedelta(days=days - 1)
    with viewer.index.catalog.reading() as connection:
        files = rows.by_file(connection, repositories, name)
        counts = rows.by_day(connection, repositories, name, since=(first - _FIRST).days)
    wanted = (first + timedelta(days=more) for more in range(days))
    shown = tuple(DayFacts(day, counts.get((day - _FIRST).days, 0)) for day in wanted)
    return DownloadFacts(origin, name, sum(count for _, count in files), shown, tuple(files))


class DownloadCounter:
    """Adds up downloads and writes them into the catalog, some seconds after the first one.

    Nobody waits for that. What a process has not written when it is killed is lost, and so is what
    comes while too many files wait for a catalog that is away.
    """

    def __init__(self, catalog: Catalog, *, every: float = _EVERY) -> None:
        self._catalog = catalog
        self._every = every
        self._counts: Counter[Downloaded] = Counter()
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._timer: threading.Timer | None = None
        self._is_away = False

    def count(self, downloaded: Iterable[Downloaded]) -> None:
        """Count these, each of them once more."""
        with self._lock:
            for one in downloaded:
                if one in self._counts or len(self._counts) < _MOST:
                    self._counts[one] += 1
            self._write_soon()

    def flush(self) -> None:
        """Write what is waiting; what cannot be written waits on."""
        with self._writing:
            with self._lock:
                counts, self._counts = self._counts, Counter()
                if self._timer is not None:
                    self._timer.cancel()
                    self._timer = None
            try:
                self._write(counts)
            except Unavailable as error:
                with self._lock:
                    self._counts.update(counts)
                    self._write_soon()
                if not self._is_away:
                    log.warning("Downloads are counted and not written down: %s", error)
                self._is_away = True

    def _write(self, counts: Counter[Downloaded]) -> None:
        if counts:
            with self._catalog.writing() as connection:
                rows.add(connection, counts)
            self._is_away = False

    def _write_soon(self) -> None:
        if self._timer is None and self._counts:
            self._timer = threading.Timer(self._every, self.flush)
            self._timer.daemon = True
            self._timer.name = "pypi-downloads"
            self._timer.start()
