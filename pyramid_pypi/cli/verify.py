"""`pyramid-pypi verify`: compare the bytes in the storages with what the catalog promises."""

import hashlib
from collections.abc import Iterator

import click

from pyramid_pypi.app import compose
from pyramid_pypi.cli.load import load_plugins, load_settings
from pyramid_pypi.distribution import guess_filename
from pyramid_pypi.errors import PypiError
from pyramid_pypi.model import File
from pyramid_pypi.served import Served
from pyramid_pypi.storage.reading import hash_blob, read_blob

__all__ = ["verify"]


@click.command()
@click.argument("ini")
@click.argument("variables", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--repository", "-r", multiple=True, help="Only this repository; may be repeated.")
def verify(ini: str, variables: tuple[str, ...], repository: tuple[str, ...]) -> None:
    """Read every listed file again and compare it with its digests; look for files not listed.

    Exits with 1 and a list when something is off. Changes nothing.
    """
    settings = load_settings(ini, variables)
    index = compose(settings, load_plugins(ini, variables))
    try:
        names = repository or index.hosted_names
        problems = [problem for name in names for problem in _verify(index.served(name))]
    finally:
        index.close()
    for problem in problems:
        click.echo(problem)
    if problems:
        raise SystemExit(1)


def _verify(served: Served) -> list[str]:
    files = list(served.hosted.catalog.files(served.name))
    problems = []
    total = sum(file.size or 0 for file in files)
    with click.progressbar(length=max(total, 1), label=served.name) as bar:
        for file in files:
            problems += [f"{served.name}: {file.key}: {what}" for what in _check(served, file)]
            bar.update(file.size or 0)
    listed = {file.key for file in files}
    problems += [f"{served.name}: {key}: is not listed" for key in _strays(served, listed)]
    click.echo(f"{served.name}: {len(files)} files, {total} bytes, {len(problems)} problems")
    return problems


def _check(served: Served, file: File) -> Iterator[str]:
    try:
        hashes = hash_blob(read_blob(served.hosted.storage.open(file.key)))
        if hashes != file.hashes:
            yield "the bytes have changed since they were uploaded"
        if file.metadata_sha256 is not None:
            body = served.hosted.catalog.metadata(file.metadata_sha256)
            if body is None or hashlib.sha256(body).hexdigest() != file.metadata_sha256:
                yield "its metadata in the catalog is damaged"
    except PypiError as error:
        yield error.message


def _strays(served: Served, listed: set[str]) -> Iterator[str]:
    storage = served.hosted.storage
    for blob in storage.keys():  # noqa: SIM118 - not a mapping
        if blob.key not in listed and guess_filename(blob.key.rpartition("/")[2]):
            yield blob.key
