"""A GitHub on loopback that checks every word, and storages that use it."""

import runpy
from pathlib import Path

import pytest

from pyramid_pypi.options import Secret
from pyramid_pypi_github.client import Client
from pyramid_pypi_github.options import Options
from pyramid_pypi_github.storage import GitHubStorage
from pyramid_pypi_github.testing import Description, GitHubServer
from pyramid_pypi_github.testing.description import PATHS, PUBLISHED

# The checkout's `tests` cannot be imported beside ours.
TOOLBOX = runpy.run_path(str(Path(__file__).parents[3] / "tests" / "clients" / "toolbox.py"))


@pytest.fixture(scope="session")
def description_path():
    """What GitHub publishes about its API, fetched and cut down once."""
    folder = TOOLBOX["CACHE"] / "github-openapi"
    with TOOLBOX["make_once"](folder, f"{PUBLISHED} {PATHS}") as missing:
        if missing:
            Description.fetch(folder)
    return folder / "cut.json"


@pytest.fixture(scope="session")
def description(description_path):
    return Description.load(description_path)


@pytest.fixture
def hub(description):
    """A GitHub whose repository is empty; nothing that is said to it or by it may be wrong."""
    with GitHubServer(description) as server:
        yield server
    assert server.problems == []


class Clock:
    """A clock that goes on when somebody sleeps."""

    def __init__(self):
        self.now = 1000.0
        self.slept = []

    def read(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make(hub, tmp_path, clock):
    """Return a function that makes a storage; options are changed by keyword."""

    def make(server=hub, **changes):
        values = {"owner": "acme", "repo": "packages", "base_url": server.url, "staging": tmp_path}
        options = Options(**{**values, "token": Secret(server.token), **changes})
        return GitHubStorage(options, client=Client(options, clock=clock.read, sleep=clock.sleep))

    return make


@pytest.fixture
def storage(make):
    return make()


@pytest.fixture
def put():
    """Return a function that puts bytes into a storage and returns the key."""

    def put(storage, data=b"data", name="holy_grail-1.0.tar.gz"):
        key = storage.key("holy-grail", name)
        with storage.stage() as staged:
            staged.write(data)
            storage.put(key, staged)
        return key

    return put


@pytest.fixture
def read():
    """Return a function that reads a file, or a part of it, out of a storage."""

    def read(storage, key="holy_grail-1.0.tar.gz", start=0, stop=None):
        return b"".join(storage.open(key).open(start, stop))

    return read
