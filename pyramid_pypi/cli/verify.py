"""`pyramid-pypi verify`: compare the bytes in the storages with what the catalog promises."""

import json
from dataclasses import asdict

import click

from pyramid_pypi.cli._opening import opened, progress
from pyramid_pypi.upkeep.blobs import listed_bytes
from pyramid_pypi.upkeep.verify import Checkup, Finding

__all__ = ["verify"]


@click.command()
@click.argument("ini")
@click.argument("variables", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--repository", "-r", multiple=True, help="Only this repository; may be repeated.")
@click.option("--repair", is_flag=True, help="Put right what can be, and say what.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(
    ini: str, variables: tuple[str, ...], *, repository: tuple[str, ...], repair: bool, as_json: bool
) -> None:
    """Read every listed file again and compare it with its digests; look for files not listed.

    Looks at metadata, records and signatures, too. With --repair, records are written anew from the
    catalog, metadata is read from the files again, and files that are complete are listed; no bytes
    are ever removed or replaced. Exits with 1 when something is off and was not repaired.
    """
    found: list[Finding] = []
    checkups = []
    with opened(ini, variables) as index:
        for name in repository or index.hosted_names:
            checkup = Checkup(index.served(name).hosted, repair=repair)
            own: list[Finding] = []
            try:
                with progress(name, listed_bytes(checkup.hosted)) as tell:
                    own.extend(checkup.run(tell=tell))
            finally:
                # A storage that fails in between hides nothing of what was found.
                if not as_json:
                    _tell(own)
            if not as_json:
                _sum_up(checkup, own)
            found += own
            checkups.append(checkup)
    if as_json:
        sums = [{"repository": one.hosted.name, "files": one.files, "bytes": one.bytes} for one in checkups]
        click.echo(json.dumps({"repositories": sums, "findings": [asdict(one) for one in found]}, indent=2))
    if any(not one.repaired for one in found):
        raise SystemExit(1)


def _tell(found: list[Finding]) -> None:
    for one in found:
        repaired = f"; repaired: {one.repaired}" if one.repaired else ""
        click.echo(f"{one.repository}: {one.key}: {one.message}{repaired}")


def _sum_up(checkup: Checkup, found: list[Finding]) -> None:
    problems = sum(not one.repaired for one in found)
    repairs = f", {len(found) - problems} repaired" if problems < len(found) else ""
    click.echo(
        f"{checkup.hosted.name}: {checkup.files} files, {checkup.bytes} bytes, {problems} problems{repairs}"
    )
