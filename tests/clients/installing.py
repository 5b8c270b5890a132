"""One way to install from one index with each client: fresh, and without any cache of its own."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.clients.client import Client, clean_environment
from tests.clients.releases import installed

__all__ = ["INSTALLERS", "Installed", "Installer", "anew", "install"]

_PYTHON = f"python3.{sys.version_info.minor}"
_SITE = Path(".venv", "lib", _PYTHON, "site-packages")


@dataclass(frozen=True, slots=True)
class Installed:
    """What a client has made of it: its exit code, what it said, and where packages would be."""

    code: int
    said: str
    library: Path

    def version(self, package: str) -> str:
        """Return the version of a package, or why it cannot be imported."""
        return installed(self.library, package)


Installer = Callable[[Client, str, str], Installed]
"""Installs a requirement, given after the URL of the only index."""


def anew(client: Client, folder: Path) -> Client:
    """Return the same program for somebody with another home and another working folder."""
    home, cwd = folder / "home", folder / "work"
    home.mkdir(parents=True)
    cwd.mkdir()
    return Client(client.program, cwd, clean_environment(home, client.program.parent))


def install(name: str, client: Client, url: str, requirement: str) -> Installed:
    """Install with the client of this name. Raises AssertionError when it fails."""
    done = INSTALLERS[name](client, url, requirement)
    assert done.code == 0, f"{name} has failed with {done.code}:\n{done.said}"
    return done


def _pip(client: Client, url: str, requirement: str) -> Installed:
    done = client.run("install", "--no-cache-dir", "--target", "lib", "--index-url", url, requirement)
    return Installed(*done, client.cwd / "lib")


def _uv(client: Client, url: str, requirement: str) -> Installed:
    where = ("--python", sys.executable, "--target", "lib", "--index-url", url)
    return Installed(*client.run("pip", "install", "--no-cache", *where, requirement), client.cwd / "lib")


def _poetry(client: Client, url: str, requirement: str) -> Installed:
    client.cwd.joinpath("pyproject.toml").write_text(
        f"""\
[project]
name = "one-url"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["{requirement}"]

[tool.poetry]
package-mode = false

[[tool.poetry.source]]
name = "house"
url = "{url}"
priority = "primary"
"""
    )
    in_project = {"POETRY_VIRTUALENVS_IN_PROJECT": "true"}
    code, said = client.run("lock", **in_project)
    if code == 0:
        client("env", "use", sys.executable, **in_project)
        code, said = client.run("install", **in_project)
    return Installed(code, said, client.cwd / _SITE)


def _pdm(client: Client, url: str, requirement: str) -> Installed:
    client.cwd.joinpath("pyproject.toml").write_text(
        f"""\
[project]
name = "one-url"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["{requirement}"]

[[tool.pdm.source]]
name = "pypi"
url = "{url}"
verify_ssl = false
"""
    )
    # An interpreter that is in no virtual environment, and packages beside the project (PEP 582).
    client.cwd.joinpath(".pdm-python").write_text(os.fspath(Path(sys.base_prefix) / "bin" / _PYTHON))
    client.cwd.joinpath("pdm.toml").write_text("[python]\nuse_venv = false\n")
    done = client.run("install", "--no-self")
    return Installed(*done, client.cwd / "__pypackages__" / _PYTHON.removeprefix("python") / "lib")


def _pipenv(client: Client, url: str, requirement: str) -> Installed:
    client.cwd.joinpath("Pipfile").write_text(
        f'[[source]]\nname = "house"\nurl = "{url}"\nverify_ssl = false\n\n[packages]\n"{requirement}" = "*"\n'
    )
    settings = {"PIPENV_VENV_IN_PROJECT": "1", "PIPENV_NOSPIN": "1", "PIPENV_YES": "1"}
    return Installed(
        *client.run("install", "--python", sys.executable, **settings),
        client.cwd / _SITE,
    )


INSTALLERS: dict[str, Installer] = {
    "pip": _pip,
    "uv": _uv,
    "poetry": _poetry,
    "pdm": _pdm,
    "pipenv": _pipenv,
}
"""Every client that installs, by name."""
