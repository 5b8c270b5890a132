"""The HTTP server of the fake GitHub."""

import hashlib
import json
import random
import re
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlsplit

from pyramid_pypi_github.testing.answers import Describer
from pyramid_pypi_github.testing.description import Description, Operation
from pyramid_pypi_github.testing.faults import Fault
from pyramid_pypi_github.testing.handlers import HANDLERS, Asked, Reply
from pyramid_pypi_github.testing.state import Repository, State

__all__ = ["GitHubServer", "Seen", "reset_at"]

TOKEN: Final = "ghp_0123456789abcdef"  # noqa: S105 - of the fake
_SECOND_TOKEN: Final = "ghs_installation"  # noqa: S105 - as above
_MANY: Final = 3
_NOWHERE: Final = Repository("", "")
_RANGE: Final = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that arrived, and the status of its answer; 0 where the connection was closed."""

    method: str
    path: str
    status: int
    headers: Mapping[str, str]
    query: Mapping[str, str]


class GitHubServer:
    """A GitHub on loopback, with the repository `acme/packages`. `problems` has what was wrong.

    `prefix` is what an Enterprise Server has before its paths, `/api/v3`. `direct` sends the bytes of
    assets without a redirect, as such a server may.
    """

    token = TOKEN

    def __init__(self, description: Description, *, prefix: str = "", direct: bool = False) -> None:
        self.description = description
        self.prefix = prefix
        self.direct = direct
        self.state = State()
        self.state.repository("acme/packages")
        self.seen: list[Seen] = []
        self.problems: list[str] = []
        self.faults: list[Fault] = []
        self.released = threading.Event()
        fake = self

        class Handler(_Handler):
            server_of = fake

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}{prefix}"
        self.say = Describer(description, self.url)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def repository(self) -> Repository:
        """The repository `acme/packages`."""
        return self.state.repositories["acme/packages"]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def fail(self, fault: Fault) -> None:
        """Do something wrong with the next requests that the fault is about."""
        self.faults.append(fault)

    def count(self, method: str = "", path: str = "", *, counted: bool = False) -> int:
        """Return how many requests arrived; `counted` are those that the rate limit counts."""
        found = [each for each in self.seen if method in {"", each.method} and path in each.path]
        return sum(not (counted and each.status == 304) for each in found)

    def take_fault(self, method: str, path: str) -> Fault | None:
        """Return the fault for a request, and count it."""
        with self.state.lock:
            for at, fault in enumerate(self.faults):
                if fault.method in {"", method} and fault.path in path:
                    if fault.times > 1:
                        self.faults[at] = replace(fault, times=fault.times - 1)
                    else:
                        del self.faults[at]
                    return fault
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that go away."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_of: GitHubServer
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PATCH = do_PUT = do_DELETE = do_GET  # noqa: N815 - names that the base class looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in the base class
        """Keep quiet."""

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        self._query = dict(parse_qsl(parts.query))
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = parts.path
        fault = self.server_of.take_fault(self.command, path)
        if path.startswith("/signed/"):
            self._send_bytes(int(path.rpartition("/")[2]), fault)
            return
        operation = self.server_of.description.find(self.command, path.removeprefix(self.server_of.prefix))
        if operation is None:
            self._problem(f"{path} is no path of the description")
            self._answer(Reply(404, self.server_of.say.error("Not Found")), None)
            return
        is_asset = operation.template.endswith("/assets") and self.command == "POST"
        body = json.loads(data) if data and not is_asset else None
        for problem in self.server_of.description.request_problems(operation, self._query, body):
            self._problem(problem)
        for name in ("User-Agent", "X-GitHub-Api-Version"):
            if name not in self.headers and not operation.template.startswith("/app/"):
                self._problem(f"{name} is missing")
        self._do(operation, body, data, fault)

    def _do(self, operation: Operation, body: Any, data: bytes, fault: Fault | None) -> None:
        kind = fault.kind if fault else ""
        if kind == "hang":
            self.server_of.released.wait(30)
        if kind == "reset" and fault and not fault.obeyed:
            self._reset()
            return
        if fault and kind in {"answer", "html"} and not fault.obeyed:
            # What no GitHub should say is not held against its description.
            self._answer(self._wrong(fault), None if kind == "html" else operation, html=kind == "html")
            return
        reply = self._handled(operation, body, data, fault)
        if fault and kind == "reset":
            self._reset()
        elif fault and (kind == "starter" or fault.obeyed):
            self._answer(self._wrong(fault), operation)
        elif reply.status == 302 and self.server_of.direct:
            self._send_bytes(int(operation.values["asset_id"]), fault)
        else:
            self._answer(reply, operation)

    def _handled(self, operation: Operation, body: Any, data: bytes, fault: Fault | None) -> Reply:
        accept = self.headers.get("Accept", "")
        say, state = self.server_of.say, self.server_of.state
        url = f"http://{self.headers['Host']}{urlsplit(self.path).path}"
        asked = Asked(state, say, operation.values, self._query, body, data, accept, url, fault)
        if not self._is_known(operation):
            return asked.refuse(401, "Bad credentials")
        with state.lock:
            repository = asked.repository
            if repository is None and "repo" in operation.values:
                return asked.missing()
            handler = HANDLERS[operation.method, operation.template]
            return handler(asked, repository or _NOWHERE)

    def _is_known(self, operation: Operation) -> bool:
        said = self.headers.get("Authorization", "").partition(" ")[2]
        if operation.template.startswith("/app/"):
            return said.count(".") == 2
        return said in {TOKEN, _SECOND_TOKEN}

    def _wrong(self, fault: Fault) -> Reply:
        headers = dict(fault.headers)
        return Reply(fault.status or 502, self.server_of.say.error(fault.message or "Server Error"), headers)

    def _answer(self, reply: Reply, operation: Operation | None, *, html: bool = False) -> None:
        if operation:
            for problem in self._answer_problems(operation, reply):
                self._problem(problem)
        body = b"" if reply.data is None else json.dumps(reply.data).encode()
        body = b"<html>Log in</html>" if html else body
        etag = f'W/"{hashlib.sha256(body).hexdigest()}"'
        status = reply.status
        if status == 200 and self.headers.get("If-None-Match") == etag:
            status, body = 304, b""
        self._saw(status)
        self.send_response(status)
        kind = "text/html" if html else "application/json; charset=utf-8"
        headers = {"Content-Type": kind, "ETag": etag, "X-RateLimit-Remaining": "4999", **reply.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        if status not in {204, 304}:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _answer_problems(self, operation: Operation, reply: Reply) -> list[str]:
        data = reply.data
        if isinstance(data, list) and len(data) > _MANY:
            # A page of a hundred takes long to check; any of them may be among those that are.
            data = random.sample(data, _MANY)
        # The description's list of states leaves out the one that its text tells of: `starter`.
        text = json.dumps(data).replace('"state": "starter"', '"state": "open"')
        found = self.server_of.description.answer_problems(operation, reply.status, json.loads(text))
        return [f"answer {reply.status}: {problem}" for problem in found]

    def _send_bytes(self, number: int, fault: Fault | None) -> None:
        if "Authorization" in self.headers and not self.server_of.direct:
            self._problem("the token was sent to the place of the bytes")
        with self.server_of.state.lock:
            repositories = list(self.server_of.state.repositories.values())
        found = [
            one.assets[number]
            for each in repositories
            for one in each.releases.values()
            if number in one.assets
        ]
        data = found[0].data if found else b"<Error/>"
        wanted = _RANGE.fullmatch(self.headers.get("Range", "")) if found else None
        if wanted and not (fault and fault.obeyed):
            stop = int(wanted[2]) + 1 if wanted[2] else len(data)
            part, status = data[int(wanted[1]) : stop], 206
        else:
            part, status = data, 200 if found else 404
        if fault and fault.status:
            part, status = b"<Error/>", fault.status
        self._saw(status)
        self.send_response(status)
        self.send_header("Content-Length", str(len(part)))
        if status == 206 and wanted:
            self.send_header(
                "Content-Range", f"bytes {wanted[1]}-{int(wanted[1]) + len(part) - 1}/{len(data)}"
            )
        self.end_headers()
        if fault and fault.kind == "reset":
            self.wfile.write(part[: fault.after])
            self._close()
            return
        self.wfile.write(part)

    def _reset(self) -> None:
        self._saw(0)
        self._close()

    def _close(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _saw(self, status: int) -> None:
        path = urlsplit(self.path).path
        self.server_of.seen.append(Seen(self.command, path, status, dict(self.headers), self._query))

    def _problem(self, what: str) -> None:
        self.server_of.problems.append(f"{self.command} {self.path}: {what}")


def reset_at(seconds: float) -> dict[str, str]:
    """Return the headers of a primary rate limit that ends in so many seconds."""
    return {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time() + seconds))}
