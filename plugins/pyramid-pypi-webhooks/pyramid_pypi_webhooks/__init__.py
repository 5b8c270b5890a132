"""The plugin `webhooks`: what happens in the index is told to other programs, Slack and Teams."""

from typing import TYPE_CHECKING

from pyramid_pypi import hookimpl

if TYPE_CHECKING:
    import click

    from pyramid_pypi.app import PackageIndex
    from pyramid_pypi.settings.reader import Reader

__all__ = ["pypi_commands", "pypi_index_opened", "pypi_settings"]


@hookimpl
def pypi_settings(reader: "Reader") -> object | None:
    """Read `pypi.webhooks.*`."""
    from pyramid_pypi_webhooks.settings import read  # noqa: PLC0415 - loaded when it is used

    return read(reader)


@hookimpl
def pypi_index_opened(index: "PackageIndex") -> None:
    """Listen to what happens in this index, if the settings name somebody who wants to know."""
    from pyramid_pypi_webhooks.post import Post  # noqa: PLC0415 - as above
    from pyramid_pypi_webhooks.settings import WebhookSettings  # noqa: PLC0415 - as above

    webhooks = index.settings.section(WebhookSettings).webhooks
    if webhooks:
        index.plugins.register("webhooks post", Post(index, webhooks))


@hookimpl
def pypi_commands(cli: "click.Group") -> None:
    """Add `pyramid-pypi webhooks`."""
    from pyramid_pypi_webhooks.command import webhooks  # noqa: PLC0415 - as above

    cli.add_command(webhooks)
