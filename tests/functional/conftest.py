import pytest

from tests.functional.support import OPEN, make_client


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
def client(build):
    return build(**OPEN)
