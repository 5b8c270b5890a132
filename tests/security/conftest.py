import itertools

import pytest

from tests.security.support import Server

_addresses = (f"127.1.{high}.{low}" for high, low in itertools.product(range(256), range(1, 255)))


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("shared")) as server:
        yield server


@pytest.fixture
def server(shared):
    """A server that all tests share; whatever a test sends must not cause a 500 or leave a file."""
    before = len(shared.failures())
    yield shared
    assert shared.failures()[before:] == []
    assert shared.staged() == []
    assert shared.client().get("/-/ready").status == 200


@pytest.fixture
def own(tmp_path):
    """Start servers of the test's own."""
    started = []

    def start(folder="own", **settings):
        (tmp_path / folder).mkdir()
        server = Server(tmp_path / folder, **settings)
        server.start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def address():
    """An address of this machine that no other test has come from."""
    return next(_addresses)


@pytest.fixture
def uploader(server, address):
    return server.client("uploader", source=address)
