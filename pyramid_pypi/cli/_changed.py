"""What commands say about files that they have changed."""

import click

from pyramid_pypi.api.answers import ChangedFiles
from pyramid_pypi.cli._index import Index, read
from pyramid_pypi.cli._tables import printable

__all__ = ["tell"]


def tell(index: Index, found: object, what: str) -> None:
    """Print what has become of each file, as in `is yanked`."""
    if index.show(found):
        return
    changed = read(ChangedFiles, found)
    for filename in changed.files:
        click.echo(printable(f"{changed.repository}: {filename} {what}"))
