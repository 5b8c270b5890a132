"""`pyramid-pypi ldap test INI USER`: where a login gets stuck."""

import click

from pyramid_pypi.auth.basic import MAX_NAME, MAX_PASSWORD, has_controls
from pyramid_pypi.cli.load import load_settings
from pyramid_pypi_ldap.options import Options
from pyramid_pypi_ldap.walk import Step, walk

__all__ = ["ldap"]


@click.group()
def ldap() -> None:
    """Look into logins with a directory."""


@ldap.command()
@click.argument("ini")
@click.argument("username", metavar="USER")
@click.option("--name", help="The authenticator, as pypi.authenticators names it, if there are several.")
def test(ini: str, username: str, name: str | None) -> None:
    """Log USER in at each server, step by step, and say which step fails and what to do."""
    options = _options(ini, name)
    password = click.prompt("Password", hide_input=True)
    if not password or has_controls(password) or len(password.encode()) > MAX_PASSWORD:
        raise click.ClickException("this password is empty, too long or has control characters")
    if not username or has_controls(username) or len(username.encode()) > MAX_NAME:
        raise click.ClickException("this name is empty, too long or has control characters")
    failed = 0
    for url in options.servers:
        click.echo(url)
        steps = list(map(_tell, walk(url, options, username, password)))
        failed += not all(steps)
    if failed:
        raise click.ClickException(f"{username} cannot log in at {failed} of {len(options.servers)} servers")


def _options(ini: str, name: str | None) -> Options:
    """Return the options of the authenticator that is meant. Raises ClickException."""
    found = {
        one.name: one.options
        for one in load_settings(ini).authenticators
        if isinstance(one.options, Options) and name in {None, one.name}
    }
    if len(found) != 1:
        which = f"{', '.join(found)}; choose one with --name" if found else "none"
        raise click.ClickException(f"authenticators of the kind ldap in {ini}: {which}")
    return next(iter(found.values()))


def _tell(step: Step) -> bool:
    """Print a step, and say whether it worked."""
    click.echo(f"  {'ok  ' if step.worked else 'FAIL'}  {step.what}: {step.outcome}")
    if step.hint:
        click.echo(f"        {step.hint}")
    return step.worked
