"""Secrets of repositories: what they may be, and what they open."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from pyramid_pypi.auth import passwords
from pyramid_pypi.auth.basic import MAX_PASSWORD, has_controls
from pyramid_pypi.auth.repository_secrets import RepositorySecrets, is_hash, secret_principal
from pyramid_pypi.model import Permission
from pyramid_pypi.options import Secret
from pyramid_pypi.rights import Rights
from pyramid_pypi.settings import casts
from pyramid_pypi.settings.groups import flatten, groups_within
from pyramid_pypi.settings.model import GroupSettings, RepositorySettings
from pyramid_pypi.settings.reader import Reader

__all__ = ["grant_secrets", "read_secrets"]

_LEAST: Final = 12

_Grants = dict[Permission, set[str]]


def read_secrets(reader: Reader, key: str, *, hosted: bool) -> RepositorySecrets:
    """Return the secrets of the repository at `key`; only hosted ones can have one for writing."""
    cast = _secret(reader.environ)
    read = reader.take(f"{key}.read_secret", cast, None)
    write = reader.take(f"{key}.write_secret", cast, None) if hosted else None
    if read is not None and read == write:
        reader.problem(
            f"{key}.write_secret",
            "is the same as read_secret, so every reader could upload; make another one",
        )
    return RepositorySecrets(read, write)


def grant_secrets(repositories: tuple[RepositorySettings, ...]) -> tuple[RepositorySettings, ...]:
    """Return the repositories with rights for those who come with a secret.

    Reading a group takes the right in each of its members, so the secret of a group has it there.
    """
    named = {repository.name: repository for repository in repositories}
    added: dict[str, _Grants] = {name: {"read": set(), "upload": set()} for name in named}
    for repository in repositories:
        if not repository.secrets:
            continue
        reader, writer = (secret_principal(repository.name, use) for use in ("read", "write"))
        for name in _read_with(repository, named):
            added[name]["read"].add(reader)
        if repository.secrets.write is not None:
            added[repository.name]["upload"].add(writer)
    return tuple(replace(one, rights=_with(one.rights, added[one.name])) for one in repositories)


def _read_with(repository: RepositorySettings, named: Mapping[str, RepositorySettings]) -> set[str]:
    """Return the names of all repositories that one reads by reading this one."""
    if not isinstance(repository, GroupSettings):
        return {repository.name}
    groups = {group.name for group in groups_within(repository, named)}
    # A member whose kind is not known is a problem that is reported elsewhere.
    return (groups | set(flatten(repository, named))) & set(named)


def _with(rights: Rights, added: _Grants) -> Rights:
    if not any(added.values()):
        return rights
    grants = dict(rights.grants)
    for permission, principals in added.items():
        if principals:
            grants[permission] = grants.get(permission, frozenset()) | principals
    return Rights(MappingProxyType(grants), rights.projects)


def _secret(environ: Mapping[str, str]) -> casts.Cast[Secret | None]:
    """Return a cast to a secret that is long enough, or to a hash that can be checked."""
    read = casts.secret(environ)

    def cast(value: str) -> Secret:
        secret = read(value)
        text = secret.reveal()
        if is_hash(text):
            if passwords.scheme(text) is None:
                raise casts.Refused(
                    "begins as a hash does and is none that can be checked; "
                    "take what `htpasswd -nB x` prints after the colon"
                )
            return secret
        _check(text)
        return secret

    return cast


def _check(text: str) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        # The cause would show the secret.
        raise casts.Refused("the secret is not UTF-8 text") from None
    if len(text) < _LEAST:
        raise casts.Refused(
            f"a secret of less than {_LEAST} characters can be guessed; "
            "take what `openssl rand -hex 20` prints, or the hash of the one that clients have"
        )
    if size > MAX_PASSWORD or has_controls(text):
        raise casts.Refused(
            f"no client can send a secret with control characters or of more than {MAX_PASSWORD} bytes"
        )
