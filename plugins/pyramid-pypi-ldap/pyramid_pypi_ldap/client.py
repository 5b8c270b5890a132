"""The only module that knows python-ldap: one connection to one server, and its names and escapes."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import ldap  # type: ignore[import-untyped, unused-ignore]
import ldap.dn  # type: ignore[import-untyped, unused-ignore]
import ldap.filter  # type: ignore[import-untyped, unused-ignore]

from pyramid_pypi_ldap.errors import Ambiguous, Outage, Refused
from pyramid_pypi_ldap.tunnel import Transport, open_socket

__all__ = ["Connection", "Entry", "Scope", "escape_dn", "escape_filter", "first_name", "is_dn"]

Scope: TypeAlias = Literal["subtree", "onelevel", "base"]

_SCOPES: Final = {
    "subtree": ldap.SCOPE_SUBTREE,
    "onelevel": ldap.SCOPE_ONELEVEL,
    "base": ldap.SCOPE_BASE,
}
# python-ldap escapes NUL with a backslash and lets the others be; libldap drops a line break at the end.
_CONTROLS: Final = re.compile(r"\\\x00|[\x01-\x1f\x7f]")
# Where libldap would connect to by itself if a connection breaks: it must not, as that has no TLS.
_NOWHERE: Final = "ldapi://%2Fdev%2Fnull"
# RFC 4511 appendix A: what servers say about a password, a locked account and an entry without one.
_REFUSALS: Final = (
    ldap.INVALID_CREDENTIALS,
    ldap.INAPPROPRIATE_AUTH,
    ldap.CONSTRAINT_VIOLATION,
    ldap.UNWILLING_TO_PERFORM,
    ldap.INSUFFICIENT_ACCESS,
    ldap.NO_SUCH_OBJECT,
    ldap.INVALID_DN_SYNTAX,
)
_HINTS: Final[Mapping[type[Exception], str]] = {
    ldap.CONFIDENTIALITY_REQUIRED: "the server wants TLS: use ldaps:// or leave starttls on",
    ldap.STRONG_AUTH_REQUIRED: "the server wants TLS: use ldaps:// or leave starttls on",
    ldap.SERVER_DOWN: "the server has closed the connection: see its log",
    ldap.TIMEOUT: "check whether the server is overloaded, or raise timeout",
    ldap.REFERRAL: "referrals are not followed: list the server that has the entries",
    ldap.FILTER_ERROR: "check the parentheses of user_filter and group_filter",
    ldap.SIZELIMIT_EXCEEDED: "narrow group_base or group_filter, or raise the limit of the server",
    ldap.NO_SUCH_OBJECT: "check that user_base and group_base exist and that the account may read them",
    ldap.INSUFFICIENT_ACCESS: "let the account that searches read the entries",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry: its DN, and the values of attributes by their names in lower case."""

    dn: str
    attributes: Mapping[str, tuple[str, ...]]

    def values(self, attribute: str) -> tuple[str, ...]:
        """Return the values of an attribute; none when the entry has it not."""
        return self.attributes.get(attribute.lower(), ())


class Connection:
    """An open connection to one server, for one thread at a time. Making one raises Outage."""

    def __init__(self, url: str, transport: Transport) -> None:
        way = open_socket(url, transport)
        with _answers():
            self._ldap: Any = ldap.initialize(_NOWHERE, fileno=way.detach())
            self._ldap.timeout = transport.timeout
            # Whatever ldap.conf and the environment say.
            self._ldap.set_option(ldap.OPT_PROTOCOL_VERSION, ldap.VERSION3)
            self._ldap.set_option(ldap.OPT_REFERRALS, ldap.OPT_OFF)
            self._ldap.set_option(ldap.OPT_DEREF, ldap.DEREF_NEVER)
            self._ldap.set_option(ldap.OPT_TIMEOUT, float(transport.timeout))

    def bind(self, dn: str, password: str) -> None:
        """Log in as an entry. Raises Refused or Outage.

        RFC 4513 §5.1.2: a bind with an empty password succeeds and logs nobody in, so it is never
        sent, and who we are is asked afterwards (RFC 4532).
        """
        if not dn or not password:
            raise Refused("an empty name or password is not sent")
        with _answers():
            try:
                self._ldap.simple_bind_s(dn, password)
            except _REFUSALS as error:
                raise Refused(_text(error)) from None
        self.require_somebody()

    def require_somebody(self) -> None:
        """Raise Refused when the server takes us for anonymous."""
        with _answers():
            who = self._ldap.whoami_s()
        # RFC 4513 §5.2.1.8: `dn:` without a name is anonymous as well.
        if not who or who == "dn:":
            raise Refused("the server accepted the bind and takes us for anonymous")

    def search(
        self, base: str, scope: Scope, text: str, attributes: tuple[str, ...], *, limit: int = 0
    ) -> list[Entry]:
        """Return the entries that match the filter `text`; references to other servers are left out.

        With a `limit`, more entries than that raise Ambiguous. Raises Outage, also when `base` does
        not exist, except for the scope `base`, where that is no entry.
        """
        with _answers():
            try:
                found = self._ldap.search_ext_s(
                    base, _SCOPES[scope], text, list(attributes), timeout=self._ldap.timeout, sizelimit=limit
                )
            except (ldap.NO_SUCH_OBJECT, ldap.INVALID_DN_SYNTAX):
                if scope != "base":
                    raise
                return []
            except ldap.SIZELIMIT_EXCEEDED:
                if not limit:
                    raise
                raise Ambiguous(f"more than {limit} entries match") from None
        return [_entry(dn, values) for dn, values in found if dn]

    def close(self) -> None:
        """End the connection."""
        with suppress(ldap.LDAPError):
            self._ldap.unbind_ext_s()


def escape_dn(value: str) -> str:
    """Return a text as it is written in a DN (RFC 4514 §2.4)."""
    return _CONTROLS.sub(lambda found: f"\\{ord(found[0][-1]):02x}", ldap.dn.escape_dn_chars(value))


def escape_filter(value: str) -> str:
    """Return a text as it is written in a filter (RFC 4515 §3)."""
    return str(ldap.filter.escape_filter_chars(value))


def is_dn(text: str) -> bool:
    """Tell whether a text is a DN that is not empty."""
    return bool(text) and bool(ldap.dn.is_dn(text))


def first_name(dn: str) -> str:
    """Return the value of the first part of a DN, such as `release` of `cn=release,dc=acme`.

    Returns the empty text for what is no DN.
    """
    try:
        parts = ldap.dn.str2dn(dn)
    except ldap.DECODING_ERROR:
        return ""
    return str(parts[0][0][1]) if parts else ""


def _entry(dn: str, values: Mapping[str, list[bytes]]) -> Entry:
    """Decode an entry; a value that is not UTF-8 is no name and no group."""
    attributes = {}
    for name, raw in values.items():
        texts = []
        for each in raw:
            with suppress(UnicodeDecodeError):
                texts.append(each.decode("utf-8"))
        attributes[name.lower()] = tuple(texts)
    return Entry(dn, attributes)


@contextmanager
def _answers() -> Iterator[None]:
    """Make an Outage of every error of python-ldap."""
    try:
        yield
    except ldap.LDAPError as error:
        raise _outage(error) from error


def _outage(error: Exception) -> Outage:
    gone = isinstance(error, (ldap.SERVER_DOWN, ldap.CONNECT_ERROR, ldap.UNAVAILABLE))
    return Outage(_text(error), hint=_HINTS.get(type(error), ""), closed=gone)


def _text(error: Exception) -> str:
    """Return what the library and the server say about an error."""
    told = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    parts = (str(told.get("desc") or ""), str(told.get("info") or ""))
    return ": ".join(dict.fromkeys(part for part in parts if part)) or type(error).__name__
