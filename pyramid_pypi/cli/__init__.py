"""`pyramid-pypi`: commands that are thin over the core."""

from pyramid_pypi.cli._main import main

__all__ = ["main"]
