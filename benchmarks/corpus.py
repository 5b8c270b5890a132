"""The files that every server is asked to serve, written once and kept.

A corpus is a directory ``files/<project>/<filename>`` with a PEP 658 sidecar beside each wheel in
``metadata/``, and a manifest that spares reading 12,000 archives again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from benchmarks.wheels import REQUIRES_PYTHON, big_wheel, metadata_of, small_wheel, wheel_filename

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FAT = "bench-fat"
MID = "bench-mid"
BIG = "bench-big"
UPLOAD_TIME = "2026-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Scale:
    """How much there is to serve; ``big`` is in bytes."""

    name: str
    projects: int
    files: int
    fat: int
    mid: int
    big: int


FULL = Scale("full", projects=1000, files=10, fat=2000, mid=200, big=100_000_000)
QUICK = Scale("quick", projects=40, files=10, fat=200, mid=50, big=10_000_000)


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """One wheel, with what a project page says about it."""

    project: str
    filename: str
    version: str
    size: int
    sha256: str
    metadata_sha256: str
    requires_python: str = REQUIRES_PYTHON


class Corpus:
    """A generated corpus on disk."""

    def __init__(self, directory: Path, scale: Scale) -> None:
        self.directory = directory
        self.scale = scale
        self.files_directory = directory / "files"
        self.metadata_directory = directory / "metadata"

    @cached_property
    def files(self) -> tuple[CorpusFile, ...]:
        """Every file, in the order in which it was written."""
        rows = json.loads((self.directory / "manifest.json").read_text())
        return tuple(CorpusFile(**row) for row in rows)

    @cached_property
    def by_project(self) -> dict[str, list[CorpusFile]]:
        """The files of each project, oldest version first."""
        grouped: dict[str, list[CorpusFile]] = {}
        for file in self.files:
            grouped.setdefault(file.project, []).append(file)
        return grouped

    @property
    def ordinary(self) -> list[str]:
        """The projects of usual size: no fat page and no big file among them."""
        return [_ordinary_name(number) for number in range(self.scale.projects)]

    def describe(self) -> str:
        """Return the size of the corpus in words."""
        scale = self.scale
        return (
            f"{scale.projects:,} projects of {scale.files} small wheels, one of {scale.fat:,} "
            f"(`page2000`), one of {scale.mid:,} (`page200`), a file of {scale.big // 1_000_000} MB (`big`)."
        )

    def path(self, file: CorpusFile) -> Path:
        """Where the bytes of ``file`` are."""
        return self.files_directory / file.project / file.filename

    def sidecar(self, file: CorpusFile) -> Path:
        """Where the metadata of ``file`` is."""
        return self.metadata_directory / file.project / f"{file.filename}.metadata"


def generate(root: Path, scale: Scale) -> Corpus:
    """Return the corpus of this scale under ``root``, written now if it is not there complete."""
    corpus = Corpus(root / scale.name, scale)
    manifest = corpus.directory / "manifest.json"
    if not manifest.exists():
        rows = [asdict(_write(corpus, project, version)) for project, version in _releases(scale)]
        partial = manifest.with_suffix(".partial")
        partial.write_text(json.dumps(rows))
        partial.rename(manifest)
    return corpus


def _ordinary_name(number: int) -> str:
    return f"bench-project-{number:04d}"


def _releases(scale: Scale) -> Iterator[tuple[str, str]]:
    for number in range(scale.projects):
        for minor in range(scale.files):
            yield _ordinary_name(number), f"1.{minor}"
    for project, count in ((FAT, scale.fat), (MID, scale.mid)):
        for number in range(count):
            yield project, f"{number // 100}.{number % 100}"
    yield BIG, "1.0"


def _write(corpus: Corpus, project: str, version: str) -> CorpusFile:
    wheel = big_wheel(project, version, corpus.scale.big) if project == BIG else small_wheel(project, version)
    metadata = metadata_of(wheel)
    file = CorpusFile(
        project=project,
        filename=wheel_filename(project, version),
        version=version,
        size=len(wheel),
        sha256=hashlib.sha256(wheel).hexdigest(),
        metadata_sha256=hashlib.sha256(metadata).hexdigest(),
    )
    for path, content in ((corpus.path(file), wheel), (corpus.sidecar(file), metadata)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return file
