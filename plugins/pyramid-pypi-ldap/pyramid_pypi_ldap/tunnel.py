"""The way to a server: TCP, StartTLS and TLS, each with a time limit; libldap gets the socket.

libldap of Debian (2.5, with GnuTLS) waits for ever for a server that accepts and never begins with
TLS, whatever its time limits say, and does not tell what is wrong with a certificate. So TLS is that
of Python's `ssl`, and libldap speaks to one end of a pair of sockets.
"""

import selectors
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pyramid_pypi_ldap.errors import Outage

__all__ = ["PORTS", "Transport", "open_socket"]

PORTS: Final = {"ldap": 389, "ldaps": 636}

# RFC 4511 §4.14.1: the extended request with the name of StartTLS, as message 1.
_STARTTLS: Final = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + b"1.3.6.1.4.1.1466.20037"
_RESPONSE: Final = 0x78
_CHUNK: Final = 65536
_LONGEST: Final = 65536


@dataclass(frozen=True, slots=True)
class Transport:
    """How servers are connected to; times in seconds, `ca` a PEM file, None for the system's."""

    starttls: bool
    verify: bool
    ca: Path | None
    connect_timeout: float
    timeout: float

    def secures(self, url: str) -> bool:
        """Tell whether a connection to this URL has TLS."""
        return self.starttls or url.startswith("ldaps://")


def open_socket(url: str, transport: Transport) -> socket.socket:
    """Return a socket on which LDAP can be spoken, with TLS unless that was given up by name.

    Raises Outage, also where a server does not offer StartTLS or its certificate is not right.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    raw = _connect(host, parts.port or PORTS[parts.scheme], transport)
    try:
        if not transport.secures(url):
            raw.settimeout(None)
            return raw
        if parts.scheme == "ldap":
            _start_tls(raw)
        inside = _wrap(raw, host, transport)
    except BaseException:
        raw.close()
        raise
    ours, theirs = socket.socketpair()
    threading.Thread(
        target=_pump, args=(inside, ours, transport.timeout), name="ldap tls", daemon=True
    ).start()
    return theirs


def _connect(host: str, port: int, transport: Transport) -> socket.socket:
    try:
        raw = socket.create_connection((host, port), transport.connect_timeout)
        # A bind and the question who we are would wait for each other's acknowledgement, 40 ms.
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        hint = "check the host and the port in servers, the firewall, and that the server runs"
        raise Outage(f"cannot connect: {error.strerror or error}", hint=hint, closed=True) from error
    return raw


def _wrap(raw: socket.socket, host: str, transport: Transport) -> ssl.SSLSocket:
    try:
        context = _context(transport.ca, transport.verify)
        return context.wrap_socket(raw, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        hint = "name the host in servers as its certificate does, and set ca to the file of its authority"
        raise Outage(f"the certificate is refused: {error.verify_message}", hint=hint) from error
    except OSError as error:
        hint = "check that the server speaks TLS on this port"
        raise Outage(f"TLS fails: {error.strerror or error}", hint=hint) from error


@lru_cache(maxsize=16)
def _context(ca: Path | None, verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _start_tls(raw: socket.socket) -> None:
    """Ask for TLS before anything else is said. Raises Outage when the server has none."""
    hint = "use ldaps://, or have the server configured for TLS"
    try:
        raw.sendall(_STARTTLS)
        _, message = _read_element(raw)
        _, _, rest = _split(message)
        tag, response, _ = _split(rest)
        _, code, _ = _split(response)
    except (OSError, IndexError) as error:
        raise Outage(f"no answer to StartTLS: {error}", hint=hint) from error
    if tag != _RESPONSE or code != b"\x00":
        raise Outage("the server does not offer StartTLS", hint=hint)


def _read_element(raw: socket.socket) -> tuple[int, bytes]:
    """Read one element of BER and no byte more: what follows belongs to TLS (X.690 §8.1)."""
    head = _read(raw, 2)
    if head[1] & 0x80:
        head += _read(raw, head[1] & 0x7F)
    size = head[1] if len(head) == 2 else int.from_bytes(head[2:])
    if size > _LONGEST:
        raise OSError("the answer is too long")
    return head[0], _read(raw, size)


def _read(raw: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        chunk = raw.recv(size - len(found))
        if not chunk:
            raise OSError("the server has closed the connection")
        found += chunk
    return found


def _split(data: bytes) -> tuple[int, bytes, bytes]:
    """Return the tag and the content of the first element, and what follows. Raises IndexError."""
    start, size = 2, data[1]
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(data[2:start])
    return data[0], data[start : start + size], data[start + size :]


def _pump(inside: ssl.SSLSocket, ours: socket.socket, timeout: float) -> None:
    """Carry bytes between libldap and the server until one of them ends."""
    with inside, ours, selectors.DefaultSelector() as waiting, suppress(OSError):
        ours.settimeout(timeout)
        waiting.register(inside, selectors.EVENT_READ)
        waiting.register(ours, selectors.EVENT_READ)
        while True:
            ready = [inside] if inside.pending() else [key.fileobj for key, _ in waiting.select()]
            if ours in ready:
                data = ours.recv(_CHUNK)
                if not data:
                    return
                inside.settimeout(timeout)
                inside.sendall(data)
            if inside in ready:
                # TLS 1.3 sends tickets that are no data: then there is nothing to read yet.
                inside.settimeout(0)
                with suppress(ssl.SSLWantReadError):
                    data = inside.recv(_CHUNK)
                    if not data:
                        return
                    ours.sendall(data)
