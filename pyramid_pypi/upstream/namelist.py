"""The list of all projects of an upstream: hundreds of thousands of names, in a file of lines."""

import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from pyramid_pypi.errors import StorageUnavailable, UpstreamTimeout, UpstreamUnavailable
from pyramid_pypi.model import ProjectName
from pyramid_pypi.storage.base import storage_error
from pyramid_pypi.upstream.base import Upstream, Validator
from pyramid_pypi.upstream.locks import Flights, HostLocks
from pyramid_pypi.upstream.waiting import WaitingRoom

__all__ = ["NameCache"]

log = logging.getLogger(__name__)


class NameCache:
    """Keeps the list in the file `path`, sorted by normalised name, and replaces it as a whole.

    After `ttl` seconds it is fetched again, behind the back of whoever asks when there is an older
    one. Its first line has the validator of the list.
    """

    def __init__(  # noqa: PLR0913 - the last three are keywords
        self,
        upstream: Upstream,
        path: Path,
        locks: HostLocks,
        *,
        ttl: int,
        offline: Callable[[], bool],
        waiting: WaitingRoom | None = None,
    ) -> None:
        self._upstream = upstream
        self._path = path
        self._locks = locks
        self._ttl = ttl
        self._offline = offline
        self._waiting = waiting or WaitingRoom()
        self._flights: Flights[None] = Flights()

    def names(self) -> Iterator[ProjectName]:
        """Return the projects by normalised name, read while they are used.

        Raises UpstreamUnavailable when there is no list and none can be had.
        """
        age = self._age()
        if age is None:
            if self._offline():
                raise UpstreamTimeout("No list of projects is kept, and the repository is offline")
            with self._waiting.stay():
                self._refresh()
        elif age > self._ttl and not self._offline() and not self._flights.is_running(""):
            threading.Thread(target=self._refresh_behind, name="pypi-names", daemon=True).start()
        return self._read()

    def _age(self) -> float | None:
        """Return how old the list is, None where there is none."""
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        # Even without projects there is a first line, but a power cut may leave an empty file.
        return abs(time.time() - status.st_mtime) if status.st_size else None

    def _read(self) -> Iterator[ProjectName]:
        try:
            with self._path.open(encoding="utf-8") as stream:
                yield from _parse(stream)
        except OSError as error:
            raise StorageUnavailable(f"The list of projects cannot be read: {error.strerror}") from error

    def _refresh_behind(self) -> None:
        try:
            self._refresh()
        except (UpstreamUnavailable, StorageUnavailable) as error:
            log.warning("The list of projects is out of date: %s", error.message)
        except Exception:
            log.exception("The list of projects cannot be refreshed")

    def _refresh(self) -> None:
        def work() -> None:
            with self._locks.hold("names"):
                age = self._age()
                if age is None or age > self._ttl:
                    self._fetch()

        self._flights.run("", work)

    def _fetch(self) -> None:
        validator = self._validator()
        found = self._upstream.projects(validator)
        if found is None and validator is not None:
            os.utime(self._path)
            return
        if found is None:
            raise UpstreamUnavailable("The upstream says that its list has not changed, without being asked")
        # As text, because that many objects would take hundreds of megabytes.
        lines = sorted({f"{one.name}\t{one.display}\t{one.serial}\n" for one in found.names})
        self._write([f"{found.validator.etag}\t{found.validator.last_modified}\n", *lines])

    def _validator(self) -> Validator | None:
        try:
            with self._path.open(encoding="utf-8") as stream:
                first = stream.readline()
        except FileNotFoundError:
            return None
        etag, _, last_modified = first.rstrip("\n").partition("\t")
        return Validator(etag, last_modified) if first else None

    def _write(self, lines: Iterable[str]) -> None:
        try:
            with tempfile.NamedTemporaryFile(
                "w", encoding="utf-8", dir=self._path.parent, delete=False
            ) as out:
                try:
                    out.writelines(lines)
                    out.flush()
                    Path(out.name).rename(self._path)
                except BaseException:
                    Path(out.name).unlink(missing_ok=True)
                    raise
        except OSError as error:
            raise storage_error(error, "The list of projects cannot be written") from error


def _parse(stream: Iterable[str]) -> Iterator[ProjectName]:
    lines = iter(stream)
    next(lines, None)
    last = ""
    for line in lines:
        name, display, serial = line.rstrip("\n").split("\t")
        # Two spellings of one name are one project.
        if name != last:
            yield ProjectName(name, display, int(serial))
            last = name
