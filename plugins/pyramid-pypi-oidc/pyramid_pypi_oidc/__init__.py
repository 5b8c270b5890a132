"""The plugin `oidc`: trusted publishing from CI, and sign-in in the browser with OpenID Connect."""

from typing import TYPE_CHECKING

from pyramid_pypi import hookimpl

if TYPE_CHECKING:
    import click
    from pyramid.config import Configurator

    from pyramid_pypi.settings.reader import Reader

__all__ = ["pypi_auth_backends", "pypi_commands", "pypi_configure", "pypi_settings"]


@hookimpl
def pypi_auth_backends() -> dict[str, type]:
    """Offer `oidc`: `pypi.auth.<name> = oidc`."""
    from pyramid_pypi_oidc.known import SignedInUsers  # noqa: PLC0415 - loaded when it is used

    return {"oidc": SignedInUsers}


@hookimpl
def pypi_settings(reader: "Reader") -> object | None:
    """Read `pypi.oidc.*`."""
    from pyramid_pypi_oidc.settings import read  # noqa: PLC0415 - as above

    return read(reader)


@hookimpl
def pypi_configure(config: "Configurator") -> None:
    """Add the pages for machines and for people."""
    from pyramid_pypi_oidc.plugin import configure  # noqa: PLC0415 - as above

    configure(config, config.registry["pyramid_pypi.index"])


@hookimpl
def pypi_commands(cli: "click.Group") -> None:
    """Add `pyramid-pypi --ini INI publisher`."""
    from pyramid_pypi_oidc.command import publisher  # noqa: PLC0415 - as above

    cli.add_command(publisher)
