"""The words of the project as frozen data. Nothing here knows HTTP, SQL or Pyramid."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeAlias

__all__ = [
    "ANONYMOUS",
    "AUTHENTICATED",
    "EVERYONE",
    "PERMISSIONS",
    "Blob",
    "Change",
    "Credentials",
    "File",
    "Hashes",
    "Identity",
    "LocalFile",
    "PackageType",
    "Permission",
    "ProjectName",
    "ProjectPage",
    "ProjectStatus",
    "Redirect",
    "RemovedFile",
    "StoredBlob",
    "Stream",
]

EVERYONE = "everyone"
AUTHENTICATED = "authenticated"

Permission = Literal["read", "upload", "yank", "delete", "manage"]
PERMISSIONS: tuple[Permission, ...] = ("read", "upload", "yank", "delete", "manage")

PackageType = Literal["bdist_wheel", "sdist", "bdist_egg"]
ProjectStatus = Literal["active", "archived", "quarantined", "deprecated"]


@dataclass(frozen=True, slots=True)
class Hashes:
    """Digests of a file's bytes, as lower-case hexadecimal."""

    sha256: str
    blake2b_256: str
    md5: str


@dataclass(frozen=True, slots=True)
class File:
    """A file of a release, as a repository offers it.

    `project` is normalised (PEP 503), `version` is canonical (PEP 440), `size` is in bytes and
    `uploaded_at` is in UTC. `yanked` is None for a file that is not yanked and the reason,
    possibly empty, for one that is (PEP 592). `metadata_sha256` is the digest of the core
    metadata that is served beside the file (PEP 658), None where there is none.
    `key` is where the storage keeps the bytes.
    """

    project: str
    filename: str
    version: str
    packagetype: PackageType
    size: int
    hashes: Hashes
    uploaded_at: datetime
    uploaded_by: str
    key: str
    requires_python: str | None = None
    yanked: str | None = None
    metadata_sha256: str | None = None
    signed: bool = False
    python_version: str = "source"
    comment: str = ""

    @property
    def path(self) -> str:
        """The file's place below `packages/`, in the shape that PyPI uses."""
        digest = self.hashes.blake2b_256
        return f"{digest[:2]}/{digest[2:4]}/{digest[4:]}/{self.filename}"

    @property
    def serves_metadata(self) -> bool:
        """Whether the metadata is offered beside the file; an sdist's may change when built."""
        return self.metadata_sha256 is not None and self.packagetype == "bdist_wheel"


@dataclass(frozen=True, slots=True)
class ProjectName:
    """A project in a list: its normalised name, its display name and its last serial."""

    name: str
    display: str
    serial: int


@dataclass(frozen=True, slots=True)
class ProjectPage:
    """What a repository says about one project; `serial` is the last change of it."""

    repository: str
    name: str
    display: str
    files: tuple[File, ...]
    serial: int
    status: ProjectStatus = "active"
    status_reason: str = ""

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions of the files, each once, in the order of the files (PEP 700)."""
        return tuple(dict.fromkeys(file.version for file in self.files))


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the journal: a visible change and who made it."""

    serial: int
    repository: str
    project: str
    action: str
    at: datetime
    by: str
    version: str | None = None
    filename: str | None = None


@dataclass(frozen=True, slots=True)
class RemovedFile:
    """What is remembered of a removed file: its digest in hexadecimal, and when (UTC)."""

    sha256: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client showed: a name, a password and the address that it came from."""

    username: str
    password: str = field(repr=False)
    address: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks. `name` is empty for a caller who is not logged in."""

    name: str
    principals: frozenset[str] = frozenset({EVERYONE})

    @classmethod
    def user(cls, name: str, groups: frozenset[str] | tuple[str, ...] = ()) -> "Identity":
        """Return the identity of a logged-in user and the groups that it belongs to."""
        own = {EVERYONE, AUTHENTICATED, f"user:{name}"}
        return cls(name, frozenset(own | {f"group:{group}" for group in groups}))

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody is logged in."""
        return not self.name


ANONYMOUS = Identity("")


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob in a listing of a storage: key, size in bytes, time of the last change (UTC).

    `placed_at` is when the bytes were put under this key, which copying tools do not preserve.
    """

    key: str
    size: int
    modified_at: datetime
    placed_at: datetime


@dataclass(frozen=True, slots=True)
class LocalFile:
    """Bytes in a file of this machine; `handoff` names it to a web server in front, if any.

    `handoff` is a response header and its value, such as `("X-Accel-Redirect", "/files/x.whl")`.
    """

    path: Path
    size: int
    modified_at: datetime
    handoff: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """Bytes that arrive in chunks; `open(start, stop)` yields those of one range."""

    size: int
    modified_at: datetime
    open: Callable[[int, int], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Redirect:
    """Bytes that the client fetches elsewhere."""

    url: str


Blob: TypeAlias = LocalFile | Stream | Redirect
