"""The SQL projection of what is stored, and the journal of every visible change."""

from pyramid_pypi.catalog.catalog import Catalog

__all__ = ["Catalog"]
