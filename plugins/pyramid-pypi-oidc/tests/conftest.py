"""An issuer on loopback, and an index that has one publisher of it."""

import pytest

from pyramid_pypi_oidc.testing import FakeIssuer


@pytest.fixture(scope="session")
def shared_issuer():
    with FakeIssuer() as issuer:
        yield issuer


@pytest.fixture
def issuer(shared_issuer):
    """An issuer that is up, with the documents that it has at first."""
    before = dict(shared_issuer.documents)
    shared_issuer.asked.clear()
    yield shared_issuer
    shared_issuer.down = False
    shared_issuer.documents = before


@pytest.fixture
def own_issuer():
    """An issuer for tests that change its keys."""
    with FakeIssuer() as issuer:
        yield issuer


@pytest.fixture
def settings(issuer):
    """The ini of an index where nobody but the publisher may upload."""
    publisher = "pypi.oidc.publisher.widgets"
    return {
        "pypi.authenticators": "tokens",
        "pypi.repo.private.upload": "nobody",
        "pypi.repo.private.yank": "nobody",
        "pypi.repo.private.delete": "nobody",
        "pypi.oidc.issuer.github.url": issuer.url,
        "pypi.oidc.publishers": "widgets",
        publisher: "github",
        f"{publisher}.to": "private",
        f"{publisher}.projects": "widgets acme-*",
        f"{publisher}.repository": "acme/widgets",
        f"{publisher}.workflow": "release.yml",
    }


@pytest.fixture
def index(pypi_index, settings):
    """The index."""
    return pypi_index(plugins=["oidc"], settings=settings)
