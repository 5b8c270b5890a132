"""Publishing: one received file, checked in order, handed to a repository."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pyramid_pypi import audit
from pyramid_pypi.catalog.roles import Roles
from pyramid_pypi.distribution import AcceptProfile, Filename, inspect, parse_filename
from pyramid_pypi.errors import Forbidden, InvalidUpload, ProjectNotFound
from pyramid_pypi.identities import OPERATOR
from pyramid_pypi.model import File, Identity, Permission, ProjectStatus
from pyramid_pypi.publish.checks import check_digests, check_form, check_release
from pyramid_pypi.publish.managing import check_reason, file_of, files_of, status_of
from pyramid_pypi.publish.receive import ReceivedFile, ReceivedForm
from pyramid_pypi.publish.upload import Upload
from pyramid_pypi.repositories import Writable
from pyramid_pypi.storage import StagedFile
from pyramid_pypi.storage.base import storage_error

__all__ = ["Caller", "Hooks", "Publisher"]

_HOOKS: Mapping[audit.Event, str] = {
    "file added": "pypi_file_added",
    "file removed": "pypi_file_removed",
    "file yanked": "pypi_file_yanked",
    "file unyanked": "pypi_file_yanked",
}


class Caller(Protocol):
    """Who publishes, and the question whether it may."""

    @property
    def identity(self) -> Identity:
        """The sender; anonymous when nobody is logged in."""
        ...

    def require(self, permission: Permission, project: str) -> None:
        """Raise Unauthorized or Forbidden unless the identity has the permission."""
        ...


class Hooks(Protocol):
    """What the core needs from the plugins."""

    def refusals(self, hook: str, **arguments: object) -> list[str]:
        """Ask every plugin; return the reasons of those that refuse."""
        ...

    def require(self, hook: str, **arguments: object) -> None:
        """Ask every plugin. Raises Forbidden with the reasons of those that refuse."""
        ...

    def notify(self, event: str, **arguments: object) -> None:
        """Tell every plugin; what a plugin raises is logged and changes nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Publisher:
    """Takes received forms into one repository, by its profile, and changes what is there.

    Whoever calls has the right to, and plugins hear of every change.
    """

    repository: Writable
    profile: AcceptProfile
    hooks: Hooks = field(repr=False)
    roles: Roles | None = field(default=None, repr=False)

    def publish(self, form: ReceivedForm, staged: StagedFile, caller: Caller) -> tuple[File, bool]:
        """Check and store the file; return it, and whether it is new.

        Raises InvalidUpload, Forbidden, FileConflict, ProjectClosed, Unavailable.
        """
        content = form.content
        if content is None or not content.size:
            raise InvalidUpload("The form has no file: send it in the field 'content'")
        filename = parse_filename(content.filename, self.profile)
        check_form(form, filename)
        caller.require("upload", filename.project)
        check_digests(form, content.hashes)
        upload = self._inspect(form, content, filename, staged)
        self._check_release(filename)
        self._ask_plugins(upload, caller.identity)
        file, created = self._add(upload, caller.identity)
        if created:
            self._tell("file added", file, caller.identity)
        return file, created

    def _add(self, upload: Upload, by: Identity) -> tuple[File, bool]:
        """Store the file; whoever brings the first one of a project becomes its owner."""
        name = upload.filename.project
        claimed = self._claim(name, by)
        try:
            return self.repository.add(upload, by)
        except BaseException:
            if claimed and self.roles is not None:
                self.roles.revoke(name, f"user:{by.name}")
            raise

    def _claim(self, name: str, by: Identity) -> bool:
        # Who runs commands on the machine of the index looks after no project.
        if self.roles is None or by.is_anonymous or OPERATOR in by.principals:
            return False
        try:
            self.repository.project(name)
        except ProjectNotFound:
            if self.roles.claim(name, by):
                audit.record("role granted", by, repository=self.repository.name, project=name, role="owner")
                return True
            if not self.roles.decide(by, "upload", name):
                raise Forbidden(f"The project {name!r} has just become somebody else's") from None
        return False

    def delete_release(self, name: str, version: str, caller: Caller) -> list[File]:
        """Delete the files of one version. Raises ProjectNotFound, ProjectClosed, Forbidden."""
        caller.require("delete", name)
        found = files_of(self.repository.project(name), version)
        for file in found:
            self._delete(file, caller.identity)
        return found

    def delete_file(self, name: str, filename: str, caller: Caller) -> File:
        """Delete one file of the project `name`. Raises FileMissing, Forbidden."""
        caller.require("delete", name)
        file = file_of(self.repository, name, filename)
        self._delete(file, caller.identity)
        return file

    def yank_release(self, name: str, version: str, reason: str | None, caller: Caller) -> list[File]:
        """Yank the files of one version for `reason`, or for None offer them again (PEP 592).

        What is so already stays as it is. Raises ProjectNotFound, ProjectClosed, Forbidden, BadRequest.
        """
        caller.require("yank", name)
        wanted = None if reason is None else check_reason(reason)
        found = files_of(self.repository.project(name), version)
        return [file if file.yanked == wanted else self.yank(file, wanted, caller) for file in found]

    def yank(self, file: File, reason: str | None, caller: Caller) -> File:
        """Yank the file for `reason`, or take the mark away for None (PEP 592). Raises Forbidden."""
        caller.require("yank", file.project)
        if reason is None:
            changed = self.repository.unyank(file, caller.identity)
        else:
            changed = self.repository.yank(file, reason, caller.identity)
        self._tell("file unyanked" if reason is None else "file yanked", changed, caller.identity)
        return changed

    def set_status(self, name: str, status: ProjectStatus, reason: str, caller: Caller) -> None:
        """Set the status of a project (PEP 792) and the reason for it, unless it is so already.

        Owners may, without a token, and who may `manage` it. Raises ProjectNotFound, Forbidden,
        BadRequest.
        """
        if not self._is_owner(name, caller.identity):
            caller.require("manage", name)
        wanted, why = status_of(status), check_reason(reason)
        page = self.repository.project(name)
        if (page.status, page.status_reason) == (wanted, why):
            return
        self.repository.set_status(name, wanted, why, caller.identity)
        about = {"repository": self.repository.name, "project": name, "status": wanted, "reason": why}
        audit.record("status changed", caller.identity, **about)
        self.hooks.notify("pypi_status_changed", identity=caller.identity, **about)

    def _is_owner(self, name: str, by: Identity) -> bool:
        return self.roles is not None and by.scope is None and self.roles.held_by(by).get(name) == "owner"

    def _delete(self, file: File, by: Identity) -> None:
        self.repository.delete(file, by)
        self._tell("file removed", file, by)

    def _inspect(
        self, form: ReceivedForm, content: ReceivedFile, filename: Filename, staged: StagedFile
    ) -> Upload:
        staged.finish(durable=False)
        try:
            artefact = inspect(staged.path, filename, self.profile)
        except OSError as error:
            raise storage_error(error, "The upload cannot be read back") from error
        return Upload(
            filename=filename,
            display=artefact.name,
            size=content.size,
            hashes=content.hashes,
            staged=staged,
            requires_python=artefact.requires_python,
            core_metadata=artefact.core_metadata,
            signature=form.signature,
            comment=form.get("comment"),
            summary=artefact.summary,
        )

    def _check_release(self, filename: Filename) -> None:
        if self.profile.several_sdists and self.profile.late_files:
            return
        try:
            others = self.repository.project(filename.project).files
        except ProjectNotFound:
            others = ()
        check_release(self.profile, filename, others)

    def _ask_plugins(self, upload: Upload, by: Identity) -> None:
        reasons = self.hooks.refusals(
            "pypi_check_upload", upload=upload, repository=self.repository.name, identity=by
        )
        if reasons:
            raise InvalidUpload("; ".join(reasons))

    def _tell(self, event: audit.Event, file: File, by: Identity) -> None:
        repository = self.repository.name
        audit.record(event, by, repository=repository, project=file.project, file=file.filename)
        self.hooks.notify(_HOOKS[event], file=file, repository=repository, identity=by)
