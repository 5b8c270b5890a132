"""A real project's wheels, which pip fetches once, offered by upstreams as an index of many versions."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from benchmarks.client import Client
from benchmarks.process import Command, run
from benchmarks.wheels import REQUIRES_PYTHON, small_wheel, wheel_filename
from pyramid_pypi.distribution import guess_filename

if TYPE_CHECKING:
    from pathlib import Path

    from pyramid_pypi.testing.upstreams import FakeUpstream, OfferedFile

RESOLVED = ("jupyterlab==4.6.6", "sphinx==9.0.4")
"""103 packages with all that they need."""
INSTALLED = ("sphinx==9.0.4", "httpx", "pyyaml", "tornado", "psutil")
"""30 of them, 20 MB."""
OLDER = 60
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
JSON_TYPE = "application/vnd.pypi.simple.v1+json"


def wheels(root: Path) -> list[Path]:
    """Return the wheels, which are fetched if they are not here yet."""
    folder = root / "real"
    stamp = folder / "requirements.txt"
    wanted = "\n".join(RESOLVED)
    if not stamp.exists() or stamp.read_text() != wanted:
        folder.mkdir(parents=True, exist_ok=True)
        argv = (sys.executable, "-m", "pip", "download", "--quiet", "--only-binary", ":all:")
        run(Command((*argv, "--dest", str(folder), *RESOLVED)), root)
        stamp.write_text(wanted)
    return sorted(folder.glob("*.whl"))


def offer(upstream: FakeUpstream, files: list[Path], *, core_metadata: bool) -> list[OfferedFile]:
    """Offer the wheels, each as the newest of many versions, with or without metadata beside them."""
    offered = []
    for path in files:
        guessed = guess_filename(path.name)
        if guessed is None:
            raise ValueError(f"{path.name} is not the name of a wheel")
        for number in range(OLDER):
            version = f"0.0.{number}"
            name = guessed.project.replace("-", "_")
            older = upstream.add(
                wheel_filename(name, version),
                small_wheel(name, version),
                core_metadata=core_metadata,
                requires_python=REQUIRES_PYTHON,
                upload_time=MOMENT,
            )
            offered.append(older)
        newest = upstream.add_path(
            path.name,
            path,
            core_metadata=core_metadata,
            requires_python=REQUIRES_PYTHON,
            upload_time=MOMENT,
        )
        offered.append(newest)
    return offered


def write_site(upstream: FakeUpstream, offered: list[OfferedFile], directory: Path) -> None:
    """Write the index as a static site; the upstream must have relative links and be running."""
    if (directory / "complete").exists():
        return
    client = Client(upstream.port)
    for project in {file.project for file in offered}:
        page = directory / "simple" / project
        page.mkdir(parents=True, exist_ok=True)
        for name, accept in (("index.html", "text/html"), ("index.json", JSON_TYPE)):
            (page / name).write_bytes(client.get(f"/simple/{project}/", {"Accept": accept}).body)
    for file in offered:
        target = directory / file.path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(client.get(file.path, {}).body)
        if file.metadata is not None:
            target.with_name(f"{target.name}.metadata").write_bytes(file.metadata)
    client.close()
    (directory / "complete").touch()
