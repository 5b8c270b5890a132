"""`pyramid-pypi export`: a static site of a repository."""

import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict
from fnmatch import fnmatchcase
from pathlib import Path

import click

from pyramid_pypi.app import PackageIndex
from pyramid_pypi.cli._lockfiles import wanted_files
from pyramid_pypi.cli._opening import human, opened, progress
from pyramid_pypi.cli._warm import Choice, Warmer, find_all
from pyramid_pypi.distribution import normalise
from pyramid_pypi.repositories import Hosted
from pyramid_pypi.repositories.group import Group
from pyramid_pypi.repositories.ruled import unruled
from pyramid_pypi.served import Served
from pyramid_pypi.upkeep._files import replacing
from pyramid_pypi.upkeep.export import Exporter, Report, Wanted
from pyramid_pypi.upkeep.manifest import SiteManifest
from pyramid_pypi.upkeep.targets import ArchiveTarget, FolderTarget, Target
from pyramid_pypi.web import rendering

__all__ = ["export"]

_JOBS = 8
_WILD = set("*?[")
_path = click.Path(path_type=Path)


@click.command()
@click.argument("ini")
@click.argument("target", type=_path)
@click.argument("variables", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--repository", "-r", help="Not the default repository but this one.")
@click.option("--project", "patterns", multiple=True, metavar="PATTERN", help="Only these, as `acme-*`.")
@click.option(
    "--from-lock",
    "locks",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Only what this file of locks or requirements wants; may be repeated.",
)
@click.option("--wheels-only", is_flag=True, help="Pass over everything but wheels.")
@click.option(
    "--platform",
    "platforms",
    multiple=True,
    metavar="PATTERN",
    help="Only wheels for such platforms, as *linux*_x86_64, and for any; may be repeated.",
)
@click.option("--archive", is_flag=True, help="TARGET is one tar and not a folder.")
@click.option(
    "--since",
    metavar="MANIFEST",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="With --archive: only what the site with this manifest.json has not.",
)
@click.option("--link", is_flag=True, help="Give the files of the storage a second name where that goes.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def export(  # noqa: PLR0913 - one for each option
    ini: str,
    target: Path,
    variables: tuple[str, ...],
    *,
    repository: str | None,
    patterns: tuple[str, ...],
    locks: tuple[Path, ...],
    platforms: tuple[str, ...],
    since: Path | None,
    wheels_only: bool,
    archive: bool,
    link: bool,
    as_json: bool,
) -> None:
    """Write a static site into the folder TARGET, which any web server can serve to pip and uv.

    The folder is new, empty or an older export: what has not changed in it stays as it is, and what
    the repository offers no longer is removed. Without options that is all that hosted repositories
    have; what comes from an upstream is named with --project or --from-lock, and fetched.

    Exits with 1 when something cannot be had; the rest is written all the same, and then nothing is
    removed.
    """
    if (since and not archive) or (link and archive):
        raise click.UsageError("--since goes with --archive, and --link without it")
    if locks and patterns:
        raise click.UsageError("give --project or --from-lock, not both")
    choice = Choice(wheels_only, platforms)
    with opened(ini, variables) as index, _target(target, since, archive=archive, link=link) as writer:
        served = index.served(repository or index.settings.default)
        _require_scans(served)
        problems: list[str] = []
        if locks:
            wanted, problems = _locked(index, served, locks, choice)
        else:
            wanted = [Wanted(name) for name in _names(served, patterns)]
        exporter = Exporter(served.repository, writer, rendering, choice.takes)
        with progress("Exporting", len(wanted)) as tell:
            report = exporter.run(wanted, tell=tell)
        report.problems[:0] = problems
        writer.finish(complete=not report.problems)
    _tell(report, target, writer, as_json=as_json)


@contextmanager
def _target(path: Path, since: Path | None, *, archive: bool, link: bool) -> Iterator[Target]:
    if not archive:
        yield FolderTarget(path, link=link)
        return
    known = SiteManifest.read(since) if since else None
    with replacing(path) as stream:
        yield ArchiveTarget(stream, known)


def _require_scans(served: Served) -> None:
    found = served.source
    members = [unruled(one.repository) for one in found.members] if isinstance(found, Group) else [found]
    for one in members:
        if isinstance(one, Hosted) and not one.catalog.is_scanned(one.name):
            raise click.ClickException(f"The storage of {one.name!r} was never read; run `reindex` first")


def _names(served: Served, patterns: Sequence[str]) -> list[str]:
    """Return the projects that patterns name; of an upstream only those that are named in full."""
    repository = served.repository
    if repository.outside and not patterns and not isinstance(served.source, Group):
        raise click.UsageError(f"{served.name!r} follows an upstream; say what with --project or --from-lock")
    listed = [project.name for project in repository.own_projects()]
    if not patterns:
        return listed
    wild = [pattern.lower() for pattern in patterns if _WILD & set(pattern)]
    named = [normalise(pattern) for pattern in patterns if not _WILD & set(pattern)]
    found = [name for name in listed if any(fnmatchcase(name, pattern) for pattern in wild)]
    return list(dict.fromkeys([*named, *found]))


def _locked(
    index: PackageIndex, served: Served, locks: Sequence[Path], choice: Choice
) -> tuple[list[Wanted], list[str]]:
    """Return what files of locks want, and what of it cannot be found. Raises LockfileError."""
    wanted = list(dict.fromkeys(one for path in locks for one in wanted_files(path)))
    warmer = Warmer(index, served.repository, choice)
    # Standard output is for the result, which may be JSON.
    with ThreadPoolExecutor(_JOBS, thread_name_prefix="pypi-export") as pool, redirect_stdout(sys.stderr):
        found = find_all(warmer, pool, wanted)
    if found.left_out:
        click.echo(f"note: the options leave nothing of {', '.join(sorted(found.left_out))}", err=True)
    projects: dict[str, dict[str, set[str]]] = {}
    for file, digests in found.files.items():
        projects.setdefault(file.project, {}).setdefault(file.filename, set()).update(digests)
    return [Wanted(name, files) for name, files in projects.items()], found.problems


def _tell(report: Report, target: Path, writer: Target, *, as_json: bool) -> None:
    """Print the report, and end with 1 when something could not be had."""
    if as_json:
        written = {"written": writer.written, "bytes": writer.size}
        click.echo(json.dumps({"target": str(target), **written, **asdict(report)}, indent=2))
    else:
        for problem in report.problems:
            click.echo(f"missing: {problem}")
        click.echo(
            f"{target}: {report.projects} projects, {report.files} files; {writer.written} new or changed "
            f"({human(writer.size)}), {len(report.problems)} missing"
        )
    if report.problems:
        raise SystemExit(1)
