"""What the commands that look after an index share: the index, who acts, and progress."""

import getpass
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import click

from pyramid_pypi import audit
from pyramid_pypi.app import PackageIndex, compose
from pyramid_pypi.browse.sizes import human_size as human
from pyramid_pypi.cli.load import load_plugins, load_settings, log_like_server
from pyramid_pypi.model import File, Identity
from pyramid_pypi.served import Served

__all__ = ["counted", "human", "opened", "operator", "progress", "teller"]

_Item = TypeVar("_Item")


@contextmanager
def opened(ini: str, variables: Sequence[str] = (), *, audited: bool = False) -> Iterator[PackageIndex]:
    """Open the index of an ini, without its threads; if `audited`, log where its server does."""
    settings, plugins = load_settings(ini, variables), load_plugins(ini, variables)
    if audited:
        log_like_server(ini)
    index = compose(settings, plugins)
    try:
        yield index
    finally:
        index.close()


def operator() -> Identity:
    """Return who runs the command."""
    return Identity.operator(getpass.getuser())


def teller(index: PackageIndex, served: Served) -> Callable[[File], None]:
    """Return what tells the audit log and the plugins of a file that was added to a repository."""
    by = operator()

    def tell(file: File) -> None:
        audit.record("file added", by, repository=served.name, project=file.project, file=file.filename)
        index.plugins.notify("pypi_file_added", file=file, repository=served.name, identity=by)

    return tell


@contextmanager
def progress(label: str, length: int) -> Iterator[Callable[[int], None]]:
    """Show a bar while this lasts, if standard error is a terminal; yield what moves it on."""
    if not sys.stderr.isatty():
        yield lambda _steps: None
        return
    with click.progressbar(length=max(length, 1), label=label, file=sys.stderr) as bar:
        yield bar.update


def counted(label: str, items: Iterable[_Item], show: Callable[[_Item], str]) -> Iterator[_Item]:
    """Yield the items, and show how many there were, and the last one, if standard error is a terminal."""
    if not sys.stderr.isatty():
        yield from items
        return

    def shown(item: _Item | None) -> str | None:
        return None if item is None else show(item)

    with click.progressbar(items, label=label, file=sys.stderr, item_show_func=shown) as bar:
        yield from bar
