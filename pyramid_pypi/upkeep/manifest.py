"""What an exported site consists of, as a file within it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pyramid_pypi.upkeep._files import leads_below
from pyramid_pypi.upkeep.errors import UpkeepError

__all__ = ["MANIFEST", "Entry", "SiteManifest"]

MANIFEST = "manifest.json"
"""The name of the manifest, at the top of the site."""

_FORMAT = "pyramid_pypi export"
_VERSION = 1
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Entry:
    """The SHA-256 of a file of the site, and its size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class SiteManifest:
    """Every file of the site but this one, by path.

    `removed` are the paths that the site no longer has, which only a delta tells.
    """

    paths: Mapping[str, Entry]
    removed: tuple[str, ...] = field(default=())

    def to_bytes(self) -> bytes:
        """Return what `parse` reads; equal sites have equal manifests."""
        paths = {path: [entry.sha256, entry.size] for path, entry in sorted(self.paths.items())}
        content: dict[str, object] = {"format": _FORMAT, "version": _VERSION, "paths": paths}
        if self.removed:
            content["removed"] = sorted(self.removed)
        return json.dumps(content, indent=0).encode() + b"\n"

    @classmethod
    def parse(cls, body: bytes, what: str) -> "SiteManifest":
        """Return the manifest that was written. Raises UpkeepError, whose message names `what`."""
        try:
            content = json.loads(body)
            if content["format"] != _FORMAT or content["version"] != _VERSION:
                raise UpkeepError(f"{what} is not the manifest of an export that this version can read")
            paths = {path: _entry(path, told) for path, told in content["paths"].items()}
            removed = tuple(path for path in content.get("removed", ()) if leads_below(path))
        except (LookupError, ValueError, TypeError, AttributeError) as error:
            raise UpkeepError(f"{what} is not the manifest of an export") from error
        return cls(paths, removed)

    @classmethod
    def read(cls, path: Path) -> "SiteManifest | None":
        """Return the manifest in a file, None when there is no file. Raises UpkeepError."""
        try:
            return cls.parse(path.read_bytes(), str(path))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UpkeepError(f"{path} cannot be read: {error.strerror}") from error


def _entry(path: str, told: list[object]) -> Entry:
    sha256, size = told
    if not (leads_below(path) and isinstance(sha256, str) and _SHA256.fullmatch(sha256)):
        raise ValueError(path)
    if not isinstance(size, int) or size < 0:
        raise ValueError(path)
    return Entry(sha256, size)
