"""`pyramid-pypi log`: who changed what, from the journal."""

import click

from pyramid_pypi.browse.facts import ActivityFacts
from pyramid_pypi.cli._index import Index, read
from pyramid_pypi.cli._source import on_index
from pyramid_pypi.cli._tables import table, when

__all__ = ["log"]


@click.command()
@on_index
@click.option("--project", help="Only changes of this project.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many."
)
def log(index: Index, project: str | None, limit: int) -> None:
    """Show the last changes, the newest first, with who made them.

    SOURCE is an ini, or the URL of an index.
    """
    found = list(index.items("activity", repository=index.chosen, project=project, limit=limit))
    if index.show(found):
        return
    facts = (read(ActivityFacts, one) for one in found)
    rows = (
        (when(one.at), one.by, one.repository, one.project, one.action, one.filename or one.version)
        for one in facts
    )
    table(("time (UTC)", "by", "repository", "project", "change", "what"), rows)
