"""`pyramid-pypi promote`: bring a release into another repository."""

import click

from pyramid_pypi.cli._changed import tell
from pyramid_pypi.cli._index import Index
from pyramid_pypi.cli._source import on_index

__all__ = ["promote"]


@click.command()
@on_index
@click.argument("project")
@click.argument("version")
@click.option("--to", required=True, metavar="REPOSITORY", help="Where it is to be as well.")
def promote(index: Index, project: str, version: str, to: str) -> None:
    """Upload the files of a VERSION of PROJECT to another repository as well, byte for byte.

    It takes the right to upload there, and whatever an upload has to fulfil. What is there already
    stays as it is. SOURCE is an ini, or the URL of an index.
    """
    found = index.change("POST", *index.within(project, "releases", version, "promote"), to=to)
    tell(index, found, "is there")
