"""The group of all commands; each is imported when it is used or listed."""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from pyramid_pypi._nearest import nearest
from pyramid_pypi._plugin_search import installed_names
from pyramid_pypi.errors import PypiError
from pyramid_pypi.version import __version__

if TYPE_CHECKING:
    from pyramid_pypi.plugins import Plugins

__all__ = ["COMMANDS", "LazyGroup", "main"]

COMMANDS: Mapping[str, str] = {
    "backup": "pyramid_pypi.cli.backup:backup",
    "cache": "pyramid_pypi.cli.cache:cache",
    "check": "pyramid_pypi.cli.check:check",
    "completion": "pyramid_pypi.cli.completion:completion",
    "copy": "pyramid_pypi.cli.copy:copy",
    "delete": "pyramid_pypi.cli.delete:delete",
    "export": "pyramid_pypi.cli.export:export",
    "gc": "pyramid_pypi.cli.gc:gc",
    "import": "pyramid_pypi.cli.import_:import_",
    "log": "pyramid_pypi.cli.log:log",
    "plugins": "pyramid_pypi.cli.plugins:plugins",
    "promote": "pyramid_pypi.cli.promote:promote",
    "reindex": "pyramid_pypi.cli.reindex:reindex",
    "relock": "pyramid_pypi.cli.relock:relock",
    "restore": "pyramid_pypi.cli.restore:restore",
    "role": "pyramid_pypi.cli.role:role",
    "search": "pyramid_pypi.cli.search:search",
    "sessions": "pyramid_pypi.cli.sessions:sessions",
    "show": "pyramid_pypi.cli.show:show",
    "status": "pyramid_pypi.cli.status:status",
    "token": "pyramid_pypi.cli.token:token",
    "unyank": "pyramid_pypi.cli.yank:unyank",
    "user": "pyramid_pypi.cli.user:user",
    "verify": "pyramid_pypi.cli.verify:verify",
    "who-can": "pyramid_pypi.cli.who_can:who_can",
    "yank": "pyramid_pypi.cli.yank:yank",
}
"""The core's commands and where they are."""

_FROM_PLUGINS = "pyramid_pypi.commands"


class LazyGroup(click.Group):
    """A group whose commands are named in a table, plus those of plugins.

    A command of the core whose module is not there does not exist; the core's commands go before
    those of plugins. All commands of the plugins of `--ini` are listed; the command that has the
    name of an installed plugin is found without it, but not listed.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands in alphabetical order."""
        return sorted({*COMMANDS, *super().list_commands(ctx), *_from_plugins(ctx).commands})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of this name, imported, or None."""
        if cmd_name in COMMANDS:
            return _import(COMMANDS[cmd_name])
        listed = super().get_command(ctx, cmd_name) or _from_plugins(ctx).commands.get(cmd_name)
        return listed or _of_installed(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that `args` begin with; an unknown one is told with the most similar."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            guess = nearest(args[0], [*self.list_commands(ctx), *installed_names()])
            if args[0].startswith("-") or guess is None or self.get_command(ctx, guess) is None:
                raise
            raise click.UsageError(f"{error.message} Did you mean {guess!r}?", ctx) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error of ours is told in one sentence."""
        try:
            return super().invoke(ctx)
        except PypiError as error:
            raise click.ClickException(error.message) from error


def _import(place: str) -> click.Command | None:
    module, _, attribute = place.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        if error.name == module:
            return None
        raise
    return found if isinstance(found, click.Command) else None


def _from_plugins(ctx: click.Context) -> click.Group:
    found: click.Group = ctx.meta.setdefault(_FROM_PLUGINS, click.Group())
    return found


def _load_plugins(ctx: click.Context, _parameter: click.Parameter, ini: str | None) -> None:
    if ini is None or ctx.resilient_parsing:
        return
    from pyramid_pypi.cli.load import load_plugins  # noqa: PLC0415 - costs time that most commands do not need

    ctx.meta[_FROM_PLUGINS] = _group_of(load_plugins(ini))


def _of_installed(name: str) -> click.Command | None:
    """Return the command that an installed plugin of this name adds under it. Raises PluginError."""
    if name not in installed_names():
        return None
    from pyramid_pypi.plugins import Plugins  # noqa: PLC0415 - as above

    return _group_of(Plugins.load((name,))).commands.get(name)


def _group_of(plugins: "Plugins") -> click.Group:
    """Return the commands that plugins add. Raises ClickException for one that the core has."""
    group = click.Group()
    plugins.commands(group)
    taken = sorted(set(group.commands) & set(COMMANDS))
    if taken:
        raise click.ClickException(f"A plugin adds the command {taken[0]!r}, which the core has; rename it")
    return group


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pyramid-pypi")
@click.option(
    "--ini",
    metavar="INI",
    is_eager=True,
    expose_value=False,
    callback=_load_plugins,
    help="Also offer the commands of the plugins that this ini lists.",
)
def main() -> None:
    """Look after a private Python package index."""
