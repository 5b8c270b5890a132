"""Pooled connections to an upstream and its hosts of files: TLS, proxies, and who is at the other end."""

import http.client
import io
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from pyramid_pypi.upstream.addresses import Addresses
from pyramid_pypi.upstream.allowed import Target
from pyramid_pypi.upstream.credentials import basic, split_userinfo
from pyramid_pypi.upstream.proxies import Proxies

__all__ = ["Connections", "Lane", "Tls"]

Guard: TypeAlias = Callable[[str, int, str], None]

Lane: TypeAlias = Literal["page", "file"]
"""Pages have connections of their own, so that long downloads do not keep them waiting."""

# More hosts than an upstream has; the connections to others would be made anew each time.
_HOSTS = 32
_NO_TIMEOUT = 60.0


class _PatientIO(io.RawIOBase):
    """The bytes of a socket, whose reads since `restart` have the timeout of the socket together.

    The timeout of the socket alone begins anew with each byte, so an answer that drips would
    never end.
    """

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        super().__init__()
        self._raw = raw
        self._sock = sock
        self._seconds = sock.gettimeout() or _NO_TIMEOUT
        self.restart()

    def restart(self) -> None:
        self._due = time.monotonic() + self._seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        left = self._due - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _PatientResponse(http.client.HTTPResponse):
    """An answer whose head, and each of whose reads, takes at most the timeout of the socket."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._patient = _PatientIO(self.fp.detach(), sock)
        self.fp = io.BufferedReader(self._patient)

    def begin(self) -> None:
        self._patient.restart()
        super().begin()
        said = ",".join(self.headers.get_all("Content-Length", []))
        if len({length.strip() for length in said.split(",")}) > 1:
            # RFC 9112 §6.3: nobody knows where such an answer ends.
            raise http.client.HTTPException("more than one length")

    def read1(self, n: int = -1) -> bytes:
        self._patient.restart()
        return super().read1(n)


class _Guarded(HTTPConnection):
    """A connection that has the peer's address checked before it sends anything."""

    response_class = _PatientResponse

    addresses: Addresses

    def check_peer(self, address: str) -> None:
        raise NotImplementedError

    def _new_conn(self) -> socket.socket:
        sock = self._connected()
        # A proxy resolves names itself, so its own address says nothing about the target.
        if self.proxy is None:
            try:
                self.check_peer(str(sock.getpeername()[0]))
            except BaseException:
                sock.close()
                raise
        return sock

    def _connected(self) -> socket.socket:
        """Connect to the first address of the host that answers. Raises urllib3's HTTPError."""
        name = self._dns_host
        # Where nothing is found, urllib3 looks itself and tells what is wrong.
        found = self.addresses.of(name, self.port) or (name,)
        try:
            for address in found[:-1]:
                with suppress(ConnectTimeoutError, NewConnectionError):
                    return self._connect_to(address)
            return self._connect_to(found[-1])
        except HTTPError:
            self.addresses.forget(name)
            raise
        finally:
            # The name, and not its address, is what a certificate has to be for.
            self._dns_host = name

    def _connect_to(self, address: str) -> socket.socket:
        self._dns_host = address
        return super()._new_conn()


class _GuardedTls(_Guarded, HTTPSConnection):
    """The same with TLS."""


def _pool_classes(guard: Guard, known: Addresses) -> dict[str, type[HTTPConnectionPool]]:
    """Return pools whose connections are checked by `guard`; urllib3 takes classes alone."""

    class Plain(_Guarded):
        addresses = known

        def check_peer(self, address: str) -> None:
            guard(self.host, self.port, address)

    class Secure(_GuardedTls):
        addresses = known

        def check_peer(self, address: str) -> None:
            guard(self.host, self.port, address)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM: certificates to trust besides the system's, and a certificate to show."""

    ca: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None

    def context(self, *, show_certificate: bool) -> ssl.SSLContext:
        """Return what connections are made with. Raises ValueError for a file that is no good."""
        context = ssl.create_default_context()
        try:
            path = self.ca
            if path:
                context.load_verify_locations(path)
            path = self.client_cert
            if path and show_certificate:
                # An empty password, as otherwise OpenSSL would ask for it at the terminal.
                context.load_cert_chain(path, self.client_key, password="")
        except ssl.SSLError as error:
            raise ValueError(
                f"the file {path} has no certificate in PEM form, or no key without a password that fits it"
            ) from error
        except OSError as error:
            raise ValueError(f"{path} or its key cannot be read: {error.strerror or error}") from error
        return context


class Connections:
    """The connections of one upstream, at most `size` at a time to one host in each lane.

    `guard` is called with host, port and address of each new one. The client certificate is shown
    to the origin `own` alone.
    """

    def __init__(  # noqa: PLR0913 - the last four are keywords
        self,
        own: Target,
        guard: Guard,
        *,
        tls: Tls,
        proxies: Proxies,
        size: int,
        addresses: Addresses | None = None,
    ) -> None:
        self._own = own.origin
        self._proxies = proxies
        self._size = size
        self._pool_classes = _pool_classes(guard, addresses or Addresses())
        self._tls = tls
        self._contexts: dict[bool, ssl.SSLContext] = {}
        self._managers: dict[tuple[Lane, str, bool, str], PoolManager] = {}
        self._lock = threading.Lock()

    def open(
        self, target: Target, headers: Mapping[str, str], lane: Lane, *, method: str = "GET", **options: Any
    ) -> BaseHTTPResponse:
        """Send a request and return the answer, unread and not decoded; `options` are those of urllib3.

        Raises urllib3's HTTPError, and whatever the guard raises.
        """
        manager = self._manager(lane, self._proxies.of(target), target)
        return manager.urlopen(
            method,
            target.url,
            redirect=False,
            headers=headers,
            retries=False,
            preload_content=False,
            decode_content=False,
            **options,
        )

    def close(self) -> None:
        """Let all connections go; those in use end when their answers are closed."""
        with self._lock:
            managers, self._managers = self._managers, {}
        for manager in managers.values():
            manager.clear()

    def _manager(self, lane: Lane, proxy: str, target: Target) -> PoolManager:
        own = target.origin == self._own
        scheme = target.url.partition(":")[0]
        with self._lock:
            key = (lane, proxy, own, scheme)
            if key not in self._managers:
                self._managers[key] = self._new_manager(proxy, own=own, scheme=scheme)
            return self._managers[key]

    def _context(self, *, own: bool) -> ssl.SSLContext:
        # Reading the system's certificates takes time, which nobody need spend for plain HTTP.
        if own not in self._contexts:
            self._contexts[own] = self._tls.context(show_certificate=own)
        return self._contexts[own]

    def _new_manager(self, proxy: str, *, own: bool, scheme: str) -> PoolManager:
        settings: dict[str, Any] = {"num_pools": _HOSTS, "maxsize": self._size, "block": True}
        if scheme == "https":
            settings["ssl_context"] = self._context(own=own)
        if proxy:
            url, userinfo = split_userinfo(proxy)
            shown = {"Proxy-Authorization": basic(*userinfo)} if userinfo else {}
            manager: PoolManager = ProxyManager(
                url, proxy_headers=shown, proxy_ssl_context=self._context(own=False), **settings
            )
        else:
            manager = PoolManager(**settings)
        manager.pool_classes_by_scheme = self._pool_classes
        return manager
