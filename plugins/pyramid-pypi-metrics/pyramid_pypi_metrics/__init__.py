"""The plugin `metrics`: numbers for Prometheus at `/-/metrics`."""

from typing import TYPE_CHECKING

from pyramid_pypi import hookimpl

if TYPE_CHECKING:
    import click
    from pyramid.config import Configurator

    from pyramid_pypi.settings.reader import Reader

__all__ = ["pypi_commands", "pypi_configure", "pypi_settings"]


@hookimpl
def pypi_settings(reader: "Reader") -> object | None:
    """Read `pypi.metrics.*`."""
    from pyramid_pypi.settings.instances import read_options  # noqa: PLC0415 - loaded when it is used
    from pyramid_pypi_metrics.settings import Metrics  # noqa: PLC0415 - as above

    return read_options(reader, "pypi.metrics", Metrics)


@hookimpl
def pypi_configure(config: "Configurator") -> None:
    """Count what happens in this application, and add the page; commands count nothing."""
    from pyramid_pypi_metrics.page import configure  # noqa: PLC0415 - as above

    configure(config, config.registry["pyramid_pypi.index"])


@hookimpl
def pypi_commands(cli: "click.Group") -> None:
    """Add `pyramid-pypi metrics`."""
    from pyramid_pypi_metrics.command import metrics  # noqa: PLC0415 - as above

    cli.add_command(metrics)
