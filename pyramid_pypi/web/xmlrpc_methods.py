"""The methods of PyPI's XML-RPC, those that it answers and those that it used to.

https://docs.pypi.org/api/xml-rpc/ and https://warehouse.pypa.io/api-reference/xml-rpc.html describe
them. A project that the caller may not read is answered like one that is not there.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.version import Version

from pyramid_pypi.browse.places import hosted_names
from pyramid_pypi.browse.viewer import Viewer
from pyramid_pypi.catalog.roles import Roles
from pyramid_pypi.distribution import is_valid_name, normalise
from pyramid_pypi.errors import BadRequest, NotFound
from pyramid_pypi.model import Change, Identity
from pyramid_pypi.web.legacy_json import Wanted, content_of
from pyramid_pypi.web.xmlrpc_wire import APPLICATION, INVALID_PARAMETERS, METHOD_NOT_FOUND, CallFault, number

__all__ = ["Asked", "run"]

_MOST_CHANGES = 50_000
_CHANGES_AT_ONCE = 5_000
_MOST_HITS = 100
# What stands before a word in a search, by the field of a call.
_SEARCHED = {"name": "name:", "summary": "summary:", "description": "", "keywords": "keyword:"}
_OPERATORS = ("and", "or")
_LAST_SERIAL = 2**31 - 1
_NAMES = {str: "string", int: "int", bool: "boolean", dict: "struct"}


@dataclass(frozen=True, slots=True)
class Asked:
    """Who calls a method, about which repository, and under which URL.

    `root` is that of the repository, with a slash at its end; `pages` tells whether there are pages
    for people below it.
    """

    viewer: Viewer
    root: str
    pages: bool


@dataclass(frozen=True, slots=True)
class _Method:
    """A method and the types of its parameters, of which the last `optional` ones can be left out."""

    run: Callable[..., object]
    takes: tuple[type, ...] = ()
    optional: int = 0

    def fits(self, parameters: tuple[object, ...]) -> bool:
        """Tell whether it can be called with these."""
        if not len(self.takes) - self.optional <= len(parameters) <= len(self.takes):
            return False
        # A truth value is an integer in Python, and not in XML-RPC.
        return all(type(one) is kind for one, kind in zip(parameters, self.takes, strict=False))

    @property
    def signature(self) -> str:
        """Its parameters, for people."""
        names = [_NAMES[kind] for kind in self.takes]
        last = len(names) - self.optional
        return ", ".join(names[:last] + [f"[{name}]" for name in names[last:]]) or "no parameters"


def run(asked: Asked, name: str, parameters: tuple[object, ...]) -> object:
    """Return what the method says. Raises CallFault, Unavailable."""
    method = _METHODS.get(name)
    if method is None:
        raise CallFault(METHOD_NOT_FOUND, f"There is no method {name[:50]!r}; system.listMethods names them")
    if not method.fits(parameters):
        raise CallFault(INVALID_PARAMETERS, f"{name} takes {method.signature}")
    try:
        return method.run(asked, *parameters)
    except BadRequest as error:
        raise CallFault(INVALID_PARAMETERS, error.message) from error


def _search(asked: Asked, spec: dict[str, object], operator: str = "and") -> list[dict[str, object]]:
    """Find projects by words; the same words in several fields are looked for everywhere."""
    from pyramid_pypi.browse.search import search  # noqa: PLC0415

    if operator not in _OPERATORS:
        raise CallFault(INVALID_PARAMETERS, f"The operator is {' or '.join(_OPERATORS)}")
    found: dict[tuple[str, str], dict[str, object]] = {}
    for query in filter(None, _queries(spec, operator)):
        for hit in search(asked.viewer, query, limit=_MOST_HITS).hits:
            # Clients compare versions, and some end where one is none.
            if _is_version(hit.version):
                entry = {"name": hit.display, "summary": hit.summary, "version": hit.version}
                found.setdefault((hit.repository, hit.project), {**entry, "_pypi_ordering": len(found)})
    return list(found.values())[:_MOST_HITS]


def _queries(spec: dict[str, object], operator: str) -> list[str]:
    """Return what to search for, in the words of `browse.search`."""
    wanted = {field: _words(field, value) for field, value in spec.items()}
    words = list(wanted.values())
    if len(words) > 1 and all(one == words[0] for one in words):
        return [" ".join(words[0])]
    queries = [" ".join(f'{_SEARCHED[field]}"{word}"' for word in wanted[field]) for field in wanted]
    return queries if operator == "or" else [" ".join(queries)]


def _words(field: str, value: object) -> list[str]:
    if field not in _SEARCHED:
        raise CallFault(INVALID_PARAMETERS, f"{field!r:.50} cannot be searched; {', '.join(_SEARCHED)} can")
    given = value if isinstance(value, list) else [value]
    words = [word for word in given if isinstance(word, str)]
    if words != given:
        raise CallFault(INVALID_PARAMETERS, f"{field!r} is a string or an array of strings")
    return [word.replace('"', " ") for word in words]


def _changelog_last_serial(asked: Asked) -> object:
    return number(asked.viewer.index.catalog.last_serial())


def _changelog_since_serial(asked: Asked, serial: int) -> list[list[object]]:
    """Return the changes after `serial`, the oldest first, of what the caller may read."""
    if not 0 <= serial <= _LAST_SERIAL:
        raise CallFault(INVALID_PARAMETERS, "A serial is not negative, and has 32 bits")
    found: list[list[object]] = []
    for change in _changes(asked.viewer, serial):
        at = int(change.at.timestamp())
        found.append([change.project, change.version, number(at), change.action, number(change.serial)])
        if len(found) == _MOST_CHANGES:
            break
    return found


def _changes(viewer: Viewer, serial: int) -> Iterator[Change]:
    names = hosted_names(viewer.served)
    readable: dict[str, bool] = {}
    while changes := viewer.index.catalog.changes_since(serial, limit=_CHANGES_AT_ONCE):
        for change in changes:
            if change.repository not in names:
                continue
            name = change.project
            if name not in readable:
                readable[name] = viewer.served.permits(viewer.identity, "read", name)
            if readable[name]:
                yield change
        serial = changes[-1].serial


def _list_packages_with_serial(asked: Asked) -> dict[str, object]:
    served = asked.viewer.served
    projects = served.visible(asked.viewer.identity, served.repository.own_projects())
    return {project.name: number(project.serial) for project in projects}


def _list_packages(asked: Asked) -> list[str]:
    return list(_list_packages_with_serial(asked))


def _package_releases(asked: Asked, name: str, show_hidden: bool = False) -> list[str]:
    """Return the versions, the newest first; those whose files are all yanked count as hidden."""
    releases = _said(asked, name).get("releases", {})
    shown = [
        version
        for version, files in releases.items()
        if show_hidden or not all(file["yanked"] for file in files)
    ]
    return shown[::-1]


def _release_urls(asked: Asked, name: str, version: str) -> list[dict[str, object]]:
    entries: list[dict[str, object]] = _release(asked, name, version).get("urls", [])
    return [_sized(entry) for entry in entries]


def _release_data(asked: Asked, name: str, version: str) -> dict[str, object]:
    said: dict[str, object] = _release(asked, name, version).get("info", {})
    return said


def _sized(entry: dict[str, object]) -> dict[str, object]:
    size = entry["size"]
    return {**entry, "size": number(size) if isinstance(size, int) else None}


def _release(asked: Asked, name: str, version: str) -> Mapping[str, Any]:
    return _said(asked, name, version) if version else {}


def _said(asked: Asked, name: str, version: str = "") -> Mapping[str, Any]:
    """Return what PyPI's JSON would say, nothing where there is no such project or release."""
    viewer = asked.viewer
    if not is_valid_name(name):
        return {}
    try:
        viewer.require(normalise(name))
        wanted = Wanted(normalise(name), version, asked.root, asked.pages)
        return content_of(viewer.served, wanted)
    except NotFound:
        return {}


def _package_roles(asked: Asked, name: str) -> list[list[str]]:
    """Return pairs of a role, as in `Owner`, and who has it; a group is `group:NAME`."""
    _require_people(asked.viewer)
    if not is_valid_name(name):
        return []
    project = normalise(name)
    if not asked.viewer.served.permits(asked.viewer.identity, "read", project):
        return []
    found = [pair for roles in _roles(asked.viewer) for pair in roles.of(project).items()]
    return [[role.capitalize(), who.removeprefix("user:")] for who, role in found]


def _user_packages(asked: Asked, name: str) -> list[list[str]]:
    """Return pairs of a role and a project that a user looks after, in the user's own name."""
    viewer = asked.viewer
    _require_people(viewer)
    user = Identity(name, frozenset({f"user:{name}"}))
    found = [pair for roles in _roles(viewer) for pair in roles.held_by(user).items()]
    return [
        [role.capitalize(), project]
        for project, role in sorted(found)
        if viewer.served.permits(viewer.identity, "read", project)
    ]


def _require_people(viewer: Viewer) -> None:
    if not viewer.sees_people:
        raise CallFault(APPLICATION, "Log in to see who looks after projects")


def _roles(viewer: Viewer) -> list[Roles]:
    found = (viewer.index.served(name).roles for name in hosted_names(viewer.served))
    return [roles for roles in found if roles is not None]


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except ValueError:
        return False
    return True


def _list_methods(asked: Asked) -> list[str]:  # noqa: ARG001
    return sorted(_METHODS)


_METHODS: dict[str, _Method] = {
    "changelog_last_serial": _Method(_changelog_last_serial),
    "changelog_since_serial": _Method(_changelog_since_serial, (int,)),
    "list_packages": _Method(_list_packages),
    "list_packages_with_serial": _Method(_list_packages_with_serial),
    "package_releases": _Method(_package_releases, (str, bool), optional=1),
    "package_roles": _Method(_package_roles, (str,)),
    "release_data": _Method(_release_data, (str, str)),
    "release_urls": _Method(_release_urls, (str, str)),
    "search": _Method(_search, (dict, str), optional=1),
    "system.listMethods": _Method(_list_methods),
    "user_packages": _Method(_user_packages, (str,)),
}
