"""What the pages of an upstream lack or get wrong, found out from the wheels themselves.

An upstream without core metadata beside its wheels (PEP 658) gets it from here: it is read from the
wheel in part, kept, and offered from then on.
"""

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from packaging.version import Version

from pyramid_pypi.distribution import LENIENT, normalise, parse_metadata
from pyramid_pypi.errors import FileMissing, PypiError, UpstreamTimeout, UpstreamUnavailable
from pyramid_pypi.model import File
from pyramid_pypi.upstream._jobs import Jobs
from pyramid_pypi.upstream.base import Upstream, UpstreamPage
from pyramid_pypi.upstream.locks import Flights
from pyramid_pypi.upstream.ranged import (
    MetadataUnreadable,
    RangesUnsupported,
    WheelMetadata,
    metadata_of_local,
    read_wheel_metadata,
)
from pyramid_pypi.upstream.store import CacheStore, Facts
from pyramid_pypi.upstream.waiting import WaitingRoom

__all__ = ["Backfill"]

log = logging.getLogger(__name__)

_MAX_WHEELS = 20
_WITHOUT_RANGES = 600.0
_REST = 60.0
_LOOK_AGAIN = 30.0
_MAX_LOOKED = 10_000


class Backfill:
    """Completes the pages of one upstream, and serves the metadata of its wheels.

    `workers` threads read the metadata of the `newest` versions of a project behind its page; 0 of
    these reads none. `on_change` hears of each project whose page is to be completed anew, from any
    thread, and `offline` says whether the upstream must not be asked. `clock` is in seconds.
    """

    def __init__(  # noqa: PLR0913 - all but two are keywords
        self,
        upstream: Upstream,
        store: CacheStore,
        *,
        workers: int = 4,
        newest: int = 3,
        on_change: Callable[[str], None],
        offline: Callable[[], bool],
        local: Callable[[File], Path | None] = lambda _file: None,
        waiting: WaitingRoom | None = None,
    ) -> None:
        self._upstream = upstream
        self._store = store
        self._newest = newest
        self._on_change = on_change
        self._offline = offline
        self._local = local
        self._waiting = waiting or WaitingRoom()
        self.clock: Callable[[], float] = time.monotonic
        self._flights: Flights[bytes] = Flights()
        self._jobs = Jobs(workers, self._fill, on_change)
        self._looked: dict[str, float] = {}
        self._absent: dict[str, float] = {}
        self._no_ranges_until = 0.0
        self._rests_until = 0.0

    def close(self) -> None:
        """Stop the threads; what is still queued is forgotten."""
        self._jobs.close()

    def apply(self, page: UpstreamPage) -> UpstreamPage:
        """Return the page with what was found out about its files. Raises StorageUnavailable."""
        facts = self._store.facts(page.name)
        if not facts and not self._absent:
            return page
        files = tuple(self._without_absent(_completed(file, facts.get(file.path))) for file in page.files)
        return replace(page, files=files)

    def schedule(self, page: UpstreamPage) -> None:
        """Find out soon what `page`, which `apply` has completed, still lacks."""
        if self._newest and any(map(_lacks, page.files)) and self._may_read() and self._is_time(page.name):
            self._jobs.add(page.name, _lacking(page, self._newest), now=self.clock())

    def metadata(self, file: File) -> bytes:
        """Return the core metadata that the page of `file` offers, of the digest that it shows.

        Raises FileMissing when there is none and UpstreamUnavailable when the upstream does not
        give what it has promised; then the page is put right.
        """
        file = self._completed(file)
        digest = file.metadata_sha256
        if digest is None:
            raise FileMissing(f"No metadata is offered beside {file.filename}")
        body = self._stored(digest) or self._from_here(file)
        if body:
            return body
        if self._offline():
            message = f"The metadata of {file.filename} is not here, and this index is offline"
            raise UpstreamTimeout(message)
        with self._waiting.stay():
            # Somebody else may have fetched it while this one waited.
            return self._flights.run(file.path, lambda: self._stored(digest) or self._fetch(file))

    def learn(self, file: File, path: Path | None) -> None:
        """Read the metadata of a wheel that was cached at `path`, where its page offers none.

        Without a path it is read from the upstream, soon. Never raises: the file is fine without.
        """
        try:
            if path is None:
                if self._newest and _lacks(self._completed(file)) and self._may_read():
                    self._jobs.add(file.project, [file], now=self.clock())
            elif _lacks(self._completed(file)):
                self._keep(file, metadata_of_local(path, file), Facts(size=path.stat().st_size))
                self._on_change(file.project)
        except (PypiError, OSError) as error:
            log.info("Nothing was learnt from %s: %s", file.filename, error)

    def _stored(self, digest: str) -> bytes | None:
        return self._store.metadata(digest) if digest else None

    def _from_here(self, file: File) -> bytes | None:
        """Return what was promised if it is in the wheel and the wheel is here, without asking anybody."""
        path = self._local(file)
        try:
            body = None if path is None else metadata_of_local(path, file)
        except (PypiError, OSError):
            return None
        if body is None or file.metadata_sha256 not in {"", _sha256(body)}:
            return None
        self._keep(file, body, Facts())
        return body

    def _without_absent(self, file: File) -> File:
        """Return the file, for a while without the metadata that lately could not be had."""
        if self._absent.get(file.path, 0.0) < self.clock():
            return file
        return replace(file, metadata_sha256=None)

    def _completed(self, file: File) -> File:
        return _completed(file, self._store.facts(file.project).get(file.path))

    def _fetch(self, file: File) -> bytes:
        body = self._promised(file)
        if body is None:
            return self._from_wheel(file)
        self._keep(file, body, Facts())
        return body

    def _promised(self, file: File) -> bytes | None:
        """Return what the upstream has beside the file, None when it is not what it has promised."""
        try:
            body = self._upstream.metadata(file)
        except FileMissing:
            log.warning("The upstream offers metadata beside %s and does not have it", file.filename)
            return None
        if _fits(body, file):
            return body
        log.warning("The upstream sends other metadata beside %s than it offers", file.filename)
        return None

    def _from_wheel(self, file: File) -> bytes:
        """Return the metadata in the wheel if it is what was promised, and else correct the page."""
        try:
            found = self._read(file)
        except (RangesUnsupported, FileMissing) as error:
            # Perhaps only now, so that it is not written down.
            self._absent[file.path] = self.clock() + _WITHOUT_RANGES
            self._on_change(file.project)
            log.warning("The metadata of %s is not offered for a while: %s", file.filename, error)
            raise FileMissing(f"There is no metadata beside {file.filename} now: {error}") from error
        except MetadataUnreadable as error:
            self._store.add_facts(file.path, file.project, Facts(metadata_sha256=""))
            self._on_change(file.project)
            log.warning("The metadata of %s is not offered any more: %s", file.filename, error)
            raise FileMissing(f"There is no metadata beside {file.filename}: {error}") from error
        self._keep(file, found.body, _facts(found))
        if file.metadata_sha256 in {"", _sha256(found.body)}:
            return found.body
        self._on_change(file.project)
        log.warning("The digest that the upstream gives for the metadata of %s is wrong", file.filename)
        message = f"The upstream promised other metadata than {file.filename} holds; ask for its page again"
        raise UpstreamUnavailable(message)

    def _keep(self, file: File, body: bytes, facts: Facts) -> None:
        """Store the metadata, and only then what makes the page offer it."""
        digest = _sha256(body)
        self._store.put_metadata(digest, body)
        if digest != file.metadata_sha256:
            facts = replace(facts, metadata_sha256=digest)
        if facts != Facts():
            self._store.add_facts(file.path, file.project, facts)

    def _read(self, file: File) -> WheelMetadata:
        """Read the metadata from the wheel, unless the upstream has shown lately that it cannot."""
        if self.clock() < self._no_ranges_until:
            raise RangesUnsupported("The upstream does not send parts of files")
        try:
            return read_wheel_metadata(self._upstream, file)
        except RangesUnsupported as error:
            self._no_ranges_until = self.clock() + _WITHOUT_RANGES
            log.info("No metadata is read from wheels for %.0f seconds: %s", _WITHOUT_RANGES, error)
            raise

    def _is_time(self, project: str) -> bool:
        """Whether the project was not looked at lately; ranking its versions takes milliseconds."""
        now = self.clock()
        if self._looked.get(project, now) > now:
            return False
        if len(self._looked) >= _MAX_LOOKED:
            self._looked.clear()
        self._looked[project] = now + _LOOK_AGAIN
        return True

    def _may_read(self) -> bool:
        """Whether wheels may be read behind pages now."""
        return self.clock() >= max(self._no_ranges_until, self._rests_until) and not self._offline()

    def _fill(self, file: File) -> bool | None:
        """Find out what a page lacks; return whether it is another now, None when it was not tried."""
        if not self._may_read():
            return None
        # Another process may have been faster.
        if not _lacks(self._completed(file)):
            return True
        try:
            found = self._read(file)
        except RangesUnsupported:
            return None
        except (MetadataUnreadable, FileMissing) as error:
            log.info("%s", error)
            return False
        except UpstreamUnavailable as error:
            self._rests_until = self.clock() + max(_REST, error.retry_after)
            log.info("No metadata is read from wheels for a while: %s", error)
            return None
        self._keep(file, found.body, _facts(found))
        return True


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _facts(found: WheelMetadata) -> Facts:
    modified = found.modified_at
    return Facts(found.size, modified_at=None if modified is None else modified.timestamp())


def _completed(file: File, facts: Facts | None) -> File:
    """Return the file with what is known of it beyond its page; of the metadata we know better."""
    if facts is None:
        return file
    if file.size is None and facts.size is not None:
        file = replace(file, size=facts.size)
    if file.uploaded_at is None and facts.modified_at is not None:
        at = datetime.fromtimestamp(facts.modified_at, UTC)
        file = replace(file, uploaded_at=at, time_source="last-modified")
    if facts.sha256 and not file.hashes.known():
        file = replace(file, hashes=replace(file.hashes, sha256=facts.sha256))
    if facts.metadata_sha256 is not None:
        file = replace(file, metadata_sha256=facts.metadata_sha256 or None)
    return file


def _fits(body: bytes, file: File) -> bool:
    """Whether metadata has the promised digest, or without one is about the right release."""
    if file.metadata_sha256:
        return _sha256(body) == file.metadata_sha256
    try:
        said = parse_metadata(body, LENIENT)
    except (PypiError, ValueError, LookupError, RecursionError):
        return False
    return (normalise(said.name), said.version) == (file.project, file.version)


def _lacks(file: File) -> bool:
    return file.metadata_sha256 is None and file.packagetype == "bdist_wheel"


def _lacking(page: UpstreamPage, newest: int) -> list[File]:
    """Return the wheels without metadata of the newest versions; pre-releases and yanked ones last."""
    wheels = [file for file in page.files if file.packagetype == "bdist_wheel"]
    live = {file.version for file in wheels if file.yanked is None}

    def rank(text: str) -> tuple[bool, bool, Version]:
        version = Version(text)
        return text in live, not version.is_prerelease, version

    versions = sorted({file.version for file in wheels}, key=rank, reverse=True)[:newest]
    order = {version: position for position, version in enumerate(versions)}
    wanted = [file for file in wheels if file.version in order and _lacks(file)]
    wanted.sort(key=lambda file: (order[file.version], file.yanked is not None))
    return wanted[:_MAX_WHEELS]
