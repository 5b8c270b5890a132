"""Building what follows other indexes: proxies and their parts."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from pyramid_pypi.model import File, LocalFile
from pyramid_pypi.repositories.proxy import Parts, Proxy
from pyramid_pypi.upstream import Upstream, UpstreamPage
from pyramid_pypi.upstream.backfill import Backfill
from pyramid_pypi.upstream.filecache import FileCache
from pyramid_pypi.upstream.health import Guarded, Health
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
        upstream = Guarded(settings.upstream.build(), Health())
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
        self._parts = Parts(upstream, store, locks, self._pages, names, backfill, files, waiting)

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
        kept = {file.filename: file for file in map(_record, self._store.files(page.name))}
        return replace(page, files=tuple(self._first(file, kept) for file in page.files)) if kept else page

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
        marked = self._parts.store.withdraw(project, reason)
        if not marked or not reason:
            return
        log.warning(
            "%s: the upstream has %s the project %r, of which %d files are kept",
            self._settings.name,
            reason,
            project,
            len(marked),
        )
        if self._settings.withdrawn == "remove" and self._parts.files is not None:
            self._parts.files.remove(marked)

    def _fetched(self, file: File) -> None:
        blob = None if self._storage is None else self._storage.open(file.place)
        self._parts.backfill.learn(file, blob.path if isinstance(blob, LocalFile) else None)
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


def _record(cached: CachedFile) -> File:
    return file_from_bytes(cached.record)
