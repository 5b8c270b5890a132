"""`pyramid-pypi import`: files from a folder, an export or another index into a repository."""

import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import click

from pyramid_pypi.cli._opening import opened, operator, progress, teller
from pyramid_pypi.cli._telling import tell_tally
from pyramid_pypi.errors import PypiError
from pyramid_pypi.options import Secret
from pyramid_pypi.upkeep.receiving import Receiver
from pyramid_pypi.upkeep.sources import Index, Source, open_path
from pyramid_pypi.upstream.credentials import from_netrc
from pyramid_pypi.upstream.simple import SimpleUpstream

__all__ = ["import_"]

_USER = "PYPI_IMPORT_USER"
_PASSWORD = "PYPI_IMPORT_PASSWORD"  # noqa: S105 - the name of a variable


@click.command("import")
@click.argument("ini")
@click.argument("repository")
@click.argument("source")
@click.argument("variables", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--project", "patterns", multiple=True, metavar="PATTERN", help="Only these, as `acme-*`.")
@click.option(
    "--host", "hosts", multiple=True, metavar="HOST", help="Also fetch from this host; may be repeated."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be added.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def import_(  # noqa: PLR0913 - one for each option
    ini: str,
    repository: str,
    source: str,
    variables: tuple[str, ...],
    *,
    patterns: tuple[str, ...],
    hosts: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Add files from SOURCE to the hosted REPOSITORY.

    SOURCE is a folder with distributions somewhere in it, a folder or archive of `export`, or the
    URL of the simple API of another index. The times of uploads and yank marks come along where
    SOURCE tells them. Every byte is compared with the digest that SOURCE tells. What is there already
    is passed over, so that an import that was cut off can be started again.

    Credentials for an index are read from PYPI_IMPORT_USER and PYPI_IMPORT_PASSWORD, or from a netrc
    file: $NETRC or ~/.netrc.

    Exits with 1 when REPOSITORY has other bytes under a name, which are left as they are, and when a
    file cannot be had or is no distribution.
    """
    with opened(ini, variables, audited=True) as index, _source(source, hosts) as found:
        served = index.served(repository)
        receiver = Receiver(served.hosted, operator(), teller(index, served), dry_run=dry_run)
        projects = found.projects(patterns)
        with progress("Importing", len(projects)) as tell:
            for project in projects:
                _take(receiver, found, project)
                tell(1)
    tell_tally(repository, receiver.tally, dry_run=dry_run, as_json=as_json)


def _take(receiver: Receiver, source: Source, project: str) -> None:
    try:
        for one in source.files(project):
            receiver.take(one)
    except PypiError as error:
        receiver.tally.problems.append(f"{project}: {error.message}")


@contextmanager
def _source(text: str, hosts: Sequence[str]) -> Iterator[Source]:
    if urlsplit(text).scheme not in {"http", "https"}:
        path = Path(text)
        if not path.exists():
            raise click.ClickException(f"{text} does not exist; name a folder, an archive or an http(s) URL")
        with open_path(path) as found:
            yield found
        return
    with closing(_upstream(text, tuple(hosts))) as upstream:
        yield Index(upstream)


def _upstream(url: str, hosts: tuple[str, ...]) -> SimpleUpstream:
    user, password = os.environ.get(_USER), os.environ.get(_PASSWORD)
    try:
        if user is not None:
            secret = Secret(password or "")
            return SimpleUpstream(SimpleUpstream.Options(url, user=user, password=secret, hosts=hosts))
        return SimpleUpstream(SimpleUpstream.Options(url, netrc=_netrc(url), hosts=hosts))
    except ValueError as error:
        raise click.ClickException(str(error)) from error


def _netrc(url: str) -> Path | None:
    """Return the netrc file that is meant, or the user's if that has something for the host."""
    parts = urlsplit(url)
    if parts.username is not None:
        return None
    named = os.environ.get("NETRC")
    if named:
        return Path(named)
    path = Path("~/.netrc").expanduser()
    try:
        from_netrc(path, parts.hostname or "")
    except ValueError:
        return None
    return path
