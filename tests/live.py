"""A real `pserve` for tests: its own process group, a free port of this machine, a log to read."""

import base64
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import bcrypt

__all__ = ["LiveServer", "post_file", "write_htpasswd", "write_ini"]

_SERVING = re.compile(r"Serving on (http://[0-9.:]+)")
_TRACEBACK = "Traceback (most recent call last)"
_PAUSE = 0.05

_INI = """\
[DEFAULT]
http_port = 0

[app:main]
use = egg:pyramid_pypi
{settings}

[server:main]
use = egg:pyramid_pypi#server
host = 127.0.0.1
get port = http_port
threads = 24
max_request_body_size = 4400000000

[loggers]
keys = root, access

[handlers]
keys = console, plain

[formatters]
keys = generic, message

[logger_root]
level = INFO
handlers = console

[logger_access]
level = INFO
handlers = plain
propagate = 0
qualname = pyramid_pypi.access

[handler_console]
class = StreamHandler
args = (sys.stderr,)
level = NOTSET
formatter = generic

[handler_plain]
class = StreamHandler
args = (sys.stderr,)
level = NOTSET
formatter = message

[formatter_generic]
format = %(asctime)s %(levelname)s %(name)s: %(message)s

[formatter_message]
format = %(message)s
"""


def write_ini(path: Path, settings: Mapping[str, str]) -> Path:
    """Write an ini whose application has `settings` and which `LiveServer` can start; return `path`."""
    lines = "\n".join(f"{key} = {value}" for key, value in settings.items())
    path.write_text(_INI.format(settings=lines))
    return path


def write_htpasswd(folder: Path, *people: tuple[str, str]) -> None:
    """Write `htpasswd` in a folder, for people with these names and passwords."""
    hashed = ((name, bcrypt.hashpw(word.encode(), bcrypt.gensalt(4)).decode()) for name, word in people)
    (folder / "htpasswd").write_text("".join(f"{name}:{digest}\n" for name, digest in hashed))


class LiveServer:
    """`pserve` with an ini that takes its port from the variable `http_port`.

    The port is a free one, and stays the same when the server is started again. What the server
    prints is in the file `log`. Use it as a context manager, or call `start` and `stop`.
    """

    def __init__(self, ini: Path, log: Path, **variables: str) -> None:
        self.ini = ini
        self.log = log
        self._variables = variables
        self.runner: list[str] = []
        """A program and its arguments that run the server, such as a tracer."""
        self.environ: dict[str, str] = {}
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "LiveServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where the server listens, without a slash at the end."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """The number of the process."""
        assert self._process is not None
        return self._process.pid

    @property
    def host(self) -> str:
        """The host and the port, as in a URL."""
        return f"127.0.0.1:{self._port}"

    def at(self, path: str = "", user: str = "", password: str = "") -> str:
        """Return the URL of `path`, with credentials when there is a user."""
        if not user:
            return f"{self.url}{path}"
        return f"http://{quote(user, safe='')}:{quote(password, safe='')}@{self.host}{path}"

    def start(self, timeout: float = 30) -> None:
        """Start, and return once the server says that it is ready. Raises AssertionError."""
        command = [*self.runner, sys.executable, "-m", "pyramid.scripts.pserve", str(self.ini)]
        variables = {"http_port": str(self._port), **self._variables}
        command += [f"{key}={value}" for key, value in variables.items()]
        begin = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                env={**os.environ, **self.environ},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + timeout
        try:
            while not self._is_ready(begin):
                assert self._process.poll() is None, f"the server has stopped: {self._tail()}"
                assert time.monotonic() < deadline, f"the server is not ready: {self._tail()}"
                time.sleep(_PAUSE)
        except BaseException:
            self.kill()
            raise

    def stop(self, timeout: float = 20) -> None:
        """Let the log be written, end the server and everything that it started."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self.access()
            self._signal(signal.SIGTERM)
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def access(self, timeout: float = 10) -> list[dict[str, Any]]:
        """Return the access log, with everything that was answered before this call."""
        mark = f"mark-{uuid.uuid4().hex}"
        request = urllib.request.Request(f"{self.url}/-/health", headers={"User-Agent": mark})
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            answer.read()
        deadline = time.monotonic() + timeout
        while mark not in self.text():
            assert time.monotonic() < deadline, f"the access log is not written: {self._tail()}"
            time.sleep(_PAUSE)
        found = (json.loads(line) for line in self.text().splitlines() if line.startswith('{"time"'))
        # The audit log may be in the same file, and its lines have no agent.
        return [line for line in found if not line.get("agent", "mark-").startswith("mark-")]

    def text(self) -> str:
        """Return what the server has printed."""
        return self.log.read_text(errors="replace")

    def problems(self) -> list[str]:
        """Return what no client may ever cause: tracebacks and answers of 500 and above."""
        text = self.text()
        found = [line for line in text.splitlines() if re.search(r'"status": 5\d\d', line)]
        if _TRACEBACK in text:
            found.append(text[text.index(_TRACEBACK) :][:4000])
        return found

    def _is_ready(self, begin: int) -> bool:
        serving = _SERVING.search(self.log.read_bytes()[begin:].decode(errors="replace"))
        if serving is None:
            return False
        self._port = urlsplit(serving[1]).port or 0
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as answer:
                return bool(answer.status == http.client.OK)
        except (urllib.error.URLError, OSError):
            return False

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            pass

    def _tail(self) -> str:
        return self.text()[-3000:]


def post_file(url: str, filename: str, content: bytes, **fields: str) -> tuple[int, str]:
    """Upload a file as the legacy API wants it; return the status and the body.

    The URL may have credentials in it. `fields` are added to the form.
    """
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in {":action": "file_upload", "protocol_version": "1", **fields}.items()
    ]
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="content"; filename="{filename}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n".encode()
    )
    target = urlsplit(url)
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    if target.username is not None:
        pair = f"{unquote(target.username)}:{unquote(target.password or '')}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=60)
    try:
        body = b"".join([*parts, content, f"\r\n--{boundary}--\r\n".encode()])
        connection.request("POST", target.path or "/", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()
