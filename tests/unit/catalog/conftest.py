"""A catalog in PostgreSQL, opened by two nodes."""

import pytest

from pyramid_pypi.catalog import Catalog


@pytest.fixture
def url(postgres):
    found = postgres.create()
    yield found
    postgres.drop(found)


@pytest.fixture
def catalog(url):
    found = Catalog(url)
    yield found
    found.close()


@pytest.fixture
def elsewhere(url):
    """The same catalog, as another node has opened it."""
    found = Catalog(url)
    yield found
    found.close()
