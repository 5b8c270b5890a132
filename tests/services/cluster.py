"""Several nodes of one index behind nginx, and clients that go on whatever happens to them."""

import hashlib
import http.client
import itertools
import json
import random
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pyramid_pypi.testing.artefacts import make_wheel
from tests.live import LiveServer, post_file
from tests.nginx import nginx

__all__ = ["DEPLOY", "Cluster", "Load", "cluster"]

DEPLOY = Path(__file__).parents[2] / "deploy"
JSON = "application/vnd.pypi.simple.v1+json"
# What twine, uv and pip try again.
AGAIN = {429, 502, 503, 504}
TRIES = 240


@dataclass(frozen=True)
class Cluster:
    """The nodes, and the port of nginx in front of them."""

    nodes: tuple[LiveServer, ...]
    port: int

    def ask(self, method: str, path: str, port: int = 0, **headers: str) -> tuple[int, bytes]:
        """Return status and body of a request to nginx, or to a node by its port."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=60)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def files(self, project: str, port: int = 0) -> dict[str, dict]:
        """Return the files of a project by name, none where it is not there."""
        status, body = self.ask("GET", f"/simple/{project}/", port, Accept=JSON)
        if status == 404:
            return {}
        if status != 200:
            raise OSError(f"{status} {body[:200]!r}")
        return {file["filename"]: file for file in json.loads(body)["files"]}

    def delete(self, project: str) -> int:
        """Delete version 1.0 and return the status."""
        form = [(":action", "remove_pkg"), ("name", project), ("version", "1.0")]
        parts = "".join(
            f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in form
        )
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            headers = {"Content-Type": "multipart/form-data; boundary=b"}
            connection.request("POST", "/", f"{parts}--b--\r\n", headers)
            return connection.getresponse().status
        finally:
            connection.close()


@contextmanager
def cluster(folder: Path, ini: str, environ: Mapping[str, str], *, count: int = 2) -> Iterator[Cluster]:
    """Run nodes, each with a folder of its own, behind the nginx of `deploy/`.

    `ini` is the text of a file that listens at `0.0.0.0:6543`; `environ` is what differs in it.
    """
    here = "host = 127.0.0.1\nget port = http_port"
    with ExitStack() as running:
        nodes = []
        for number in range(1, count + 1):
            place = folder / f"node-{number}"
            place.mkdir()
            path = place / "pypi.ini"
            path.write_text(
                f"{ini}".replace("[DEFAULT]\n", "[DEFAULT]\nhttp_port = 0\n").replace(
                    "listen = 0.0.0.0:6543", here
                )
            )
            node = LiveServer(path, place / "log", var=str(place))
            node.environ = dict(environ)
            nodes.append(running.enter_context(node))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        site = (DEPLOY / "nginx.conf").read_text()
        for number, node in enumerate(nodes, 1):
            site = site.replace(f"node-{number}:6543", node.host)
        running.enter_context(nginx(folder, site.replace("listen 80;", f"listen 127.0.0.1:{port};")))
        yield Cluster(tuple(nodes), port)
        for node in nodes:
            text = node.text()
            assert "Traceback" not in text, text[text.index("Traceback") :][:4000]
            assert not re.search(r'"status": 500', text)


@dataclass
class Load:
    """Clients that publish, install and delete through nginx, and what they were told.

    `kept` has the digest of each acknowledged file by name, `gone` those whose deletion was
    acknowledged; what a client gave up is in `failed`.
    """

    place: Cluster
    kept: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    deleting: set[str] = field(default_factory=set)
    failed: list[str] = field(default_factory=list)
    tries: int = 0

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._numbers = itertools.count()
        clients = [self._publish, self._publish, self._publish, self._install, self._install, self._delete]
        self._threads = [threading.Thread(target=client) for client in clients]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, more: int, seconds: float = 120) -> None:
        """Return when so many more files are acknowledged."""
        enough = len(self.kept) + more
        deadline = threading.Event()
        for _ in range(int(seconds / 0.05)):
            if len(self.kept) >= enough:
                return
            deadline.wait(0.05)
        raise AssertionError(f"{len(self.kept)} files, and not {enough}; {self.failed[-3:]}")

    def compare(self) -> None:
        """Look at every node: what was acknowledged is there and whole, what was deleted is not."""
        assert not self.failed, "\n".join(self.failed)
        assert self.kept
        for node in self.place.nodes:
            port = int(node.url.rpartition(":")[2])
            for filename, digest in self.kept.items():
                listed = self.place.files(_project(filename), port)
                if filename in self.gone:
                    assert listed == {}, filename
                elif filename not in self.deleting:
                    assert listed[filename]["hashes"]["sha256"] == digest, filename
                    self._assert_whole(listed[filename], port)

    def _assert_whole(self, file: dict, port: int) -> None:
        pause = threading.Event()
        for _ in range(TRIES):
            status, body = self.place.ask("GET", file["url"].replace("../..", "", 1), port)
            # A node that has waited in vain lets the bucket rest for a moment.
            if status not in AGAIN:
                break
            pause.wait(0.25)
        assert status == 200, file
        assert hashlib.sha256(body).hexdigest() == file["hashes"]["sha256"], file

    def _publish(self) -> None:
        while not self._stop.is_set():
            project = f"load-{next(self._numbers)}"
            filename = f"{project.replace('-', '_')}-1.0-py3-none-any.whl"
            content = make_wheel(project, "1.0", files={"data.bin": random.randbytes(20_000)})
            url = f"http://127.0.0.1:{self.place.port}/"
            if self._until(lambda: post_file(url, filename, content)[0], {200}, filename):
                self.kept[filename] = hashlib.sha256(content).hexdigest()
                # Whoever has the answer looks at another node, and finds the file.
                self._until(lambda: 200 if filename in self.place.files(project) else 404, {200}, filename)

    def _install(self) -> None:
        while not self._stop.is_set():
            known = [name for name in list(self.kept) if name not in self.deleting]
            if not known:
                self._stop.wait(0.05)
                continue
            filename = random.choice(known)
            self._until(lambda: self._fetch(filename), {200}, f"install {filename}")

    def _fetch(self, filename: str) -> int:
        listed = self.place.files(_project(filename))
        if filename in self.deleting:
            return 200
        if filename not in listed:
            return 404
        status, body = self.place.ask("GET", listed[filename]["url"].replace("../..", "", 1))
        if status == 200 and hashlib.sha256(body).hexdigest() != self.kept[filename]:
            return 200 if filename in self.deleting else 599
        return 200 if filename in self.deleting else status

    def _delete(self) -> None:
        while not self._stop.wait(0.3):
            known = [name for name in list(self.kept) if name not in self.deleting]
            if len(known) < 5:
                continue
            filename = random.choice(known)
            self.deleting.add(filename)
            # A deletion that was answered by a node which then died is 404 or 400 the next time.
            if self._until(lambda: self.place.delete(_project(filename)), {200, 400, 404}, filename):
                self.gone.add(filename)

    def _until(self, attempt, wanted: set[int], what: str) -> bool:
        """Try as clients do: again after a failure that may pass, and not after any other."""
        said: object = None
        for _ in range(TRIES):
            self.tries += 1
            try:
                said = attempt()
            except (OSError, http.client.HTTPException) as error:
                said = repr(error)
            if said in wanted:
                return True
            if isinstance(said, int) and said not in AGAIN:
                break
            if self._stop.wait(0.25):
                return False
        self.failed.append(f"{what}: {said}")
        return False


def _project(filename: str) -> str:
    return filename.partition("-1.0-")[0].replace("_", "-")
