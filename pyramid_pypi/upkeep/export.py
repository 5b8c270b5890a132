"""A repository as a static site, which any web server can serve to pip and uv.

Pages are where installers look, `simple/<project>/index.html`, and beside each is the JSON as
`index.v1_json`, which is how bandersnatch names it. Files have PyPI's paths below `packages/`.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from pyramid_pypi.errors import DigestMismatch, FileMissing, PypiError
from pyramid_pypi.model import File, Hashes, ProjectName, ProjectPage, Redirect
from pyramid_pypi.repositories import Repository
from pyramid_pypi.upkeep.targets import Target

__all__ = ["Exporter", "Pages", "Report", "Wanted"]

_UP = "../../"


class Pages(Protocol):
    """Makes the bytes of simple pages; `up` leads from a page to where `packages/` is."""

    def page_html(self, page: ProjectPage, up: str) -> bytes:
        """Return the page of a project."""
        ...

    def page_json(self, page: ProjectPage, up: str) -> bytes:
        """Return the page of a project as JSON."""
        ...

    def list_html(self, projects: Sequence[ProjectName], serial: int) -> bytes:
        """Return the list of all projects."""
        ...

    def list_json(self, projects: Sequence[ProjectName], serial: int) -> bytes:
        """Return the list of all projects as JSON."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """A project, and of which files; None for all. A file has to have each of its digests (SHA-256)."""

    project: str
    digests: Mapping[str, set[str]] | None = None

    def takes(self, file: File) -> bool:
        """Tell whether a file is wanted."""
        return self.digests is None or file.filename in self.digests


@dataclass(slots=True)
class Report:
    """What the site has, and a sentence for each thing that it should have and has not."""

    projects: int = 0
    files: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Exporter:
    """Writes what a repository offers into a target; only files that `choose` takes by their names."""

    repository: Repository
    target: Target
    pages: Pages
    choose: Callable[[str], bool] = lambda _filename: True

    def run(self, wanted: Sequence[Wanted], *, tell: Callable[[int], None] = lambda _: None) -> Report:
        """Write the projects, and a list of them; `tell` is called with 1 after each.

        What cannot be had is a problem of the report, keeps nothing else from being written, and
        keeps what an older export has of it.
        """
        report = Report()
        names: list[ProjectName] = []
        for one in sorted(wanted, key=lambda one: one.project):
            try:
                page = self._project(one, report)
                names.append(ProjectName(page.name, page.display, page.serial))
                report.projects += 1
                report.files += len(page.files)
            except PypiError as error:
                report.problems.append(f"{one.project}: {error.message}")
            tell(1)
        serial = max((one.serial for one in names), default=0)
        self.target.put("simple/index.v1_json", self.pages.list_json(names, serial))
        self.target.put("simple/index.html", self.pages.list_html(names, serial))
        # GitHub would try to build pages from these, which takes long.
        self.target.put(".nojekyll", b"")
        return report

    def _project(self, wanted: Wanted, report: Report) -> ProjectPage:
        page = self.repository.project(wanted.project)
        if isinstance(page, Redirect):
            raise FileMissing("clients are sent to the upstream for it, and nothing is kept here")
        files: list[File] = []
        for file in page.files:
            if not (wanted.takes(file) and self.choose(file.filename)):
                continue
            try:
                files.append(self._file(file, (wanted.digests or {}).get(file.filename, set())))
            except PypiError as error:
                report.problems.append(_about(file.filename, error))
        if wanted.digests:
            lost = wanted.digests.keys() - {file.filename for file in page.files}
            report.problems += [f"{name}: {page.repository!r} lists it no longer" for name in sorted(lost)]
        page = replace(page, files=tuple(files))
        folder = f"simple/{page.name}"
        self.target.put(f"{folder}/index.v1_json", self.pages.page_json(page, _UP))
        self.target.put(f"{folder}/index.html", self.pages.page_html(page, _UP))
        return page

    def _file(self, listed: File, digests: set[str]) -> File:
        """Have a file and what belongs to it; return it as its page is to list it."""
        file = self.repository.file(listed.filename)
        told = file.hashes.sha256
        wrong = sorted(digests - {told}) if told else []
        if wrong:
            raise DigestMismatch(f"it has the digest {told} here and {wrong[0]} in the lock")
        entry = self.target.put_blob(
            f"packages/{listed.path}",
            lambda: self.repository.open(file),
            sha256=told or next(iter(digests), ""),
            size=file.size,
        )
        metadata = self._metadata(file, f"packages/{listed.path}.metadata")
        signed = file.signed and self._signature(file, f"packages/{listed.path}.asc")
        hashes = listed.hashes if told else Hashes(sha256=entry.sha256)
        return replace(listed, hashes=hashes, size=entry.size, metadata_sha256=metadata, signed=signed)

    def _metadata(self, file: File, path: str) -> str | None:
        """Have the metadata of a wheel, and return its digest, None where there is none."""
        if not file.serves_metadata:
            return None
        try:
            body = self.repository.metadata(file)
        except FileMissing:
            return None
        self.target.put(path, body)
        return hashlib.sha256(body).hexdigest()

    def _signature(self, file: File, path: str) -> bool:
        try:
            self.target.put_blob(path, lambda: self.repository.signature(file), sha256="", size=None)
        except FileMissing:
            return False
        return True


def _about(name: str, error: PypiError) -> str:
    return error.message if name in error.message else f"{name}: {error.message}"
