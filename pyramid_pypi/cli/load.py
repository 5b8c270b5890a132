"""From the name of an ini on the command line to settings."""

from collections.abc import Mapping, Sequence
from configparser import InterpolationError

import click
from pyramid import paster  # type: ignore[import-untyped, unused-ignore]

from pyramid_pypi import settings
from pyramid_pypi.errors import PypiError
from pyramid_pypi.plugins import Plugins
from pyramid_pypi.settings import Settings

__all__ = ["load_plugins", "load_settings", "log_like_server", "read_ini"]


def read_ini(ini: str, variables: Sequence[str] = ()) -> Mapping[str, str]:
    """Return the keys of the application that `ini`, a path or `path#name`, describes.

    `variables` are `key=value` texts for `%(key)s` in the ini. Raises ClickException.
    """
    options = {}
    for variable in variables:
        key, equals, value = variable.partition("=")
        if not (key and equals):
            raise click.UsageError(f"{variable!r} is not key=value")
        options[key] = value
    try:
        found = paster.get_appsettings(ini, options=options)
    except InterpolationError as error:
        # The cause shows the value, which may be a secret with a percent sign in it.
        raise click.ClickException(
            f"{ini} cannot be read: {error.option} in [{error.section}] has a % that starts no %(name)s of a "
            "known name; write %% for a percent sign"
        ) from None
    except Exception as error:
        # The loaders raise whatever their parts raise, and all of it is about the ini.
        raise click.ClickException(f"{ini} cannot be read: {_reason(error)}") from error
    dropped = sorted(key for key in found.global_conf if key.startswith("pypi."))
    if dropped:
        # PasteDeploy takes such a key for a variable and drops it from [app:…] as well.
        raise click.ClickException(
            f"{ini}: move {', '.join(dropped)} from [DEFAULT] to [app:…]; it has no effect"
        )
    return dict(found)


def load_settings(ini: str, variables: Sequence[str] = ()) -> Settings:
    """Return the checked settings of `ini`. Raises ClickException with the report."""
    keys = read_ini(ini, variables)
    try:
        return settings.load(keys)
    except PypiError as error:
        raise click.ClickException(f"{ini}: {error.message}") from error


def load_plugins(ini: str, variables: Sequence[str] = ()) -> Plugins:
    """Return the plugins that `ini` lists, whatever else it says. Raises ClickException."""
    keys = read_ini(ini, variables)
    try:
        return Plugins.load(settings.plugin_names(keys))
    except PypiError as error:
        raise click.ClickException(f"{ini}: {error.message}") from error


def log_like_server(ini: str) -> None:
    """Log where the server of `ini` does, so that its audit log has what a command changes."""
    paster.setup_logging(ini)


def _reason(error: Exception) -> str:
    text = str(error.args[0]) if isinstance(error, LookupError) and error.args else str(error)
    return text or type(error).__name__
