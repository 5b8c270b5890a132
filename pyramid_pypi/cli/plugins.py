"""`pyramid-pypi plugins`: what is active, and what each plugin takes part in."""

import json
from dataclasses import asdict

import click

from pyramid_pypi.cli.load import load_plugins

__all__ = ["plugins"]


@click.command()
@click.argument("ini")
@click.argument("variables", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plugins(ini: str, variables: tuple[str, ...], *, as_json: bool) -> None:
    """Show the plugins that INI lists: name, version and hooks."""
    found = load_plugins(ini, variables).describe()
    if as_json:
        click.echo(json.dumps([asdict(plugin) for plugin in found], indent=2))
        return
    for plugin in found:
        click.echo(f"{plugin.name} {plugin.version or '(unknown version)'} from {plugin.module}")
        for hook in plugin.hooks:
            click.echo(f"    {hook}")
