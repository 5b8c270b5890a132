"""`pyramid-pypi reindex`: bring the catalog in step with what is in the storages."""

import json

import click

from pyramid_pypi.cli._opening import counted, opened
from pyramid_pypi.served import Served
from pyramid_pypi.upkeep.reindexing import Reindexing

__all__ = ["reindex"]

_SHOWN = 40


@click.command()
@click.argument("ini")
@click.argument("variables", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--repository", "-r", multiple=True, help="Only this repository; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def reindex(ini: str, variables: tuple[str, ...], *, repository: tuple[str, ...], as_json: bool) -> None:
    """List every file of the storages that INI names, and drop those that are gone.

    Uploads go on meanwhile, and a pass that was interrupted can be started again: what is listed
    already is not read.
    """
    with opened(ini, variables) as index:
        reports = [_reindex(index.served(name), quiet=as_json) for name in repository or index.hosted_names]
    if as_json:
        click.echo(json.dumps(reports, indent=2))


def _reindex(served: Served, *, quiet: bool) -> dict[str, object]:
    reindexing = Reindexing(served.hosted)
    for _ in counted(served.name, reindexing.run(), lambda blob: blob.key[-_SHOWN:]):
        pass
    added, dropped = reindexing.added, reindexing.dropped
    listed = len(served.hosted.catalog.keys(served.name))
    if not quiet:
        click.echo(f"{served.name}: {added} added, {dropped} dropped, {listed} listed")
        for key in reindexing.unsettled:
            click.echo(f"  not a complete file: {key}", err=True)
    counts = {"added": added, "dropped": dropped, "listed": listed}
    return {"repository": served.name, **counts, "incomplete": reindexing.unsettled}
