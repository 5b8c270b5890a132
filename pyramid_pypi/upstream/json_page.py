"""Pages of projects as JSON (PEP 691, 700, 714, 740, 792)."""

import json
from collections.abc import Iterator
from typing import Any

from pyramid_pypi.errors import UpstreamUnavailable
from pyramid_pypi.upstream.documents import check_version
from pyramid_pypi.upstream.entries import Entry, Listing, metadata_digest, one_line

__all__ = ["read_json"]

# Best first; the last is PyPI's own, which some clients read.
_METADATA_KEYS = ("core-metadata", "dist-info-metadata", "data-dist-info-metadata")


def read_json(body: bytes, *, url: str, what: str) -> Listing:
    """Return what the page at `url` lists. Raises UpstreamUnavailable when it is no such page."""
    try:
        page = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UpstreamUnavailable(f"{what} is not JSON that can be read") from error
    meta = _table(page, "meta")
    check_version(meta.get("api-version"), what=what)
    if not isinstance(page, dict) or not isinstance(page.get("files"), list):
        raise UpstreamUnavailable(f"{what} is JSON, but lists no files; check the upstream's url")
    # The specification's example has the status in `meta`, its text and PyPI at the top.
    status = _table(page, "project-status") or _table(meta, "project-status")
    return Listing(
        url, _entries(page["files"]), status.get("status"), status.get("reason"), meta.get("_last-serial")
    )


def _entries(files: list[Any]) -> Iterator[Entry]:
    for said in files:
        if not isinstance(said, dict) or not isinstance(said.get("filename"), str):
            continue
        get = said.get
        yanked = get("yanked")
        yield Entry(
            url=get("url"),
            filename=said["filename"],
            hashes=get("hashes"),
            requires_python=get("requires-python"),
            # PEP 691: whatever is truthy means yanked, and a reason is not empty.
            yanked=one_line(yanked, 1000) if yanked else None,
            metadata_sha256=_metadata(said),
            size=get("size"),
            uploaded_at=get("upload-time"),
            # This is how an index like this one marks a time that it did not get from an index.
            time_source=get("_upload-time-source"),
            provenance=get("provenance"),
        )


def _metadata(said: dict[str, object]) -> str | None:
    for key in _METADATA_KEYS:
        found = said.get(key)
        if found is not None:
            return metadata_digest(found)
    return None


def _table(parent: object, key: str) -> dict[str, object]:
    found = parent.get(key) if isinstance(parent, dict) else None
    return found if isinstance(found, dict) else {}
