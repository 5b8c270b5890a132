"""`pyramid-pypi copy`: from one hosted repository into another one."""

import click

from pyramid_pypi.cli._opening import opened, operator, progress, teller
from pyramid_pypi.cli._telling import tell_tally
from pyramid_pypi.upkeep.copying import Copier
from pyramid_pypi.upkeep.receiving import Receiver

__all__ = ["copy"]


@click.command()
@click.argument("ini")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.argument("variables", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--project", "patterns", multiple=True, metavar="PATTERN", help="Only these, as `acme-*`.")
@click.option("--dry-run", is_flag=True, help="Only say what would be copied.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def copy(  # noqa: PLR0913 - one for each option
    ini: str,
    source: str,
    target: str,
    variables: tuple[str, ...],
    *,
    patterns: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Copy the files of the hosted repository FROM into the hosted repository TO.

    Storages may differ. Files keep their time, uploader, yank mark, metadata and signature, and
    projects their status; every byte is compared with its digest on the way. What is there already
    is passed over, so that a copy that was cut off can be started again. Exits with 1 when TO has
    other bytes under a name, which are left as they are, or when a file cannot be read.
    """
    if source == target:
        raise click.UsageError("FROM and TO are the same repository")
    with opened(ini, variables, audited=True) as index:
        to = index.served(target)
        receiver = Receiver(to.hosted, operator(), teller(index, to), dry_run=dry_run)
        copier = Copier(index.served(source).hosted, receiver, patterns)
        with progress("Copying", len(copier.projects())) as tell:
            copier.run(tell=tell)
    tell_tally(target, receiver.tally, dry_run=dry_run, as_json=as_json)
