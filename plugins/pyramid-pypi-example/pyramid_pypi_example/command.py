"""A command of the plugin's own: something small to upload."""

from pathlib import Path

import click

from pyramid_pypi.distribution import canonical_version, normalise
from pyramid_pypi.testing.artefacts import make_wheel

__all__ = ["example"]


@click.command()
@click.argument("name")
@click.argument("version", default="1.0")
@click.option(
    "--to", type=click.Path(file_okay=False, path_type=Path), default=".", help="Write into this folder."
)
def example(name: str, version: str, to: Path) -> None:
    """Write a small wheel of the project NAME, to try an upload with."""
    stem = f"{normalise(name).replace('-', '_')}-{canonical_version(version)}"
    path = to / f"{stem}-py3-none-any.whl"
    path.write_bytes(make_wheel(name, version))
    click.echo(path)
