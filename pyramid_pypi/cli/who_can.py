"""`pyramid-pypi who-can`: who may do what with a project, and why."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import click

from pyramid_pypi.cli.load import load_settings
from pyramid_pypi.distribution import is_valid_name, normalise
from pyramid_pypi.model import PERMISSIONS, Permission
from pyramid_pypi.rights import Rights
from pyramid_pypi.settings import GroupSettings, RepositorySettings, Settings
from pyramid_pypi.settings.groups import flatten, groups_within

__all__ = ["who_can"]


@dataclass(frozen=True, slots=True)
class Answer:
    """Who has a permission, and the key of the ini that says so; empty where none does."""

    permission: Permission
    repository: str
    who: tuple[str, ...]
    key: str


@click.command("who-can")
@click.argument("ini")
@click.argument("repository")
@click.argument("project")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def who_can(ini: str, repository: str, project: str, *, as_json: bool) -> None:
    """Print who may do what with PROJECT in REPOSITORY, and which line of the ini says so.

    The project need not exist. Nothing is opened but the ini.
    """
    if not is_valid_name(project):
        raise click.ClickException(f"{project!r} is not a name that a project can have")
    settings = load_settings(ini)
    named = {one.name: one for one in settings.repositories}
    if repository not in named:
        raise click.ClickException(f"There is no repository {repository!r}; there are {', '.join(named)}")
    answers = list(_answers(settings, named[repository], normalise(project)))
    if as_json:
        click.echo(json.dumps([asdict(one) for one in answers], indent=2))
        return
    for one in answers:
        why = one.key or "no line of the ini grants it"
        click.echo(f"{one.permission:<7} {' '.join(one.who) or 'nobody'}  ({why})")
    if isinstance(named[repository], GroupSettings):
        click.echo("Reading a group takes all of these rights together.")


def _answers(settings: Settings, repository: RepositorySettings, project: str) -> Iterator[Answer]:
    named = {one.name: one for one in settings.repositories}
    if not isinstance(repository, GroupSettings):
        for permission in PERMISSIONS:
            yield _answer(permission, repository, project)
        return
    members = [named[name] for name in flatten(repository, named)]
    for part in [*groups_within(repository, named), *members]:
        yield _answer("read", part, project)
    if repository.publish:
        for permission in PERMISSIONS[1:]:
            yield _answer(permission, named[repository.publish], project)


def _answer(permission: Permission, repository: RepositorySettings, project: str) -> Answer:
    rights = repository.rights
    who = tuple(sorted(rights.principals(permission, project)))
    return Answer(permission, repository.name, who, _key(rights, repository.name, permission, project))


def _key(rights: Rights, repository: str, permission: Permission, project: str) -> str:
    """Return the key that decides; `read` has a default, which is as if its key were there."""
    rule = rights.rule(permission, project)
    if rule is not None:
        return f"pypi.repo.{repository}.project.{rule.pattern}.{permission}"
    return f"pypi.repo.{repository}.{permission}" if rights.grants.get(permission) else ""
