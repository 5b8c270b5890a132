"""A repository in memory that does all that the contract asks for, to be broken by subclasses."""

import hashlib
import threading
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from pyramid_pypi.errors import FileConflict, FileHidden, FileMissing, ProjectClosed, ProjectNotFound
from pyramid_pypi.model import File, ProjectName, ProjectPage, Stream
from pyramid_pypi.storage import StagedFile

__all__ = ["MemoryRepository"]


class MemoryRepository:
    """Keeps everything in dictionaries: files, bytes and signatures by filename, pages by project."""

    name = "memory"
    outside = False

    def __init__(self, folder) -> None:
        self.folder = folder
        self.pages: dict[str, ProjectPage] = {}
        self.listed: dict[str, File] = {}
        self.contents: dict[str, bytes] = {}
        self.bodies: dict[str, bytes] = {}
        self.signatures: dict[str, bytes] = {}
        self.digests: dict[str, str] = {}
        self.lock = threading.RLock()

    def projects(self):
        return [ProjectName(name, self.pages[name].display, 1) for name in sorted(self.pages)]

    def own_projects(self):
        return self.projects()

    def project(self, name):
        if name not in self.pages:
            raise ProjectNotFound(f"The memory has no project {name!r}")
        page = self.pages[name]
        files = [file for file in self.listed.values() if file.project == name]
        return replace(page, files=() if page.status == "quarantined" else tuple(files))

    def file(self, filename):
        if filename not in self.listed:
            raise FileMissing(f"The memory has no file {filename!a}")
        return self.listed[filename]

    def open(self, file, *, partly=False):
        self.refuse(file)
        content = self.contents[file.filename]
        return Stream(len(content), file.uploaded_at, partial(self.stream, content))

    def stream(self, content, start, stop):
        half = (start + stop) // 2
        yield content[start:half]
        yield content[half:stop]

    def metadata(self, file):
        self.refuse(file)
        return self.bodies[file.filename]

    def signature(self, file):
        self.refuse(file)
        if file.filename not in self.signatures:
            raise FileMissing(f"{file.filename} has no signature")
        content = self.signatures[file.filename]
        return Stream(len(content), None, partial(self.stream, content))

    def refuse(self, file):
        self.file(file.filename)
        if self.pages[file.project].status == "quarantined":
            raise FileHidden(f"{file.project} is quarantined")

    def check(self):
        pass

    def close(self):
        pass

    def stage(self):
        return StagedFile.create(self.folder)

    def add(self, upload, by):
        content = upload.staged.path.read_bytes()
        filename = upload.filename.filename
        with self.lock:
            known = self.digests.get(filename)
            if known not in {None, upload.hashes.sha256}:
                raise FileConflict(f"File already exists ({filename})")
            if filename in self.listed:
                return self.listed[filename], False
            if self.project_status(upload.project) in {"archived", "quarantined"}:
                raise ProjectClosed(f"{upload.project} takes no files")
            self.remember(upload, content, by)
            return self.listed[filename], True

    def project_status(self, name):
        return self.pages[name].status if name in self.pages else "active"

    def remember(self, upload, content, by):
        filename = upload.filename.filename
        self.digests[filename] = upload.hashes.sha256
        self.contents[filename] = content
        self.bodies[filename] = upload.core_metadata
        if upload.signature:
            self.signatures[filename] = upload.signature
        self.listed[filename] = File(
            project=upload.project,
            filename=filename,
            version=upload.version,
            packagetype=upload.filename.packagetype,
            size=upload.size,
            hashes=upload.hashes,
            uploaded_at=datetime.now(UTC),
            uploaded_by=by.name,
            key=filename,
            metadata_sha256=hashlib.sha256(upload.core_metadata).hexdigest(),
            signed=upload.signature is not None,
        )
        page = ProjectPage(self.name, upload.project, upload.display, (), 0)
        self.change(self.pages.get(upload.project, page))

    def change(self, page, **changes):
        self.pages[page.name] = replace(page, serial=page.serial + 1, **changes)

    def yank(self, file, reason, by):
        self.listed[file.filename] = replace(file, yanked=reason)
        return self.listed[file.filename]

    def unyank(self, file, by):
        return self.yank(file, None, by)

    def delete(self, file, by):
        del self.listed[file.filename]

    def set_status(self, name, status, reason, by):
        self.project(name)
        self.change(self.pages[name], status=status, status_reason=reason)
