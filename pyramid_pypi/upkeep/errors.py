"""What goes wrong with the files that these commands read and write."""

from pyramid_pypi.errors import PypiError

__all__ = ["UpkeepError"]


class UpkeepError(PypiError):
    """A file or folder that a command was given cannot be used; the message names it."""
