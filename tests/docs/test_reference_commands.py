"""The reference of commands has every command with its usage and its options."""

import re

import click
import pytest

from pyramid_pypi.cli import main
from tests.docs.blocks import rows, sections

PAGE = "docs/reference/commands.md"
SHARED = {row[0] for row in rows(sections(PAGE)["SOURCE"]) if row[0].startswith("`-")}
"""The options of commands that work on an index here or elsewhere, which are told once."""

# Their SOURCE is something else.
OTHERS = {"pyramid-pypi import", "pyramid-pypi restore"}


def commands(command: click.Command, path: str) -> dict[str, tuple[str, set[str]]]:
    """Return the usage and the options of a command and of all below it."""
    context = click.Context(command, info_name=path)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    options = {
        ", ".join(f"`{opt}`" for opt in sorted(one.opts, reverse=True, key=len))
        for one in command.params
        if isinstance(one, click.Option)
    }
    found = {path: (usage, options)}
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            found |= commands(below, f"{path} {name}")
    return found


ALL = commands(main, "pyramid-pypi")


def test_every_command_is_documented_and_no_other():
    told = {title for title in sections(PAGE) if title.startswith("pyramid-pypi")}

    assert told == set(ALL)


@pytest.mark.parametrize("path", sorted(ALL))
def test_usage_and_options_are_those_of_the_command(path):
    text = sections(PAGE)[path]
    usage, options = ALL[path]
    told = {row[0] for row in rows(text)}

    assert re.findall(r"^`(pyramid-pypi[^`]*)`$", text, re.MULTILINE) == [usage]
    assert told | (SHARED & options if " SOURCE" in usage and path not in OTHERS else set()) == options


def test_shared_options_are_those_of_the_commands_that_share_them():
    assert SHARED == ALL["pyramid-pypi unyank"][1]
