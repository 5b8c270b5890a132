"""What a server under test can do for the harness, and the two that frame the others: ours and nginx."""

from __future__ import annotations

import os
import shutil
import sys
import time
from abc import ABC, abstractmethod
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from benchmarks.client import Client
from benchmarks.pages import write_static_site
from benchmarks.process import Command, ServerFailed, free_port, run, spawn, terminate

if TYPE_CHECKING:
    import subprocess

    from benchmarks.corpus import Corpus

READY = {"Accept": "text/html, */*; q=0.1"}
START_LIMIT = 120.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server works: the harness's root, the corpus, and the proxies' upstream."""

    root: Path
    corpus: Corpus
    upstream: str


class Server(ABC):
    """A server process on a free port of 127.0.0.1, serving the corpus from a directory of its own."""

    name: ClassVar[str]
    note: ClassVar[str]
    simple: ClassVar[str] = "/simple/"
    upload_path: ClassVar[str | None] = None
    skips: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, place: Place) -> None:
        self.place = place
        self.corpus = place.corpus
        self.directory = place.root / "run" / self.name
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def prepare(self) -> None:
        """Fill ``directory``, which is empty, with the corpus."""

    @abstractmethod
    def command(self) -> Command:
        """Return how to start the server in the foreground."""

    def credentials(self) -> dict[str, str]:
        """Return the headers that every request needs."""
        return {}

    def upload_credentials(self) -> dict[str, str]:
        """Return the headers that an upload needs."""
        return self.credentials()

    def page(self, project: str) -> str:
        """Return the path of a project's page."""
        return f"{self.simple}{project}/"

    @property
    def pid(self) -> int:
        """The root of the process tree."""
        if self._process is None:
            raise ServerFailed(f"{self.name} is not running")
        return self._process.pid

    def make_ready(self) -> None:
        """Empty the directory and prepare it."""
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        self.prepare()

    def start(self, path: str | None = None) -> float:
        """Start and wait for an answer at ``path``, a project's page unless given; the seconds that took."""
        began = time.perf_counter()
        self._process = spawn(self.command(), self.directory)
        path, headers = path or self.page(self.corpus.ordinary[0]), {**READY, **self.credentials()}
        while not self._answers(path, headers):
            if self._process.poll() is not None or time.perf_counter() - began > START_LIMIT:
                self.stop()
                raise ServerFailed(f"{self.name} did not start; see {self.directory / 'output.log'}")
            time.sleep(0.005)
        return time.perf_counter() - began

    def stop(self) -> None:
        """End the process tree, if there is one."""
        if self._process is not None:
            terminate(self._process)
            self._process = None

    def _answers(self, path: str, headers: dict[str, str]) -> bool:
        client = Client(self.port)
        try:
            return client.get(path, headers).status == 200
        except OSError:
            return False
        finally:
            client.close()

    def link_files(self, directory: Path) -> None:
        """Make hard links to the corpus's wheels as ``<project>/<filename>`` below ``directory``."""
        for project, files in self.corpus.by_project.items():
            folder = directory / project
            folder.mkdir(parents=True)
            for file in files:
                (folder / file.filename).hardlink_to(self.corpus.path(file))


class Nginx(Server):
    """The pages as static files: the ceiling."""

    name = "nginx"
    note = "static files, one worker, sendfile, no access log; Accept chooses between two files"

    def prepare(self) -> None:
        """Lay out the corpus as this server keeps it."""
        write_static_site(self.corpus, self.directory / "site")
        (self.directory / "nginx.conf").write_text(self._configuration())

    def command(self) -> Command:
        """Return how to start it in the foreground."""
        return Command(("nginx", "-p", str(self.directory), "-c", "nginx.conf", "-e", "error.log"))

    def _configuration(self) -> str:
        user = "user root;" if os.geteuid() == 0 else ""
        return f"""
{user}
daemon off;
worker_processes 1;
pid nginx.pid;
error_log error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  default_type application/octet-stream;
  types {{ text/html html; application/vnd.pypi.simple.v1+json json; }}
  map $http_accept $page {{ default html; "~application/vnd\\.pypi\\.simple\\.v1\\+json" json; }}
  server {{
    listen 127.0.0.1:{self.port};
    root {self.directory / "site"};
    index index.$page;
  }}
}}
"""


class Ours(Server):
    """``pserve`` with the configuration that is recommended for one process."""

    name = "ours"
    note = "pserve, open repository, SQLite catalog, durable uploads"
    upload_path: ClassVar[str | None] = "/"
    rights: ClassVar[str] = "everyone"
    server: ClassVar[str] = "egg:pyramid_pypi#server"
    extra: ClassVar[str] = ""
    repositories: ClassVar[str] = "private"

    @property
    def catalog(self) -> str:
        """Where the catalog is."""
        return f"sqlite:///{self.directory}/catalog.db"

    def more(self) -> str:
        """Return the settings of the repositories besides the hosted one."""
        return ""

    def prepare(self) -> None:
        """Lay out the corpus as this server keeps it."""
        self.link_files(self.directory / "packages")
        (self.directory / "server.ini").write_text(self._configuration())
        program = Path(sys.executable).with_name("pyramid-pypi")
        run(Command((str(program), "reindex", "server.ini")), self.directory)

    def command(self) -> Command:
        """Return how to start it in the foreground."""
        program = Path(sys.executable).with_name("pserve")
        return Command((str(program), "server.ini"))

    def _configuration(self) -> str:
        return f"""
[app:main]
use = egg:pyramid_pypi
pypi.catalog = {self.catalog}
pypi.repositories = {self.repositories}
pypi.repo.private = hosted
pypi.repo.private.storage = filesystem
pypi.repo.private.storage.path = {self.directory}/packages
pypi.repo.private.read = {self.rights}
pypi.repo.private.upload = {self.rights}
pypi.access_log = false
{self.extra}
{self.more()}
[server:main]
use = {self.server}
listen = 127.0.0.1:{self.port}
threads = 8
"""


class OursWithPassword(Ours):
    """The same behind a password, as twine and pip send it: bcrypt once, then the credential cache."""

    name = "ours-login"
    note = "ours, every request with a user's password (bcrypt, cost 12)"
    skips = frozenset({"page2000", "page200", "root", "big1", "big4", "mixed", "memory", "startup", "uv"})
    rights = "user:bench"
    extra = "pypi.authenticators = htpasswd\npypi.auth.htpasswd.path = %(here)s/htpasswd"
    password: ClassVar[str] = "correct horse"

    def prepare(self) -> None:
        """Lay out the corpus as this server keeps it."""
        import bcrypt  # noqa: PLC0415 - peers can be measured without it

        digest = bcrypt.hashpw(self.password.encode(), bcrypt.gensalt(12)).decode()
        (self.directory / "htpasswd").write_text(f"bench:{digest}\n")
        super().prepare()

    def credentials(self) -> dict[str, str]:
        """Return the user's name and password."""
        return {"Authorization": "Basic " + b64encode(f"bench:{self.password}".encode()).decode()}
