"""Where blobs are kept: the contract, and the storage that is a folder."""

from pyramid_pypi.storage.base import StagedFile, Storage

__all__ = ["StagedFile", "Storage"]
