"""A real PostgreSQL for tests: in a temporary folder, on a Unix socket and a port of this machine."""

import functools
import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from pyramid_pypi.catalog import Catalog

__all__ = [
    "PASSWORD",
    "Postgres",
    "catalog_of",
    "catalog_url",
    "forget_catalogs",
    "postgres",
    "remove_shared_postgres",
    "shared_postgres",
]

PASSWORD = "shrubbery"
_TEMPLATE = "catalog_template"
_CONFIGURATION = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{folder}'
fsync = {fsync}
"""


class Postgres:
    """A server with the user `pypi`; start and stop it, or use it as a context manager.

    PostgreSQL refuses to run as root, so that root runs it as another user. What it has committed
    is on a disk if it is `durable`; a crash of the program loses nothing without that.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self._numbers = itertools.count(1)
        self._has_template = False
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
        self._as = _other_user() if os.getuid() == 0 else []
        if self._as:
            user = pwd.getpwnam(_name_of_other())
            os.chown(self._folder, user.pw_uid, user.pw_gid)
        word = self._folder / "password"
        word.write_text(PASSWORD)
        word.chmod(0o644)
        options = ("--username=pypi", "--auth=scram-sha-256", f"--pwfile={word}", "--encoding=UTF8")
        self._run("initdb", "--no-sync", "--no-locale", *options)
        settings = {"port": self.port, "folder": self._folder, "fsync": "on" if durable else "off"}
        with (self._data / "postgresql.conf").open("a") as stream:
            stream.write(_CONFIGURATION.format(**settings))

    def __enter__(self) -> "Postgres":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def start(self) -> None:
        """Start and wait until it takes connections."""
        self._run("pg_ctl", "--wait", f"--log={self._folder}/log", "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop if it runs; `immediate` is a crash: nothing is written down any more."""
        if (self._data / "postmaster.pid").exists():
            self._run("pg_ctl", "--wait", f"--mode={mode}", "stop")

    def remove(self) -> None:
        """Stop, and remove everything."""
        self.stop()
        shutil.rmtree(self._folder)

    def url(self, database: str, *, socket: bool = False) -> str:
        """Return the URL of a database, over TCP or over the Unix socket."""
        if socket:
            return f"postgresql://pypi:{PASSWORD}@/{database}?host={self._folder}&port={self.port}"
        return f"postgresql://pypi:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def create(self, *, empty: bool = False) -> str:
        """Return the URL of a new database, with the tables of the catalog unless it is to be `empty`."""
        template = "template1" if empty else _TEMPLATE
        if not empty and not self._has_template:
            self.execute(f"CREATE DATABASE {_TEMPLATE}")
            Catalog(self.url(_TEMPLATE)).close()
            self._has_template = True
        name = f"catalog_{next(self._numbers)}"
        # Since there is a choice, the default is the one that is slower for small databases.
        ((version,),) = self.execute("SHOW server_version_num")
        how = "STRATEGY file_copy" if int(str(version)) >= 150_000 else ""
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} {how}")
        return self.url(name, socket=True)

    def drop(self, url: str) -> None:
        """Remove a database, whoever uses it."""
        self.execute(f"DROP DATABASE IF EXISTS {urlsplit(url).path[1:]} WITH (FORCE)")

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run a statement as the administrator and return its rows."""
        with psycopg.connect(self.url(database, socket=True), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _run(self, program: str, *arguments: str) -> None:
        # What it starts must not keep a pipe open, and it must be able to see its working folder.
        command = [*self._as, _find(program), f"--pgdata={self._data}", *arguments]
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(command, cwd="/", stdout=output, stderr=output, check=False)
            output.seek(0)
            assert done.returncode == 0, output.read().decode(errors="replace")


def _find(program: str) -> str:
    """Return where a program of the server is; Debian's package keeps them out of the path."""
    found = shutil.which(program)
    if found is not None:
        return found
    *_, newest = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))
    return str(newest)


def _name_of_other() -> str:
    names = {user.pw_name for user in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _other_user() -> list[str]:
    name = _name_of_other()
    return ["setpriv", f"--reuid={name}", f"--regid={pwd.getpwnam(name).pw_gid}", "--clear-groups"]


@functools.cache
def shared_postgres() -> Postgres:
    """Return the server of all tests of this process."""
    server = Postgres()
    server.start()
    return server


def remove_shared_postgres() -> None:
    """Stop that server, if there is one."""
    if shared_postgres.cache_info().currsize:
        shared_postgres().remove()
        shared_postgres.cache_clear()


_catalogs: dict[Path, str] = {}


def catalog_of(folder: Path) -> str:
    """Return the URL of a catalog for an index in `folder`, on the engine that TEST_CATALOG names."""
    if os.environ.get("TEST_CATALOG", "sqlite") == "sqlite":
        return "sqlite:///catalog.db"
    if folder not in _catalogs:
        _catalogs[folder] = shared_postgres().create()
    return _catalogs[folder]


def forget_catalogs() -> None:
    """Remove the databases that `catalog_of` has made."""
    while _catalogs:
        shared_postgres().drop(_catalogs.popitem()[1])


@pytest.fixture(scope="session")
def postgres() -> Postgres:
    """The server of all tests; do not stop it."""
    return shared_postgres()


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a new catalog, on each engine in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/catalog.db"
        return
    server = shared_postgres()
    url = server.create()
    yield url
    server.drop(url)
