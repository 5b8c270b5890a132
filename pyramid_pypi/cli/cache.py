"""`pyramid-pypi cache`: what proxies keep of their upstreams."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from pyramid_pypi.app import PackageIndex, compose
from pyramid_pypi.browse.sizes import human_size as human
from pyramid_pypi.cli._lockfiles import wanted_files
from pyramid_pypi.cli._warm import Choice, Report, Warmer, fetch_all, find_all
from pyramid_pypi.cli.load import load_plugins, load_settings
from pyramid_pypi.errors import RepositoryNotFound
from pyramid_pypi.repositories import Hosted
from pyramid_pypi.repositories.adoption import Adopter
from pyramid_pypi.repositories.group import Group
from pyramid_pypi.repositories.proxy import Proxy
from pyramid_pypi.repositories.ruled import unruled
from pyramid_pypi.served import Served
from pyramid_pypi.settings import ProxySettings, casts

__all__ = ["cache"]

# A file whose name looks like this can still be named, as `./a=b.txt`.
_VARIABLE = re.compile(r"\w+=")


@dataclass(frozen=True, slots=True)
class _Withdrawn:
    """The files of a project that its upstream has `deleted` or `quarantined`."""

    project: str
    reason: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class _Stats:
    """What a proxy keeps; the uses are in UTC (ISO 8601), None without files."""

    repository: str
    pages: int
    keeps_files: bool
    files: int
    bytes: int
    max_size: int | None
    oldest_use: str | None
    newest_use: str | None
    withdrawn: tuple[_Withdrawn, ...]


def _as(
    cast: Callable[[str], int],
) -> Callable[[click.Context, click.Parameter, str | None], int | None]:
    """Return a callback of an option whose value is written as in the ini."""

    def convert(_context: click.Context, _parameter: click.Parameter, value: str | None) -> int | None:
        try:
            return None if value is None else cast(value)
        except casts.Refused as refused:
            raise click.BadParameter(refused.reason) from refused

    return convert


_variables = click.argument("variables", nargs=-1, metavar="[KEY=VALUE]...")
_repositories = click.option(
    "--repository",
    "-r",
    "names",
    multiple=True,
    help="Only this proxy, or those of this group; may be repeated.",
)


@click.group()
def cache() -> None:
    """Look into the caches of proxies, empty them, and fill them before anybody asks."""


@cache.command()
@click.argument("ini")
@_variables
@_repositories
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def stats(ini: str, variables: tuple[str, ...], names: tuple[str, ...], *, as_json: bool) -> None:
    """Show what proxies keep, and which of their files the upstream has withdrawn.

    The upstream is not asked, and nothing is changed.
    """
    with _opened(ini, variables) as index:
        found = [_stats(proxy, _settings(index, proxy)) for proxy in _proxies(index, names)]
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], indent=2))
        return
    for one in found:
        for line in _lines(one):
            click.echo(f"{one.repository}: {line}")


@cache.command()
@click.argument("ini")
@_variables
@_repositories
@click.option(
    "--max-size", metavar="SIZE", callback=_as(casts.size), help="Leave at most so much, such as `20 GB`."
)
@click.option(
    "--older-than", metavar="TIME", callback=_as(casts.seconds), help="Files not used for as long, as `30d`."
)
@click.option("--withdrawn", is_flag=True, help="Files that the upstream has deleted or quarantined.")
@click.option("--all", "everything", is_flag=True, help="All files, pages, metadata and names.")
def prune(  # noqa: PLR0913 - one for each option
    ini: str,
    variables: tuple[str, ...],
    names: tuple[str, ...],
    max_size: int | None,
    older_than: int | None,
    *,
    withdrawn: bool,
    everything: bool,
) -> None:
    """Remove files from caches; a running server goes on and fetches them again when asked.

    Without options: what is beyond the setting max_size, and what belongs to no file.
    """
    if everything and (withdrawn or max_size is not None or older_than is not None):
        raise click.UsageError("--all leaves nothing for other options to choose from")
    with _opened(ini, variables) as index:
        for proxy in _proxies(index, names):
            files = proxy.parts.files
            told = "keeps no files"
            if files is not None:
                limit = 0 if everything else max_size
                count, size = files.prune(max_size=limit, older_than=older_than, withdrawn=withdrawn)
                left = files.stats()
                told = f"{count} files removed, {human(size)}; {left.files} left, {human(left.bytes)}"
            if everything:
                told += f"; {_forget(proxy, _settings(index, proxy).folder)} pages removed"
            click.echo(f"{proxy.name}: {told}")


@cache.command()
@click.argument("ini")
@click.argument("words", nargs=-1, required=True, metavar="[KEY=VALUE]... FILE...")
@click.option("--repository", "-r", help="Not the default repository but this one.")
@click.option("--wheels-only", is_flag=True, help="Pass over everything but wheels.")
@click.option(
    "--platform",
    "platforms",
    multiple=True,
    metavar="PATTERN",
    help="Only wheels for such platforms, as *linux*_x86_64, and for any; may be repeated.",
)
@click.option("--jobs", type=click.IntRange(1, 16), default=8, show_default=True, help="How many at a time.")
def warm(  # noqa: PLR0913 - one for each option
    ini: str,
    words: tuple[str, ...],
    repository: str | None,
    platforms: tuple[str, ...],
    jobs: int,
    *,
    wheels_only: bool,
) -> None:
    """Fetch everything that files of locks or requirements want, with pages and metadata.

    FILE is a uv.lock, poetry.lock, pylock.toml, Pipfile.lock or requirements file. Dependencies that
    it does not name are not looked for, and a name without a version means the newest one. What
    cannot be had does not keep the rest from being fetched; the exit code is then 1.
    """
    variables = tuple(word for word in words if _VARIABLE.match(word))
    paths = [Path(word) for word in words if not _VARIABLE.match(word)]
    if not paths:
        raise click.UsageError("give a file of locks or requirements")
    wanted = list(dict.fromkeys(one for path in paths for one in wanted_files(path)))
    with _opened(ini, variables) as index, _threads(jobs) as pool:
        served = index.served(repository or index.settings.default)
        _prepare(served)
        warmer = Warmer(index, served.repository, Choice(wheels_only, platforms))
        report = find_all(warmer, pool, wanted)
        fetch_all(warmer, pool, report)
    _tell(report)


@contextmanager
def _opened(ini: str, variables: Sequence[str]) -> Iterator[PackageIndex]:
    index = compose(load_settings(ini, variables), load_plugins(ini, variables))
    try:
        yield index
    finally:
        index.close()


@contextmanager
def _threads(jobs: int) -> Iterator[ThreadPoolExecutor]:
    """Yield threads; after an interrupt they end as soon as the index closes."""
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="pypi-warm")
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _members(served: Served) -> list[object]:
    found = served.source
    return [unruled(one.repository) for one in found.members] if isinstance(found, Group) else [found]


def _proxies(index: PackageIndex, names: Sequence[str]) -> list[Proxy]:
    """Return the proxies of these names and of groups of these names. Raises RepositoryNotFound."""
    members = [one for name in names or index.repositories for one in _members(index.served(name))]
    proxies = [one for one in dict.fromkeys(members) if isinstance(one, Proxy)]
    if not proxies:
        raise RepositoryNotFound(f"{' and '.join(names) or 'Nothing here'} is no proxy, so there is no cache")
    return proxies


def _settings(index: PackageIndex, proxy: Proxy) -> ProxySettings:
    every = (one for one in index.settings.repositories if isinstance(one, ProxySettings))
    return next(one for one in every if one.name == proxy.name)


def _stats(proxy: Proxy, settings: ProxySettings) -> _Stats:
    store = proxy.parts.store
    entries = store.files()
    sizes: dict[tuple[str, str], list[int]] = {}
    for one in entries:
        if one.withdrawn:
            sizes.setdefault((one.project, one.withdrawn), []).append(one.size)
    uses = [datetime.fromtimestamp(one.used_at, UTC).isoformat(timespec="seconds") for one in entries]
    return _Stats(
        repository=proxy.name,
        pages=store.pages(),
        keeps_files=proxy.parts.files is not None,
        files=len(entries),
        bytes=sum(one.size for one in entries),
        max_size=settings.max_size,
        oldest_use=uses[0] if uses else None,
        newest_use=uses[-1] if uses else None,
        withdrawn=tuple(_Withdrawn(*key, len(own), sum(own)) for key, own in sorted(sizes.items())),
    )


def _lines(found: _Stats) -> Iterator[str]:
    limit = "" if found.max_size is None else f" of at most {human(found.max_size)}"
    files = f"{found.files} files, {human(found.bytes)}{limit}" if found.keeps_files else "keeps no files"
    yield f"{found.pages} pages, {files}"
    if found.files:
        yield f"least recently used {found.oldest_use}, most recently {found.newest_use}"
    for one in found.withdrawn:
        yield f"{one.project} was {one.reason} upstream: {one.files} files, {human(one.bytes)}"


def _forget(proxy: Proxy, folder: Path) -> int:
    """Remove what is not files, and return how many pages there were."""
    pages = proxy.parts.store.pages()
    proxy.parts.store.clear_pages()
    # A server that is about to confirm the list must not find it gone.
    with proxy.parts.locks.hold("names"):
        (folder / "names").unlink(missing_ok=True)
    return pages


def _prepare(served: Served) -> None:
    """Raise RepositoryNotFound where nothing can be fetched; read folders that nobody has read.

    Until then nobody knows what is ours, so no other repository of a group is asked.
    """
    members = _members(served)
    if not any(isinstance(one, Proxy) and one.parts.files for one in members):
        raise RepositoryNotFound(
            f"{served.name!r} keeps no files of an upstream; name a proxy with files = cache, or its group"
        )
    for one in members:
        if isinstance(one, Hosted) and not one.catalog.is_scanned(one.name):
            for _ in Adopter(one).sweep():
                pass
            one.catalog.mark_scanned(one.name)


def _tell(report: Report) -> None:
    """Print the report, and end with 1 when something could not be had."""
    for problem in report.problems:
        click.echo(f"missing: {problem}")
    if report.left_out:
        click.echo(f"note: the options leave nothing of {', '.join(sorted(report.left_out))}", err=True)
    counts = [
        f"{len(report.fetched)} fetched ({human(sum(report.fetched.values()))})",
        f"{len(report.here)} here already",
        *([f"{report.passed_over} passed over"] if report.passed_over else []),
        f"{len(report.problems)} missing",
    ]
    click.echo(", ".join(counts))
    if report.problems:
        raise SystemExit(1)
