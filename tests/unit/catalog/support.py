"""A file for the catalog, and threads that start together."""

import threading
from dataclasses import replace
from datetime import UTC, datetime

from alembic import command
from alembic.config import Config

from pyramid_pypi.catalog import migrations
from pyramid_pypi.catalog.tokens import Token
from pyramid_pypi.model import File, Hashes, Identity, Scope

ANN = Identity.user("ann")
AT = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)


def a_file(version="1.0", project="holy-grail", **changes):
    name = f"{project.replace('-', '_')}-{version}-py3-none-any.whl"
    file = File(
        project=project,
        filename=name,
        version=version,
        packagetype="bdist_wheel",
        size=3 * 2**30,
        hashes=Hashes("a" * 64, "b" * 64, "c" * 32),
        uploaded_at=AT,
        uploaded_by="ann",
        key=f"{project}/{name}",
        requires_python=">=3.9",
        python_version="py3",
    )
    return replace(file, **changes)


def add(catalog, file, **options):
    return catalog.add("private", file, ANN, display="Holy-Grail", metadata=None, **options)


def a_token(identifier="a" * 16):
    return Token(
        id=identifier,
        user="ann",
        description="",
        scope=Scope(permissions=frozenset({"read"})),
        created_at=AT,
        created_by="ann",
    )


def in_threads(*targets):
    """Run all at once and wait until all are done; raise what one has raised."""
    failures = []

    def guarded(target):
        try:
            target()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(target,)) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def downgrade(connection, revision):
    """Take the schema back to a revision, in a transaction that writes."""
    config = Config()
    config.set_main_option("script_location", migrations.__path__[0])
    config.attributes["connection"] = connection
    command.downgrade(config, revision)
