import pytest
from pyramid import paster


@pytest.fixture(autouse=True)
def _logging_as_it_is(monkeypatch):
    """Keep commands from changing where the tests log."""
    monkeypatch.setattr(paster, "setup_logging", lambda ini: None)
