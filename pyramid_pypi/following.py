"""Building what follows other indexes: proxies and their parts."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pyramid_pypi.errors import BlobMissing
from pyramid_pypi.model import File, LocalFile
from pyramid_pypi.repositories.proxy import Parts, Proxy
from pyramid_pypi.upstream import Upstream, UpstreamPage
from pyramid_pypi.upstream.backfill import Backfill
from pyramid_pypi.upstream.filecache import FileCache
from pyramid_pypi.upstream.health import Guarded
from pyramid_pypi.upstream.locks import HostLocks
from pyramid_pypi.upstream.namelist import NameCache
from pyramid_pypi.upstream.pagecache import PageCache, Reactions
from pyramid_pypi.upstream.records import file_from_bytes
from pyramid_pypi.upstream.store import CachedFile, CacheStore
from pyramid_pypi.upstream.waiting import WaitingRoom

if TYPE_CHECKING:
    from pyramid_pypi.plugins import Plugins
    from pyramid_pypi.settings import ProxySettings

__all__ = ["build_proxy"]

log = logging.getLogger(__name__)

_DELETED = "deleted"


def build_proxy(
    settings: "ProxySettings", plugins: "Plugins", changed: Callable[[str], None], waiting: WaitingRoom
) -> Proxy:
    """Return the proxy that `settings` describe; `changed` is told of projects with another page.

    Requests that wait for the upstream do so in `waiting`. Raises StorageUnavailable, and what the
    kinds of upstream and storage raise.
    """
    return _Builder(settings, plugins, changed, waiting).build()


class _Builder:
    """The parts of one proxy, which call each other."""

    def __init__(
        self,
        settings: "ProxySettings",
        plugins: "Plugins",
        changed: Callable[[str], None],
        waiting: WaitingRoom,
    ) -> None:
        self._settings = settings
        self._plugins = plugins
        self._changed = changed
        self._storage = None if settings.storage is None else settings.storage.build()
        upstream = Guarded(settings.upstream.build())
        store = self._store = CacheStore(settings.folder / "cache.db")
        locks = self._locks = HostLocks(settings.folder / "locks")
        if store.follow(_identity(settings)):
            (settings.folder / "names").unlink(missing_ok=True)
        backfill = Backfill(
            upstream,
            store,
            newest=settings.backfill,
            on_change=self._page_changed,
            offline=self._offline,
            local=self._path,
            waiting=waiting,
        )
        self._pages = PageCache(
            upstream,
            store,
            locks,
            ages=settings.ages,
            reactions=Reactions(self._complete, self._page_changed, self._withdrawn, self._offline),
            waiting=waiting,
        )
        names = NameCache(
            upstream,
            settings.folder / "names",
            locks,
            ttl=settings.ages.ttl,
            offline=self._offline,
            waiting=waiting,
        )
        files = self._file_cache(upstream)
        self._parts = Parts(
            upstream, store, locks, self._pages, names, backfill, files, waiting, offline=self._offline
        )

    def build(self) -> Proxy:
        """Return the proxy."""
        return Proxy(self._settings.name, self._parts, redirects=self._settings.files == "redirect")

    def _file_cache(self, upstream: Upstream) -> FileCache | None:
        if self._storage is None:
            return None
        options = FileCache.Options(max_size=self._settings.max_size)
        return FileCache(
            upstream,
            self._storage,
            self._store,
            options,
            locks=self._locks,
            on_fetched=self._fetched,
            offline=self._offline,
        )

    def _offline(self) -> bool:
        signal = self._settings.offline_file
        return self._settings.offline or (signal is not None and signal.exists())

    def _complete(self, page: UpstreamPage) -> UpstreamPage:
        """Return the page with what was found out, and with the old one of a file that has changed.

        Bytes that were seen once belong to a file name for good.
        """
        page = self._parts.backfill.apply(page)
        cached = [(one, file_from_bytes(one.record)) for one in self._store.files(page.name)]
        if not cached:
            return page
        kept = {file.filename: file for _, file in cached}
        listed = {file.filename for file in page.files}
        gone = [one for one, file in cached if file.filename not in listed and not one.withdrawn]
        back = [one for one, file in cached if file.filename in listed and one.withdrawn == _DELETED]
        self._store.mark_files([one.place for one in back], "")
        self._mark(page.name, self._store.mark_files([one.place for one in gone], _DELETED), _DELETED)
        return replace(page, files=tuple(self._first(file, kept) for file in page.files))

    def _first(self, file: File, kept: Mapping[str, File]) -> File:
        first = kept.get(file.filename)
        said = file.hashes.sha256
        if first is None or not said or said == first.hashes.sha256:
            return file
        log.warning(
            "%s: the upstream has other bytes for %s than it had, which is not accepted",
            self._settings.name,
            file.filename,
        )
        return replace(first, yanked=file.yanked)

    def _page_changed(self, project: str) -> None:
        self._pages.forget(project)
        self._changed(project)

    def _withdrawn(self, project: str, reason: str) -> None:
        self._mark(project, self._parts.store.withdraw(project, reason), reason)

    def _mark(self, project: str, marked: list[CachedFile], reason: str) -> None:
        if not marked or not reason:
            return
        log.warning(
            "%s: the upstream has %s what is kept here of %r: %s",
            self._settings.name,
            reason,
            project,
            " ".join(one.place.rpartition("/")[2] for one in marked),
        )
        if self._settings.withdrawn == "remove" and self._parts.files is not None:
            self._parts.files.remove(marked)

    def _path(self, file: File) -> Path | None:
        """Return where the bytes of a file are on this machine, if they are."""
        try:
            blob = None if self._storage is None else self._storage.open(file.place)
        except BlobMissing:
            return None
        return blob.path if isinstance(blob, LocalFile) else None

    def _fetched(self, file: File) -> None:
        self._parts.backfill.learn(file, self._path(file))
        page = self._pages.kept(file.project)
        listed = (one for one in (page.files if page else ()) if one.place == file.place)
        if any(one.size is None or one.hashes.shown is None or one.uploaded_at is None for one in listed):
            self._page_changed(file.project)
        self._plugins.notify("pypi_upstream_fetched", file=file, repository=self._settings.name)


def _identity(settings: "ProxySettings") -> str:
    """Return what tells an upstream from others; how it is asked, with whose name, is not in it."""
    options = settings.upstream.options
    where = getattr(options, "url", None) or getattr(options, "path", "")
    return f"{settings.upstream.kind} {where}"
