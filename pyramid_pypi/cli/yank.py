"""`pyramid-pypi yank` and `unyank`: mark the files of a release, on the machine of the index."""

import getpass
from dataclasses import dataclass

import click

from pyramid_pypi.app import compose
from pyramid_pypi.cli.load import load_plugins, load_settings
from pyramid_pypi.distribution import canonical_version, normalise
from pyramid_pypi.errors import ProjectNotFound
from pyramid_pypi.model import File, Identity, Permission
from pyramid_pypi.publish.checks import same_version
from pyramid_pypi.served import Served

__all__ = ["unyank", "yank"]


@dataclass(frozen=True, slots=True)
class _Operator:
    """Whoever may write the files of the index on its machine may do everything."""

    identity: Identity

    def require(self, permission: Permission, project: str) -> None:
        """Agree."""


@click.command()
@click.argument("ini")
@click.argument("project")
@click.argument("version")
@click.option("--reason", default="", help="What installers show to those who pin the version.")
@click.option("--repository", "-r", help="Not the default repository but this one.")
def yank(ini: str, project: str, version: str, reason: str, repository: str | None) -> None:
    """Yank a release: installers pass over it, unless somebody asks for exactly this version."""
    _mark(ini, project, version, repository=repository, reason=reason)


@click.command()
@click.argument("ini")
@click.argument("project")
@click.argument("version")
@click.option("--repository", "-r", help="Not the default repository but this one.")
def unyank(ini: str, project: str, version: str, repository: str | None) -> None:
    """Offer a yanked release again."""
    _mark(ini, project, version, repository=repository, reason=None)


def _mark(ini: str, project: str, version: str, *, repository: str | None, reason: str | None) -> None:
    index = compose(load_settings(ini), load_plugins(ini))
    try:
        served = index.published(repository or index.settings.default)
        for file in _release(served, project, version):
            served.takes.yank(file, reason, _Operator(Identity.operator(getpass.getuser())))
            click.echo(f"{served.name}: {file.filename} is {'offered again' if reason is None else 'yanked'}")
    finally:
        index.close()


def _release(served: Served, project: str, version: str) -> list[File]:
    wanted = canonical_version(version)
    page = served.hosted.project(normalise(project))
    found = [file for file in page.files if same_version(file.version, wanted)]
    if not found:
        raise ProjectNotFound(f"{served.name!r} has no version {version!r} of {page.name!r}")
    return found
