"""`pyramid-pypi yank` and `unyank`: mark the files of a release."""

import click

from pyramid_pypi.cli._changed import tell
from pyramid_pypi.cli._index import Index
from pyramid_pypi.cli._source import on_index

__all__ = ["unyank", "yank"]


@click.command()
@on_index
@click.argument("project")
@click.argument("version")
@click.option("--reason", default="", help="What installers show to those who pin the version.")
def yank(index: Index, project: str, version: str, reason: str) -> None:
    """Yank a release: installers pass over it, unless somebody asks for exactly this version.

    SOURCE is an ini, or the URL of an index.
    """
    found = index.change("POST", *index.within(project, "releases", version, "yank"), reason=reason)
    tell(index, found, "is yanked")


@click.command()
@on_index
@click.argument("project")
@click.argument("version")
def unyank(index: Index, project: str, version: str) -> None:
    """Offer a yanked release again.

    SOURCE is an ini, or the URL of an index.
    """
    found = index.change("POST", *index.within(project, "releases", version, "unyank"))
    tell(index, found, "is offered again")
