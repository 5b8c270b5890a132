"""The sockets of a fake upstream: a port that opens and closes, and HTTP/1.1 over its connections."""

import contextlib
import selectors
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

from pyramid_pypi.testing._upstream_faults import Answer, CutOff, Fault, Part
from pyramid_pypi.testing._upstream_log import Request

__all__ = ["Exchange", "Port", "serve"]

_CHUNK = 4 << 20
_SMALL = 1 << 16
_HANDSHAKE = 10.0
_STATUSES = frozenset(map(int, HTTPStatus))
_WITHOUT_BODY = frozenset({204, 304})


class Port:
    """A port of this machine; each connection is served by a thread of its own."""

    def __init__(
        self, host: str, serving: Callable[[socket.socket], None], tls: ssl.SSLContext | None
    ) -> None:
        self.host = host
        self.number = 0
        self._serving = serving
        self._tls = tls
        self._reserved: socket.socket | None = None
        self._wake: socket.socket | None = None
        self._open: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        self._accepting: threading.Thread | None = None

    def listen(self) -> None:
        """Accept connections, on the same port as the last time; nothing changes if it does already."""
        if self._accepting:
            return
        self._reserve()
        listener = self._bound()
        listener.listen(1024)
        self._wake, theirs = socket.socketpair()
        self._accepting = threading.Thread(
            target=self._accept, args=(listener, theirs), name="fake-upstream", daemon=True
        )
        self._accepting.start()

    def close(self) -> None:
        """Cut all connections and accept none; nothing is left of the threads."""
        self._stop()
        reserved, self._reserved = self._reserved, None
        if reserved:
            reserved.close()

    def refuse(self) -> None:
        """Cut all connections and refuse new ones; nobody else gets the port meanwhile."""
        self._reserve()
        self._stop()

    def _stop(self) -> None:
        accepting, self._accepting = self._accepting, None
        wake, self._wake = self._wake, None
        if accepting and wake:
            wake.close()
            accepting.join()
        with self._lock:
            left = dict(self._open)
        for connection in left:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in left.values():
            thread.join()

    def _reserve(self) -> None:
        """Hold the port with a socket that never listens, also while nothing else is bound to it."""
        if self._reserved is None:
            self._reserved = self._bound()

    def _bound(self) -> socket.socket:
        with contextlib.ExitStack() as failing:
            bound = failing.enter_context(socket.socket())
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((self.host, self.number))
            self.number = bound.getsockname()[1]
            failing.pop_all()
        return bound

    def _accept(self, listener: socket.socket, wake: socket.socket) -> None:
        with listener, wake, selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            selector.register(wake, selectors.EVENT_READ)
            while wake not in [key.fileobj for key, _ in selector.select()]:
                with contextlib.suppress(OSError):
                    self._begin(listener.accept()[0])

    def _begin(self, accepted: socket.socket) -> None:
        connection = accepted
        if self._tls:
            # The handshake waits for the client, so the connection's own thread does it.
            connection = self._tls.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(
            target=self._connection, args=(connection,), name="fake-upstream-connection", daemon=True
        )
        with self._lock:
            self._open[connection] = thread
        thread.start()

    def _connection(self, connection: socket.socket) -> None:
        try:
            with connection, contextlib.suppress(OSError):
                if isinstance(connection, ssl.SSLSocket):
                    connection.settimeout(_HANDSHAKE)
                    connection.do_handshake()
                    connection.settimeout(None)
                self._serving(connection)
        finally:
            with self._lock:
                del self._open[connection]


@dataclass(frozen=True, slots=True)
class Exchange:
    """What the connections need of the upstream.

    `answering` takes note of a request, given as method, target and headers, and of its end;
    `decide` says what to answer and what happens to it, and is told whether the client is still
    there; `sending` takes note of bytes of a body, by path.
    """

    answering: Callable[[str, str, dict[str, str]], AbstractContextManager[Request]]
    decide: Callable[[Request, Callable[[], bool]], tuple[Answer, list[Fault]]]
    sending: Callable[[str, int], None]


def serve(connection: socket.socket, exchange: Exchange) -> None:
    """Answer the requests of one connection until it ends."""
    _Handler(connection, None, exchange)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Exchange  # type: ignore[assignment]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Write nothing."""

    def handle_one_request(self) -> None:
        """Answer one request, whatever its method."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            before = headers.get(name.lower())
            headers[name.lower()] = value if before is None else f"{before}, {value}"
        # A body is not read, so what follows it is not the next request.
        self.close_connection |= "content-length" in headers or "transfer-encoding" in headers
        target = self.requestline.split()[1]
        with self.server.answering(self.command, target, headers) as request:
            try:
                answer, faults = self.server.decide(request, self._alive)
                self._send(request, answer, faults)
            except CutOff as cut:
                self.close_connection = True
                if cut.reset:
                    linger = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    def _alive(self) -> bool:
        """Whether the client has not hung up, and nobody has cut the connection here."""
        try:
            # The bytes of TLS may be looked at too, which its own `recv` does not do.
            return socket.socket.recv(self.connection, 1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def _send(self, request: Request, answer: Answer, faults: list[Fault]) -> None:
        chunks = answer.chunks()
        touched = False
        for fault in faults:
            fault.before(self._alive)
            changed = fault.body(chunks, self._alive)
            if changed is not None:
                chunks, touched = changed, True
        head, framed = self._head(answer)
        if request.method == "HEAD" or answer.status in _WITHOUT_BODY:
            self.connection.sendall(head)
        elif isinstance(answer.body, bytes) and len(answer.body) < _SMALL and not touched:
            self.server.sending(request.path, len(answer.body))
            self.connection.sendall(head + answer.body)
        else:
            self.connection.sendall(head)
            if (
                isinstance(answer.body, Part)
                and not touched
                and not isinstance(self.connection, ssl.SSLSocket)
            ):
                self._send_part(request.path, answer.body)
            else:
                self._send_chunks(request.path, chunks, framed=framed)

    def _head(self, answer: Answer) -> tuple[bytes, bool]:
        """Return the head, and whether the body comes in the chunks of HTTP."""
        given = {name.lower() for name in answer.headers}
        lines = [f"Date: {formatdate(usegmt=True)}"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        framed = False
        if "content-length" in given or self.request_version == "HTTP/1.0":
            self.close_connection = True
        elif answer.length is None:
            framed = True
            lines.append("Transfer-Encoding: chunked")
        if answer.length is not None and "content-length" not in given and answer.status not in _WITHOUT_BODY:
            lines.append(f"Content-Length: {answer.length}")
        if self.close_connection:
            lines.append("Connection: close")
        phrase = HTTPStatus(answer.status).phrase if answer.status in _STATUSES else "Unknown"
        start = f"HTTP/1.1 {answer.status} {phrase}"
        return "\r\n".join([start, *lines, "", ""]).encode("latin-1"), framed

    def _send_part(self, path: str, part: Part) -> None:
        with part.path.open("rb") as stream:
            for at in range(part.start, part.stop, _CHUNK):
                size = min(_CHUNK, part.stop - at)
                self.server.sending(path, size)
                if self.connection.sendfile(stream, at, size) != size:
                    raise CutOff

    def _send_chunks(self, path: str, chunks: Iterator[bytes], *, framed: bool) -> None:
        for chunk in chunks:
            if chunk:
                self.server.sending(path, len(chunk))
                self.connection.sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk) if framed else chunk)
        if framed:
            self.connection.sendall(b"0\r\n\r\n")
