"""A hardened `pserve`, as production.ini describes it, and clients that need not be polite."""

import base64
import functools
import http.client
import json
import os
import re
import socket
import uuid
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import bcrypt

from pyramid_pypi.testing.artefacts import make_wheel
from tests.live import LiveServer

PRODUCTION = Path(__file__).parents[2] / "production.ini"
JSON = "application/vnd.pypi.simple.v1+json"
PEOPLE = ("reader", "uploader", "owner")

REPOSITORIES = {
    "pypi.repositories": "private open mixed pypi all",
    "pypi.default": "private",
    "pypi.repo.private.read": "authenticated",
    "pypi.repo.private.upload": "user:uploader user:owner",
    "pypi.repo.private.delete": "user:owner",
    "pypi.repo.open": "hosted",
    "pypi.repo.open.storage": "filesystem",
    "pypi.repo.open.storage.path": "open",
    "pypi.repo.open.read": "everyone",
    "pypi.repo.open.upload": "user:uploader user:owner",
    "pypi.repo.open.delete": "user:owner",
    "pypi.repo.mixed": "hosted",
    "pypi.repo.mixed.storage": "filesystem",
    "pypi.repo.mixed.storage.path": "mixed",
    "pypi.repo.mixed.read": "user:owner",
    "pypi.repo.mixed.upload": "user:owner",
    "pypi.repo.mixed.project.public-*.read": "everyone",
    "pypi.repo.mixed.project.team-*.read": "authenticated",
    "pypi.repo.mixed.project.team-*.upload": "user:uploader",
}


@functools.cache
def hashed(password, cost=4):
    return bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(cost)).decode()


def production_ini(folder, **settings):
    """Write production.ini with other settings; `None` removes a key. Return its path."""
    settings = {**REPOSITORIES, **settings}
    lines = []
    for line in PRODUCTION.read_text().splitlines():
        if line.partition("=")[0].strip() not in settings:
            lines.append(line)
        if line == "[app:main]":
            lines += [f"{key} = {value}" for key, value in settings.items() if value is not None]
    # The tests wait for the line in which the server says where it listens.
    text = "\n".join(lines).replace("[logger_root]\nlevel = WARNING", "[logger_root]\nlevel = INFO")
    path = folder / "production.ini"
    path.write_text(text + "\n")
    return path


class Server(LiveServer):
    """A server with the three people above, whose passwords are their names with `-password`."""

    def __init__(self, folder, *, cost=4, data=None, log="server.log", **settings):
        self.folder = folder
        self.data = data or folder / "var"
        self.data.mkdir(parents=True, exist_ok=True)
        if not (self.data / "htpasswd").exists():
            lines = [f"{name}:{hashed(f'{name}-password', cost)}\n" for name in PEOPLE]
            (self.data / "htpasswd").write_text("".join(lines))
        super().__init__(production_ini(folder, **settings), folder / log, var=str(self.data))

    @property
    def port(self):
        return self._port

    @property
    def pid(self):
        return self._process.pid

    def client(self, user="", **options):
        return Client(self.port, user, f"{user}-password" if user else "", **options)

    def failures(self):
        """Return what was logged about each exception that nobody expected."""
        return self.text().split("Traceback (most recent call last)")[1:]

    def staged(self, repository="packages"):
        return sorted((self.data / repository / ".pyramid_pypi" / "staging").iterdir())

    def stored(self, repository="packages"):
        root = self.data / repository
        found = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
        return sorted(str(path) for path in found if not path.parts[0].startswith("."))

    def rss(self):
        """Return the resident memory in bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024

    def peak_from_now(self):
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def peak(self):
        """Return the highest resident memory since `peak_from_now`, in bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) * 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))


@dataclass
class Answer:
    status: int
    reason: str = ""
    headers: dict = field(default_factory=dict)
    body: bytes = b""

    @property
    def text(self):
        return self.body.decode(errors="replace")


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def form(filename, content, fields=(), *, boundary=None):
    """Return content type and body of an upload; the file name goes in as it is."""
    boundary = boundary or uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in [(":action", "file_upload"), ("protocol_version", "1"), *fields]
    ]
    raw = filename if isinstance(filename, bytes) else filename.encode()
    head = b'--%s\r\nContent-Disposition: form-data; name="content"; filename="%s"\r\n\r\n'
    parts.append(head % (boundary.encode(), raw) + content)
    return f"multipart/form-data; boundary={boundary}", b"".join([*parts, f"\r\n--{boundary}--\r\n".encode()])


class Client:
    """Requests to the server; each has its own connection and may come from any 127.x address."""

    def __init__(self, port, user="", password="", *, source="127.0.0.1", timeout=60):
        self.port, self.source, self.timeout = port, source, timeout
        self.authorization = basic(user, password) if user else None

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=self.timeout, source_address=(self.source, 0)
        )
        sent = {"Authorization": self.authorization} if self.authorization else {}
        sent.update(headers or {})
        with closing(connection):
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            pairs = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, answer.reason, pairs, answer.read())

    def get(self, path, **headers):
        return self.ask(
            "GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )

    def post(self, body, content_type, path="/", **headers):
        return self.ask("POST", path, body, {"Content-Type": content_type, **headers})

    def upload(self, filename, content, path="/", fields=(), headers=None):
        content_type, body = form(filename, content, fields)
        return self.post(body, content_type, path, **(headers or {}))

    def publish(self, name, version="1.0", path="/", **options):
        """Upload a wheel; return the answer, the file name and the content."""
        filename = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
        content = make_wheel(name, version, **options)
        return self.upload(filename, content, path), filename, content

    def files(self, project, repository=""):
        """Return the files of a project by name, as the JSON page describes them."""
        answer = self.get(f"{repository}/simple/{project}/", Accept=JSON)
        if answer.status == 404:
            return {}
        assert answer.status == 200, answer.text
        return {file["filename"]: file for file in json.loads(answer.body)["files"]}


def raw(port, data, *, source="127.0.0.1", timeout=3, size=1 << 20):
    """Send bytes and return what comes until the server closes or is silent for `timeout` seconds."""
    with socket.create_connection(("127.0.0.1", port), timeout, source_address=(source, 0)) as connection:
        received = b""
        try:
            connection.sendall(data)
            while len(received) < size and (chunk := connection.recv(65536)):
                received += chunk
        except (TimeoutError, ConnectionError):
            pass
        return received


def statuses(received):
    """Return the statuses of the answers in `received`."""
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3})", received)]
