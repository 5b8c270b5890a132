"""`pyramid-pypi completion`: the Tab key."""

import click
from click.shell_completion import get_completion_class

__all__ = ["completion"]


@click.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that lets SHELL complete the commands and options of `pyramid-pypi`."""
    found = get_completion_class(shell)
    if found is None:
        raise click.ClickException(f"This version of click knows nothing of {shell}")
    root = context.find_root()
    click.echo(found(root.command, {}, "pyramid-pypi", "_PYRAMID_PYPI_COMPLETE").source())
