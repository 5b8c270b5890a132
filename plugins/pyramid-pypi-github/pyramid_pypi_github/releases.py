"""Releases as GitHub describes them, and what is written in the body of one."""

import json
import tomllib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from pyramid_pypi.errors import StorageUnavailable
from pyramid_pypi_github.tags import RECORDS, tag_of

__all__ = [
    "RELEASE_PROPERTIES",
    "Asset",
    "Entry",
    "Note",
    "Release",
    "entry_of",
    "read_asset",
    "read_note",
    "read_release",
]

RELEASE_PROPERTIES: Final = frozenset(
    {"id", "tag_name", "draft", "body", "upload_url", "created_at", "published_at", "assets"}
    | {"name", "size", "state", "digest", "browser_download_url"}
)
"""What is read of releases and their assets."""

_OPEN: Final = "<!-- pyramid_pypi "
_CLOSE: Final = " -->"
_FENCE: Final = "```json\n"
_TOML: Final = "# pyramid_pypi "


@dataclass(frozen=True, slots=True)
class Asset:
    """The bytes of a release. `state` is `uploaded` when they are all there, `digest` may be empty."""

    id: int
    name: str
    size: int
    state: str
    digest: str
    created_at: datetime
    url: str


@dataclass(frozen=True, slots=True)
class Release:
    """A release of the repository; a draft is seen only by those who may write."""

    id: int
    tag: str
    draft: bool
    body: str
    upload_url: str
    created_at: datetime
    published_at: datetime
    assets: tuple[Asset, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """What the body of a release says: whose bytes these are, and the record.

    `foreign` is the body that private-pypi or pywharf wrote, which they can still read afterwards.
    """

    key: str
    size: int
    sha256: str
    record: str | None = None
    foreign: str = ""

    def text(self) -> str:
        """Return the body."""
        if self.foreign:
            own = "" if self.record is None else f"{_TOML}{json.dumps(self.record)}\n"
            return f"{self.foreign.rstrip()}\n{own}"
        head = json.dumps({"key": self.key, "size": self.size, "sha256": self.sha256})
        fenced = "" if self.record is None else f"\n{_FENCE}{self.record}\n```\n"
        return f"{_OPEN}{head}{_CLOSE}\n{fenced}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A published release that keeps the file under `note.key`; no asset stands for no bytes."""

    release: Release
    note: Note
    asset: Asset | None

    @property
    def size(self) -> int:
        """The size of the file in bytes."""
        return self.asset.size if self.asset else 0

    @property
    def modified_at(self) -> datetime:
        """When the bytes arrived, in UTC."""
        return self.asset.created_at if self.asset else self.release.published_at


def read_release(data: Any) -> Release:
    """Return a release of an answer. Raises StorageUnavailable where that makes no sense."""
    try:
        created = _moment(data["created_at"])
        return Release(
            id=int(data["id"]),
            tag=str(data["tag_name"]),
            draft=bool(data["draft"]),
            # A body that was edited in a browser has its line ends.
            body=(data.get("body") or "").replace("\r\n", "\n"),
            upload_url=str(data["upload_url"]).partition("{")[0],
            created_at=created,
            published_at=_moment(data["published_at"]) if data.get("published_at") else created,
            assets=tuple(read_asset(each) for each in data["assets"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StorageUnavailable("GitHub describes a release in a way that is not understood") from error


def read_asset(data: Any) -> Asset:
    """Return an asset of an answer. Raises StorageUnavailable where that makes no sense."""
    try:
        return Asset(
            id=int(data["id"]),
            name=str(data["name"]),
            size=int(data["size"]),
            state=str(data["state"]),
            digest=str(data.get("digest") or ""),
            created_at=_moment(data["created_at"]),
            url=str(data["browser_download_url"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StorageUnavailable("GitHub describes an asset in a way that is not understood") from error


def entry_of(release: Release) -> Entry | None:
    """Return what file a release keeps, None where it is no file of ours or of private-pypi's."""
    if release.draft or release.tag.startswith(RECORDS):
        return None
    note = read_note(release.body, release.tag)
    if note is None or tag_of(note.key) != release.tag:
        return None
    asset = next((each for each in release.assets if _is_of(each, note)), None)
    if note.foreign and asset:
        note = replace(note, size=asset.size)
    return Entry(release, note, asset) if asset or note.size == 0 else None


def read_note(body: str, tag: str) -> Note | None:
    """Return what a body says, None where nobody who keeps packages has written it."""
    first, _, rest = body.partition("\n")
    try:
        if first.startswith(_OPEN) and first.endswith(_CLOSE):
            head = json.loads(first[len(_OPEN) : -len(_CLOSE)])
            return Note(str(head["key"]), int(head["size"]), str(head["sha256"]), _fenced(rest))
        return _foreign(body, tag)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _is_of(asset: Asset, note: Note) -> bool:
    if asset.state != "uploaded" or (note.sha256 and asset.digest not in {"", f"sha256:{note.sha256}"}):
        return False
    return bool(note.foreign) or asset.size == note.size


def _fenced(text: str) -> str | None:
    text = text.strip("\n")
    return text[len(_FENCE) : -len("\n```")] if text.startswith(_FENCE) and text.endswith("\n```") else None


def _foreign(body: str, tag: str) -> Note | None:
    """Return what private-pypi or pywharf wrote: TOML with the project and the digest."""
    said = tomllib.loads(body)
    if not (isinstance(said.get("distrib"), str) and isinstance(said.get("sha256"), str)):
        return None
    record = None
    theirs, mark, own = body.rpartition(f"\n{_TOML}")
    if mark:
        record, body = str(json.loads(own)), theirs
    # Their key is the name of the file; its size is that of the asset.
    return Note(tag, -1, str(said["sha256"]).lower(), record, foreign=body)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
