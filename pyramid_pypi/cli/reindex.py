"""`pyramid-pypi reindex`: bring the catalog in step with what is in the storages."""

import click

from pyramid_pypi.app import compose
from pyramid_pypi.cli.load import load_plugins, load_settings
from pyramid_pypi.repositories.adoption import Adopter
from pyramid_pypi.served import Served

__all__ = ["reindex"]


@click.command()
@click.argument("ini")
@click.argument("variables", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--repository", "-r", multiple=True, help="Only this repository; may be repeated.")
def reindex(ini: str, variables: tuple[str, ...], repository: tuple[str, ...]) -> None:
    """List every file of the storages that INI names, and drop those that are gone.

    Uploads go on meanwhile, and a pass that was interrupted can be started again.
    """
    settings = load_settings(ini, variables)
    index = compose(settings, load_plugins(ini, variables))
    try:
        for name in repository or index.hosted_names:
            _reindex(index.served(name))
    finally:
        index.close()


def _reindex(served: Served) -> None:
    adopter = Adopter(served.hosted)
    before = _count(served)
    skipped = []
    with click.progressbar(adopter.sweep(), label=served.name, item_show_func=_show) as sweep:
        skipped = [blob.key for blob, settled in sweep if not settled]
    dropped = adopter.drop_missing()
    served.hosted.catalog.mark_scanned(served.name)
    added = _count(served) - before + dropped
    click.echo(f"{served.name}: {added} added, {dropped} dropped, {_count(served)} listed")
    for key in skipped:
        click.echo(f"  not a complete file: {key}", err=True)


def _count(served: Served) -> int:
    return len(served.hosted.catalog.keys(served.name))


def _show(item: tuple[object, bool] | None) -> str | None:
    return None if item is None else str(getattr(item[0], "key", ""))[-40:]
