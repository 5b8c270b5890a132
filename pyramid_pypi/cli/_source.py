"""SOURCE on the command line: an ini, or the URL of an index and who logs in there."""

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

import click

from pyramid_pypi.cli._index import Failed, Index, Login, Transport, Unreachable
from pyramid_pypi.errors import PypiError, Unavailable

__all__ = ["is_url", "on_index", "on_repository", "open_index", "require_no_login", "with_login"]

_Decorator: TypeAlias = Callable[[Callable[..., None]], Callable[..., None]]


def on_index(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the argument SOURCE and the options that go with it; it gets an open Index.

    This is the decorator right below `@click.command()`, so that SOURCE comes first.
    """
    return click.argument("source")(_with_options(command, _SHARED))


def on_repository(command: Callable[..., None]) -> Callable[..., None]:
    """Do the same for a command whose repository is an argument behind SOURCE and no option."""
    found = click.argument("repository")(_with_options(command, _SHARED[1:]))
    return click.argument("source")(found)


def _with_options(command: Callable[..., None], options: Sequence[_Decorator]) -> Callable[..., None]:
    @functools.wraps(command)
    def run(source: str, repository: str | None, login: Login, *, as_json: bool, **rest: Any) -> None:
        with open_index(source, login) as transport:
            command(Index(transport, repository, as_json), **rest)

    return _decorated(with_login(run), options)


def with_login(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say who logs in to a URL; it gets them as `login`."""

    @functools.wraps(command)
    def run(**rest: Any) -> None:
        names = ("username", "password_stdin", "token", "ca")
        command(login=Login(**{name: rest.pop(name) for name in names}), **rest)

    return _decorated(run, _LOGIN)


def _decorated(command: Callable[..., None], options: Sequence[_Decorator]) -> Callable[..., None]:
    for add in reversed(options):
        command = add(command)
    return command


_LOGIN: Final[Sequence[_Decorator]] = (
    click.option("--username", metavar="NAME", help="Log in to a URL as this user."),
    click.option("--password-stdin", is_flag=True, help="Read the password from standard input."),
    click.option("--token", metavar="TOKEN", help="Log in to a URL with this token."),
    click.option("--ca", metavar="FILE", help="Trust the certificates in this PEM file for a URL."),
)
_SHARED: Final[Sequence[_Decorator]] = (
    click.option("--repository", "-r", help="Not the default repository but this one."),
    click.option("--json", "as_json", is_flag=True, help="Print the JSON of the API."),
)


def require_no_login(login: Login) -> None:
    """Raise UsageError for a login to an ini."""
    if login != Login():
        raise click.UsageError(
            "--username, --password-stdin, --token and --ca are for a URL; an ini is open to its operator"
        )


def is_url(source: str) -> bool:
    """Tell whether an index is named by its URL, and not by an ini."""
    return source.lower().startswith(("http://", "https://"))


@contextmanager
def open_index(source: str, login: Login) -> Iterator[Transport]:
    """Open the index of an ini, or ask the one at a URL. Raises Failed, UsageError."""
    try:
        with _transport(source, login) as found:
            yield found
    except PypiError as error:
        # A part of a local index, which says itself what is wrong.
        kind = Unreachable if isinstance(error, Unavailable) else Failed
        raise kind(error.message) from error


@contextmanager
def _transport(source: str, login: Login) -> Iterator[Transport]:
    if is_url(source):
        from pyramid_pypi.cli._remote import open_remote  # noqa: PLC0415 - one of the two is needed

        with open_remote(source, login) as remote:
            yield remote
        return
    require_no_login(login)
    from pyramid_pypi.cli._local import open_local  # noqa: PLC0415 - as above

    with open_local(source) as local:
        yield local
