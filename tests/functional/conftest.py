import sys

import pytest
from webtest import TestApp

from pyramid_pypi.web.context import INDEX
from tests.functional.support import OPEN, make_client, settings
from tests.postgres import forget_catalogs


@pytest.fixture(autouse=True)
def engine(request, monkeypatch):
    """Where the catalogs of a test are: what TEST_CATALOG says, or on each engine; see `ENGINES`."""
    if hasattr(request, "param"):
        monkeypatch.setenv("TEST_CATALOG", request.param)
    yield
    forget_catalogs()


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Look for new files by the clock: who waits for events takes 50 ms to be stopped."""
    monkeypatch.setitem(sys.modules, "watchfiles", None)


@pytest.fixture
def build(tmp_path):
    """Build an index with changes to its settings; it is closed after the test."""
    clients = []

    def build_one(**changes):
        client = make_client(tmp_path, **changes)
        clients.append(client)
        return client

    yield build_one
    for client in clients:
        client.application.close()


@pytest.fixture
def host(tmp_path):
    """Start one of the host applications; its index is closed after the test."""
    indexes = []

    def start(module, **changes):
        app = module.make_app(settings(tmp_path, **changes))
        index = app.registry[INDEX]
        indexes.append(index)
        for watcher in index.watchers:
            watcher.round()
        return TestApp(app)

    yield start
    for index in indexes:
        index.close()


@pytest.fixture
def client(build):
    return build(**OPEN)
