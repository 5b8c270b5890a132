"""The page where a project is managed: yank, delete, status, promote."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote

from pyramid_pypi.auth.policy import identity_of
from pyramid_pypi.errors import BadRequest, Forbidden, ProjectClosed, PypiError, Unauthorized
from pyramid_pypi.model import Identity, Permission, ProjectPage, ProjectStatus
from pyramid_pypi.publish.managing import MAX_REASON, status_of
from pyramid_pypi.publish.promoting import promote as promote_release
from pyramid_pypi.publish.publisher import Publisher
from pyramid_pypi.repositories.group import Group
from pyramid_pypi.served import Served
from pyramid_pypi.ui.browsing import at_normal_name
from pyramid_pypi.ui.forms import Form, read_form
from pyramid_pypi.ui.pages import CORE
from pyramid_pypi.web.answers import Answer, see_other
from pyramid_pypi.web.context import RepositoryContext, WebCaller
from pyramid_pypi.web.observe import note
from pyramid_pypi.web.places import base_of, here, up

if TYPE_CHECKING:
    from pyramid.request import Request

__all__ = ["FORMS", "change", "may_change", "show_manage"]

_DONE: Mapping[str, str] = {
    "yanked": "The version is yanked: installers pass over it, unless somebody asks for exactly this one.",
    "unyanked": "The version is offered again.",
    "deleted": "The version is deleted.",
    "status": "The status is set.",
    "promoted": "The version is in the other repository too.",
}
_CHANGES: tuple[Permission, ...] = ("yank", "delete")
_STATUSES: Mapping[ProjectStatus, str] = {
    "active": "Everything works.",
    "deprecated": "Files are offered and taken, and installers may warn.",
    "archived": "Files are offered, and no new ones are taken.",
    "quarantined": "No files are offered and none are taken.",
}


@dataclass(frozen=True, slots=True)
class _Version:
    """A version of the project; `yanked` is the reason if all of its files are yanked."""

    version: str
    yanked: str | None


@dataclass(frozen=True, slots=True)
class _Desk:
    """A hosted project in front of somebody, who may do some things with it.

    `publisher` makes the changes, and `targets` are the repositories where a version may be sent.
    """

    context: RepositoryContext
    caller: WebCaller
    publisher: Publisher
    page: ProjectPage
    may: frozenset[str]
    targets: tuple[Served, ...]

    @property
    def versions(self) -> tuple[_Version, ...]:
        """The versions, the newest first."""
        marks: dict[str, list[str | None]] = {}
        for file in reversed(self.page.files):
            marks.setdefault(file.version, []).append(file.yanked)
        return tuple(
            _Version(version, None if None in yanked else yanked[0]) for version, yanked in marks.items()
        )


_Act = Callable[[_Desk, Form], str]


def show_manage(context: RepositoryContext, request: "Request") -> Answer:
    """Show what somebody may change in a project; a group leads to the repository that has it."""
    if (moved := at_normal_name(context, request)) is not None:
        return moved
    home = _home(context)
    if home != context.served.name:
        return see_other(f"{up(request)}repository/{home}/project/{context.project}/-/manage")
    desk = _desk(context, request, identity_of(request))
    return _page(request, desk, Form(_query(request)))


def change(context: RepositoryContext, request: "Request") -> Answer:
    """Do what a form of the page asks for, and show the page again."""
    form = read_form(request)
    identity = identity_of(request)
    if identity.is_anonymous and not may_change(context, identity):
        # The session may have ended while the page was open.
        back = f"{here(request).rpartition('/')[0]}/manage"
        return see_other(f"{up(request)}login?next={quote(back, safe='')}")
    desk = _desk(context, request, identity)
    try:
        done = FORMS[_action(request)](desk, form)
    except PypiError as error:
        # What the page does not offer is refused, and logged, as anywhere else.
        if isinstance(error, Unauthorized | Forbidden) and not isinstance(error, ProjectClosed):
            raise
        return _page(request, _desk(context, request, identity), form, error)
    return see_other(f"manage?done={done}")


def _yank(desk: _Desk, form: Form) -> str:
    desk.publisher.yank_release(desk.page.name, _version(form), form.one("reason"), desk.caller)
    return "yanked"


def _unyank(desk: _Desk, form: Form) -> str:
    desk.publisher.yank_release(desk.page.name, _version(form), None, desk.caller)
    return "unyanked"


def _delete(desk: _Desk, form: Form) -> str:
    version = _version(form)
    desk.caller.require("delete", desk.page.name)
    wanted = f"{desk.page.name} {version}"
    if " ".join(form.one("confirmation").split()) != wanted:
        raise BadRequest(f"Nothing is deleted: to delete this version, type {wanted!r}")
    desk.publisher.delete_release(desk.page.name, version, desk.caller)
    return "deleted"


def _set_status(desk: _Desk, form: Form) -> str:
    status = status_of(form.one("status"))
    desk.publisher.set_status(desk.page.name, status, form.one("reason"), desk.caller)
    return "status"


def _promote(desk: _Desk, form: Form) -> str:
    version, name = _version(form), form.one("to")
    if not name:
        raise BadRequest("Choose a repository")
    target = desk.context.index.served(name)
    context = RepositoryContext(desk.context.index, target, desk.page.name)
    caller = WebCaller(desk.caller.request, context, desk.caller.identity)
    promote_release(desk.context.served, target, desk.page.name, version, caller)
    return "promoted"


def _version(form: Form) -> str:
    version = form.one("version").strip()
    if not version:
        raise BadRequest("Choose a version")
    return version


FORMS: Mapping[str, _Act] = {
    "yank": _yank,
    "unyank": _unyank,
    "delete": _delete,
    "status": _set_status,
    "promote": _promote,
}
"""What the forms do, by the last part of their URL; each returns a word for what was done."""


def _action(request: "Request") -> str:
    action: str = request.matchdict.get("action", "")
    return action


def _home(context: RepositoryContext) -> str:
    """Return the name of the repository where the project is changed, which of a group is a member."""
    served = context.served
    if not isinstance(served.source, Group):
        return served.name
    page = served.repository.project(context.project)
    origin = page.repository if isinstance(page, ProjectPage) else ""
    found = context.index.repositories.get(origin)
    if found is None or found.publisher is None:
        raise Forbidden(f"{context.project!r} of {served.name!r} follows another index, and is changed there")
    return origin


def may_change(context: RepositoryContext, identity: Identity) -> bool:
    """Tell whether there is anything that somebody may change in the project."""
    served = context.served
    return (
        served.may_manage(identity, context.project)
        or any(served.permits(identity, permission, context.project) for permission in _CHANGES)
        or bool(_targets(context, identity))
    )


def _targets(context: RepositoryContext, identity: Identity) -> tuple[Served, ...]:
    """Return the other repositories to which somebody may upload the project."""
    return tuple(
        one
        for one in context.index.repositories.values()
        if one.publisher is not None
        and one.name != context.served.name
        and one.permits(identity, "upload", context.project)
    )


def _desk(context: RepositoryContext, request: "Request", identity: Identity) -> _Desk:
    """Return what somebody may change. Raises ProjectNotFound, Unauthorized, Forbidden."""
    served, name = context.served, context.project
    note(request, served.name, name)
    caller = WebCaller(request, context, identity)
    caller.require("read", name)
    publisher = served.takes
    page = publisher.repository.project(name)
    if not may_change(context, identity):
        if identity.is_anonymous:
            raise Unauthorized(f"Log in to manage {name!r}")
        raise Forbidden(f"{identity.label} may read {name!r} of {served.name!r}, and change nothing there")
    may = {permission for permission in _CHANGES if served.permits(identity, permission, name)}
    if served.may_manage(identity, name):
        may.add("manage")
    return _Desk(context, caller, publisher, page, frozenset(may), _targets(context, identity))


def _query(request: "Request") -> dict[str, list[str]]:
    return parse_qs(request.environ.get("QUERY_STRING", ""))


def _page(request: "Request", desk: _Desk, form: Form, error: PypiError | None = None) -> Answer:
    return CORE.show(
        request,
        "manage.html",
        status="200 OK" if error is None else f"{error.status} {error.title}",
        repository=desk.page.repository,
        base=base_of(request),
        project=desk.page.name,
        project_status=desk.page.status,
        status_reason=desk.page.status_reason,
        versions=desk.versions,
        may=desk.may,
        targets=[one.name for one in desk.targets],
        has_roles=desk.context.served.roles is not None,
        statuses=_STATUSES,
        longest=MAX_REASON,
        form=form,
        action=_action(request),
        problem="" if error is None else error.message,
        done=_DONE.get(form.one("done"), "") if error is None else "",
    )
