"""`pyramid-pypi restore`: a backup becomes the catalog."""

import json
from pathlib import Path

import click

from pyramid_pypi import audit
from pyramid_pypi.app import PackageIndex
from pyramid_pypi.catalog import Catalog
from pyramid_pypi.cli._opening import opened, operator, progress
from pyramid_pypi.cli.load import load_settings
from pyramid_pypi.upkeep.blobs import missing_files, put_back, strays
from pyramid_pypi.upkeep.restore import is_empty, open_backup

__all__ = ["restore"]

_SHOWN = 20


@click.command()
@click.argument("ini")
@click.argument("source", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("variables", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--force", is_flag=True, help="Replace a catalog that is not empty.")
@click.option(
    "--with-files",
    "folder",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Also put files that are missing back from this folder of `backup --with-files`.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def restore(  # noqa: PLR0913 - one for each option
    ini: str, source: Path, variables: tuple[str, ...], folder: Path | None, *, force: bool, as_json: bool
) -> None:
    """Put the backup SOURCE into the place of the catalog; all of it or nothing. Stop the server first.

    SOURCE is checked before anything is changed, and a catalog that is not empty is left alone
    without --force. Exits with 1 when listed files are missing in the storages afterwards: bring
    them, or run `reindex`, which drops them.
    """
    settings = load_settings(ini, variables)
    with open_backup(source) as found:
        catalog = Catalog(settings.catalog)
        try:
            if not force and not is_empty(catalog):
                raise click.ClickException(
                    "the catalog is not empty; --force lets the backup take the place of all that it has"
                )
            with progress("Rows", found.manifest.rows) as tell:
                found.restore(catalog, tell=tell)
        finally:
            catalog.close()
        rows, serial, made = found.manifest.rows, found.manifest.last_serial, found.manifest.made_at
    if not as_json:
        click.echo(f"{rows} rows up to serial {serial}, as of {made}")
    with opened(ini, variables, audited=True) as index:
        audit.record("catalog restored", operator(), file=str(source))
        saved = [put_back(index.served(name).hosted, folder) for name in index.hosted_names if folder]
        missing, unlisted = _differences(index)
    back, problems = sum(one.copied for one in saved), [one for each in saved for one in each.problems]
    if as_json:
        report = {"rows": rows, "last_serial": serial, "made_at": made, "files_put_back": back}
        lists = {"problems": problems, "missing": missing, "unlisted": unlisted}
        click.echo(json.dumps({**report, **lists}, indent=2))
    else:
        _tell(missing, unlisted, back)
        for problem in problems:
            click.echo(problem)
    if missing or problems:
        raise SystemExit(1)


def _differences(index: PackageIndex) -> tuple[list[str], list[str]]:
    """Return the listed files without bytes, and the files that are not listed."""
    hosted = [index.served(name).hosted for name in index.hosted_names]
    missing = [f"{one.name}: {file.key}" for one in hosted for file in missing_files(one)]
    return missing, [f"{one.name}: {blob.key}" for one in hosted for blob in strays(one)]


def _tell(missing: list[str], unlisted: list[str], back: int) -> None:
    if back:
        click.echo(f"{back} files put back")
    for what, found in (("missing in the storage", missing), ("not listed", unlisted)):
        for one in found[:_SHOWN]:
            click.echo(f"{what}: {one}")
        if len(found) > _SHOWN:
            click.echo(f"{what}: {len(found) - _SHOWN} more, which `verify` shows")
    if unlisted:
        click.echo("run `reindex` to list what is complete")
