"""The peers, each as its own documentation runs it."""

from __future__ import annotations

import json
import shutil
from base64 import b64encode
from typing import ClassVar

from benchmarks.client import Client
from benchmarks.corpus import FAT
from benchmarks.environments import environment
from benchmarks.process import Command, ServerFailed, run
from benchmarks.servers import Server
from benchmarks.uploads import form


class PypiServer(Server):
    """pypiserver with the extra that its documentation recommends."""

    name = "pypiserver"
    note = "2.4.2 with [cache], as shipped: its cache throws itself away when a file is read"
    upload_path = "/"
    launcher: ClassVar[str] = "import sys; from pypiserver.__main__ import main; main(sys.argv[1:])"

    def prepare(self) -> None:
        """Lay out the corpus as this server keeps it."""
        environment(self.place.root, "pypiserver")
        # One flat directory, as its own uploads make it; with directories below it the cache deadlocks.
        folder = self.directory / "packages"
        folder.mkdir()
        for file in self.corpus.files:
            (folder / file.filename).hardlink_to(self.corpus.path(file))

    def command(self) -> Command:
        """Return how to start it in the foreground."""
        python = environment(self.place.root, "pypiserver") / "python"
        address = ("-i", "127.0.0.1", "-p", str(self.port))
        access = ("-a", ".", "-P", ".", "--disable-fallback")
        return Command((str(python), "-c", self.launcher, "run", *address, *access, "packages"))


class PypiServerRepaired(PypiServer):
    """The same with its cache repaired, which is the fairer comparison."""

    name = "pypiserver-repaired"
    note = "2.4.2 with [cache], patched to keep its cache when a file is only read"
    launcher = """
import sys
from pypiserver import cache
from pypiserver.__main__ import main
dispatch = cache._EventHandler.dispatch
def patient(self, event):
    if event.event_type not in ("opened", "closed_no_write"):
        dispatch(self, event)
cache._EventHandler.dispatch = patient
main(sys.argv[1:])
"""


class Proxpi(Server):
    """proxpi in front of the nginx of this run."""

    name = "proxpi"
    note = "1.3.1, gunicorn with 2 threads, caching proxy of the nginx here, warm cache"
    simple = "/index/"

    def prepare(self) -> None:
        """Lay out the corpus as this server keeps it."""
        environment(self.place.root, "proxpi")
        (self.directory / "cache").mkdir()

    def command(self) -> Command:
        """Return how to start it in the foreground."""
        gunicorn = environment(self.place.root, "proxpi") / "gunicorn"
        settings = {
            "PROXPI_INDEX_URL": self.place.upstream,
            "PROXPI_INDEX_TTL": "86400",
            "PROXPI_CACHE_DIR": str(self.directory / "cache"),
            "PROXPI_LOGGING_LEVEL": "WARNING",
            "PROXPI_DOWNLOAD_TIMEOUT": "60",
        }
        argv = (str(gunicorn), "--bind", f"127.0.0.1:{self.port}", "--threads", "2", "proxpi.server:app")
        return Command(argv, settings)


class Devpi(Server):
    """devpi-server without its web interface, uploads with the token of a login."""

    name = "devpi"
    note = "6.20.3, offline mode, core metadata, 50 threads, uploads by token; no project of 2,000 files"
    simple = "/bench/dev/+simple/"
    upload_path = "/bench/dev/"
    # Each upload re-reads every version of the project, so 2,000 of them take hours.
    skips = frozenset({"page2000"})
    password: ClassVar[str] = "correct horse"

    def prepare(self) -> None:
        """Lay out the corpus as this server keeps it."""
        kept = self.corpus.directory / "devpi-prepared"
        if not kept.exists():
            self._populate()
            shutil.copytree(self.directory / "data", kept.with_suffix(".partial"), dirs_exist_ok=True)
            kept.with_suffix(".partial").rename(kept)
        shutil.rmtree(self.directory / "data", ignore_errors=True)
        shutil.copytree(kept, self.directory / "data")

    def command(self) -> Command:
        """Return how to start it in the foreground."""
        program = environment(self.place.root, "devpi") / "devpi-server"
        address = ("--host", "127.0.0.1", "--port", str(self.port), "--serverdir", "data")
        return Command((str(program), *address, "--offline-mode", "--enable-core-metadata"))

    def upload_credentials(self) -> dict[str, str]:
        """Log in and return the token."""
        answer = self._ask("POST", "/+login", {"user": "bench", "password": self.password})
        token = json.loads(answer)["result"]["password"]
        return {"Authorization": "Basic " + b64encode(f"bench:{token}".encode()).decode()}

    def _populate(self) -> None:
        program = environment(self.place.root, "devpi") / "devpi-init"
        run(Command((str(program), "--serverdir", "data", "--no-root-pypi")), self.directory)
        self.start("/+api")
        try:
            self._ask("PUT", "/bench", {"password": self.password})
            headers = self.upload_credentials()
            self._ask("PUT", "/bench/dev", {"bases": [], "volatile": True, "type": "stage"}, headers)
            self._upload_all(headers)
        finally:
            self.stop()

    def _upload_all(self, headers: dict[str, str]) -> None:
        client = Client(self.port)
        for project, files in self.corpus.by_project.items():
            for file in () if project == FAT else files:
                body, content_type = form(project, file.version, self.corpus.path(file).read_bytes())
                sent = {**headers, "Content-Type": content_type}
                answer = client.request("POST", self.upload_path or "", sent, body)
                if answer.status != 200:
                    raise ServerFailed(
                        f"devpi refused {file.filename}: {answer.status} {answer.body[:200]!r}"
                    )

    def _ask(
        self, method: str, path: str, content: dict[str, object], headers: dict[str, str] | None = None
    ) -> bytes:
        sent = {"Accept": "application/json", "Content-Type": "application/json", **(headers or {})}
        answer = Client(self.port).request(method, path, sent, json.dumps(content).encode())
        if answer.status not in {200, 201}:
            raise ServerFailed(f"devpi answered {answer.status} to {method} {path}: {answer.body[:200]!r}")
        return answer.body
