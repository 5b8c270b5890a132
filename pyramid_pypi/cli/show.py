"""`pyramid-pypi show`: the repositories of an index, a project, a release or a file."""

from collections.abc import Callable, Iterable, Mapping

import click

from pyramid_pypi.api.answers import Me
from pyramid_pypi.browse.facts import (
    ContentsFacts,
    DownloadFacts,
    FileFacts,
    MetadataFacts,
    PermissionFacts,
    ProjectFacts,
    ProjectItem,
    ReleaseFacts,
    ReleaseItem,
    RepositoryFacts,
)
from pyramid_pypi.cli._index import Index, read
from pyramid_pypi.cli._opening import human
from pyramid_pypi.cli._source import on_index
from pyramid_pypi.cli._tables import fields, printable, table, when

__all__ = ["show"]


@click.command()
@on_index
@click.argument("project", required=False)
@click.argument("version", required=False)
@click.argument("filename", required=False)
@click.option("--me", "view", flag_value="me", help="Who you are, and what you may do where.")
@click.option("--projects", "view", flag_value="projects", help="The projects of the repository.")
@click.option("--permissions", "view", flag_value="permissions", help="Who may do what with PROJECT.")
@click.option("--dependents", "view", flag_value="dependents", help="The projects here that need PROJECT.")
@click.option("--downloads", "view", flag_value="downloads", help="How often PROJECT was downloaded.")
def show(
    index: Index, project: str | None, version: str | None, filename: str | None, view: str | None
) -> None:
    """Show the repositories, or what there is to know about PROJECT, a VERSION of it or a file.

    SOURCE is an ini, or the URL of an index. Of a file, what is inside is listed, too.
    """
    if view is not None:
        without = view in {"me", "projects"}
        if without != (project is None) or version is not None:
            named = "no PROJECT" if without else "a PROJECT and no VERSION"
            raise click.UsageError(f"--{view} goes with {named}")
        _VIEWS[view](index, project or "")
    elif project is None:
        _repositories(index)
    elif version is None:
        _project(index, project)
    elif filename is None:
        _release(index, project, version)
    else:
        _file(index, project, filename)


def _repositories(index: Index) -> None:
    found = list(index.items("repositories"))
    if index.show(found):
        return
    table(
        ("repository", "kind", "projects", "you may", "description"),
        (_repository(read(RepositoryFacts, one)) for one in found),
    )


def _repository(one: RepositoryFacts) -> tuple[str, ...]:
    about = [one.description]
    about += [f"of {', '.join(one.members)}"] if one.members else []
    about += [f"uploads go to {one.publish}"] if one.publish else []
    about += [f"follows {one.upstream}: {one.upstream_state}"] if one.upstream else []
    name = f"{one.name} *" if one.is_default else one.name
    return name, one.kind, str(one.projects), " ".join(one.permissions), "; ".join(filter(None, about))


def _me(index: Index, _project: str) -> None:
    found = index.get("me")
    if index.show(found):
        return
    me = read(Me, found)
    fields(
        [
            ("user", me.name or "nobody is logged in"),
            ("groups", " ".join(me.groups)),
            ("token", me.token),
            *((one.repository, " ".join(one.permissions)) for one in me.permissions),
        ]
    )


def _projects(index: Index, _project: str) -> None:
    found = list(index.items("repositories", index.repository, "projects"))
    if index.show(found):
        return
    for one in found:
        click.echo(printable(read(ProjectItem, one).display))


def _project(index: Index, name: str) -> None:
    found = index.get(*index.within(name))
    if index.show(found):
        return
    project = read(ProjectFacts, found)
    reason = f": {project.status_reason}" if project.status_reason else ""
    latest = project.latest
    fields(
        [
            ("project", project.display),
            ("repository", project.origin),
            ("upstream", project.upstream),
            ("status", f"{project.status}{reason}"),
            ("you may", " ".join(project.permissions)),
            ("newest", latest.version if latest else ""),
            *(_said(latest.metadata) if latest else []),
        ]
    )
    click.echo()
    table(("version", "files", "uploaded", "marks"), (_of_release(one) for one in project.releases))


def _of_release(one: ReleaseItem) -> tuple[str, ...]:
    marks = ["pre-release"] if one.is_prerelease else []
    return one.version, str(one.files), when(one.uploaded_at), ", ".join([*marks, *_yanked(one.yanked)])


def _release(index: Index, name: str, version: str) -> None:
    found = index.get(*index.within(name, "releases", version))
    if index.show(found):
        return
    release = read(ReleaseFacts, found)
    fields(
        [
            ("project", release.project),
            ("version", release.version),
            ("repository", release.repository),
            ("yanked", " ".join(_yanked(release.yanked))),
            *_said(release.metadata),
        ]
    )
    click.echo()
    rows = (
        (one.filename, _size(one), when(one.uploaded_at), one.uploaded_by, " ".join(_yanked(one.yanked)))
        for one in release.files
    )
    table(("file", "size", "uploaded", "by", "marks"), rows)


def _file(index: Index, name: str, filename: str) -> None:
    place = index.within(name, "files", filename)
    found, inside = index.get(*place), index.get(*place, "contents")
    if index.show({"file": found, "contents": inside}):
        return
    file, contents = read(FileFacts, found), read(ContentsFacts, inside)
    fields(
        [
            ("file", file.filename),
            ("size", _size(file)),
            ("uploaded", when(file.uploaded_at)),
            ("by", file.uploaded_by),
            ("python", file.requires_python),
            ("yanked", " ".join(_yanked(file.yanked))),
            ("sha256", file.sha256),
            ("url", file.url),
        ]
    )
    click.echo()
    table(("path", "bytes"), ((one.path, str(one.size)) for one in contents.entries))
    if contents.total > len(contents.entries):
        click.echo(f"and {contents.total - len(contents.entries)} more")


def _permissions(index: Index, name: str) -> None:
    found = list(index.items(*index.within(name, "permissions")))
    if index.show(found):
        return
    facts = (read(PermissionFacts, one) for one in found)
    table(
        ("permission", "repository", "who", "why"),
        ((one.permission, one.repository, " ".join(one.who) or "nobody", one.why) for one in facts),
    )


def _dependents(index: Index, name: str) -> None:
    found = list(index.items(*index.within(name, "dependents")))
    if index.show(found):
        return
    for one in found:
        click.echo(printable(str(one)))


def _downloads(index: Index, name: str) -> None:
    found = index.get(*index.within(name, "downloads"))
    if index.show(found):
        return
    facts = read(DownloadFacts, found)
    fields([("project", facts.project), ("downloads", str(facts.total))])
    click.echo()
    table(("file", "downloads"), ((filename, str(count)) for filename, count in facts.files))


def _said(metadata: MetadataFacts) -> Iterable[tuple[str, str]]:
    """Return what the authors say, by the words for it."""
    yield "summary", metadata.summary
    yield "author", metadata.author or metadata.author_email
    yield "licence", metadata.license
    yield "python", metadata.requires_python
    yield "needs", ", ".join(one.requirement for one in metadata.requires)
    for link in metadata.links:
        yield link.label, link.url


def _yanked(reason: str | None) -> list[str]:
    if reason is None:
        return []
    return [f"yanked: {reason}" if reason else "yanked"]


def _size(file: FileFacts) -> str:
    return "" if file.size is None else human(file.size)


_VIEWS: Mapping[str, Callable[[Index, str], None]] = {
    "me": _me,
    "projects": _projects,
    "permissions": _permissions,
    "dependents": _dependents,
    "downloads": _downloads,
}
