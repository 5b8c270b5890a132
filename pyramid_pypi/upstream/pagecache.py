"""Pages of an upstream, kept: fresh for a while, confirmed, refreshed behind, and stale when needed."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from pyramid_pypi.errors import ProjectNotFound, UpstreamTimeout, UpstreamUnavailable
from pyramid_pypi.upstream._workers import Workers
from pyramid_pypi.upstream.base import Upstream, UpstreamPage, Validator
from pyramid_pypi.upstream.locks import Flights, HostLocks
from pyramid_pypi.upstream.records import page_from_bytes, page_to_bytes
from pyramid_pypi.upstream.store import CacheStore, StoredPage
from pyramid_pypi.upstream.waiting import WaitingRoom

__all__ = ["Ages", "Known", "PageCache", "Reactions"]

log = logging.getLogger(__name__)

_MOST_FILES = 20_000
_LOOK_AGAIN = 5.0
_REFRESHERS = 4
_CLOSING_PATIENCE = 1.0


_UNKNOWN = Validator()


@dataclass(frozen=True, slots=True)
class Ages:
    """For how many seconds what was seen counts.

    Until `ttl` a page is fresh, and for `while_revalidate` longer it is still given while it is
    refreshed behind; for `if_error` longer it is given when the upstream fails (RFC 5861). That a
    project does not exist is believed for `negative`.
    """

    ttl: int = 600
    while_revalidate: int = 60
    if_error: int = 24 * 3600
    negative: int = 60


@dataclass(frozen=True, slots=True)
class Known:
    """A page, for how many seconds it may be repeated, and for how many it is out of date."""

    page: UpstreamPage
    fresh_for: float
    stale_for: int = 0


@dataclass(frozen=True, slots=True)
class Reactions:
    """What else happens, and whether the upstream may be asked at all.

    `prepare` completes a page, `changed` hears of a project whose page is another one now, and
    `withdrawn` of one that the upstream has deleted or quarantined, or has back (an empty reason).
    """

    prepare: Callable[[UpstreamPage], UpstreamPage]
    changed: Callable[[str], None]
    withdrawn: Callable[[str, str], None]
    offline: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class _Entry:
    page: UpstreamPage | None
    checked_at: float
    validator: Validator = _UNKNOWN
    reason: str = ""


class PageCache:
    """The pages of one upstream.

    `locks` keeps other processes of this machine from asking twice; requests wait in `waiting`.
    """

    def __init__(  # noqa: PLR0913 - the last three are keywords
        self,
        upstream: Upstream,
        store: CacheStore,
        locks: HostLocks,
        *,
        ages: Ages,
        reactions: Reactions,
        waiting: WaitingRoom | None = None,
    ) -> None:
        self._upstream = upstream
        self._store = store
        self._locks = locks
        self._ages = ages
        self._reactions = reactions
        self._waiting = waiting or WaitingRoom()
        self.clock: Callable[[], float] = time.time
        self._flights: Flights[_Entry] = Flights()
        self._recent: OrderedDict[str, _Entry] = OrderedDict()
        self._lock = threading.Lock()
        self._files = 0
        self._forgotten = 0
        self._queued: set[str] = set()
        self._behind = Workers(_REFRESHERS, name="pypi-refresh")

    def get(self, name: str) -> Known:
        """Return the page of a project.

        Raises ProjectNotFound when the upstream has said so, UpstreamUnavailable when nothing is
        kept that could be given instead of an answer.
        """
        entry = self._recent.get(name) or self._load(name)
        if entry is None:
            self._refuse_offline(name)
            return self._fresh(self._await(name), name)
        if self._age(entry) < self._limit(entry):
            return self._fresh(entry, name)
        if self._reactions.offline():
            return self._stale(entry, name)
        if entry.page is not None and self._age(entry) < self._ages.ttl + self._ages.while_revalidate:
            self._refresh_soon(name)
            return Known(entry.page, _LOOK_AGAIN)
        try:
            return self._fresh(self._await(name), name)
        except UpstreamUnavailable as error:
            if entry.page is None or self._age(entry) > self._ages.ttl + self._ages.if_error:
                raise
            log.warning("The page of %r is out of date: %s", name, error.message)
            return self._stale(entry, name)

    def kept(self, name: str) -> UpstreamPage | None:
        """Return the page that is kept, however old, without asking anybody."""
        entry = self._recent.get(name) or self._load(name)
        return None if entry is None else entry.page

    def forget(self, name: str) -> None:
        """Have the page completed anew when it is asked for again."""
        with self._lock:
            self._forgotten += 1
            self._drop(name)

    def close(self) -> None:
        """Stop refreshing, and wait a moment for what is on its way."""
        self._behind.close(patience=_CLOSING_PATIENCE)

    def _refuse_offline(self, name: str) -> None:
        if self._reactions.offline():
            raise UpstreamTimeout(f"Nothing is kept of {name!r}, and the repository is offline")

    def _age(self, entry: _Entry) -> float:
        # A clock that was set back must not make a page fresh for ever.
        return abs(self.clock() - entry.checked_at)

    def _limit(self, entry: _Entry) -> int:
        return self._ages.negative if entry.page is None else self._ages.ttl

    def _fresh(self, entry: _Entry, name: str) -> Known:
        if entry.page is None:
            left = max(0.0, self._ages.negative - self._age(entry))
            reason = entry.reason or f"The upstream has no project {name!r}"
            raise ProjectNotFound(reason, believed_for=left)
        return Known(entry.page, max(0.0, self._ages.ttl - self._age(entry)))

    def _stale(self, entry: _Entry, name: str) -> Known:
        if entry.page is None:
            raise ProjectNotFound(f"The upstream had no project {name!r}", believed_for=_LOOK_AGAIN)
        return Known(entry.page, _LOOK_AGAIN, max(1, int(self._age(entry) - self._ages.ttl)))

    def _await(self, name: str) -> _Entry:
        with self._waiting.stay():
            return self._refresh(name)

    def _refresh_soon(self, name: str) -> None:
        with self._lock:
            if name in self._queued:
                return
            self._queued.add(name)
        self._behind.submit(partial(self._refresh_behind, name))

    def _refresh_behind(self, name: str) -> None:
        try:
            self._refresh(name)
        except UpstreamUnavailable as error:
            log.warning("The page of %r cannot be refreshed: %s", name, error.message)
        except Exception:
            log.exception("The page of %r cannot be refreshed", name)
        finally:
            with self._lock:
                self._queued.discard(name)

    def _refresh(self, name: str) -> _Entry:
        def work() -> _Entry:
            with self._locks.hold(f"page {name}"):
                # Somebody else may have asked while this one waited.
                entry = self._load(name) or self._absence(name)
                if entry is not None and self._age(entry) < self._limit(entry):
                    return entry
                return self._ask(name, entry)

        return self._flights.run(name, work)

    def _ask(self, name: str, entry: _Entry | None) -> _Entry:
        known = None if entry is None or entry.page is None else entry
        try:
            page = self._upstream.project(name, None if known is None else known.validator)
        except ProjectNotFound as error:
            # On the disk only what was there once: anybody can ask for any name.
            if known is not None:
                self._store.put_page(StoredPage(name, None, self.clock()))
                self._reactions.withdrawn(name, "deleted")
                self._reactions.changed(name)
            return self._remember(name, _Entry(None, self.clock(), reason=error.message))
        if page is None and known is not None:
            self._store.confirm_page(name, self.clock())
            return self._remember(name, replace(known, checked_at=self.clock()))
        if page is None:
            raise UpstreamUnavailable(f"The upstream says that {name!r} has not changed, without being asked")
        self._keep(name, page, entry)
        return self._complete(name, _Entry(page, self.clock(), page.validator))

    def _keep(self, name: str, page: UpstreamPage, before: _Entry | None) -> None:
        validator = page.validator
        body = page_to_bytes(page)
        self._store.put_page(StoredPage(name, body, self.clock(), validator.etag, validator.last_modified))
        if before is None:
            return
        if page.status == "quarantined":
            self._reactions.withdrawn(name, "quarantined")
        elif before.page is None or before.page.status == "quarantined":
            self._reactions.withdrawn(name, "")
        self._reactions.changed(name)

    def _load(self, name: str) -> _Entry | None:
        stored = self._store.page(name)
        if stored is None:
            return None
        if stored.body is None:
            return self._remember(name, _Entry(None, stored.checked_at))
        validator = Validator(stored.etag, stored.last_modified)
        page = page_from_bytes(stored.body, validator)
        return self._complete(name, _Entry(page, stored.checked_at, validator))

    def _complete(self, name: str, entry: _Entry) -> _Entry:
        began = self._forgotten
        completed = replace(entry, page=entry.page and self._reactions.prepare(entry.page))
        # What was to be forgotten meanwhile may have been this.
        return self._remember(name, completed) if began == self._forgotten else completed

    def _absence(self, name: str) -> _Entry | None:
        """Return what only this process remembers: that there is no such project."""
        entry = self._recent.get(name)
        return entry if entry is not None and entry.page is None else None

    def _remember(self, name: str, entry: _Entry) -> _Entry:
        with self._lock:
            self._drop(name)
            self._recent[name] = entry
            self._files += _weight(entry)
            while self._files > _MOST_FILES and len(self._recent) > 1:
                self._drop(next(iter(self._recent)))
        return entry

    def _drop(self, name: str) -> None:
        entry = self._recent.pop(name, None)
        if entry is not None:
            self._files -= _weight(entry)


def _weight(entry: _Entry) -> int:
    return 10 + (0 if entry.page is None else len(entry.page.files))
