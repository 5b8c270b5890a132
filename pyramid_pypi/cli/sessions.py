"""`pyramid-pypi sessions`: the browsers where somebody is logged in."""

import click

from pyramid_pypi.api.answers import SessionFacts
from pyramid_pypi.cli._index import Index, read
from pyramid_pypi.cli._source import on_index
from pyramid_pypi.cli._tables import printable, table, when

__all__ = ["sessions"]


@click.command()
@on_index
@click.option("--end", metavar="ID", help="End this session.")
def sessions(index: Index, end: str | None) -> None:
    """Show the browsers where you are logged in, or end the session of one.

    SOURCE is an ini, or the URL of an index.
    """
    if end is not None:
        found = index.change("DELETE", "sessions", end)
        if not index.show(found):
            click.echo(printable(f"{end} has ended"))
        return
    items = list(index.items("sessions"))
    if index.show(items):
        return
    facts = (read(SessionFacts, one) for one in items)
    rows = ((one.id, when(one.created_at), when(one.used_at), one.address, one.source) for one in facts)
    table(("session", "since (UTC)", "last used", "from", "logged in by"), rows)
