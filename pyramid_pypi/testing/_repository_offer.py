"""What the repositories of the contract have, and a way to publish without a form."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from pyramid_pypi.distribution import LENIENT, inspect, parse_filename
from pyramid_pypi.model import File, Identity
from pyramid_pypi.publish.upload import Upload
from pyramid_pypi.repositories.base import Writable
from pyramid_pypi.storage.reading import hash_blob
from pyramid_pypi.testing.artefacts import make_metadata, make_sdist, make_wheel

__all__ = ["PUBLISHER", "Offered", "offer_files", "publish_file"]

PUBLISHER = Identity.user("alice")

_PROJECT = "holy-grail"
_SEVERAL_CHUNKS = 600_000


@dataclass(frozen=True, slots=True)
class Offered:
    """What the repository under test has.

    `contents` are the files of `project`, by filename: two wheels of different versions and an
    sdist, none of them signed or yanked, one of them larger than what is sent at once. `metadata`
    is what is offered beside them (PEP 658). Nothing has the name `absent`. `redirects` is for a
    repository whose pages are elsewhere, and which does not know what is there.
    """

    project: str
    contents: Mapping[str, bytes]
    metadata: Mapping[str, bytes]
    absent: str = "black-knight"
    redirects: bool = False


def offer_files(add: Callable[[str, bytes], object], *, redirects: bool = False) -> Offered:
    """Give name and bytes of each file of the contract to `add`, and return what tests know of them."""
    contents = _distributions()
    for filename, content in contents.items():
        add(filename, content)
    metadata = {
        f"holy_grail-{version}-py3-none-any.whl": make_metadata(_PROJECT, version)
        for version in ("1.0", "2.0")
    }
    return Offered(_PROJECT, contents, metadata, redirects=redirects)


def publish_file(
    repository: Writable,
    filename: str,
    content: bytes,
    *,
    signature: bytes | None = None,
    by: Identity = PUBLISHER,
) -> tuple[File, bool]:
    """Add a distribution to `repository`; return the file, and whether it is new.

    Raises InvalidUpload when `content` is not sound, and what `Writable.add` raises.
    """
    parsed = parse_filename(filename, LENIENT)
    with repository.stage() as staged:
        staged.write(content)
        staged.finish(durable=False)
        artefact = inspect(staged.path, parsed, LENIENT)
        upload = Upload(
            filename=parsed,
            display=artefact.name,
            size=len(content),
            hashes=hash_blob([content]),
            staged=staged,
            requires_python=artefact.requires_python,
            core_metadata=artefact.core_metadata,
            signature=signature,
            summary=artefact.summary,
        )
        return repository.add(upload, by)


@cache
def _distributions() -> Mapping[str, bytes]:
    return {
        "holy_grail-1.0-py3-none-any.whl": make_wheel(_PROJECT, "1.0"),
        "holy_grail-2.0-py3-none-any.whl": make_wheel(_PROJECT, "2.0", size=_SEVERAL_CHUNKS),
        "holy_grail-2.0.tar.gz": make_sdist(_PROJECT, "2.0"),
    }
