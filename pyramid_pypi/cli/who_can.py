"""`pyramid-pypi who-can`: who may do what with a project, and why."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import click

from pyramid_pypi.browse.permissions import RolesOf, granted
from pyramid_pypi.catalog import Catalog
from pyramid_pypi.catalog.roles import Role, Roles
from pyramid_pypi.cli.load import load_settings
from pyramid_pypi.distribution import is_valid_name, normalise
from pyramid_pypi.settings import GroupSettings, Settings

__all__ = ["who_can"]


@click.command("who-can")
@click.argument("ini")
@click.argument("repository")
@click.argument("project")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def who_can(ini: str, repository: str, project: str, *, as_json: bool) -> None:
    """Print who may do what with PROJECT in REPOSITORY, and which line of the ini says so.

    The project need not exist. The catalog is opened where projects have owners.
    """
    if not is_valid_name(project):
        raise click.ClickException(f"{project!r} is not a name that a project can have")
    settings = load_settings(ini)
    named = {one.name: one for one in settings.repositories}
    if repository not in named:
        raise click.ClickException(f"There is no repository {repository!r}; there are {', '.join(named)}")
    with _roles(settings) as roles_of:
        answers = list(granted(named, repository, normalise(project), roles_of))
    if as_json:
        told = [
            {"permission": one.permission, "repository": one.repository, "who": one.who, "key": one.why}
            for one in answers
        ]
        click.echo(json.dumps(told, indent=2))
        return
    for one in answers:
        why = one.why or "no line of the ini grants it"
        click.echo(f"{one.permission:<7} {' '.join(one.who) or 'nobody'}  ({why})")
    if isinstance(named[repository], GroupSettings):
        click.echo("Reading a group takes all of these rights together.")


@contextmanager
def _roles(settings: Settings) -> Iterator[RolesOf]:
    """Yield what tells the roles of a project; the catalog is opened when that is asked."""
    with ExitStack() as stack:
        catalogs: list[Catalog] = []

        def roles_of(repository: str, project: str) -> Mapping[str, Role]:
            if not catalogs:
                catalogs.append(Catalog(settings.catalog))
                stack.callback(catalogs[0].close)
            return Roles(catalogs[0], repository).of(project)

        yield roles_of
