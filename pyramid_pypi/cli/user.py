"""`pyramid-pypi user`: the users of an htpasswd file."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from pyramid_pypi.auth import passwords
from pyramid_pypi.auth.basic import MAX_NAME, MAX_PASSWORD, has_controls
from pyramid_pypi.auth.htpasswd import parse_htpasswd
from pyramid_pypi.cli._replacing import replace_file

__all__ = ["htpasswd_path", "user"]

# A file that is empty may be between two writes, so one without users says that it has none.
_NO_USERS = b"# no users\n"

Lines = list[bytes]


def htpasswd_path(ini: str | None, file: Path | None) -> Path:
    """Return `file` when it is given, otherwise the path of the first htpasswd authenticator of `ini`.

    Raises click.ClickException when there is no such path.
    """
    if file is not None:
        return file
    if ini is None:
        raise click.UsageError("give an ini file or --file PATH")
    # Settings import every plugin, which `--file` does not need.
    from pyramid_pypi.cli.load import load_settings  # noqa: PLC0415

    for authenticator in load_settings(ini).authenticators:
        path = getattr(authenticator.options, "path", None)
        if authenticator.kind == "htpasswd" and path is not None:
            return Path(path)
    raise click.ClickException(f"{ini} has no authenticator of the kind htpasswd; add one or use --file PATH")


@click.group()
def user() -> None:
    """Add, change, remove and list the users of an htpasswd file."""


_words = click.argument("words", nargs=-1, metavar="[INI] NAME")
_file = click.option(
    "--file", type=click.Path(dir_okay=False, path_type=Path), help="An htpasswd file, instead of INI."
)
_stdin = click.option("--stdin", is_flag=True, help="Read the password from standard input.")


@user.command()
@_words
@_file
@_stdin
def add(words: tuple[str, ...], file: Path | None, stdin: bool) -> None:
    """Add a user; the file is created when it does not exist."""
    path, name = _target(words, file)
    _require_free(_read(path), name, path)
    line = _line(name, _password(stdin=stdin))

    def change(lines: Lines) -> Lines:
        _require_free(lines, name, path)
        return [*lines, line]

    _edit(path, change)
    click.echo(f"Added {name} to {path}")


@user.command()
@_words
@_file
@_stdin
def passwd(words: tuple[str, ...], file: Path | None, stdin: bool) -> None:
    """Set the password of a user."""
    path, name = _target(words, file)
    _require(_read(path), name, path)
    line = _line(name, _password(stdin=stdin))

    def change(lines: Lines) -> Lines:
        _require(lines, name, path)
        first = next(index for index, each in enumerate(lines) if _name_of(each) == name)
        rest = [other for other in lines[first + 1 :] if _name_of(other) != name]
        return [*lines[:first], line, *rest]

    _edit(path, change)
    click.echo(f"Changed the password of {name} in {path}")


@user.command()
@_words
@_file
def remove(words: tuple[str, ...], file: Path | None) -> None:
    """Remove a user."""
    path, name = _target(words, file)

    def change(lines: Lines) -> Lines:
        _require(lines, name, path)
        return [line for line in lines if _name_of(line) != name] or [_NO_USERS]

    _edit(path, change)
    click.echo(f"Removed {name} from {path}")


@user.command(name="list")
@click.argument("ini", required=False)
@_file
def list_users(ini: str | None, file: Path | None) -> None:
    """List the names and the schemes of their passwords."""
    if ini is not None and file is not None:
        raise click.UsageError("give an ini file or --file PATH, not both")
    path = htpasswd_path(ini, file)
    if not path.exists():
        raise click.ClickException(f"{path} does not exist; create it with `user add`")
    for name, stored in parse_htpasswd(b"".join(_read(path))).hashes.items():
        click.echo(f"{name}\t{passwords.scheme(stored) or 'unusable'}")


def _target(words: tuple[str, ...], file: Path | None) -> tuple[Path, str]:
    """Return the file and the name that the command line names."""
    expected = 2 if file is None else 1
    if len(words) != expected:
        raise click.UsageError("give INI NAME, or --file PATH NAME")
    name = words[-1]
    try:
        size = len(name.encode())
    except UnicodeEncodeError as error:
        raise click.ClickException("the name is not Unicode") from error
    if not name or ":" in name or name.startswith("#") or has_controls(name) or size > MAX_NAME:
        raise click.ClickException(
            "a name is not empty, has no colon and no control characters, does not begin with # "
            f"and is at most {MAX_NAME} bytes long"
        )
    return htpasswd_path(words[0] if file is None else None, file), name


def _password(*, stdin: bool) -> str:
    """Ask for a password, or read one line of standard input."""
    if stdin:
        password = sys.stdin.readline().removesuffix("\n").removesuffix("\r")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    try:
        size = len(password.encode())
    except UnicodeEncodeError as error:
        raise click.ClickException("the password is not UTF-8") from error
    if not password or has_controls(password) or size > MAX_PASSWORD:
        raise click.ClickException(
            f"a password is not empty, has no control characters and is at most {MAX_PASSWORD} bytes long"
        )
    if size > passwords.BCRYPT_BYTES:
        click.echo(f"Note: bcrypt uses the first {passwords.BCRYPT_BYTES} bytes of a password.", err=True)
    return password


def _line(name: str, password: str) -> bytes:
    return f"{name}:{passwords.hash_password(password)}\n".encode()


def _name_of(line: bytes) -> str | None:
    """Return the user of a line, None for a line of another sort."""
    return next(iter(parse_htpasswd(line).hashes), None)


def _require(lines: Lines, name: str, path: Path) -> None:
    if not any(_name_of(line) == name for line in lines):
        raise click.ClickException(f"{name} is not in {path}; see `user list`")


def _require_free(lines: Lines, name: str, path: Path) -> None:
    if any(_name_of(line) == name for line in lines):
        raise click.ClickException(f"{name} is already in {path}; change it with `user passwd`")


def _read(path: Path) -> Lines:
    """Return the lines of the file with their ends; none when it does not exist."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise click.ClickException(f"{path} cannot be read: {error.strerror}") from error
    if content and not content.endswith(b"\n"):
        content += b"\n"
    # bytes.splitlines would also break at a lone carriage return, and lose nothing else.
    return [line + b"\n" for line in content.split(b"\n")[:-1]]


def _edit(path: Path, change: Callable[[Lines], Lines]) -> None:
    """Replace the file by what `change` makes of its lines, one process at a time."""
    # A rename would replace a symbolic link and not the file that it names.
    real = path.resolve()
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
        with _locked(real):
            replace_file(real, b"".join(change(_read(real))))
    except OSError as error:
        raise click.ClickException(
            f"{path} cannot be written: {error.strerror}; nothing was changed"
        ) from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock that belongs to the file; the file itself is replaced and cannot carry it."""
    # Only POSIX has it, and the other commands work without.
    import fcntl  # noqa: PLC0415

    lock = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
