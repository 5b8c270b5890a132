"""A fake upstream: a real HTTP server on loopback that does what a test tells it.

::

    with FakeUpstream() as upstream:
        upstream.add("holy_grail-1.0-py3-none-any.whl", make_wheel("holy-grail", "1.0"))
        upstream.fail("/simple/*", 503, retry_after=5, times=1)
        …  # ask `upstream.url`
        assert upstream.count("*.whl") == 1

`Site` says what can be offered and how, `FaultScript` what can go wrong, `RequestLog` what can be
found out.
"""

import socket
import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from pyramid_pypi.testing._upstream_faults import Answer, Fault, FaultScript, Stall, pause
from pyramid_pypi.testing._upstream_files import FileOptions, OfferedFile
from pyramid_pypi.testing._upstream_log import Request, RequestLog
from pyramid_pypi.testing._upstream_server import Exchange, Port, serve
from pyramid_pypi.testing._upstream_site import Site

__all__ = ["FakeUpstream", "FileOptions", "OfferedFile", "Request", "Stall"]


class FakeUpstream(Site, FaultScript, RequestLog):
    """An index on loopback, from the beginning of its context to the end; safe for many threads.

    - `host`: the address; `127.0.0.2` is another one of the same machine where the system has it.
    - `tls`: the files of a certificate and its key; a third one is the authority that signs the
      certificates of clients, which then must show one.
    - `credentials`: a name and a password, for Basic; `token`: for Bearer. Where one of them is
      given, everything else is answered 401.
    - `files`: another one, which gets the files that are added here; pages link there.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        tls: tuple[Path, ...] = (),
        credentials: tuple[str, str] | None = None,
        token: str = "",
        files: "FakeUpstream | None" = None,
    ) -> None:
        Site.__init__(self, credentials, token, files)
        FaultScript.__init__(self)
        RequestLog.__init__(self)
        self._scheme = "https" if tls else "http"
        exchange = Exchange(self._answering, self._decide, self._sending)
        self._port = Port(host, partial(self._serve, exchange), _context(*tls) if tls else None)

    @property
    def host(self) -> str:
        """The address, without the port."""
        return self._port.host

    @property
    def port(self) -> int:
        """The port, which is chosen by the first start and stays the same from then on."""
        if not self._port.number:
            raise RuntimeError("The fake upstream has no address before it is started")
        return self._port.number

    @property
    def origin(self) -> str:
        """Scheme, host and port, such as `http://127.0.0.1:40123`."""
        return f"{self._scheme}://{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The root page."""
        return f"{self.origin}/simple/"

    def start(self) -> Self:
        """Begin to answer."""
        self._port.listen()
        return self

    def stop(self) -> None:
        """Cut all connections and let the port go; what is held or slow ends at once."""
        self._port.close()

    def down(self) -> None:
        """Cut all connections and refuse new ones until `up`."""
        self._port.refuse()

    def up(self) -> None:
        """Begin to answer again, on the same port."""
        self._port.listen()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _serve(self, exchange: Exchange, connection: socket.socket) -> None:
        self._connected()
        serve(connection, exchange)

    def _decide(self, request: Request, alive: Callable[[], bool]) -> tuple[Answer, list[Fault]]:
        pause(self.latency, alive)
        faults = self._take(request.path)
        answer = self._respond(request)
        for fault in faults:
            answer = fault.replace(answer)
        return answer, faults


def _context(certificate: Path, key: Path, authority: Path | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if authority:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(authority)
    return context
