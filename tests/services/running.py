"""A server in this process, an application for it, and reading what it sends."""

import contextlib
import http.client
import os
import re
import socket
import threading

from pyramid_pypi.errors import UpstreamUnavailable
from pyramid_pypi.server import ARRIVING_WRAPPER, create_server
from pyramid_pypi.web.slices import FileSlices

CONTENT = os.urandom(1 << 20)
MIB = 1 << 20


class Application:
    """Answers by path: `/page`, `/empty/<status>`, `/file`, `/echo`, `/failing/<chunks>`, and `/to/<name>`."""

    def __init__(self, tmp_path):
        self.path = tmp_path / "file"
        self.path.write_bytes(CONTENT * 8)
        self.arriving = {}
        self.asked = []
        self.opened = []

    def __call__(self, environ, start_response):
        self.asked.append(environ["PATH_INFO"])
        kind, _, name = environ["PATH_INFO"].strip("/").partition("/")
        return getattr(self, kind)(environ, start_response, name)

    def page(self, environ, start_response, name):
        start_response("200 OK", [("Content-Length", "4")])
        return [b"page"]

    def echo(self, environ, start_response, name):
        body = environ["wsgi.input"].read()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    def empty(self, environ, start_response, status):
        start_response(f"{status} Empty", [("ETag", '"x"')])
        return []

    def file(self, environ, start_response, name):
        stream = self.path.open("rb")
        self.opened.append(stream)
        size = int(name or self.path.stat().st_size)
        start_response("200 OK", [("Content-Length", str(size))])
        return environ["wsgi.file_wrapper"](FileSlices(stream), 1 << 18)

    def slowly(self, environ, start_response, name):
        start_response("200 OK", [("Content-Length", str(len(CONTENT)))])
        return (CONTENT[at : at + 1000] for at in range(0, len(CONTENT), 1000))

    def failing(self, environ, start_response, name):
        """Fail after as many chunks; a name with a dot announces the size, as `1.` does."""
        number, dot, _ = name.partition(".")
        start_response("200 OK", [("Content-Length", str(len(CONTENT)))] if dot else [])
        for at in range(int(number)):
            yield CONTENT[at * 1000 : (at + 1) * 1000]
        raise UpstreamUnavailable("the upstream has hung up")

    def part(self, environ, start_response, name):
        arriving = self.arriving[name]
        start_response("206 Partial Content", [("Content-Length", "1000")])
        return environ[ARRIVING_WRAPPER](arriving, 500, 1500)

    def to(self, environ, start_response, name):
        arriving = self.arriving[name]
        start_response("200 OK", [("Content-Length", str(len(arriving.content)))])
        return environ[ARRIVING_WRAPPER](arriving, 0, len(arriving.content))


class Running:
    """A server in a thread of this process."""

    def __init__(self, application, create=create_server, **settings):
        self.application = application
        self.server = create(application, listen="127.0.0.1:0", **{"threads": 2, **settings})
        self.port = int(self.server.effective_port)
        self._stopped = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while not self._stopped:
            self.server.asyncore.loop(timeout=1, map=self.server._map, use_poll=True, count=1)

    def stop(self):
        self._stopped = True
        self.server.pull_trigger()
        self._thread.join()
        for channel in list(self.server.active_channels.values()):
            channel.handle_close()
        self.server.task_dispatcher.shutdown()
        self.server.close()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), 10)

    def raw(self, data):
        """Return everything that the server sends before it closes."""
        with self.connect() as connection:
            connection.sendall(data)
            return read_all(connection)

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", path)
            return connection.getresponse().read()


def read_all(connection):
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := connection.recv(1 << 16):
            received += chunk
    return received


def receive(connection, size):
    """Return `size` bytes, fewer if the server closes."""
    received = bytearray()
    while len(received) < size and (chunk := connection.recv(min(size - len(received), 1 << 18))):
        received += chunk
    return bytes(received)


def read_head(connection):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        assert byte, head
        head += byte
    return head


def read_answer(connection):
    """Return the head and the body of one answer with a length."""
    head = read_head(connection)
    size = int(re.search(rb"Content-Length: (\d+)", head)[1])
    return head, receive(connection, size)


def ask(connection, path, *headers, method="GET", version="1.1"):
    lines = [f"{method} {path} HTTP/{version}", "Host: x", *headers]
    connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
