"""Peers' virtual environments: made on first use, pinned, apart from ours and from each other."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from benchmarks.process import Command, run

if TYPE_CHECKING:
    from pathlib import Path

REQUIREMENTS = {
    "pypiserver": ("pypiserver[cache]==2.4.2", "waitress==3.0.2"),
    "devpi": ("devpi-server==6.20.3", "devpi-client==7.3.0"),
    "proxpi": ("proxpi==1.3.1", "gunicorn==27.0.1"),
    "uv": ("uv==0.13.8",),
}


def environment(root: Path, name: str) -> Path:
    """Return the ``bin`` directory of the environment called ``name``, with its requirements installed."""
    directory = root / name
    stamp = directory / "requirements.txt"
    wanted = "\n".join(REQUIREMENTS[name])
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(directory, ignore_errors=True)
        root.mkdir(parents=True, exist_ok=True)
        run(Command((sys.executable, "-m", "venv", str(directory))), root)
        run(Command((str(directory / "bin" / "pip"), "install", "--quiet", *REQUIREMENTS[name])), root)
        stamp.write_text(wanted)
    return directory / "bin"
