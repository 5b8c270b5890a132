"""How often the directory is asked for one person, at a live index."""

import base64
import http.client
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from pyramid_pypi_ldap.testing import BASE, PASSWORD

ANN = base64.b64encode(f"ann:{PASSWORD}".encode()).decode()
SECONDS = 30
INI = """\
[app:main]
use = egg:pyramid_pypi
pypi.plugins = ldap
pypi.data = %(here)s
pypi.catalog = sqlite:///%(here)s/catalog.db
pypi.access_log = false
pypi.repositories = private
pypi.repo.private = hosted
pypi.repo.private.storage = filesystem
pypi.repo.private.storage.path = packages
{settings}

[server:main]
use = egg:pyramid_pypi#server
listen = 127.0.0.1:{port}
threads = 32
"""


@pytest.fixture
def live(tmp_path, stated, directory):
    """Return a context manager that serves an index with more settings, and yields its port."""

    @contextmanager
    def serve(**more):
        told = {**stated(directory.url), **{f"pypi.{key}": value for key, value in more.items()}}
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        lines = "\n".join(f"{key} = {value}" for key, value in told.items())
        ini, log = tmp_path / "site.ini", tmp_path / "log"
        ini.write_text(INI.format(settings=lines, port=port))
        with log.open("wb") as output:
            command = [sys.executable, "-m", "pyramid.scripts.pserve", str(ini)]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            wait_for(process, port, log)
            yield port
        finally:
            process.terminate()
            process.wait(SECONDS)

    return serve


def wait_for(process, port: int, log) -> None:
    """Return when the server is ready."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
            connection.request("GET", "/-/ready")
            if connection.getresponse().status == 200:
                return
        except OSError:
            assert process.poll() is None, log.read_text()
        finally:
            connection.close()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)


def ask(port: int, before=lambda: None) -> int:
    """Return the status of the list of projects as Ann gets it, on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    connection.connect()
    before()
    connection.request("GET", "/simple/", headers={"Authorization": f"Basic {ANN}"})
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.fixture
def binds(directory):
    """Return a function that tells how often Ann's password was tried since the test began."""

    def count() -> int:
        return directory.log.count(f'BIND dn="uid=ann,ou=people,{BASE}" method=')

    before = count()
    return lambda: count() - before


def test_one_person_is_bound_once_however_many_requests_arrive(live, binds):
    together = threading.Barrier(32, timeout=SECONDS)
    with live() as port, ThreadPoolExecutor(32) as pool:
        first = list(pool.map(lambda _: ask(port, together.wait), range(32)))
        at_once = binds()
        later = list(pool.map(lambda _: ask(port), range(200)))

    assert (first, at_once) == ([200] * 32, 1)
    assert (later, binds()) == ([200] * 200, 1)


def test_one_person_is_bound_once_more_when_the_time_is_over(live, binds):
    ttl = 1
    with live(**{"credentials.read_ttl": f"{ttl}s", "credentials.write_ttl": f"{ttl}s"}) as port:
        began = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            while binds() < 3 and time.monotonic() < began + SECONDS:
                assert list(pool.map(lambda _: ask(port), range(8))) == [200] * 8
        took = time.monotonic() - began

    assert 3 <= binds() <= 1 + took / ttl
