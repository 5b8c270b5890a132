"""An upstream that is a folder of files, such as a share that somebody else fills."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pyramid_pypi.distribution import Filename, guess_filename
from pyramid_pypi.errors import FileMissing, ProjectNotFound, UpstreamUnavailable
from pyramid_pypi.model import File, Hashes, ProjectName
from pyramid_pypi.upstream import NameList, Transfer, UpstreamPage, Validator
from pyramid_pypi.upstream.places import place_of

__all__ = ["FolderUpstream"]

_CHUNK = 1 << 18


class FolderUpstream:
    """Offers the wheels and sdists that lie in one folder."""

    @dataclass(frozen=True, slots=True)
    class Options:
        """What `upstream = folder` takes."""

        path: Path = field(metadata={"help": "the folder"})

    def __init__(self, options: Options) -> None:
        self._path = options.path

    def project(self, name: str, validator: Validator | None = None) -> UpstreamPage | None:
        found = [(path, parsed) for path, parsed in self._files() if parsed.project == name]
        if not found:
            raise ProjectNotFound(f"There is no project {name!r} in the folder")
        seen = Validator(etag=str(sorted((path.name, path.stat().st_mtime_ns) for path, _ in found)))
        if seen == validator:
            return None
        return UpstreamPage(name, tuple(_describe(path, parsed) for path, parsed in found), seen)

    def projects(self, validator: Validator | None = None) -> NameList:  # noqa: ARG002 - always told anew
        names = sorted({parsed.project for _, parsed in self._files()})
        return NameList(ProjectName(name, name, 0) for name in names)

    def metadata(self, file: File) -> bytes:
        raise FileMissing(f"The folder has no metadata beside {file.filename}")

    def download(self, file: File, start: int = 0, stop: int | None = None) -> Transfer:
        path = self._path / file.filename
        try:
            status = path.stat()
        except FileNotFoundError:
            raise FileMissing(f"{file.filename} has disappeared from the folder") from None
        begin = max(0, status.st_size + start) if start < 0 else start
        end = status.st_size if stop is None else min(stop, status.st_size)
        modified = datetime.fromtimestamp(status.st_mtime, UTC)
        return Transfer(_read(path, begin, end), status.st_size, begin, modified)

    def page_url(self, name: str) -> str:
        raise UpstreamUnavailable(f"The page of {name!r} is a folder that only this machine sees")

    def file_url(self, file: File) -> str:
        raise UpstreamUnavailable(f"{file.filename} is in a folder that only this machine sees")

    def close(self) -> None:
        """Have nothing to let go."""

    def _files(self) -> list[tuple[Path, Filename]]:
        try:
            found = [(path, guess_filename(path.name)) for path in sorted(self._path.iterdir())]
        except OSError as error:
            raise UpstreamUnavailable(f"The folder cannot be read: {error.strerror}") from error
        return [(path, parsed) for path, parsed in found if parsed is not None]


def _describe(path: Path, parsed: Filename) -> File:
    with path.open("rb") as stream:
        hashes = Hashes(hashlib.file_digest(stream, "sha256").hexdigest())
    status = path.stat()
    return File(
        project=parsed.project,
        filename=path.name,
        version=parsed.version,
        packagetype=parsed.packagetype,
        size=status.st_size,
        hashes=hashes,
        uploaded_at=datetime.fromtimestamp(status.st_mtime, UTC),
        uploaded_by="",
        key="",
        python_version=parsed.python_version,
        url=path.as_uri(),
        place=place_of(path.as_uri(), path.name, hashes),
    )


def _read(path: Path, start: int, stop: int) -> Iterator[bytes]:
    with path.open("rb") as stream:
        stream.seek(start)
        for position in range(start, stop, _CHUNK):
            yield stream.read(min(_CHUNK, stop - position))
