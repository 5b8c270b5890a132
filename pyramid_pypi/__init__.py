"""A private Python package index: as an application, or included in somebody else's."""

from typing import TYPE_CHECKING, Any

from pyramid_pypi.hookspecs import hookimpl
from pyramid_pypi.version import __version__

if TYPE_CHECKING:
    from pyramid.config import Configurator

    from pyramid_pypi.web.application import Application

__all__ = ["__version__", "hookimpl", "includeme", "main"]


def main(global_config: dict[str, str] | None = None, **settings: Any) -> "Application":
    """Return the WSGI application that the ini settings describe: a PasteDeploy app factory.

    Raises SettingsError, PluginError, CatalogUnavailable.
    """
    from pyramid_pypi.web.application import make_application  # noqa: PLC0415 - see includeme

    return make_application(settings, variables=global_config or {})


def includeme(config: "Configurator") -> None:
    """Add the index to a Pyramid application: `config.include("pyramid_pypi", route_prefix="pypi")`.

    Raises SettingsError, PluginError, CatalogUnavailable.
    """
    # Plugins import `hookimpl` from here, and need not wait for the web layer.
    from pyramid_pypi.web.application import include_embedded  # noqa: PLC0415

    include_embedded(config)
