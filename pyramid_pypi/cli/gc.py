"""`pyramid-pypi gc`: remove what nobody needs any more."""

import json
from dataclasses import asdict
from datetime import timedelta

import click

from pyramid_pypi.cli._opening import human, opened
from pyramid_pypi.settings import casts
from pyramid_pypi.upkeep.cleaning import Cleaner, Garbage
from pyramid_pypi.upkeep.rows import OldRows, sweep_rows

__all__ = ["gc"]

_DAY = 24 * 3600


def _seconds(_context: click.Context, _parameter: click.Parameter, value: str | None) -> int:
    try:
        return _DAY if value is None else casts.seconds(value)
    except casts.Refused as refused:
        raise click.BadParameter(refused.reason) from refused


@click.command()
@click.argument("ini")
@click.argument("variables", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--repository", "-r", multiple=True, help="Only files of this repository; may be repeated.")
@click.option(
    "--older-than",
    "grace",
    metavar="TIME",
    callback=_seconds,
    help="Leave what is younger; longer than any upload takes. Without it 24h.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def gc(  # noqa: PLR0913 - one for each option
    ini: str,
    variables: tuple[str, ...],
    *,
    repository: tuple[str, ...],
    grace: int,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Remove what nobody needs any more, while the server runs; what is listed is never touched.

    That is: uploads that were cut off, files that were deleted and are still there, files with the
    name of a distribution that are none, records and signatures without a file, sessions and notes
    that have ended, tokens that ended 90 days ago, metadata of no file. A file that is complete and
    not listed stays: `reindex` lists it. Files are left alone where no `reindex` or server has ever
    read the storage.
    """
    found: list[Garbage] = []
    with opened(ini, variables) as index:
        for name in repository or index.hosted_names:
            garbage = list(Cleaner(index.served(name).hosted, timedelta(seconds=grace)).find())
            found += [one for one in garbage if dry_run or one.remove()]
        rows = sweep_rows(index.catalog, index.settings.sessions, dry_run=dry_run)
    total = sum(one.size for one in found) + sum(one.bytes for one in rows)
    if as_json:
        files = [
            {"repository": one.repository, "sort": one.sort, "key": one.key, "bytes": one.size}
            for one in found
        ]
        content = {"dry_run": dry_run, "bytes": total, "files": files, "rows": [asdict(one) for one in rows]}
        click.echo(json.dumps(content, indent=2))
    else:
        _tell(found, rows, f"{human(total)} {'would be removed' if dry_run else 'removed'}")


def _tell(found: list[Garbage], rows: list[OldRows], summary: str) -> None:
    for one in found:
        click.echo(f"{one.repository}: {one.key}: {one.sort}, {human(one.size)}")
    for kind in rows:
        if kind.rows:
            click.echo(f"catalog: {kind.rows} {kind.sort}")
    click.echo(f"{len(found)} files, {sum(kind.rows for kind in rows)} rows, {summary}")
