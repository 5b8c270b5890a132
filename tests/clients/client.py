"""Running one client as its user would, and nothing of this machine's own set-up with it."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Client", "clean_environment"]

_TIMEOUT = 180
# Nobody listens there, so whatever leaves this machine fails at once.
_NOWHERE = "http://127.0.0.1:9"


def clean_environment(home: Path, programs: Path) -> dict[str, str]:
    """Return an environment with a home, indexes, caches and keyrings of its own.

    It is built from nothing, since every client reads variables of its own and those of its parts.
    Only this machine can be reached with it.
    """
    return {
        "HOME": str(home),
        "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TMPDIR": os.environ.get("TMPDIR", "/tmp"),
        "COLUMNS": "300",
        "NO_COLOR": "1",
        **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), _NOWHERE),
        **dict.fromkeys(("no_proxy", "NO_PROXY"), "127.0.0.1,localhost"),
        "XDG_CONFIG_DIRS": str(home / "etc"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "SYSTEM_WGETRC": os.devnull,
    }


@dataclass(frozen=True, slots=True)
class Client:
    """A program, the folder that it runs in, and an environment."""

    program: Path
    cwd: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """The home of its user."""
        return Path(self.environment["HOME"])

    def __call__(self, *arguments: str | Path, **environment: str) -> str:
        """Run; return what it printed. Raises AssertionError when it fails."""
        code, output = self.run(*arguments, **environment)
        assert code == 0, f"{self.program.name} has failed with {code}:\n{output}"
        return output

    def fails(self, *arguments: str | Path, **environment: str) -> str:
        """Run; return what it printed, in one line. Raises AssertionError when it succeeds."""
        code, output = self.run(*arguments, **environment)
        assert code != 0, f"{self.program.name} should have failed:\n{output}"
        # Clients break lines, and some draw frames, wherever the width of a terminal asks for it.
        return " ".join(output.replace("│", " ").split())

    def run(self, *arguments: str | Path, **environment: str) -> tuple[int, str]:
        """Run; return the exit code and what it printed."""
        done = subprocess.run(
            [self.program, *arguments],
            cwd=self.cwd,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_TIMEOUT,
            text=True,
            errors="replace",
            check=False,
        )
        return done.returncode, done.stdout
