"""The plugin `github`: packages are kept in the releases of a GitHub repository."""

from typing import TYPE_CHECKING

from pyramid_pypi import hookimpl

if TYPE_CHECKING:
    import click

__all__ = ["pypi_commands", "pypi_storage_backends"]


@hookimpl
def pypi_storage_backends() -> dict[str, type]:
    """Offer `github`: `pypi.repo.<name>.storage = github`."""
    from pyramid_pypi_github.storage import GitHubStorage  # noqa: PLC0415 - loads an HTTP client

    return {"github": GitHubStorage}


@hookimpl
def pypi_commands(cli: "click.Group") -> None:
    """Add `pyramid-pypi github`."""
    from pyramid_pypi_github.command import github  # noqa: PLC0415 - as above

    cli.add_command(github)
