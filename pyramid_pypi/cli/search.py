"""`pyramid-pypi search`: find projects by what they say about themselves."""

import click

from pyramid_pypi.browse.facts import HitFacts
from pyramid_pypi.cli._index import Index, read
from pyramid_pypi.cli._source import on_index
from pyramid_pypi.cli._tables import table

__all__ = ["search"]


@click.command()
@on_index
@click.argument("words", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="At most so many.")
def search(index: Index, words: tuple[str, ...], limit: int) -> None:
    """Find projects whose name, summary, keywords or author have all WORDS.

    SOURCE is an ini, or the URL of an index.
    """
    found = list(index.items("search", q=" ".join(words), repository=index.chosen, limit=limit))
    if index.show(found):
        return
    hits = [read(HitFacts, one) for one in found]
    if not hits:
        click.echo("Nothing was found.")
        return
    rows = ((one.display, one.version, one.repository, one.summary) for one in hits)
    table(("project", "version", "repository", "summary"), rows)
