"""Which hosts an upstream may lead us to, and at which addresses they may be."""

import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Self
from urllib.parse import quote, urlsplit

from pyramid_pypi.errors import UpstreamUnavailable

__all__ = ["AllowedHosts", "Target", "addresses_of", "is_internal"]

_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?\Z")
_ENTRY = re.compile(r"(?P<any>\*\.)?(?P<host>\[[0-9a-f:.]+\]|[^:/\[\]*@]+)(:(?P<port>[0-9]{1,5}))?\Z")
# Characters that a path may have (RFC 3986 §3.3) and the percent sign of what is quoted already.
_PATH_SAFE = "/%:@!$&'()*+,;=~"

# PyPI's files are at a host of their own.
_FILE_HOSTS = {"pypi.org": "files.pythonhosted.org", "test.pypi.org": "test-files.pythonhosted.org"}

# Gateways between IPv6 and IPv4 send these on to the IPv4 address in the last four bytes (RFC 6052).
_NAT64 = IPv6Network("64:ff9b::/96")

Resolve = Callable[[str, int], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart, so that what is checked is what is asked: no userinfo, no fragment.

    `host` is in lower case and an IPv6 address has no brackets there.
    """

    scheme: str
    host: str
    port: int
    path: str
    query: str = ""

    @classmethod
    def parse(cls, url: str) -> Self:
        """Return the parts of an absolute URL. Raises ValueError, without showing the URL."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ValueError("it cannot be read") from None
        if parts.scheme not in _PORTS:
            raise ValueError("it is neither http nor https")
        host = _host((parts.hostname or "").removesuffix("."))
        port = _PORTS[parts.scheme] if port is None else port
        if not port:
            raise ValueError("0 is not a port")
        path = quote(parts.path or "/", safe=_PATH_SAFE)
        return cls(parts.scheme, host, port, path, quote(parts.query, safe=_PATH_SAFE + "?"))

    @property
    def origin(self) -> tuple[str, str, int]:
        """What credentials belong to (RFC 6454)."""
        return self.scheme, self.host, self.port

    @property
    def netloc(self) -> str:
        """The host, and the port where it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL again."""
        query = f"?{self.query}" if self.query else ""
        return f"{self.scheme}://{self.netloc}{self.path}{query}"


@dataclass(frozen=True, slots=True)
class _Entry:
    """One allowed host; `port` None is the usual one of the scheme, `below` means its subdomains."""

    host: str
    port: int | None
    below: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what a word of the setting means. Raises ValueError."""
        found = _ENTRY.match(text.lower())
        if not found:
            raise ValueError(f"{text!r} is not a host, host:port or *.example.org")
        try:
            host = _host(found["host"].strip("[]").removesuffix("."))
        except ValueError as error:
            raise ValueError(f"{text!r} is not a host: {error}") from error
        if found["any"] and _address(host):
            raise ValueError(f"{text!r} puts a star before an address")
        return cls(host, int(found["port"]) if found["port"] else None, below=bool(found["any"]))

    def matches(self, scheme: str, host: str, port: int) -> bool:
        if port != (_PORTS[scheme] if self.port is None else self.port):
            return False
        if self.below:
            return host.endswith(f".{self.host}") and not _address(host)
        return host == self.host


class AllowedHosts:
    """What an upstream at `own` may refer to: itself, its host of files, and the setting `hosts`.

    Raises ValueError when one of `hosts` is not `host`, `host:port` or `*.example.org`.
    """

    def __init__(self, own: Target, hosts: Iterable[str] = (), *, resolve: Resolve | None = None) -> None:
        self._own = own
        self._resolve = resolve or addresses_of
        self._entries = [_Entry(own.host, own.port), *map(_Entry.parse, hosts)]
        if own.host in _FILE_HOSTS:
            self._entries.append(_Entry(_FILE_HOSTS[own.host], None))

    def target(self, url: str) -> Target:
        """Return the parts of a URL that may be asked. Raises UpstreamUnavailable for any other."""
        try:
            target = Target.parse(url)
        except ValueError as error:
            raise UpstreamUnavailable(
                f"The upstream {self._own.netloc} refers to a URL that is not followed: {error}"
            ) from error
        if (self._own.scheme, target.scheme) == ("https", "http"):
            raise UpstreamUnavailable(
                f"The upstream {self._own.netloc} has TLS and refers to {target.netloc} without it; "
                "mend the upstream, plain http is not followed from there"
            )
        if not self._listed(*target.origin):
            raise UpstreamUnavailable(
                f"The upstream {self._own.netloc} refers to the host {target.netloc}, which is not asked; "
                "add it to the setting `hosts` if it belongs to the upstream"
            )
        return target

    def check_address(self, host: str, port: int, address: str) -> None:
        """Raise UpstreamUnavailable if an allowed host has led to an address inside of a network.

        The upstream's own host may be anywhere, the others only where it is inside as well, or
        where `hosts` has the address itself.
        """
        if host == self._own.host or not is_internal(address):
            return
        if self._listed(self._own.scheme, address, port) or self._own_is_internal():
            return
        raise UpstreamUnavailable(
            f"The host {host} of the upstream {self._own.netloc} is at the internal address {address}, "
            "which is not asked; add the address to the setting `hosts` if that is meant"
        )

    def _listed(self, scheme: str, host: str, port: int) -> bool:
        return any(entry.matches(scheme, host, port) for entry in self._entries)

    def _own_is_internal(self) -> bool:
        return any(map(is_internal, self._resolve(self._own.host, self._own.port)))


def is_internal(address: str) -> bool:
    """Tell whether an IP address is not one of the public internet, also inside of an IPv6 address."""
    found = _address(address)
    if found is None:
        return True
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or found.sixtofour or found
    if isinstance(found, IPv6Address) and found in _NAT64:
        found = IPv4Address(found.packed[-4:])
    return not found.is_global or found.is_multicast or found.is_reserved


def _host(name: str) -> str:
    """Return a host name or address in its one spelling. Raises ValueError."""
    address = _address(name)
    if address is not None:
        return str(address)
    if not name:
        raise ValueError("it has no host")
    if not _NAME.match(name):
        raise ValueError("its host has letters that host names do not have (write xn--… for others)")
    return name


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def addresses_of(host: str, port: int) -> list[str]:
    """Return the addresses of a host, none where it cannot be resolved."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return [str(address[0]) for *_, address in found]
