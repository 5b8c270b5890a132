"""What tests of several folders use."""

from tests.postgres import catalog_url, postgres

__all__ = ["catalog_url", "postgres"]
