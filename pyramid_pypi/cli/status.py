"""`pyramid-pypi status`: how the index does, and which status a project has."""

from typing import get_args

import click

from pyramid_pypi.browse.facts import PartFacts, ProjectFacts
from pyramid_pypi.cli._index import Index, read
from pyramid_pypi.cli._source import on_index
from pyramid_pypi.cli._tables import printable, table
from pyramid_pypi.model import ProjectStatus

__all__ = ["status"]


@click.command()
@on_index
@click.argument("project", required=False)
@click.argument("wanted", metavar="[STATUS]", required=False, type=click.Choice(get_args(ProjectStatus)))
@click.option("--reason", default="", help="Why, for those who see the project.")
def status(index: Index, project: str | None, wanted: str | None, reason: str) -> None:
    """Show which parts of the index work, or the status of PROJECT; with STATUS, set it (PEP 792).

    A project is active, deprecated, archived (takes no files) or quarantined (offers none, too).
    SOURCE is an ini, or the URL of an index.
    """
    if project is None:
        _parts(index)
        return
    place = index.within(project)
    if wanted is not None:
        index.change("PUT", *place, "status", status=wanted, reason=reason)
    found = index.get(*place)
    if index.show(found):
        return
    facts = read(ProjectFacts, found)
    why = f": {facts.status_reason}" if facts.status_reason else ""
    click.echo(printable(f"{facts.origin}: {facts.name} is {facts.status}{why}"))


def _parts(index: Index) -> None:
    found = list(index.items("status"))
    if index.show(found):
        return
    facts = [read(PartFacts, one) for one in found]
    rows = ((one.kind, one.name, "works" if one.ok else "fails", one.detail) for one in facts)
    table(("part", "name", "state", "detail"), rows)
