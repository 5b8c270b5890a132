"""What tests of several folders use."""

from tests.postgres import catalog_url, postgres, remove_shared_postgres

__all__ = ["catalog_url", "postgres"]


def pytest_sessionfinish() -> None:
    """Stop what all tests have shared; processes of pytest-xdist end without a word to `atexit`."""
    remove_shared_postgres()
