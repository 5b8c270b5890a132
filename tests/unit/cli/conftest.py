import pytest
from pyramid import paster

from tests.postgres import forget_catalogs


@pytest.fixture(autouse=True)
def _logging_as_it_is(monkeypatch):
    """Keep commands from changing where the tests log."""
    monkeypatch.setattr(paster, "setup_logging", lambda ini: None)


@pytest.fixture(autouse=True)
def _without_old_catalogs():
    """Remove the databases of a test after it."""
    yield
    forget_catalogs()
