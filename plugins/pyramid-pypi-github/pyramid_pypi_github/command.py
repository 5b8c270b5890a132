"""`pyramid-pypi github`: prepare a repository, and write a static index into a branch of one."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import unquote

import click

from pyramid_pypi.app import compose
from pyramid_pypi.cli.load import load_plugins, load_settings
from pyramid_pypi.errors import PypiError
from pyramid_pypi.model import ProjectPage
from pyramid_pypi.options import Secret
from pyramid_pypi.served import Served
from pyramid_pypi.settings.casts import Refused, secret
from pyramid_pypi_github.client import Client
from pyramid_pypi_github.options import GITHUB, Options
from pyramid_pypi_github.pages import Branch, build_site
from pyramid_pypi_github.preparing import Preparation
from pyramid_pypi_github.storage import GitHubStorage

__all__ = ["github"]


@click.group()
def github() -> None:
    """Look after packages in the releases of a GitHub repository."""


@github.command()
@click.argument("repository", metavar="OWNER/REPO")
@click.option("--token", default="env:GITHUB_TOKEN", show_default=True, help="env:NAME or file:/path.")
@click.option("--base-url", default=GITHUB, show_default=True, help="The API of an Enterprise Server.")
@click.option("--public", is_flag=True, help="A new repository is public; otherwise it is private.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
def init(repository: str, token: str, base_url: str, public: bool, dry_run: bool) -> None:
    """Create OWNER/REPO, or make one that is there ready for packages; print its settings."""
    with _told():
        client = Client(_options(repository, token, base_url))
        for step in Preparation(client, private=not public, dry=dry_run).run():
            click.echo(step)
    owner, _, repo = repository.partition("/")
    click.echo(f"\n{repository} is ready; these are its settings:\n" if not dry_run else "")
    prefix = "pypi.repo.private.storage"
    address = "" if base_url == GITHUB else f"{prefix}.base_url = {base_url}\n"
    click.echo(f"{prefix} = github\n{prefix}.owner = {owner}\n{prefix}.repo = {repo}\n{address}", nl=False)
    click.echo(f"{prefix}.token = {token if token.startswith(('env:', 'file:')) else 'env:GITHUB_TOKEN'}")


@github.command()
@click.argument("ini")
@click.argument("repository")
@click.option("--branch", default="gh-pages", show_default=True, help="The branch that has the pages.")
@click.option("--dry-run", is_flag=True, help="Only say what would be written.")
def pages(ini: str, repository: str, branch: str, dry_run: bool) -> None:
    """Write the index of REPOSITORY, as INI names it, into a branch as static pages.

    Its links lead to the assets of the releases, so it is for public repositories: installers do not
    get those of private ones.
    """
    index = compose(load_settings(ini), load_plugins(ini))
    try:
        with _told():
            served = index.served(repository)
            storage = served.hosted.storage
            if not isinstance(storage, GitHubStorage):
                raise click.ClickException(f"the storage of {repository} is not of the kind github")
            site = build_site(list(_pages(served)), _addresses(storage))
            if storage.releases.is_private():
                click.echo("the repository is private: installers will not get its files", err=True)
            for name in site.skipped:
                click.echo(f"left out, as its asset has another name: {name}", err=True)
            size = f"{len(site.files)} files with {site.links} links"
            if dry_run:
                click.echo("\n".join([*sorted(site.files), f"would write {size} into {branch}"]))
                return
            changed = Branch(storage.client, branch).write(site, f"Index of {repository}")
            click.echo(f"{'wrote' if changed else 'nothing has changed:'} {size} in {branch}")
    finally:
        index.close()


def _options(repository: str, token: str, base_url: str) -> Options:
    owner, _, repo = repository.partition("/")
    try:
        return Options(owner, repo, _secret(token), base_url=base_url)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _secret(text: str) -> Secret:
    try:
        return secret(os.environ)(text)
    except Refused as refused:
        raise click.UsageError(f"--token: {refused}") from None


def _pages(served: Served) -> Iterator[ProjectPage]:
    for project in served.repository.projects():
        page = served.repository.project(project.name)
        if isinstance(page, ProjectPage):
            yield page


def _addresses(storage: GitHubStorage) -> Mapping[str, str]:
    """Return the public URLs of the assets that have the names of their files."""
    return {
        entry.note.key: entry.asset.url
        for entry in storage.entries()
        if entry.asset and unquote(entry.asset.url).rpartition("/")[2] == entry.note.key
    }


@contextmanager
def _told() -> Iterator[None]:
    """Tell what goes wrong in one line."""
    try:
        yield
    except PypiError as error:
        raise click.ClickException(error.message) from error
