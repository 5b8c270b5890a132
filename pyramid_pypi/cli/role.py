"""`pyramid-pypi role`: who looks after a project."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager

import click

from pyramid_pypi import audit
from pyramid_pypi.catalog import Catalog
from pyramid_pypi.catalog.roles import ROLES, Role, Roles, is_principal
from pyramid_pypi.cli.load import load_settings, log_like_server
from pyramid_pypi.distribution import is_valid_name, normalise
from pyramid_pypi.settings import HostedSettings

__all__ = ["role"]


@click.group()
def role() -> None:
    """Look after the owners and maintainers of projects, where the first uploader owns a project."""


@role.command("list")
@click.argument("ini")
@click.argument("repository")
@click.argument("project")
def list_(ini: str, repository: str, project: str) -> None:
    """Show who has which role in PROJECT."""
    with _roles(ini, repository) as roles:
        for principal, held in roles.of(_name(project)).items():
            click.echo(f"{held:<10}  {principal}")


@role.command()
@click.argument("ini")
@click.argument("repository")
@click.argument("project")
@click.argument("principal")
@click.argument("held", metavar="ROLE", type=click.Choice(ROLES))
def grant(ini: str, repository: str, project: str, principal: str, held: Role) -> None:
    """Make PRINCIPAL, `user:NAME` or `group:NAME`, an owner or maintainer of PROJECT."""
    name, by = _name(project), getpass.getuser()
    if not is_principal(principal):
        raise click.ClickException(f"{principal!r} is neither user:NAME nor group:NAME")
    with _roles(ini, repository) as roles:
        roles.grant(name, principal, held, by)
        audit.record("role granted", by, repository=repository, project=name, principal=principal, role=held)


@role.command()
@click.argument("ini")
@click.argument("repository")
@click.argument("project")
@click.argument("principal")
def revoke(ini: str, repository: str, project: str, principal: str) -> None:
    """Take the role of PRINCIPAL in PROJECT away.

    Without anybody who has one, the rights of the repository decide again.
    """
    name, by = _name(project), getpass.getuser()
    with _roles(ini, repository) as roles:
        if not roles.revoke(name, principal):
            raise click.ClickException(f"{principal!r} has no role in {name!r}; `role list` shows who has")
        audit.record("role revoked", by, repository=repository, project=name, principal=principal)


@contextmanager
def _roles(ini: str, repository: str) -> Iterator[Roles]:
    settings = load_settings(ini)
    chosen = [one for one in settings.repositories if one.name == repository]
    if not chosen or not isinstance(chosen[0], HostedSettings) or chosen[0].ownership == "none":
        raise click.ClickException(
            f"{repository!r} has no roles; a hosted repository has them with "
            f"pypi.repo.{repository}.ownership = first-uploader"
        )
    catalog = Catalog(settings.catalog)
    log_like_server(ini)
    try:
        yield Roles(catalog, repository)
    finally:
        catalog.close()


def _name(project: str) -> str:
    if not is_valid_name(project):
        raise click.ClickException(f"{project!r} is not a name that a project can have")
    return normalise(project)
