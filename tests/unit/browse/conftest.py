"""An upstream, and indexes that follow it."""

import pytest

from pyramid_pypi.testing.upstreams import FakeUpstream
from tests.unit.browse.indexes import Index


@pytest.fixture
def upstream():
    with FakeUpstream() as found:
        yield found


@pytest.fixture
def opened(tmp_path, upstream):
    """Return what opens an index with changed settings; it is closed at the end."""
    indexes = []

    def open_one(changes=None):
        indexes.append(Index(tmp_path, changes, upstream=upstream.url))
        return indexes[-1]

    yield open_one
    for index in indexes:
        index.close()
