"""`pyramid-pypi delete`: remove a release, or one file of it, for good."""

import click

from pyramid_pypi.browse.facts import ReleaseFacts
from pyramid_pypi.cli._changed import tell
from pyramid_pypi.cli._index import Index, Missing, read
from pyramid_pypi.cli._source import on_index
from pyramid_pypi.cli._tables import printable

__all__ = ["delete"]


@click.command()
@on_index
@click.argument("project")
@click.argument("version")
@click.option("--file", "filename", metavar="FILENAME", help="Only this file of the release.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(index: Index, project: str, version: str, filename: str | None, *, yes: bool) -> None:
    """Delete a VERSION of PROJECT; its file names stay reserved for the same bytes.

    To be sure, the name of the project is asked for. Yanking is what hides a release from those who
    have not pinned it, and can be undone. SOURCE is an ini, or the URL of an index.
    """
    place = index.within(project)
    release = read(ReleaseFacts, index.get(*place, "releases", version))
    names = [file.filename for file in release.files]
    if filename is not None and filename not in names:
        raise Missing(f"{project} {version} has no file {filename!r}")
    if not yes:
        _ask(release, [filename] if filename is not None else names)
    at = ("releases", version) if filename is None else ("files", filename)
    found = index.change("DELETE", *place, *at)
    tell(index, found, "is deleted")


def _ask(release: ReleaseFacts, names: list[str]) -> None:
    """Let the name of the project be typed. Raises Abort."""
    for name in names:
        click.echo(f"{release.repository}: {printable(name)}", err=True)
    typed = click.prompt(f"To delete that for good, type {release.project!r}", err=True)
    if typed.strip() != release.project:
        click.echo("That is another name; nothing was deleted.", err=True)
        raise click.Abort
