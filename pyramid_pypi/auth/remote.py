"""Users whom a web server in front has logged in, and names in a header."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Any, Final

from pyramid_pypi.auth.basic import MAX_NAME, has_controls
from pyramid_pypi.errors import BadRequest
from pyramid_pypi.model import Identity, Network

__all__ = ["PEER", "RemoteUsers"]

PEER: Final = "pyramid_pypi.peer"
"""The key of the WSGI environ under which the server puts the IP address at the other end of the
connection. `REMOTE_ADDR` is no substitute: what is between server and application may have written
into it what a header says."""

_log = logging.getLogger(__name__)


class RemoteUsers:
    """Takes the word of some peers about who sends a request.

    `Authorization` goes first: a request that has it is not looked at.
    """

    @dataclass(frozen=True, slots=True)
    class Options:
        """The headers with the name and with the groups, and the networks whose word counts.

        Without `groups_header` users are in no groups.
        """

        header: str
        networks: tuple[Network, ...]
        groups_header: str = ""

    def __init__(self, options: Options) -> None:
        self._header = options.header
        self._name = _variable(options.header)
        self._groups = _variable(options.groups_header) if options.groups_header else ""
        self._networks = options.networks
        self._told = False

    def is_named(self, environ: Mapping[str, Any]) -> bool:
        """Tell whether a request names a user, whoever sends it."""
        return self._name in environ and "HTTP_AUTHORIZATION" not in environ

    def identify(self, environ: Mapping[str, Any]) -> Identity | None:
        """Return the user that a request names, None if it names none or comes from elsewhere.

        Raises BadRequest for a name or a group that nobody can have.
        """
        if not self.is_named(environ) or not self._trusts(environ.get(PEER)):
            return None
        name = _text(environ[self._name])
        # Two headers of the same name arrive as one, and one of them is not the web server's.
        if not _is_name(name) or "," in name:
            raise BadRequest(f"{self._header} does not name a user; mend the web server in front")
        groups = re.split(r"[, \t]+", _text(environ.get(self._groups, "")))
        if not all(_is_name(group) for group in groups if group):
            raise BadRequest("The groups of the user have no names; mend the web server in front")
        return Identity.user(name, frozenset(filter(None, groups)))

    def _trusts(self, peer: object) -> bool:
        if peer is None:
            self._tell()
        try:
            found = ip_address(str(peer).partition("%")[0])
        except ValueError:
            return False
        mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
        return any((mapped or found) in network for network in self._networks)

    def _tell(self) -> None:
        if not self._told:
            self._told = True
            _log.warning(
                "%s is not believed, as this WSGI server does not tell in %r who is connected to it; "
                "use egg:pyramid_pypi#server",
                self._header,
                PEER,
            )


def _variable(header: str) -> str:
    return "HTTP_" + header.upper().replace("-", "_")


def _text(value: str) -> str:
    """Return the text of a header (PEP 3333 hands over its bytes as ISO-8859-1)."""
    try:
        return value.encode("latin-1").decode("utf-8").strip(" \t")
    except UnicodeError as error:
        raise BadRequest("What names the user is not UTF-8; mend the web server in front") from error


def _is_name(text: str) -> bool:
    return bool(text) and not has_controls(text) and len(text.encode()) <= MAX_NAME
