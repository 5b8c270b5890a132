"""A repository that follows an upstream: its pages are kept, and its files as the settings say."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from pyramid_pypi.distribution import guess_filename
from pyramid_pypi.errors import (
    FileHidden,
    FileMissing,
    ProjectNotFound,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from pyramid_pypi.model import Blob, File, ProjectName, ProjectPage, Redirect, Stream
from pyramid_pypi.upstream import Upstream, UpstreamPage
from pyramid_pypi.upstream.backfill import Backfill
from pyramid_pypi.upstream.filecache import FileCache
from pyramid_pypi.upstream.locks import HostLocks
from pyramid_pypi.upstream.namelist import NameCache
from pyramid_pypi.upstream.pagecache import PageCache
from pyramid_pypi.upstream.passing import passing_stream
from pyramid_pypi.upstream.records import file_from_bytes
from pyramid_pypi.upstream.store import CacheStore, Facts
from pyramid_pypi.upstream.waiting import WaitingRoom

__all__ = ["Parts", "Proxy"]


_LOOK_AGAIN = 5.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What a proxy is made of; `files` is None where bytes are not kept."""

    upstream: Upstream
    store: CacheStore
    locks: HostLocks
    pages: PageCache
    names: NameCache
    backfill: Backfill
    files: FileCache | None
    waiting: WaitingRoom = field(default_factory=WaitingRoom)
    offline: Callable[[], bool] = lambda: False


class Proxy:
    """Offers what an upstream offers, under paths of this index."""

    outside = True

    def __init__(self, name: str, parts: Parts, *, redirects: bool = False) -> None:
        self.name = name
        self.parts = parts
        self.redirects = redirects

    def projects(self) -> Iterable[ProjectName]:
        """Return what the upstream lists, as it was some time ago."""
        return self.parts.names.names()

    def own_projects(self) -> Sequence[ProjectName]:
        """Return none."""
        return ()

    def project(self, name: str) -> ProjectPage:
        """Return the page that is kept, or the upstream's; a quarantined project offers no files."""
        known = self.parts.pages.get(name)
        page = known.page
        self.parts.backfill.schedule(page)
        return ProjectPage(
            repository=self.name,
            name=name,
            display=name,
            files=() if page.status == "quarantined" else self._at_hand(page),
            serial=page.serial,
            status=page.status,
            status_reason=page.status_reason,
            # So that going offline, and coming back, is soon seen.
            fresh_for=min(known.fresh_for, _LOOK_AGAIN),
            stale_for=known.stale_for,
        )

    def file(self, filename: str) -> File:
        """Return the file that the page lists, or one that it has listed and that is kept."""
        parsed = guess_filename(filename)
        if parsed is None:
            raise FileMissing(f"{self.name!r} has no file {filename!r}")
        try:
            page = self.parts.pages.get(parsed.project).page
        except (UpstreamUnavailable, ProjectNotFound) as error:
            kept = self._kept(parsed.project, filename)
            if kept is not None:
                return kept
            if isinstance(error, ProjectNotFound):
                raise FileMissing(error.message) from error
            raise
        if page.status == "quarantined":
            raise FileHidden(f"The project {parsed.project!r} is quarantined and offers no files")
        listed = next((file for file in page.files if file.filename == filename), None)
        found = listed or self._kept(parsed.project, filename)
        if found is None:
            raise FileMissing(f"{self.name!r} has no file {filename!r}")
        return replace(found, key=found.place)

    def open(self, file: File, *, partly: bool = False) -> Blob:
        """Send the client to the upstream, or return what is kept or arriving."""
        if self.redirects:
            return Redirect(self.parts.upstream.file_url(file))
        files = self.parts.files
        if files is not None and self.parts.store.file(file.place) is not None:
            return files.open(file)
        with self.parts.waiting.stay():
            if files is None or (partly and not files.is_here(file)):
                file = self._sized(file)
                if files is None or file.size is not None:
                    return self._passing(file)
            return files.open(file)

    def metadata(self, file: File) -> bytes:
        """Return the metadata that is kept, the upstream's, or what is in the wheel itself."""
        if not file.serves_metadata:
            raise FileMissing(f"{file.filename} has no metadata file")
        return self.parts.backfill.metadata(file)

    def signature(self, file: File) -> Blob:
        """Refuse: indexes have given up signatures."""
        raise FileMissing(f"{file.filename} has no signature here")

    def check(self) -> None:
        """Look whether the cache can be used."""
        self.parts.store.total_size()

    def close(self) -> None:
        """Stop downloads and refreshing, and let connections go."""
        parts = self.parts
        parts.pages.close()
        parts.backfill.close()
        if parts.files is not None:
            parts.files.close()
        parts.upstream.close()
        parts.store.close()
        parts.locks.close()

    def _at_hand(self, page: UpstreamPage) -> tuple[File, ...]:
        """Return the files of a page; offline those that are here, for clients to choose from."""
        if self.parts.files is None or not self.parts.offline():
            return page.files
        here = {kept.place for kept in self.parts.store.files(page.name)}
        return tuple(file for file in page.files if file.place in here)

    def _sized(self, file: File) -> File:
        """Return the file with its size, which its page may lack, and which ranges need."""
        if file.size is not None or self.parts.offline():
            return file
        known = self.parts.store.facts(file.project).get(file.place)
        if known is not None and known.size is not None:
            return replace(file, size=known.size)
        with self.parts.upstream.download(file, 0, 1) as transfer:
            size = transfer.size
        self.parts.store.add_facts(file.place, file.project, Facts(size=size))
        return replace(file, size=size)

    def _passing(self, file: File) -> Stream:
        """Return the bytes as the upstream sends them; asking for them is waiting for it."""
        stream = passing_stream(self.parts.upstream, file)

        def open_range(start: int, stop: int | None) -> Iterator[bytes]:
            if self.parts.offline():
                raise UpstreamTimeout(f"{file.filename} is not here, and {self.name!r} is offline")
            with self.parts.waiting.stay():
                return stream.open(start, stop)

        return replace(stream, open=open_range)

    def _kept(self, project: str, filename: str) -> File | None:
        """Return a file whose bytes are here although its page is gone or cannot be had."""
        for kept in self.parts.store.files(project):
            found = file_from_bytes(kept.record)
            if found.filename == filename and kept.withdrawn != "quarantined":
                return replace(found, key=found.place)
        return None
