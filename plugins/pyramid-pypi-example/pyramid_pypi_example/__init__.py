"""The plugin `example`: a model for plugin authors that implements every hook.

A module is a plugin when it has functions that are marked with `hookimpl`. This one offers what
exists, which is the same for every application of the process. What an application has for itself,
settings and counts, is in an object that is registered while that application is configured: see
`Watch`, which has the hooks that are called during work.
"""

import logging
from typing import TYPE_CHECKING

from pyramid_pypi import hookimpl

if TYPE_CHECKING:
    import click
    from pyramid.config import Configurator

    from pyramid_pypi.app import PackageIndex
    from pyramid_pypi.settings.reader import Reader

__all__ = [
    "pypi_auth_backends",
    "pypi_commands",
    "pypi_configure",
    "pypi_index_opened",
    "pypi_rules",
    "pypi_settings",
    "pypi_storage_backends",
    "pypi_upstream_backends",
]


@hookimpl
def pypi_storage_backends() -> dict[str, type]:
    """Offer `memory`: `pypi.repo.<name>.storage = memory`."""
    from pyramid_pypi_example.memory import MemoryStorage  # noqa: PLC0415 - loaded when it is used

    return {"memory": MemoryStorage}


@hookimpl
def pypi_auth_backends() -> dict[str, type]:
    """Offer `static`: `pypi.auth.<name> = static`."""
    from pyramid_pypi_example.static import StaticAuthenticator  # noqa: PLC0415 - as above

    return {"static": StaticAuthenticator}


@hookimpl
def pypi_upstream_backends() -> dict[str, type]:
    """Offer `folder`: `pypi.repo.<name>.upstream = folder`."""
    from pyramid_pypi_example.folder import FolderUpstream  # noqa: PLC0415 - as above

    return {"folder": FolderUpstream}


@hookimpl
def pypi_rules() -> dict[str, type]:
    """Offer `stable`: `pypi.repo.<name>.rules = stable`."""
    from pyramid_pypi_example.stable import StableRule  # noqa: PLC0415 - as above

    return {"stable": StableRule}


@hookimpl
def pypi_settings(reader: "Reader") -> object | None:
    """Read `pypi.example.*`: what `Watch` takes. None when something is refused, which is reported."""
    from pyramid_pypi.settings.instances import read_options  # noqa: PLC0415 - as above
    from pyramid_pypi_example.watch import Watch  # noqa: PLC0415 - as above

    return read_options(reader, "pypi.example", Watch)


@hookimpl
def pypi_index_opened(index: "PackageIndex") -> None:
    """Write down which repositories a server or a command works with."""
    logging.getLogger(__name__).info("The repositories are %s", ", ".join(index.repositories))


@hookimpl
def pypi_configure(config: "Configurator") -> None:
    """Give the application a `Watch` of its own, and a page that shows it."""
    from pyramid_pypi_example.page import add_page  # noqa: PLC0415 - as above
    from pyramid_pypi_example.watch import Watch  # noqa: PLC0415 - as above

    index = config.registry["pyramid_pypi.index"]
    watch = Watch(index.settings.section(Watch.Options))
    index.plugins.register("example watch", watch)
    add_page(config, watch)


@hookimpl
def pypi_commands(cli: "click.Group") -> None:
    """Add `pyramid-pypi example`."""
    from pyramid_pypi_example.command import example  # noqa: PLC0415 - as above

    cli.add_command(example)
