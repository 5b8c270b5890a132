"""`pyramid-pypi backup`: all that the catalog knows, in one file."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from pyramid_pypi import audit
from pyramid_pypi.cli._opening import human, opened, operator, progress
from pyramid_pypi.repositories import Hosted
from pyramid_pypi.upkeep.backup import back_up, count_rows
from pyramid_pypi.upkeep.blobs import Saved, listed_bytes, save_blobs

__all__ = ["backup"]


@click.command()
@click.argument("ini")
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("variables", nargs=-1, metavar="[KEY=VALUE]...")
@click.option(
    "--with-files",
    "folder",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="Also copy the files of all hosted repositories into this folder, those that it has not.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def backup(ini: str, target: Path, variables: tuple[str, ...], folder: Path | None, *, as_json: bool) -> None:
    """Write everything that cannot be rebuilt from the files into TARGET, while the server runs.

    That is the catalog in the state of one moment: projects, files, journal, removed names, tokens,
    roles, and what plugins keep; without the sessions of browsers. TARGET is a zip that is replaced
    as a whole, and that `restore` reads into SQLite and PostgreSQL alike. It has digests of tokens:
    keep it like a password file.
    """
    with opened(ini, variables, audited=True) as index:
        with progress("Rows", count_rows(index.catalog)) as tell:
            manifest = back_up(index.catalog, target, tell=tell)
        audit.record("catalog backed up", operator(), file=str(target))
        saved = [_save(index.served(name).hosted, folder) for name in index.hosted_names if folder]
    size = target.stat().st_size
    copied, problems = sum(one.copied for one in saved), [one for each in saved for one in each.problems]
    if as_json:
        report = {"file": str(target), "bytes": size, "files_copied": copied, "problems": problems}
        click.echo(json.dumps({**report, **asdict(manifest)}, indent=2))
    else:
        click.echo(f"{target}: {manifest.rows} rows up to serial {manifest.last_serial}, {human(size)}")
        if folder:
            click.echo(f"{folder}: {copied} files copied, {len(problems)} problems")
        for problem in problems:
            click.echo(problem)
    if problems:
        raise SystemExit(1)


def _save(hosted: Hosted, folder: Path) -> Saved:
    with progress(hosted.name, listed_bytes(hosted)) as tell:
        return save_blobs(hosted, folder, tell=lambda file: tell(file.size or 0))
