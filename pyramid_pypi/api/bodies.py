"""The bodies of requests. Whoever needs them imports this late, as msgspec is no part of the start."""

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from pyramid_pypi.catalog.roles import Role
from pyramid_pypi.model import Permission, ProjectStatus
from pyramid_pypi.publish.managing import MAX_REASON

__all__ = ["PATTERNS", "Promotion", "RoleWish", "StatusWish", "TokenWish", "Yank"]

_LINE = r"^[^\u0000-\u001f\u007f]*$"
_WORD = r"^\S+$"
_MOST_WORDS = 100

PATTERNS = {_LINE: "one line of text", _WORD: "a word without spaces"}
"""What the patterns mean, for whoever sends something else."""

Reason: TypeAlias = Annotated[str, Meta(max_length=MAX_REASON, pattern=_LINE)]
Word: TypeAlias = Annotated[str, Meta(max_length=255, pattern=_WORD)]
Words: TypeAlias = Annotated[tuple[Word, ...], Meta(max_length=_MOST_WORDS)]


class Yank(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a release is yanked (PEP 592)."""

    reason: Reason = ""


class StatusWish(Struct, frozen=True, forbid_unknown_fields=True):
    """The status that a project shall have (PEP 792), and why."""

    status: ProjectStatus
    reason: Reason = ""


class Promotion(Struct, frozen=True, forbid_unknown_fields=True):
    """The repository that a release shall be in as well."""

    to: Annotated[str, Meta(min_length=1, max_length=100)]


class RoleWish(Struct, frozen=True, forbid_unknown_fields=True):
    """The role that somebody shall have."""

    role: Role


class TokenWish(Struct, frozen=True, forbid_unknown_fields=True):
    """What a token shall be limited to; `expires` is a duration such as `90d`.

    Without `permissions` it may read, upload and yank.
    """

    description: Annotated[str, Meta(max_length=200, pattern=_LINE)] = ""
    permissions: Annotated[tuple[Permission, ...], Meta(max_length=5)] = ()
    repositories: Words = ()
    projects: Words = ()
    networks: Words = ()
    expires: Annotated[str, Meta(max_length=100)] | None = None
