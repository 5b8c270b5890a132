"""pipenv locks with hashes from the page and installs."""

import sys

import pytest

from pyramid_pypi.app import PackageIndex
from pyramid_pypi.model import Identity
from tests.clients.client import Client
from tests.clients.people import BOB
from tests.clients.releases import installed, put_for_team, put_wheel
from tests.live import LiveServer

SETTINGS = {"PIPENV_VENV_IN_PROJECT": "1", "PIPENV_NOSPIN": "1", "PIPENV_YES": "1"}


def write_project(pipenv: Client, url: str, *requirements: str) -> None:
    """Write a Pipfile whose only index is `url`."""
    packages = "\n".join(f'{requirement} = "*"' for requirement in requirements)
    pipenv.cwd.joinpath("Pipfile").write_text(
        f'[[source]]\nname = "house"\nurl = "{url}"\nverify_ssl = false\n\n[packages]\n{packages}\n'
    )


@pytest.mark.parametrize("form", ["", "/simple", "/simple/"])
def test_every_form_of_the_source_is_locked_with_hashes(
    form: str, server: LiveServer, index: PackageIndex, pipenv: Client
) -> None:
    put_wheel(server, "pipenv-direct", "1.0", requires_dist=["pipenv-behind"])
    put_wheel(server, "pipenv-behind", "2.0")
    write_project(pipenv, server.at(form), "pipenv-direct")

    pipenv("lock", "--python", sys.executable, **SETTINGS)

    lock = (pipenv.cwd / "Pipfile.lock").read_text()
    for project in ("pipenv-direct", "pipenv-behind"):
        (file,) = index.default.repository.project(project).files
        assert f"sha256:{file.hashes.sha256}" in lock


def test_a_closed_index_is_installed_from_with_a_password(
    server: LiveServer, index: PackageIndex, pipenv: Client
) -> None:
    put_for_team(server, "pipenv-closed", "1.0")
    put_for_team(server, "pipenv-closed", "1.1")
    repository = index.served("team").repository
    repository.yank(repository.file("pipenv_closed-1.1-py3-none-any.whl"), "", Identity.user("ann"))
    write_project(pipenv, server.at("/repository/team/simple/", "${WHO}", "${WORD}"), "pipenv-closed")
    pipfile = pipenv.cwd / "Pipfile"
    pipfile.write_text(pipfile.read_text().replace("%24%7B", "${").replace("%7D", "}"))

    pipenv("install", "--python", sys.executable, WHO=BOB[0], WORD=BOB[1], **SETTINGS)

    site = pipenv.cwd / ".venv" / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    assert installed(site, "pipenv_closed") == "1.0"
    assert BOB[1] not in (pipenv.cwd / "Pipfile.lock").read_text()
