"""A file that has been received and checked, and that a repository may now take."""

from dataclasses import dataclass, field

from pyramid_pypi.distribution import Filename
from pyramid_pypi.model import Hashes
from pyramid_pypi.storage import StagedFile

__all__ = ["Upload"]


@dataclass(frozen=True, slots=True)
class Upload:
    """What `Writable.add` takes; everything in it has been validated against the bytes.

    `display` is the project's name as its authors write it, `size` is in bytes, and
    `core_metadata` is METADATA or PKG-INFO byte for byte, None where the file has none.
    """

    filename: Filename
    display: str
    size: int
    hashes: Hashes
    staged: StagedFile = field(repr=False)
    requires_python: str | None = None
    core_metadata: bytes | None = field(default=None, repr=False)
    signature: bytes | None = field(default=None, repr=False)
    comment: str = ""
    summary: str = ""

    @property
    def project(self) -> str:
        """The normalised name of the project."""
        return self.filename.project

    @property
    def version(self) -> str:
        """The canonical version."""
        return self.filename.version
