"""A receiver on loopback that does what a test tells it, and checks who sends."""

import base64
import hashlib
import hmac
import json
import ssl
import threading
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

__all__ = ["Answer", "Received", "Receiver"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver answers; with `hangs` it does so when the receiver is closed."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    hangs: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A request: its path, its headers in lower case, its body."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """What the body says."""
        return json.loads(self.body)

    def is_signed_with(self, key: bytes) -> bool:
        """Tell whether the signature is right, written out as Standard Webhooks 1.0 has it."""
        names = ("webhook-id", "webhook-timestamp")
        content = ".".join([*(self.headers[name] for name in names), self.body.decode()])
        expected = base64.b64encode(hmac.digest(key, content.encode(), hashlib.sha256)).decode()
        return any(
            hmac.compare_digest(one, f"v1,{expected}") for one in self.headers["webhook-signature"].split()
        )


class Receiver:
    """Takes POSTs until the end of the `with` block; answers what `answers` has, then 200."""

    def __init__(self, answers: Iterable[Answer] = (), *, tls: ssl.SSLContext | None = None) -> None:
        self.answers = deque(answers)
        self._tls = tls
        self._received: list[Received] = []
        self._changed = threading.Condition()
        self._released = threading.Event()

    @property
    def url(self) -> str:
        """Where it is."""
        scheme = "https" if self._tls else "http"
        return f"{scheme}://127.0.0.1:{self._server.server_address[1]}/hook"

    @property
    def received(self) -> list[Received]:
        """What has come, the oldest first."""
        with self._changed:
            return list(self._received)

    def wait(self, count: int, timeout: float = 20.0) -> list[Received]:
        """Return what has come as soon as that is so much. Raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._received) >= count, timeout):
                raise TimeoutError(f"{len(self._received)} of {count} have come")
            return list(self._received)

    def __enter__(self) -> Self:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                with suppress(OSError):
                    receiver._answer(self)

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request: object, client_address: object) -> None:
                """Say nothing of clients that do not like the certificate."""

        self._server = Server(("127.0.0.1", 0), Handler)
        if self._tls:
            self._server.socket = self._tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=self._server.serve_forever, name="receiver", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in request.headers.items()}
        with self._changed:
            answer = self.answers.popleft() if self.answers else Answer()
            self._received.append(Received(request.path, headers, body))
            self._changed.notify_all()
        if answer.hangs:
            self._released.wait()
        request.send_response(answer.status, answer.reason)
        for name, value in (*answer.headers, ("Content-Length", "0")):
            request.send_header(name, value)
        request.end_headers()
