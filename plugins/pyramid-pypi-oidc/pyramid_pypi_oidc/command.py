"""`pyramid-pypi --ini INI publisher`: who may publish without a secret."""

import getpass
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from pyramid_pypi.catalog import Catalog
from pyramid_pypi.cli.load import load_settings, log_like_server
from pyramid_pypi_oidc.desk import PublisherDesk
from pyramid_pypi_oidc.publishers import PUBLISHERS
from pyramid_pypi_oidc.settings import Publisher

__all__ = ["publisher"]


@click.group()
def publisher() -> None:
    """Look after trusted publishers: CI jobs that publish without a secret."""


@publisher.command()
@click.argument("ini")
@click.argument("name")
@click.argument("kind", type=click.Choice(list(PUBLISHERS)))
@click.argument("options", nargs=-1, required=True, metavar="KEY=VALUE...")
def add(ini: str, name: str, kind: str, options: tuple[str, ...]) -> None:
    """Add the publisher NAME; keys are those of `pypi.oidc.publisher.NAME` in the ini."""
    pairs = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not (key and equals):
            raise click.UsageError(f"{option!r} is not key=value")
        if key in pairs:
            raise click.UsageError(f"{key!r} is given twice; write {key}='one two'")
        pairs[key] = value
    with _desk(ini) as desk:
        made = desk.add(name, kind, pairs, getpass.getuser())
        click.echo(_line(made, desk.pending(made)))


@publisher.command("list")
@click.argument("ini")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(ini: str, *, as_json: bool) -> None:
    """Show all publishers: those of the ini and those that were added."""
    with _desk(ini) as desk:
        found = [(one, desk.pending(one)) for one in desk.publishers.all()]
    if as_json:
        click.echo(json.dumps([_said(*one) for one in found], indent=2))
        return
    for one in found:
        click.echo(_line(*one))


@publisher.command()
@click.argument("ini")
@click.argument("name")
def remove(ini: str, name: str) -> None:
    """Remove the publisher NAME and end its tokens."""
    with _desk(ini) as desk:
        desk.remove(name, getpass.getuser())


@contextmanager
def _desk(ini: str) -> Iterator[PublisherDesk]:
    settings = load_settings(ini)
    catalog = Catalog(settings.catalog)
    log_like_server(ini)
    try:
        yield PublisherDesk.of(settings, catalog)
    finally:
        catalog.close()


def _line(one: Publisher, pending: list[str]) -> str:
    words = [one.name, one.kind, one.rule.summary, f"publishes {' '.join(one.projects)} to {one.to}"]
    if pending:
        words.append(f"pending: {' '.join(pending)}")
    return "  ".join([*words, f"by {one.made_by}" if one.made_by else "in the settings"])


def _said(one: Publisher, pending: list[str]) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": one.kind,
        "issuer": one.issuer,
        "means": one.rule.summary,
        "repository": one.to,
        "projects": list(one.projects),
        "pending": pending,
        "made_by": one.made_by or None,
    }
