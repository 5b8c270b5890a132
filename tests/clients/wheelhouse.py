"""Distributions that others have made, fetched once from the registry of this machine's pip."""

import os
import subprocess
from pathlib import Path

from tests.clients.toolbox import CACHE, Toolbox, ToolMissing, make_once

__all__ = ["BACKENDS", "wheelhouse"]

BACKENDS = (
    "flit_core==4.2.0",
    "hatchling==1.33.0",
    "pdm-backend==2.4.10",
    "poetry-core==2.5.0",
    "setuptools==84.2.1",
)
_WHEELS = (*BACKENDS, "requests", "idna==3.20", "numpy==2.4.6", "pyyaml==6.0.3", "six==1.17.0")
_SDISTS = ("idna==3.20", "pyyaml==6.0.3", "six==1.17.0")


def wheelhouse(toolbox: Toolbox) -> list[Path]:
    """Return the files: wheels with what they depend on, and sdists. Raises ToolMissing."""
    folder = CACHE / "wheels"
    with make_once(folder, " ".join((*_WHEELS, "sdists", *_SDISTS))) as missing:
        if missing:
            folder.mkdir()
            _download(toolbox, folder, "--only-binary=:all:", *_WHEELS)
            # Not `:all:`, which would build the build requirements from source as well.
            names = ",".join(sdist.partition("==")[0] for sdist in _SDISTS)
            _download(toolbox, folder, f"--no-binary={names}", "--no-deps", *_SDISTS)
    return sorted(path for path in folder.iterdir() if path.suffix in {".whl", ".gz"})


def _download(toolbox: Toolbox, folder: Path, *arguments: str) -> None:
    done = subprocess.run(
        [toolbox.program("pip"), "download", "--quiet", "--dest", folder, *arguments],
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ToolMissing(f"the distributions cannot be downloaded:\n{done.stdout[-2000:]}")
