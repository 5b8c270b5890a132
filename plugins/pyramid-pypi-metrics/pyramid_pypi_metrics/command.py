"""`pyramid-pypi metrics dashboard`: what Grafana imports."""

from importlib import resources

import click

__all__ = ["metrics"]


@click.group()
def metrics() -> None:
    """Look after what is counted for Prometheus."""


@metrics.command()
def dashboard() -> None:
    """Print a dashboard for Grafana."""
    found = resources.files("pyramid_pypi_metrics") / "grafana.json"
    click.echo(found.read_text("utf-8"), nl=False)
