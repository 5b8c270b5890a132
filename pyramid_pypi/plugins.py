"""The plugins of one application: find them, check them, ask them, and name them in errors."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pluggy

from pyramid_pypi import _plugin_search as search
from pyramid_pypi import builtins, hookspecs
from pyramid_pypi._nearest import nearest
from pyramid_pypi.errors import Forbidden, PluginError, Unavailable
from pyramid_pypi.model import Link
from pyramid_pypi.options import options_of
from pyramid_pypi.version import __version__

if TYPE_CHECKING:
    import click

    from pyramid_pypi.app import PackageIndex
    from pyramid_pypi.settings.reader import Reader

__all__ = ["PluginDescription", "Plugins"]

_BUILTINS = "builtins"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PluginDescription:
    """A plugin that is active; `version` is that of its distribution, empty when unknown."""

    name: str
    module: str
    version: str
    hooks: tuple[str, ...]


class Plugins:
    """One plugin manager for one application, with the core's own kinds in it."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._hooks = tuple(name for name in vars(hookspecs) if name.startswith("pypi_"))
        self._versions: dict[str, str] = {}
        self._implementations: dict[str, tuple[pluggy.HookImpl, ...]] = {}
        self.register(_BUILTINS, builtins, version=__version__)

    @classmethod
    def load(cls, names: Sequence[str]) -> "Plugins":
        """Return the core's own plugin and those that `names` lists, in that order.

        A name is that of an entry point in the group `pyramid_pypi` or of a module. Raises
        PluginError when one cannot be found, imported or used, or is listed twice.
        """
        plugins = cls()
        for name in names:
            if plugins._manager.has_plugin(name):
                why = "is always active" if name == _BUILTINS else "is listed twice"
                raise PluginError(f"The plugin {name!r} {why}; remove it from the list")
            found = search.find(name)
            plugins.register(name, found.plugin, version=found.version)
        return plugins

    def register(self, name: str, plugin: object, *, version: str = "") -> None:
        """Make a module or an object active under `name`.

        Raises PluginError when it has no hooks, an unknown hook, a hook with unknown arguments or
        a wrapper, or when it is already active under another name.
        """
        if isinstance(plugin, type):
            raise PluginError(f"The plugin {name!r} is a class; name a module or an instance instead")
        try:
            self._manager.register(plugin, name)
        except (ValueError, pluggy.PluginValidationError) as error:
            raise PluginError(f"The plugin {name!r} cannot be used: {error}") from error
        try:
            self._check(name, plugin)
        except PluginError:
            self._manager.unregister(plugin)
            raise
        self._versions[name] = version
        self._implementations = {hook: _in_order(getattr(self._manager.hook, hook)) for hook in self._hooks}

    def _check(self, name: str, plugin: object) -> None:
        for hook in self._hooks:
            function = getattr(plugin, hook, None)
            if callable(function) and not hasattr(function, "pypi_impl"):
                raise PluginError(
                    f"The plugin {name!r} has {hook} without @hookimpl, so nothing would call it"
                )
        callers = self._manager.get_hookcallers(plugin)
        if not callers:
            raise PluginError(
                f"The plugin {name!r} has no hooks; mark its functions with pyramid_pypi.hookimpl. "
                f"{search.installed(name)}"
            )
        for caller in callers:
            for implementation in caller.get_hookimpls():
                if implementation.plugin is plugin:
                    self._check_hook(name, caller, implementation)

    def _check_hook(self, name: str, caller: pluggy.HookCaller, implementation: pluggy.HookImpl) -> None:
        if not caller.has_spec() and not implementation.optionalhook:
            guess = nearest(caller.name, self._hooks)
            meant = f"; did you mean {guess}?" if guess else f"; the hooks are {', '.join(self._hooks)}"
            raise PluginError(f"The plugin {name!r} has the unknown hook {caller.name}{meant}")
        if implementation.wrapper or implementation.hookwrapper:
            raise PluginError(
                f"The plugin {name!r} wraps {caller.name}; wrappers are not called, implement it"
            )

    def has(self, hook: str) -> bool:
        """Tell whether any plugin implements `hook`. Raises KeyError for an unknown hook."""
        return bool(self._implementations[hook])

    def storage_kinds(self) -> Mapping[str, type]:
        """Return the kinds of storage by name. Raises PluginError."""
        return self._kinds("pypi_storage_backends")

    def auth_kinds(self) -> Mapping[str, type]:
        """Return the kinds of authenticator by name. Raises PluginError."""
        return self._kinds("pypi_auth_backends")

    def upstream_kinds(self) -> Mapping[str, type]:
        """Return the kinds of upstream by name. Raises PluginError."""
        return self._kinds("pypi_upstream_backends")

    def rule_kinds(self) -> Mapping[str, type]:
        """Return the kinds of rule by name. Raises PluginError."""
        return self._kinds("pypi_rules")

    def _kinds(self, hook: str) -> dict[str, type]:
        kinds: dict[str, type] = {}
        owners: dict[str, str] = {}
        for plugin, offered in self._ask_at_start(hook):
            if not isinstance(offered, Mapping):
                raise PluginError(
                    f"The plugin {plugin!r} returns a {type(offered).__name__} from {hook}; "
                    "return a mapping of names to classes"
                )
            for name, kind in offered.items():
                if not isinstance(name, str) or not isinstance(kind, type):
                    raise PluginError(
                        f"The plugin {plugin!r} offers {name!r} in {hook}, which is not a class"
                    )
                if name in owners:
                    raise PluginError(
                        f"The plugins {owners[name]!r} and {plugin!r} both offer {name!r} in {hook}; "
                        "list only one of them"
                    )
                options_of(kind)
                kinds[name], owners[name] = kind, plugin
        return kinds

    def sections(self, reader: "Reader") -> dict[str, object]:
        """Return what the plugins have read from the settings, by their names. Raises PluginError."""
        found = self._ask_at_start("pypi_settings", reader=reader)
        return {plugin: section for plugin, section in found if section is not None}

    def opened(self, index: "PackageIndex") -> None:
        """Tell every plugin of an index that is open. Raises PluginError."""
        for _ in self._ask_at_start("pypi_index_opened", index=index):
            pass

    def configure(self, config: Any) -> None:
        """Let every plugin add to a `pyramid.config.Configurator`. Raises PluginError."""
        for _ in self._ask_at_start("pypi_configure", config=config):
            pass

    def commands(self, cli: "click.Group") -> None:
        """Let every plugin add commands to `cli`. Raises PluginError."""
        for _ in self._ask_at_start("pypi_commands", cli=cli):
            pass

    def notify(self, event: str, **details: object) -> None:
        """Tell every plugin what happened; an exception is logged with the name of the plugin."""
        for implementation in self._implementations[event]:
            try:
                _call(implementation, details)
            except Exception:  # noqa: BLE001 - whatever it is, what happened stays
                _log.exception("The plugin %r failed in %s", implementation.plugin_name, event)

    def refusals(self, hook: str, **details: object) -> list[str]:
        """Return the reasons of the plugins that refuse; an empty list permits.

        Raises Unavailable when a plugin fails or answers neither None nor text, because what a
        plugin would have refused must not pass when it cannot tell.
        """
        reasons = []
        for implementation in self._implementations[hook]:
            plugin = implementation.plugin_name
            try:
                answer = _call(implementation, details)
            except Exception as error:
                _log.exception("The plugin %r failed in %s", plugin, hook)
                raise Unavailable(f"The plugin {plugin!r} failed in {hook}; ask the operator") from error
            if answer is None:
                continue
            if not isinstance(answer, str):
                _log.error("The plugin %r answered a %s in %s", plugin, type(answer).__name__, hook)
                raise Unavailable(f"The plugin {plugin!r} gave no reason in {hook}; ask the operator")
            reasons.append(answer or f"The plugin {plugin!r} refuses it without a reason")
        return reasons

    def require(self, hook: str, **details: object) -> None:
        """Raise Forbidden with the reasons of those that refuse, Unavailable as `refusals` does."""
        if reasons := self.refusals(hook, **details):
            raise Forbidden("; ".join(reasons))

    def links(self, place: Literal["login", "account"]) -> tuple[Link, ...]:
        """Return the links for a page; a plugin that fails has none, and the page goes on working."""
        found: list[Link] = []
        for implementation in self._implementations["pypi_links"]:
            try:
                offered = list(_call(implementation, {}))  # type: ignore[call-overload]
            except Exception:  # noqa: BLE001 - whatever it is, people have to be able to log in
                _log.exception("The plugin %r failed in pypi_links", implementation.plugin_name)
                continue
            if not all(isinstance(link, Link) for link in offered):
                _log.error("The plugin %r offers no Link in pypi_links", implementation.plugin_name)
                continue
            found += [link for link in offered if link.place == place]
        return tuple(found)

    def describe(self) -> tuple[PluginDescription, ...]:
        """Return what is active, in the order of registration."""
        return tuple(self._describe(name, plugin) for name, plugin in self._manager.list_name_plugin())

    def _describe(self, name: str, plugin: object) -> PluginDescription:
        module = str(getattr(plugin, "__name__", None) or type(plugin).__module__)
        hooks = [caller.name for caller in self._manager.get_hookcallers(plugin) or ()]
        version = self._versions[name] or search.version_of(module)
        return PluginDescription(name, module, version, tuple(sorted(hooks)))

    def _ask_at_start(self, hook: str, **details: object) -> Iterator[tuple[str, object]]:
        for implementation in self._implementations[hook]:
            try:
                answer = _call(implementation, details)
            except Exception as error:
                raise PluginError(
                    f"The plugin {implementation.plugin_name!r} failed in {hook}: "
                    f"{type(error).__name__}: {error}"
                ) from error
            yield implementation.plugin_name, answer


def _in_order(caller: pluggy.HookCaller) -> tuple[pluggy.HookImpl, ...]:
    """Return who implements a hook: `tryfirst`, then as registered, then `trylast`."""
    return tuple(sorted(caller.get_hookimpls(), key=lambda one: (one.trylast, not one.tryfirst)))


def _call(implementation: pluggy.HookImpl, details: Mapping[str, object]) -> object:
    return implementation.function(*(details[name] for name in implementation.argnames))
