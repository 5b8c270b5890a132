"""The clients that the tests run, each in a virtual environment that is made once and kept."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CACHE", "CLIENTS", "ToolMissing", "Toolbox", "make_once"]

CACHE = Path(__file__).parents[2] / ".cache"

CLIENTS = {
    "pip": "26.3",
    "uv": "0.13.8",
    "poetry": "2.5.1",
    "twine": "7.0.0",
    "flit": "4.2.0",
    "pdm": "2.29.3",
    "hatch": "1.18.2",
    "pipenv": "2026.10.3",
}
"""The versions whose behaviour the tests describe."""

_REQUIREMENTS = {
    # What its own range of hishel brings today does not work with it; its own lock does.
    "pdm": (f"pdm[locked]=={CLIENTS['pdm']}",),
    # It asks the pip beside it about the environments that it makes.
    "pipenv": (f"pipenv=={CLIENTS['pipenv']}", f"pip=={CLIENTS['pip']}"),
}


class ToolMissing(AssertionError):
    """A client cannot be had; a test without its client has failed and is not skipped."""


@dataclass(frozen=True, slots=True)
class Toolbox:
    """Finds clients: those of CLIENTS in `root`, made when first asked for, others on the PATH."""

    root: Path = CACHE / "clients"

    def program(self, name: str, path: str | None = None) -> Path:
        """Return the executable, one that is no client from `path` or the PATH. Raises ToolMissing."""
        if name in CLIENTS:
            return self.environment(name) / "bin" / name
        found = shutil.which(name, path=path)
        if found is None:
            raise ToolMissing(f"{name} is not installed on this machine; install it, these tests need it")
        return Path(found)

    def environment(self, name: str) -> Path:
        """Return the virtual environment of a client. Raises ToolMissing."""
        folder = self.root / f"{name}-{CLIENTS[name]}"
        wanted = _REQUIREMENTS.get(name, (f"{name}=={CLIENTS[name]}",))
        with make_once(folder, " ".join(("python", sys.version.split()[0], *wanted))) as missing:
            if missing:
                _check(name, sys.executable, "-m", "venv", str(folder))
                _check(name, str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *wanted)
        return folder


@contextmanager
def make_once(folder: Path, content: str) -> Iterator[bool]:
    """Yield whether `folder` is still to be filled with what `content` describes.

    Other processes wait meanwhile. The mark is written last, so that whatever was cut off, or was
    made for another content, is removed and made again.
    """
    mark = folder / ".complete"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        missing = not mark.exists() or mark.read_text() != content
        if missing:
            shutil.rmtree(folder, ignore_errors=True)
        yield missing
        if missing:
            mark.write_text(content)


def _check(name: str, *command: str) -> None:
    """Run a step of an installation, with the registry that this machine's pip is set up for."""
    # pip must not take packages from the environment that the tests run in.
    environ = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "PYTHONHOME"}}
    done = subprocess.run(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        raise ToolMissing(f"{name} cannot be installed: {' '.join(command)}\n{done.stdout[-2000:]}")
