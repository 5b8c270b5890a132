"""What the pages, the API and the commands show, as frozen data that JSON can hold.

Times are in UTC, sizes in bytes. Names of repositories and projects are as in their URLs.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeAlias

from pyramid_pypi.model import PackageType, Permission, ProjectStatus

__all__ = [
    "ActivityFacts",
    "ContentsFacts",
    "DayFacts",
    "DependencyFacts",
    "DownloadFacts",
    "EntryFacts",
    "FileFacts",
    "HitFacts",
    "LinkFacts",
    "MetadataFacts",
    "PartFacts",
    "PermissionFacts",
    "ProjectFacts",
    "ProjectItem",
    "ReleaseFacts",
    "ReleaseItem",
    "RepositoryFacts",
    "RepositoryKind",
    "SearchFacts",
]

RepositoryKind: TypeAlias = Literal["hosted", "proxy", "redirect", "group"]


@dataclass(frozen=True, slots=True)
class RepositoryFacts:
    """A repository, and what the asker may do in it, or at least in one of its projects.

    `projects` counts those of its own that the asker may read. `members` are the parts of a group,
    `publish` is the repository that takes its uploads, and `upstream` is the URL that a proxy
    follows, without credentials; each is empty where there is none. `upstream_state` says in a word
    or a sentence how that upstream does.
    """

    name: str
    kind: RepositoryKind
    description: str
    is_default: bool
    projects: int
    permissions: tuple[Permission, ...]
    members: tuple[str, ...] = ()
    publish: str = ""
    upstream: str = ""
    upstream_state: str = ""


@dataclass(frozen=True, slots=True)
class ProjectItem:
    """A project in a list; `serial` is that of its last change."""

    name: str
    display: str
    serial: int


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """A link that the authors of a project give, with its label; always http or https."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class DependencyFacts:
    """A requirement of a release (PEP 508); `project` is the normalised name of what it needs.

    `is_here` tells that this repository has a project of its own of that name.
    """

    requirement: str
    project: str
    is_here: bool = False


@dataclass(frozen=True, slots=True)
class MetadataFacts:
    """The core metadata of a release, as far as pages show it; texts are empty where nothing is said.

    `description` is the README as its authors wrote it, in the format of `description_content_type`.
    """

    summary: str = ""
    author: str = ""
    author_email: str = ""
    maintainer: str = ""
    maintainer_email: str = ""
    license: str = ""
    keywords: tuple[str, ...] = ()
    classifiers: tuple[str, ...] = ()
    requires_python: str = ""
    requires: tuple[DependencyFacts, ...] = ()
    extras: tuple[str, ...] = ()
    links: tuple[LinkFacts, ...] = ()
    description: str = ""
    description_content_type: str = ""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file of a release. `url` is relative to the repository, as in `packages/aa/bb/…`.

    `tags` are the Python, ABI and platform tag of a wheel (PEP 425), in this order, empty for an
    sdist. `yanked` is None for a file that is not yanked, else the reason, which may be empty.
    `size` and `uploaded_at` are None where an upstream does not tell; `uploaded_by` is empty for
    whoever may not know it. `repository` is the one that has the file.
    """

    repository: str
    project: str
    version: str
    filename: str
    packagetype: PackageType
    size: int | None
    sha256: str
    uploaded_at: datetime | None
    uploaded_by: str
    requires_python: str
    yanked: str | None
    url: str
    tags: tuple[str, ...] = ()
    signed: bool = False
    has_metadata: bool = False
    blake2b_256: str = ""
    md5: str = ""


@dataclass(frozen=True, slots=True)
class ReleaseItem:
    """A release in the list of a project; `yanked` is the reason if all of its files are yanked."""

    version: str
    files: int
    uploaded_at: datetime | None
    yanked: str | None
    is_prerelease: bool


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """A release: its files and what its authors say."""

    repository: str
    project: str
    version: str
    uploaded_at: datetime | None
    yanked: str | None
    is_prerelease: bool
    files: tuple[FileFacts, ...]
    metadata: MetadataFacts


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """A project, its releases with the newest first, and the newest one itself.

    `repository` is the one that was asked, `origin` the one that answers; `upstream` is where that
    one has it from, empty for a hosted project. `latest` is None for a project without files.
    `permissions` and `may_manage`, which is about status and roles, are the asker's. `hidden`
    counts files that rules hide.
    """

    repository: str
    origin: str
    name: str
    display: str
    status: ProjectStatus
    status_reason: str
    serial: int
    upstream: str
    releases: tuple[ReleaseItem, ...]
    latest: ReleaseFacts | None
    permissions: tuple[Permission, ...]
    may_manage: bool
    hidden: int = 0
    stale_for: int = 0


@dataclass(frozen=True, slots=True)
class EntryFacts:
    """A member of an archive; `size` is that of its content."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class ContentsFacts:
    """The inside of a wheel or an sdist. `total` counts all members, of which `entries` are the first."""

    filename: str
    total: int
    entries: tuple[EntryFacts, ...]


@dataclass(frozen=True, slots=True)
class PermissionFacts:
    """Who has a permission on a project of `repository`, as principals, and the reason for each of them.

    `why` is the key of the settings, or says that it is a role.
    """

    repository: str
    permission: Permission
    who: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class ActivityFacts:
    """A visible change, from the journal; `by` is empty for whoever may not know it."""

    serial: int
    at: datetime
    repository: str
    project: str
    version: str
    filename: str
    action: str
    by: str


@dataclass(frozen=True, slots=True)
class HitFacts:
    """A project that a search has found, with the version and the summary of its newest release."""

    repository: str
    project: str
    display: str
    version: str
    summary: str
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class SearchFacts:
    """Some of the projects that a search has found; `total` counts all that the asker may read.

    `pending` counts projects that have changed and cannot be found as they are now, for a moment.
    """

    hits: tuple[HitFacts, ...]
    total: int
    pending: int


@dataclass(frozen=True, slots=True)
class DayFacts:
    """How often something was downloaded on a day (UTC)."""

    day: date
    downloads: int


@dataclass(frozen=True, slots=True)
class DownloadFacts:
    """How often the files of a project were downloaded: in all, by day for the last days, by file.

    `days` has every day of the time that it shows, the oldest first; `files` are pairs of a file
    name and a number, the largest first.
    """

    repository: str
    project: str
    total: int
    days: tuple[DayFacts, ...]
    files: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class PartFacts:
    """A part of the index and whether it works: the catalog, a storage, an upstream or a cache.

    `detail` says in a few words how it does, or what is wrong.
    """

    kind: Literal["catalog", "storage", "upstream", "cache"]
    name: str
    ok: bool
    detail: str
