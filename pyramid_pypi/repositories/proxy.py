"""A repository that follows an upstream: its pages are kept, and its files as the settings say."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from pyramid_pypi.distribution import guess_filename
from pyramid_pypi.errors import FileHidden, FileMissing, ProjectNotFound, UpstreamUnavailable
from pyramid_pypi.model import Blob, File, ProjectName, ProjectPage, Redirect
from pyramid_pypi.upstream import Upstream
from pyramid_pypi.upstream.backfill import Backfill
from pyramid_pypi.upstream.filecache import FileCache
from pyramid_pypi.upstream.locks import HostLocks
from pyramid_pypi.upstream.namelist import NameCache
from pyramid_pypi.upstream.pagecache import PageCache
from pyramid_pypi.upstream.passing import passing_stream
from pyramid_pypi.upstream.records import file_from_bytes
from pyramid_pypi.upstream.store import CacheStore
from pyramid_pypi.upstream.waiting import WaitingRoom

__all__ = ["Parts", "Proxy"]


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
            files=() if page.status == "quarantined" else page.files,
            serial=page.serial,
            status=page.status,
            status_reason=page.status_reason,
            fresh_for=known.fresh_for,
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
        if files is None or (partly and file.size is not None and not files.is_here(file)):
            return passing_stream(self.parts.upstream, file)
        if self.parts.store.file(file.place) is not None:
            return files.open(file)
        with self.parts.waiting.stay():
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

    def _kept(self, project: str, filename: str) -> File | None:
        """Return a file whose bytes are here although its page is gone or cannot be had."""
        for kept in self.parts.store.files(project):
            found = file_from_bytes(kept.record)
            if found.filename == filename and kept.withdrawn != "quarantined":
                return replace(found, key=found.place)
        return None
