"""Find a plugin by its name: an entry point, or a module."""

from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points, packages_distributions, version

from pyramid_pypi._nearest import nearest
from pyramid_pypi.errors import PluginError

__all__ = ["Found", "find", "installed", "installed_names", "version_of"]

_GROUP = "pyramid_pypi"


@dataclass(frozen=True, slots=True)
class Found:
    """A plugin and the version of its distribution, empty for one that was found as a module."""

    plugin: object
    version: str


def find(name: str) -> Found:
    """Return the plugin that `name` means.

    An entry point goes before a module. Raises PluginError when there is neither, when two
    distributions offer the entry point, and when it cannot be imported.
    """
    offers = {_offer(point): point for point in entry_points(group=_GROUP, name=name)}
    if len(offers) > 1:
        raise PluginError(f"The plugin {name!r} is offered by {' and '.join(sorted(offers))}; uninstall one")
    for point in offers.values():
        return Found(_import(name, point), point.dist.version if point.dist else "")
    return Found(_import(name, None), "")


def installed_names() -> list[str]:
    """Return the names of the plugins that are installed, without the core's own, sorted."""
    return sorted({point.name for point in entry_points(group=_GROUP)} - {"builtins"})


def installed(name: str) -> str:
    """Return a sentence with the plugins that are installed and the one most like `name`."""
    names = installed_names()
    guess = nearest(name, names)
    listed = f"Installed plugins: {', '.join(names) or 'none'}"
    return f"{listed}; did you mean {guess}?" if guess else listed


def version_of(module: str) -> str:
    """Return the version of the distribution that has `module`, empty when there is none."""
    distributions = packages_distributions().get(module.partition(".")[0], [])
    return version(distributions[0]) if distributions else ""


def _offer(point: EntryPoint) -> str:
    distribution = point.dist.name if point.dist else "?"
    return f"{distribution} ({point.value})"


def _import(name: str, point: EntryPoint | None) -> object:
    try:
        return point.load() if point else import_module(name)
    except Exception as error:
        if point is None and isinstance(error, ModuleNotFoundError) and _is_or_holds(error.name, name):
            raise PluginError(
                f"There is no plugin {name!r}: neither an entry point of {_GROUP} nor a module. "
                f"{installed(name)}"
            ) from error
        raise PluginError(
            f"The plugin {name!r} cannot be imported: {type(error).__name__}: {error}"
        ) from error


def _is_or_holds(missing: str | None, name: str) -> bool:
    return missing is not None and f"{name}.".startswith(f"{missing}.")
