"""Users whom a web server in front has logged in: which header, and from where."""

import re
from ipaddress import ip_network

from pyramid_pypi.auth.remote import RemoteUsers
from pyramid_pypi.model import Network
from pyramid_pypi.settings.casts import Refused, words
from pyramid_pypi.settings.reader import Reader

__all__ = ["read_remote_users"]

_KEY = "pypi.remote_user"
_EXAMPLES = ("127.0.0.1", "10.20.0.0/16", "fd00::/8")
_NONE: tuple[Network, ...] = ()


def read_remote_users(reader: Reader) -> RemoteUsers.Options | None:
    """Return what is trusted, None if nothing is."""
    header = reader.take(f"{_KEY}.header", _header, "")
    groups_header = reader.take(f"{_KEY}.groups_header", _header, "")
    if not header:
        reader.take(f"{_KEY}.from", _networks, _NONE)
        return None
    hint = "list the addresses that the web server in front asks from"
    networks = reader.require(f"{_KEY}.from", _networks, _NONE, allowed=_EXAMPLES, hint=hint)
    return RemoteUsers.Options(header, networks, groups_header)


def _header(value: str) -> str:
    """Return the name of a header. Raises Refused."""
    name = value.strip()
    # WSGI servers drop headers with underscores, as these could not be told from dashes.
    if name and not re.fullmatch(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*", name):
        raise Refused(f"{name!r} is not the name of a header", allowed=("X-Forwarded-User",))
    if name.lower() == "authorization":
        raise Refused("Authorization has passwords and tokens, which the index checks itself")
    return name


def _networks(value: str) -> tuple[Network, ...]:
    """Return networks. Raises Refused."""
    return tuple(_network(word) for word in words(value))


def _network(word: str) -> Network:
    try:
        found = ip_network(word)
    except ValueError as error:
        raise Refused(f"{word!r} is not a network: {error}", allowed=_EXAMPLES) from error
    if found.prefixlen == 0:
        raise Refused(f"{word} is everybody, and everybody could log in as anybody", allowed=_EXAMPLES)
    return found
