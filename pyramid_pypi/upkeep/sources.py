"""Where an import takes files from: a folder of distributions, an exported site, another index."""

import lzma
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import IO, Protocol
from urllib.parse import unquote, urlsplit

from pyramid_pypi.distribution import guess_filename, normalise
from pyramid_pypi.errors import FileMissing
from pyramid_pypi.model import File
from pyramid_pypi.repositories.intake import Past
from pyramid_pypi.storage.reading import CHUNK
from pyramid_pypi.upkeep._files import read_file
from pyramid_pypi.upkeep.errors import UpkeepError
from pyramid_pypi.upkeep.manifest import MANIFEST, SiteManifest
from pyramid_pypi.upkeep.receiving import Incoming
from pyramid_pypi.upstream import Upstream
from pyramid_pypi.upstream.pages import parse_page
from pyramid_pypi.upstream.passing import passing_stream

__all__ = ["Folder", "Index", "Site", "Source", "open_path"]

_WILD = frozenset("*?[")
# Links of an exported page are relative, and nothing is asked of this host.
_BASE = "https://export.invalid"
_MAX_SIGNATURE = 64 * 1024


class Source(Protocol):
    """Somewhere with files."""

    def projects(self, patterns: Sequence[str]) -> list[str]:
        """Return the normalised names of the projects that patterns choose; of all without any."""
        ...

    def files(self, project: str) -> list[Incoming]:
        """Return the files of a project. Raises NotFound, Unavailable."""
        ...


class Folder:
    """Distributions anywhere below a folder."""

    def __init__(self, folder: Path) -> None:
        self._paths: dict[str, list[Path]] = {}
        for path in sorted(folder.rglob("*")):
            name = None if path.name.startswith(".") else guess_filename(path.name)
            if name is not None and path.is_file():
                self._paths.setdefault(name.project, []).append(path)

    def projects(self, patterns: Sequence[str]) -> list[str]:
        """See the protocol."""
        return _chosen(sorted(self._paths), patterns)

    def files(self, project: str) -> list[Incoming]:
        """See the protocol."""
        return [_of_path(path) for path in self._paths.get(project, ())]


def _of_path(path: Path) -> Incoming:
    def signature() -> bytes | None:
        beside = path.with_name(f"{path.name}.asc")
        return next(read_file(beside), b"")[:_MAX_SIGNATURE] if beside.is_file() else None

    return Incoming(path.name, partial(read_file, path), signature=signature)


class Tree(Protocol):
    """The files of an exported site by path."""

    def open(self, path: str) -> IO[bytes]:
        """Open a file. Raises FileMissing."""
        ...


class Site:
    """A site that `export` has written: a folder, or an archive, which may be a delta."""

    def __init__(self, tree: Tree, what: str) -> None:
        with tree.open(MANIFEST) as stream:
            self._manifest = SiteManifest.parse(stream.read(), what)
        self._tree = tree

    def projects(self, patterns: Sequence[str]) -> list[str]:
        """See the protocol."""
        pages = (path.split("/") for path in self._manifest.paths if path.endswith("/index.v1_json"))
        return _chosen(sorted(parts[1] for parts in pages if len(parts) == 3), patterns)

    def files(self, project: str) -> list[Incoming]:
        """See the protocol. A page that a delta leaves out has no new files."""
        path = f"simple/{project}/index.v1_json"
        try:
            with self._open(path) as stream:
                body = stream.read()
        except FileMissing:
            return []
        page = parse_page(body, content_type="application/json", url=f"{_BASE}/{path}", name=project)
        return [self._incoming(file) for file in page.files]

    def _incoming(self, file: File) -> Incoming:
        path = unquote(urlsplit(file.url).path).removeprefix("/")
        chunks = partial(self._chunks, path)
        signature = partial(self._signature, f"{path}.asc")
        return Incoming(file.filename, chunks, file.hashes.sha256, file.size, _past(file), signature)

    def _open(self, path: str) -> IO[bytes]:
        """Open a file of the site. Raises FileMissing, also for what a page names anywhere else."""
        if path not in self._manifest.paths:
            raise FileMissing(f"{path} is not in the manifest of the export")
        return self._tree.open(path)

    def _chunks(self, path: str) -> Iterator[bytes]:
        with self._open(path) as stream:
            while chunk := stream.read(CHUNK):
                yield chunk

    def _signature(self, path: str) -> bytes | None:
        if path not in self._manifest.paths:
            return None
        with self._open(path) as stream:
            return stream.read(_MAX_SIGNATURE)


@dataclass(frozen=True, slots=True)
class Index:
    """Another index, through its simple API."""

    upstream: Upstream

    def projects(self, patterns: Sequence[str]) -> list[str]:
        """See the protocol. Names that are written in full are not looked for in the list."""
        full = [normalise(pattern) for pattern in patterns if not _WILD & set(pattern)]
        if patterns and len(full) == len(patterns):
            return list(dict.fromkeys(full))
        listing = self.upstream.projects()
        names = sorted(project.name for project in listing.names) if listing else []
        wild = [pattern for pattern in patterns if _WILD & set(pattern)]
        return list(dict.fromkeys([*full, *_chosen(names, wild)]))

    def files(self, project: str) -> list[Incoming]:
        """See the protocol."""
        page = self.upstream.project(project)
        return [self._incoming(file) for file in page.files] if page else []

    def _incoming(self, file: File) -> Incoming:
        return Incoming(
            file.filename, partial(self._chunks, file), file.hashes.sha256, file.size, _past(file)
        )

    def _chunks(self, file: File) -> Iterator[bytes]:
        return passing_stream(self.upstream, file).open(0, None)


@contextmanager
def open_path(path: Path) -> Iterator[Source]:
    """Open a folder of distributions, or a site that was exported. Raises UpkeepError."""
    if path.is_dir():
        yield Site(_FolderTree(path), f"{path}/{MANIFEST}") if (path / MANIFEST).is_file() else Folder(path)
        return
    try:
        with tarfile.open(path, "r:*") as archive:
            yield Site(_TarTree(archive), f"{MANIFEST} in {path}")
    # The last two are what damaged archives lead to when they are compressed.
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise UpkeepError(f"{path} is neither a folder nor an archive of `export`: {error}") from error
    except FileMissing as error:
        raise UpkeepError(f"{path} is no archive of `export`, or only a part of one") from error
    except OSError as error:
        raise UpkeepError(f"{path} cannot be read: {error.strerror or error}") from error


class _FolderTree:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, path: str) -> IO[bytes]:
        try:
            return (self._folder / path).open("rb")
        except OSError as error:
            raise FileMissing(f"{path} is not in {self._folder}") from error


class _TarTree:
    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self._members = {member.name: member for member in archive if member.isfile()}
        # Behind the end of the archive a compressed one has the sum of the whole.
        while archive.fileobj is not None and archive.fileobj.read(CHUNK):
            pass

    def open(self, path: str) -> IO[bytes]:
        member = self._members.get(path)
        stream = self._archive.extractfile(member) if member else None
        if stream is None:
            raise FileMissing(f"{path} is not in the archive")
        return stream


def _past(file: File) -> Past:
    return Past(uploaded_at=file.uploaded_at, yanked=file.yanked)


def _chosen(names: Sequence[str], patterns: Sequence[str]) -> list[str]:
    wanted = [normalise(pattern) for pattern in patterns]
    return [name for name in names if not wanted or any(fnmatchcase(name, one) for one in wanted)]
