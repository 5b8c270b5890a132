"""A catalog as large as a company's, written in one go: names, releases, and what their authors say."""

from __future__ import annotations

import hashlib
import random
import zlib
from contextlib import closing
from typing import TYPE_CHECKING

from sqlalchemy import insert

from pyramid_pypi.catalog import Catalog
from pyramid_pypi.catalog.tables import core_metadata, files, journal, projects

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["WORDS", "fill", "name_of"]

_WORDS = (
    "grail parrot coconut swallow knight shrubbery spam rabbit castle herring bridge lumberjack cheese "
    "argument penguin clinic walk dead parade holy brave client server async data model image audio "
    "test build parser cache queue graph stream token secret config schema format vector matrix"
)
WORDS = _WORDS.split()
_REPOSITORY = "private"
_BEGAN = 1_700_000_000_000_000
_MINUTE = 60_000_000
_AT_ONCE = 1_000

_README = """# {name}

{sentence}

[![build](https://example.org/{name}/badge.svg)](https://example.org/{name}/) · [documentation](https://example.org)

## Installation

```shell
pip install {name}
```

## Usage

```python
from {module} import Grail

async def seek(castle: str, *, knights: int = 3) -> Grail:
    \"\"\"Return the grail.\"\"\"
    grail = Grail(castle, knights=knights)
    return await grail.found()
```

| option | default | meaning |
|---|---|---|
| `knights` | 3 | how many of them ride |
| `castle` | none | where they are going |

* **{first}**: {sentence}
* *{second}*: {sentence}

{paragraphs}
"""


def name_of(number: int) -> str:
    """Return the name of a project."""
    first, second = WORDS[number % len(WORDS)], WORDS[number * 7 // len(WORDS) % len(WORDS)]
    return f"{first}-{second}-{number}"


def fill(url: str, folder: Path, *, count: int, releases: int) -> None:
    """Write `count` projects of `releases` wheels each, and empty files for the folder's watcher."""
    with closing(Catalog(url)) as catalog:
        for start in range(0, count, _AT_ONCE):
            numbers = range(start, min(start + _AT_ONCE, count))
            rows = [_rows(number, releases) for number in numbers]
            with catalog.writing() as connection:
                for table, place in ((journal, 0), (projects, 1), (core_metadata, 2), (files, 3)):
                    connection.execute(insert(table), [one for row in rows for one in row[place]])
        catalog.mark_scanned(_REPOSITORY)
    for number in range(count):
        parent = folder / name_of(number)
        parent.mkdir(parents=True)
        for filename in _filenames(number, releases):
            (parent / filename).touch()


def _filenames(number: int, releases: int) -> Iterator[str]:
    stem = name_of(number).replace("-", "_")
    return (f"{stem}-1.{release}-py3-none-any.whl" for release in range(releases))


def _rows(number: int, releases: int) -> tuple[list[dict[str, object]], ...]:
    """Return the rows of a project for the journal, the projects, the metadata and the files."""
    name = name_of(number)
    metadata = _metadata(number, f"1.{releases - 1}")
    digest = hashlib.sha256(metadata).hexdigest()
    changes, found = [], []
    for release, filename in enumerate(_filenames(number, releases)):
        serial = number * releases + release + 1
        at = _BEGAN + serial * _MINUTE
        version = f"1.{release}"
        about = {"repository": _REPOSITORY, "filename": filename, "version": version}
        action = {"action": "add py3 file", "at": at, "by": "ann"}
        changes.append({"serial": serial, "project": name, **about, **action})
        newest = release == releases - 1
        found.append(
            {**about, **_file(number, name, filename, at), "metadata_sha256": digest if newest else None}
        )
    project = {"id": number + 1, "repository": _REPOSITORY, "name": name, "display": name}
    return (
        changes,
        [{**project, "serial": serial}],
        [{"sha256": digest, "body": zlib.compress(metadata)}],
        found,
    )


def _file(number: int, name: str, filename: str, at: int) -> dict[str, object]:
    digest = hashlib.sha256(filename.encode()).hexdigest()
    return {
        "project_id": number + 1,
        "filename_key": filename.lower(),
        "packagetype": "bdist_wheel",
        "python_version": "py3",
        "size": 54_321,
        "sha256": digest,
        "blake2b_256": digest[::-1],
        "md5": digest[:32],
        "uploaded_at": at,
        "uploaded_by": "ann",
        "storage_key": f"{name}/{filename}",
        "requires_python": ">=3.9",
        "signed": False,
        "comment": "",
    }


def _metadata(number: int, version: str) -> bytes:
    name, chance = name_of(number), random.Random(number)
    first, second = chance.sample(WORDS, 2)
    sentence = " ".join(chance.choices(WORDS, k=12)).capitalize() + "."
    paragraphs = "\n\n".join(" ".join(chance.choices(WORDS, k=80)).capitalize() + "." for _ in range(3))
    readme = _README.format(
        name=name, module=first, first=first, second=second, sentence=sentence, paragraphs=paragraphs
    )
    lines = [
        "Metadata-Version: 2.4",
        f"Name: {name}",
        f"Version: {version}",
        f"Summary: {sentence}",
        f"Author-email: {first.capitalize()} <{first}@example.org>",
        "License-Expression: MIT",
        f"Keywords: {first},{second}",
        "Classifier: Programming Language :: Python :: 3",
        f"Project-URL: Home, https://example.org/{name}/",
        *(f"Requires-Dist: {name_of(chance.randrange(number + 1))}>=1" for _ in range(4)),
        "Requires-Python: >=3.9",
        "Description-Content-Type: text/markdown",
        "",
        readme,
    ]
    return "\n".join(lines).encode()
