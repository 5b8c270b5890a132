"""`pyramid-pypi relock`: let a lock file name another index."""

from pathlib import Path

import click

from pyramid_pypi.cli._lockfiles import Kind, Lockfile, LockfileError, open_lockfile
from pyramid_pypi.cli._lockurls import parse_index, rewrite
from pyramid_pypi.cli._replacing import replace_file

__all__ = ["relock"]

_POETRY = (
    "poetry takes files from the sources in pyproject.toml and not from the URLs in its lock; change the "
    "source there and run `poetry lock`, which keeps the versions"
)


@click.command()
@click.option("--to", required=True, metavar="URL|pypi", help="The index that the files shall name.")
@click.option("--from", "source", metavar="URL|pypi", help="The index that they name now, if not obvious.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 when something would change.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.pass_context
def relock(ctx: click.Context, to: str, source: str | None, files: tuple[Path, ...], *, check: bool) -> None:
    """Rewrite the URLs of one index in lock files to those of another, and nothing else.

    FILE is a uv.lock, pylock.toml, Pipfile.lock, poetry.lock or requirements file. URL is the root
    of a repository or its page simple. What is replaced is PyPI, or with `--to pypi` the other index
    that the file names. Versions and hashes stay as they are.

    For uv, write URL as in [[tool.uv.index]] or UV_DEFAULT_INDEX, with the slash or without:
    `uv sync --locked` compares every character. It compares nothing when no index is set up.
    Projects that only URL has will be looked for on PyPI as well, so relock to PyPI only what is
    all public.

    poetry.lock has no URLs for PyPI, and poetry does not use those it has; run `poetry lock` instead.
    """
    target, origin = parse_index(to), parse_index(source) if source else None
    locks = [open_lockfile(path) for path in files]
    # All are rewritten before one is written, so that an error leaves every file as it was.
    results = [(lock, rewrite(lock, target, origin)) for lock in locks]
    for lock, result in results:
        if result.urls and not check:
            _replace(lock, result.text.encode())
        click.echo(f"{lock.path}: {result.urls} URLs")
        if lock.kind is Kind.POETRY:
            click.echo(f"note: {lock.path}: {_POETRY}", err=True)
    ctx.exit(1 if check and any(result.urls for _, result in results) else 0)


def _replace(lock: Lockfile, content: bytes) -> None:
    try:
        # A rename would replace a symbolic link and not the file that it names.
        replace_file(lock.path.resolve(), content)
    except OSError as error:
        raise LockfileError(f"{lock.path} cannot be written: {error.strerror}; it is as it was") from error
