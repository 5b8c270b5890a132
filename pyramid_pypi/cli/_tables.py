"""What commands print for people: aligned columns, and nothing that a terminal would obey."""

import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime

import click

__all__ = ["fields", "printable", "table", "when"]

_GAP = "  "


def printable(text: str) -> str:
    """Return one line that a terminal shows as it is: what others wrote may have anything in it."""
    return "".join(one if one.isprintable() else " " for one in text).strip()


def when(time: datetime | None) -> str:
    """Return a time in UTC to the minute, empty where nobody knows it."""
    return "" if time is None else f"{time:%Y-%m-%d %H:%M}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows below their head; on a terminal, no line is longer than it is wide."""
    lines = [list(head), *([printable(cell) for cell in row] for row in rows)]
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = [cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)]
        click.echo(_cut(_GAP.join(cells).rstrip()))


def fields(pairs: Iterable[tuple[str, str]]) -> None:
    """Print names and values, without those that are empty."""
    known = [(name, printable(value)) for name, value in pairs if value]
    width = max((_width(name) for name, _ in known), default=0)
    for name, value in known:
        click.echo(_cut(f"{name:<{width}}{_GAP}{value}"))


def _cut(line: str) -> str:
    if not sys.stdout.isatty():
        return line
    columns = shutil.get_terminal_size().columns
    if _width(line) <= columns:
        return line
    while _width(line) >= columns:
        line = line[:-1]
    return f"{line}…"


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(_columns(one) for one in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
