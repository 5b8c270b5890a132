"""The words of the project as frozen data. Nothing here knows HTTP, SQL or Pyramid."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from pyramid_pypi.blobs import Arriving, Blob, LocalFile, Redirect, StoredBlob, Stream
from pyramid_pypi.identities import (
    ANONYMOUS,
    AUTHENTICATED,
    EVERYONE,
    PERMISSIONS,
    Credentials,
    Identity,
    Network,
    Permission,
    Scope,
)

__all__ = [
    "ANONYMOUS",
    "AUTHENTICATED",
    "EVERYONE",
    "PERMISSIONS",
    "Answered",
    "Arriving",
    "Blob",
    "Change",
    "Credentials",
    "Decision",
    "File",
    "Hashes",
    "Identity",
    "Link",
    "LocalFile",
    "Network",
    "PackageType",
    "Permission",
    "ProjectName",
    "ProjectPage",
    "ProjectStatus",
    "Redirect",
    "RemovedFile",
    "Ruling",
    "Scope",
    "StoredBlob",
    "Stream",
]

PackageType = Literal["bdist_wheel", "sdist", "bdist_egg"]
ProjectStatus = Literal["active", "archived", "quarantined", "deprecated"]


_UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)

# What every installer can check, best first; uv refuses a page with any other (PEP 691).
_SHOWN = ("sha256", "sha512", "sha384", "md5")


@dataclass(frozen=True, slots=True)
class Hashes:
    """Digests of a file's bytes, as lower-case hexadecimal; empty where nobody has told them.

    `others` are pairs of an algorithm of hashlib and a digest, which only an upstream gives.
    """

    sha256: str = ""
    blake2b_256: str = ""
    md5: str = ""
    others: tuple[tuple[str, str], ...] = ()

    def known(self) -> dict[str, str]:
        """Return the digests that are known, by the algorithm's name in hashlib, but for BLAKE2b."""
        own = {"sha256": self.sha256, "md5": self.md5, **dict(self.others)}
        return {name: digest for name, digest in own.items() if digest}

    @property
    def shown(self) -> tuple[str, str] | None:
        """The one digest that pages show, because some clients take no second one."""
        known = self.known()
        return next(((name, known[name]) for name in _SHOWN if name in known), None)


@dataclass(frozen=True, slots=True)
class File:
    """A file of a release, as a repository offers it.

    `project` is normalised (PEP 503), `version` is canonical (PEP 440), `size` is in bytes and
    `uploaded_at` is in UTC. `yanked` is None for a file that is not yanked and the reason,
    possibly empty, for one that is (PEP 592). `metadata_sha256` is the digest of the core
    metadata that is served beside the file (PEP 658), None where there is none and empty where
    there is some whose digest nobody has told. `key` is where the storage keeps the bytes.

    A file that comes from an upstream also has the `url` of its bytes there, and may lack `size`
    and `uploaded_at`; `time_source` says what the time was taken from if not from an index.
    `place` is where it is below `packages/` when that is not derived from its bytes, `provenance`
    an absolute URL (PEP 740), and `repository` the one that offers it.
    """

    project: str
    filename: str
    version: str
    packagetype: PackageType
    size: int | None
    hashes: Hashes
    uploaded_at: datetime | None
    uploaded_by: str
    key: str
    requires_python: str | None = None
    yanked: str | None = None
    metadata_sha256: str | None = None
    signed: bool = False
    python_version: str = "source"
    comment: str = ""
    url: str = ""
    place: str = ""
    provenance: str = ""
    time_source: str = ""
    repository: str = ""

    @property
    def path(self) -> str:
        """The file's place below `packages/`, in the shape that PyPI uses."""
        if self.place:
            return self.place
        digest = self.hashes.blake2b_256
        return f"{digest[:2]}/{digest[2:4]}/{digest[4:]}/{self.filename}"

    @property
    def time(self) -> datetime:
        """When it was uploaded; the year 1970 where nobody knows, which no hosted file is."""
        return self.uploaded_at or _UNKNOWN_TIME

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
class Decision:
    """What a rule says about a file: whether it is hidden, and a sentence for those who ask why.

    A hidden file is on no page and is refused when it is asked for. `until` is when it will be
    shown by itself (UTC), None where nobody knows.
    """

    hide: bool
    reason: str
    until: datetime | None = None

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ValueError("a decision needs a reason, for those who ask why")
        if self.until is not None and self.until.utcoffset() != timedelta(0):
            raise ValueError(f"until is a time in UTC, and not {self.until!r}")


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a rule, by its name in the settings of a repository, has decided about a file.

    `failed` tells that the rule could not, which hides the file.
    """

    file: File
    rule: str
    repository: str
    decision: Decision
    failed: bool = False


@dataclass(frozen=True, slots=True)
class ProjectPage:
    """What a repository says about one project; `serial` is the last change of it.

    `repository` is the one that answers, a member when a group was asked. `fresh_for` is for how
    many seconds the page may be repeated without asking again, None for as long as the catalog
    tells of no change; `stale_for` for how many seconds it has been out of date, because the
    upstream does not answer. `rulings` are what rules have decided: `files` are without those that
    they hide.
    """

    repository: str
    name: str
    display: str
    files: tuple[File, ...]
    serial: int
    status: ProjectStatus = "active"
    status_reason: str = ""
    fresh_for: float | None = None
    stale_for: int = 0
    rulings: tuple[Ruling, ...] = ()

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
class Link:
    """A page for people, as a plugin offers it on the page for logging in or on that of an account.

    `path` is relative to the root of the index, as in `-/parrot/login`.
    """

    place: Literal["login", "account"]
    title: str
    path: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A request that was answered: when it came (UTC), and in how many seconds its answer began.

    `route` says in a word what was asked for, as in `project` and `file`, and never has a part of
    the URL in it; empty where nothing is. `size` is that of the body in bytes, None where that was
    not known when the answer began. `repository`, `project` and `file` are what the request was
    about, each empty where it was about none; `identity` is None where nobody asked who it is.
    """

    at: datetime
    seconds: float
    method: str
    route: str
    status: int
    size: int | None
    repository: str = ""
    project: str = ""
    file: str = ""
    identity: Identity | None = None


@dataclass(frozen=True, slots=True)
class RemovedFile:
    """What is remembered of a removed file: its digest in hexadecimal, and when (UTC)."""

    sha256: str
    at: datetime
