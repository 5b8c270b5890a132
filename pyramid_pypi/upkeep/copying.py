"""Copying what one hosted repository has into another one, whatever their storages are."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pyramid_pypi.errors import ProjectNotFound, PypiError
from pyramid_pypi.model import File, ProjectName, ProjectPage
from pyramid_pypi.repositories import Hosted
from pyramid_pypi.repositories.intake import Past
from pyramid_pypi.storage.reading import read_blob
from pyramid_pypi.upkeep.receiving import Described, Incoming, Receiver

__all__ = ["Copier"]


@dataclass(frozen=True, slots=True)
class Copier:
    """Copies files with time, uploader, yank, metadata and signature, and the status of projects.

    What the target has is left as it is, so that a copy that was cut off can be made again.
    """

    source: Hosted
    receiver: Receiver
    patterns: tuple[str, ...] = ()

    def projects(self) -> list[ProjectName]:
        """Return the projects that are copied."""
        return [
            project
            for project in self.source.catalog.projects(self.source.name)
            if not self.patterns or any(fnmatchcase(project.name, pattern) for pattern in self.patterns)
        ]

    def run(self, *, tell: Callable[[int], None] = lambda _: None) -> None:
        """Copy; the receiver's tally says what became of it, `tell` is called with 1 for each project."""
        for project in self.projects():
            page = self.source.catalog.page(self.source.name, project.name)
            if page is not None:
                for file in page.files:
                    self.receiver.take(self._incoming(file, page.display))
                if page.status != "active" and not self.receiver.dry_run:
                    self._mark(page)
            tell(1)

    def _incoming(self, file: File, display: str) -> Incoming:
        storage, catalog = self.source.storage, self.source.catalog

        def describe() -> Described:
            digest = file.metadata_sha256
            body = None if digest is None else catalog.metadata(digest)
            return Described(display, file.requires_python, body, file.comment)

        def signature() -> bytes | None:
            return b"".join(read_blob(storage.open(f"{file.key}.asc"))) if file.signed else None

        def chunks() -> Iterator[bytes]:
            return read_blob(storage.open(file.key))

        return Incoming(
            file.filename,
            chunks,
            sha256=file.hashes.sha256,
            size=file.size,
            past=Past(file.uploaded_at, file.uploaded_by, file.yanked),
            signature=signature,
            described=describe,
        )

    def _mark(self, page: ProjectPage) -> None:
        """Give a project the status that it has at the source, unless it has one of its own."""
        target = self.receiver.hosted
        try:
            with suppress(ProjectNotFound):
                if target.catalog.status(target.name, page.name) == "active":
                    target.set_status(page.name, page.status, page.status_reason, self.receiver.by)
        except PypiError as error:
            self.receiver.tally.problems.append(f"{page.name}: {error.message}")
