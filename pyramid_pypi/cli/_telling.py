"""What commands that bring files into a repository say at their end."""

import json
from dataclasses import asdict

import click

from pyramid_pypi.cli._opening import human
from pyramid_pypi.upkeep.receiving import Tally

__all__ = ["tell_tally"]


def tell_tally(name: str, tally: Tally, *, dry_run: bool, as_json: bool) -> None:
    """Print what became of files for the repository `name`; end with 1 when there are problems."""
    if as_json:
        click.echo(json.dumps({"repository": name, "dry_run": dry_run, **asdict(tally)}, indent=2))
    else:
        for problem in tally.problems:
            click.echo(f"problem: {problem}")
        verb = "would be added" if dry_run else "added"
        ignored = [f"{tally.ignored} ignored"] if tally.ignored else []
        counts = [
            f"{tally.added} files {verb} ({human(tally.bytes)})",
            f"{tally.there} there already",
            *ignored,
        ]
        click.echo(f"{name}: {', '.join(counts)}, {len(tally.problems)} problems")
    if tally.problems:
        raise SystemExit(1)
