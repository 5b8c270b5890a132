"""A way to a service on which things go wrong, as a test tells: an HTTP proxy on loopback."""

import http.client
import socket
import struct
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, Literal, Self

__all__ = ["AZURE", "GCS", "S3", "FaultyProxy", "Kind"]

Kind = Literal[
    "busy", "full", "denied", "expired", "skewed", "reset", "stall", "lost", "late", "doubt", "cut"
]
"""What happens to a request.

`busy`, `full`, `denied`, `expired` and `skewed` are answers that a service gives instead of doing it;
`reset` cuts the connection and `stall` says nothing, both before the service has heard of it; `lost`
cuts the connection, `late` says nothing and `doubt` says 503 after the service has done it; `cut` sends
half of the answer.
"""

S3: Final[Mapping[str, tuple[int, str]]] = {
    "busy": (503, "<Code>SlowDown</Code>"),
    "full": (507, "<Code>QuotaExceeded</Code>"),
    "denied": (403, "<Code>AccessDenied</Code>"),
    "expired": (400, "<Code>ExpiredToken</Code>"),
    "skewed": (403, "<Code>RequestTimeTooSkewed</Code>"),
}
"""What S3 says when it refuses: the status, and what is in the body beside the message."""

_UNKNOWN = "<Code>AuthenticationFailed</Code><AuthenticationErrorDetail>{}</AuthenticationErrorDetail>"
AZURE: Final[Mapping[str, tuple[int, str]]] = {
    "busy": (503, "<Code>ServerBusy</Code>"),
    "full": (507, "<Code>QuotaExceeded</Code>"),
    "denied": (403, "<Code>AuthorizationPermissionMismatch</Code>"),
    "expired": (403, _UNKNOWN.format("Signature not valid in the specified time frame: Start [x]")),
    "skewed": (403, _UNKNOWN.format("Request date header too old: 'x'")),
}
"""The same for Azure, which tells an expired signature and a wrong clock by words alone."""

GCS: Final[Mapping[str, tuple[int, str]]] = {**S3, "busy": (429, "<Code>SlowDown</Code>")}
"""The same for Google Cloud Storage."""

_SECRET = "AWSAccessKeyId=AKIDINDEX StringToSign=secret"  # noqa: S105 - Amazon says such things
_NO_LINGER = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class _Fault:
    kind: Kind
    method: str
    part: str
    times: int


class FaultyProxy:
    """Passes requests on to `port`, but for those that `fail` tells of; `seen` has all of them.

    `answers` are how the service refuses.

    `passwords` are those that clients have sent here, which they must not.
    """

    def __init__(self, port: int, answers: Mapping[str, tuple[int, str]] = S3) -> None:
        self.upstream = port
        self.answers = answers
        self.seen: list[str] = []
        self.passwords: list[str] = []
        self.released = threading.Event()
        self._faults: list[_Fault] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def fail(self, kind: Kind, *, method: str = "", part: str = "", times: int = 1_000_000) -> None:
        """Let so many requests fail, of those with this method and with `part` in their path."""
        with self._lock:
            self._faults.append(_Fault(kind, method, part, times))

    def heal(self) -> None:
        """Let nothing fail any more."""
        with self._lock:
            self._faults.clear()

    def fault(self, method: str, path: str) -> Kind | None:
        """Note a request, and return what is to happen to it."""
        with self._lock:
            self.seen.append(f"{method} {path}")
            for fault in self._faults:
                if fault.times and fault.method in {"", method} and fault.part in path:
                    fault.times -= 1
                    return fault.kind
        return None

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    """Knows what its handlers ask."""

    daemon_threads = True
    proxy: FaultyProxy


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    server: "_Server"
    protocol_version = "HTTP/1.1"

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self.server.proxy.fault(self.command, self.path)
        if (said := self.headers.get("Authorization", "")).startswith("Basic "):
            self.server.proxy.passwords.append(said)
        if fault is not None and fault in self.server.proxy.answers:
            self._refuse(fault)
        elif fault == "reset":
            self._cut()
        elif fault == "stall":
            self._wait()
        else:
            self._answer(fault, *self._ask(body))

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass  # noqa: N815 - names of the standard library

    def _ask(self, body: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.proxy.upstream, timeout=60)
        try:
            # The signature is about the host that the client knows.
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()

    def _answer(self, fault: Kind | None, answer: http.client.HTTPResponse, content: bytes) -> None:
        if fault == "lost":
            self._cut()
            return
        if fault == "late":
            self._wait()
            return
        if fault == "doubt":
            self._refuse("busy")
            return
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {"transfer-encoding", "connection", "content-length"}:
                self.send_header(name, value)
        length = answer.headers.get("Content-Length") if self.command == "HEAD" else len(content)
        self.send_header("Content-Length", str(length or 0))
        self.end_headers()
        if fault == "cut":
            self.wfile.write(content[: len(content) // 2])
            self._cut()
        else:
            self.wfile.write(content)

    def _refuse(self, kind: Kind) -> None:
        status, said = self.server.proxy.answers[kind]
        text = f"<Error>{said}<Message>{_SECRET}</Message></Error>".encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    def _wait(self) -> None:
        self.server.proxy.released.wait(60)
        self._cut()

    def _cut(self) -> None:
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.connection.close()
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def handle(self) -> None:
        try:
            super().handle()
        except (OSError, ValueError):
            # A client that has given up, or a connection that this has cut itself.
            return

    def finish(self) -> None:
        try:
            super().finish()
        except (OSError, ValueError):
            return
