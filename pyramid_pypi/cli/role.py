"""`pyramid-pypi role`: who looks after a project."""

import click

from pyramid_pypi.api.answers import OwnRole, RoleFacts
from pyramid_pypi.catalog.roles import ROLES, Role
from pyramid_pypi.cli._index import Index, read
from pyramid_pypi.cli._source import on_index, on_repository
from pyramid_pypi.cli._tables import printable

__all__ = ["role"]


@click.group()
def role() -> None:
    """Look after the owners and maintainers of projects.

    There are some where `ownership = first-uploader` is set for a repository. SOURCE is an ini, or
    the URL of an index.
    """


@role.command("list")
@on_repository
@click.argument("project")
def list_(index: Index, project: str) -> None:
    """Show who has which role in PROJECT."""
    found = list(index.items(*index.within(project, "roles")))
    if index.show(found):
        return
    for one in (read(RoleFacts, each) for each in found):
        click.echo(printable(f"{one.role:<10}  {one.principal}"))


@role.command()
@on_index
def mine(index: Index) -> None:
    """Show the projects that you look after."""
    found = list(index.items("me", "roles"))
    if index.show(found):
        return
    for one in (read(OwnRole, each) for each in found):
        if index.chosen in {None, one.repository}:
            click.echo(printable(f"{one.role:<10}  {one.repository}  {one.project}"))


@role.command()
@on_repository
@click.argument("project")
@click.argument("principal")
@click.argument("held", metavar="ROLE", type=click.Choice(ROLES))
def grant(index: Index, project: str, principal: str, held: Role) -> None:
    """Make PRINCIPAL, `user:NAME` or `group:NAME`, an owner or maintainer of PROJECT."""
    index.show(index.change("PUT", *index.within(project, "roles"), principal, role=held))


@role.command()
@on_repository
@click.argument("project")
@click.argument("principal")
def revoke(index: Index, project: str, principal: str) -> None:
    """Take the role of PRINCIPAL in PROJECT away.

    Without anybody who has one, the rights of the repository decide again.
    """
    index.show(index.change("DELETE", *index.within(project, "roles"), principal))
