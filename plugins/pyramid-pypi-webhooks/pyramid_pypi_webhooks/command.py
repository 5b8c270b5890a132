"""`pyramid-pypi webhooks`: what was not delivered, and what to do about it."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import click

from pyramid_pypi.catalog import Catalog
from pyramid_pypi.catalog.notes import Notes
from pyramid_pypi.cli.load import load_settings
from pyramid_pypi_webhooks.events import Event
from pyramid_pypi_webhooks.queue import OWNER, Letter, Queue
from pyramid_pypi_webhooks.sending import send
from pyramid_pypi_webhooks.settings import Webhook, WebhookSettings

__all__ = ["webhooks"]


@click.group()
def webhooks() -> None:
    """Look after webhooks: events that were not delivered, and tests."""


@webhooks.command("list")
@click.argument("ini")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(ini: str, *, as_json: bool) -> None:
    """Show what is still to be delivered, and what nobody tries to deliver any more."""
    with _queue(ini) as queue:
        found = [*queue.waiting(), *queue.dead()]
    if as_json:
        click.echo(json.dumps([_said(one) for one in found], indent=2))
        return
    for one in found:
        click.echo(_line(one))


@webhooks.command()
@click.argument("ini")
@click.argument("letters", nargs=-1, metavar="ID...")
@click.option("--all", "everything", is_flag=True, help="All that nobody tries to deliver any more.")
def retry(ini: str, letters: tuple[str, ...], *, everything: bool) -> None:
    """Deliver letters again: the server does so within seconds, and as often as new ones."""
    with _queue(ini) as queue:
        for one in _chosen(queue, letters, everything=everything):
            queue.revive(one)
            click.echo(f"{one.id} is to be delivered to {one.webhook}")


@webhooks.command()
@click.argument("ini")
@click.argument("letters", nargs=-1, metavar="ID...")
@click.option("--all", "everything", is_flag=True, help="All that nobody tries to deliver any more.")
def drop(ini: str, letters: tuple[str, ...], *, everything: bool) -> None:
    """Forget letters."""
    with _queue(ini) as queue:
        for one in _chosen(queue, letters, everything=everything):
            queue.done(one)
            click.echo(f"{one.id} is dropped")


@webhooks.command()
@click.argument("ini")
@click.argument("names", nargs=-1, metavar="[NAME]...")
def test(ini: str, names: tuple[str, ...]) -> None:
    """Send an event of the type `test` now, to all webhooks or to those that are named."""
    now = datetime.now(UTC)
    failed = []
    for webhook in _named(load_settings(ini).section(WebhookSettings).webhooks, names):
        letter = Letter("msg_test", webhook.name, Event("test", now, {"webhook": webhook.name}), now)
        outcome = send(webhook, letter, now)
        click.echo(f"{webhook.name}: {outcome.said}")
        if not outcome.is_success:
            failed.append(webhook.name)
    if failed:
        raise click.ClickException(f"not taken by {' '.join(failed)}")


@contextmanager
def _queue(ini: str) -> Iterator[Queue]:
    catalog = Catalog(load_settings(ini).catalog)
    try:
        yield Queue(Notes(catalog, OWNER))
    finally:
        catalog.close()


def _chosen(queue: Queue, letters: Sequence[str], *, everything: bool) -> list[Letter]:
    if everything == bool(letters):
        raise click.UsageError("name letters, as `list` shows them, or say --all")
    return queue.dead() if everything else [queue.find(one) for one in letters]


def _named(known: Sequence[Webhook], names: Sequence[str]) -> list[Webhook]:
    by_name = {one.name: one for one in known}
    for name in names:
        if name not in by_name:
            raise click.UsageError(f"there is no webhook {name!r}; known: {' '.join(by_name) or 'none'}")
    if not by_name:
        raise click.UsageError("pypi.webhooks lists none")
    return [by_name[name] for name in names or by_name]


def _line(one: Letter) -> str:
    state = "given up" if one.dead else f"due {one.due:%Y-%m-%d %H:%M:%S}"
    about = one.event.data.get("filename") or one.event.data.get("project") or ""
    words = [one.id, one.webhook, one.event.name, str(about), state, f"attempts: {one.attempts}", one.why]
    return "  ".join(word for word in words if word)


def _said(one: Letter) -> dict[str, object]:
    return {
        "id": one.id,
        "webhook": one.webhook,
        "event": one.event.name,
        "at": one.event.timestamp,
        "data": dict(one.event.data),
        "state": "dead" if one.dead else "waiting",
        "due": None if one.dead else one.due.isoformat(),
        "attempts": one.attempts,
        "why": one.why,
    }
