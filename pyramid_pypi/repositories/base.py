"""The contracts of repositories."""

from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

from pyramid_pypi.model import Blob, File, Identity, ProjectName, ProjectPage, ProjectStatus, Redirect
from pyramid_pypi.publish.upload import Upload
from pyramid_pypi.storage import StagedFile

__all__ = ["Repository", "Writable"]


@runtime_checkable
class Repository(Protocol):
    """Something that offers projects. Names arrive normalised (PEP 503).

    Every method may raise Unavailable when what it stands on does not work.
    """

    name: str
    outside: bool
    """Whether what it offers, or a part of it, comes from somewhere else."""

    def projects(self) -> Iterable[ProjectName]:
        """Return every project by normalised name; there may be hundreds of thousands."""
        ...

    def own_projects(self) -> Sequence[ProjectName]:
        """Return those projects by normalised name that are not from somewhere else."""
        ...

    def project(self, name: str) -> ProjectPage | Redirect:
        """Return the project, or where clients are to look for it. Raises ProjectNotFound."""
        ...

    def file(self, filename: str) -> File:
        """Return what is known about a file. Raises FileMissing, FileHidden."""
        ...

    def open(self, file: File, *, partly: bool = False) -> Blob:
        """Return the bytes of a file. Raises FileMissing.

        `partly` tells that only a small part is wanted, so that nobody fetches the whole for it.
        """
        ...

    def metadata(self, file: File) -> bytes:
        """Return the core metadata of a file, byte for byte (PEP 658). Raises FileMissing."""
        ...

    def signature(self, file: File) -> Blob:
        """Return the `.asc` that was uploaded with a file (PEP 503). Raises FileMissing."""
        ...

    def check(self) -> None:
        """Raise Unavailable when what is here cannot be used now; an upstream is not asked."""
        ...

    def close(self) -> None:
        """Stop what is going on."""
        ...


@runtime_checkable
class Writable(Repository, Protocol):
    """A repository that takes files."""

    def project(self, name: str) -> ProjectPage:
        """Return the project. Raises ProjectNotFound."""
        ...

    def stage(self) -> StagedFile:
        """Return a new staged file for an upload; the caller uses it as a context manager."""
        ...

    def add(self, upload: Upload, by: Identity) -> tuple[File, bool]:
        """Store the upload; return the file, and whether it is new.

        The same bytes under the same name are a success that changes nothing. Raises
        FileConflict for other bytes, ProjectClosed for a project that takes no files.
        """
        ...

    def yank(self, file: File, reason: str, by: Identity) -> File:
        """Mark the file as yanked; an empty reason is a reason (PEP 592)."""
        ...

    def unyank(self, file: File, by: Identity) -> File:
        """Take the yank mark from the file."""
        ...

    def delete(self, file: File, by: Identity) -> None:
        """Remove the file. Its name stays reserved for the same bytes."""
        ...

    def set_status(self, name: str, status: ProjectStatus, reason: str, by: Identity) -> None:
        """Set the status marker of a project (PEP 792). Raises ProjectNotFound."""
        ...
