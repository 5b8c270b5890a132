"""New tokens as people ask for them: in words, which are checked, and within what they may do."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any, Final

from pyramid_pypi.auth.basic import has_controls
from pyramid_pypi.auth.tokens import Grant
from pyramid_pypi.catalog.tokens import Token
from pyramid_pypi.errors import BadRequest, Forbidden, Unauthorized
from pyramid_pypi.identities import AUTHENTICATED, PERMISSIONS, Identity, Network, Permission, Scope
from pyramid_pypi.settings import casts, values

__all__ = ["MEANT", "Wish", "grant_to", "scope_of", "token_facts"]

MEANT: Final[tuple[Permission, ...]] = ("read", "upload", "yank")
"""What a token may do if nothing is said."""

_LONGEST: Final = 200
_UNKNOWN_LASTS: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a token shall be limited to, as somebody wrote it; `expires` is a duration such as `90d`."""

    permissions: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    expires: str = ""


def scope_of(wish: Wish, repositories: Collection[str]) -> Scope:
    """Return the scope that is wished for, of an index with these repositories. Raises BadRequest."""
    for name in wish.permissions:
        if name not in PERMISSIONS:
            raise BadRequest(f"{name!r} is not a permission; they are {', '.join(PERMISSIONS)}")
    for name in wish.repositories:
        if name not in repositories:
            raise BadRequest(f"There is no repository {name!r}")
    try:
        projects = tuple(map(values.pattern, wish.projects))
    except casts.Refused as error:
        raise BadRequest(str(error)) from error
    return Scope(
        permissions=frozenset(name for name in PERMISSIONS if name in (wish.permissions or MEANT)),
        repositories=frozenset(wish.repositories),
        projects=projects,
        networks=tuple(map(_network, wish.networks)),
        expires_at=_end(wish.expires) if wish.expires else None,
    )


def grant_to(identity: Identity, scope: Scope, description: str, *, known: bool) -> Grant:
    """Return what a token of `identity` would be, made by that identity.

    `known` tells whether an authenticator can look its user up; the token of another one keeps the
    groups of now, and has to end. Raises Unauthorized, Forbidden and BadRequest.
    """
    if identity.is_anonymous:
        raise Unauthorized("Log in to make tokens")
    if identity.scope is not None:
        raise Forbidden("A token cannot make tokens; come with a password")
    if AUTHENTICATED not in identity.principals:
        raise Forbidden("The secret of a repository is nobody's, so it has no tokens")
    if len(description) > _LONGEST or has_controls(description):
        raise BadRequest(f"A description is one line of up to {_LONGEST} characters")
    if known:
        return Grant(identity.name, scope, description)
    if scope.expires_at is None or scope.expires_at > datetime.now(UTC) + _UNKNOWN_LASTS:
        raise BadRequest("Nobody tells us when you leave, so your tokens have to end within a year")
    return Grant(identity.name, scope, description, identity.groups)


def token_facts(token: Token) -> dict[str, Any]:
    """Return what others may know of a token, as JSON has it; times are in UTC (RFC 3339)."""
    scope = token.scope
    state = "valid" if token.is_valid(datetime.now(UTC)) else "revoked" if token.revoked_at else "expired"
    times = {"created_at": token.created_at, "expires_at": scope.expires_at}
    times |= {"used_at": token.used_at, "revoked_at": token.revoked_at}
    return {
        "id": token.id,
        "state": state,
        "user": token.user,
        "groups": None if token.groups is None else list(token.groups),
        "description": token.description,
        "permissions": [name for name in PERMISSIONS if name in scope.permissions],
        "repositories": sorted(scope.repositories),
        "projects": list(scope.projects),
        "networks": list(map(str, scope.networks)),
        "created_by": token.created_by,
        **{key: None if at is None else at.isoformat(timespec="seconds") for key, at in times.items()},
    }


def _end(lasting: str) -> datetime:
    try:
        return datetime.now(UTC) + timedelta(seconds=casts.seconds(lasting))
    except (casts.Refused, OverflowError) as error:
        raise BadRequest(f"{lasting!r} is not a time after which a token ends: {error}") from error


def _network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise BadRequest(f"{text!r} is not a network: {error}") from error
