"""What the API answers besides the facts that pages and commands show as well."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from pyramid_pypi.browse.facts import HitFacts
from pyramid_pypi.catalog.roles import Role
from pyramid_pypi.model import Permission, ProjectStatus

__all__ = [
    "ChangedFiles",
    "Ended",
    "Me",
    "NewToken",
    "OwnRole",
    "Page",
    "Problem",
    "RepositoryPermissions",
    "RoleFacts",
    "SearchPage",
    "SessionFacts",
    "StatusFacts",
    "TokenFacts",
]

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A part of a list; `next` is the cursor of what follows, null at the end."""

    items: tuple[Item, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class SearchPage:
    """What a search has found, best first; `pending` counts projects that are not yet searchable."""

    items: tuple[HitFacts, ...]
    next: str | None
    total: int
    pending: int


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong (RFC 9457); `detail` is a sentence for a person."""

    type: str
    title: str
    status: int
    detail: str


@dataclass(frozen=True, slots=True)
class RepositoryPermissions:
    """What one may do in a repository, or at least in one of its projects."""

    repository: str
    permissions: tuple[Permission, ...]


@dataclass(frozen=True, slots=True)
class Me:
    """Who asks: empty for a stranger. `token` is the public number of the token that was shown."""

    name: str
    anonymous: bool
    groups: tuple[str, ...]
    token: str
    permissions: tuple[RepositoryPermissions, ...]


@dataclass(frozen=True, slots=True)
class ChangedFiles:
    """The files that a change was about; `repository` is the one that has, or had, them."""

    repository: str
    project: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StatusFacts:
    """The status of a project (PEP 792) and the reason for it."""

    repository: str
    project: str
    status: ProjectStatus
    reason: str


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """The role of `user:NAME` or `group:NAME` in a project."""

    principal: str
    role: Role


@dataclass(frozen=True, slots=True)
class OwnRole:
    """A project that one looks after, by oneself or as a member of a group."""

    repository: str
    project: str
    role: Role


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """A token, without its secret; times are in UTC. Empty lists are no limits."""

    id: str
    state: str
    user: str
    groups: list[str] | None
    description: str
    permissions: list[Permission]
    repositories: list[str]
    projects: list[str]
    networks: list[str]
    created_by: str
    created_at: str | None
    expires_at: str | None
    used_at: str | None
    revoked_at: str | None


@dataclass(frozen=True, slots=True)
class NewToken(TokenFacts):
    """A token that has just been made, with its secret, `token`, which is told once."""

    token: str


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """A browser that is logged in, since `created_at`, from an address and by `source`."""

    id: str
    source: str
    address: str
    created_at: datetime
    used_at: datetime


@dataclass(frozen=True, slots=True)
class Ended:
    """A token or a session that has ended."""

    id: str
    state: str
