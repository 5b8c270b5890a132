"""What offers projects: the contract, and the repository that has its own files."""

from pyramid_pypi.repositories.base import Repository, Writable
from pyramid_pypi.repositories.hosted import Hosted

__all__ = ["Hosted", "Repository", "Writable"]
