"""pdm locks, installs, builds and publishes."""

import os
import sys
from pathlib import Path

import pytest

from pyramid_pypi.app import PackageIndex
from pyramid_pypi.model import Identity
from tests.clients.client import Client
from tests.clients.people import ANN, BOB, CAROL
from tests.clients.releases import installed, put_for_team, put_wheel, save
from tests.live import LiveServer

FORMS = ["/", "", "/simple/", "/simple", "/legacy", "/repository/private/"]
TEAM_FORMS = ["/repository/team/", "/team/legacy/", "/team"]


def write_project(pdm: Client, name: str, source: str, *requirements: str) -> None:
    """Write a project; `source` is the URL of its only index."""
    pdm.cwd.joinpath("pyproject.toml").write_text(
        f"""\
[build-system]
requires = ["pdm-backend==2.4.10"]
build-backend = "pdm.backend"

[project]
name = "{name}"
version = "1.0"
requires-python = ">=3.11"
dependencies = {list(requirements)}

[[tool.pdm.source]]
name = "pypi"
url = "{source}"
verify_ssl = false
"""
    )
    pdm.cwd.joinpath(f"{name.replace('-', '_')}.py").write_text('__version__ = "1.0"\n')
    # An interpreter that is in no virtual environment, and packages beside the project (PEP 582).
    python = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
    pdm.cwd.joinpath(".pdm-python").write_text(os.fspath(python))
    pdm.cwd.joinpath("pdm.toml").write_text("[python]\nuse_venv = false\n")


def publish(url: str, who: tuple[str, str] = ("anyone", "anything")) -> list[str]:
    """Return the arguments of a publication of `dist`."""
    return ["publish", "--no-build", "--repository", url, "--username", who[0], "--password", who[1]]


def locked(pdm: Client) -> str:
    """Return the lock file."""
    return (pdm.cwd / "pdm.lock").read_text()


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_the_upload_url_publishes(form: str, desk: LiveServer, pdm: Client) -> None:
    write_project(pdm, "pdm-forms", desk.at("/simple/"))
    wheel = save(pdm.cwd / "dist", "pdm-forms", f"1.{FORMS.index(form)}")

    pdm(*publish(desk.at(form)))

    lines = [line for line in desk.access() if line["file"] == wheel.name]
    assert [(line["method"], line["status"]) for line in lines] == [("POST", 200)]


@pytest.mark.parametrize("form", TEAM_FORMS)
def test_people_with_the_right_publish_for_the_team(
    form: str, server: LiveServer, index: PackageIndex, pdm: Client
) -> None:
    number = TEAM_FORMS.index(form)
    write_project(pdm, "pdm-team", server.at("/simple/"))
    wheel = save(pdm.cwd / "dist", "pdm-team", f"1.{number}")
    who = (ANN, CAROL)[number % 2]

    pdm(*publish(server.at(form), who))

    assert index.served("team").repository.file(wheel.name).uploaded_by == who[0]


def test_an_upload_can_be_repeated(desk: LiveServer, pdm: Client) -> None:
    write_project(pdm, "pdm-again", desk.at("/simple/"))
    wheel = save(pdm.cwd / "dist", "pdm-again", "1.0")
    pdm(*publish(desk.at("/")))

    pdm(*publish(desk.at("/")))

    lines = [line for line in desk.access() if line["file"] == wheel.name]
    assert [line["status"] for line in lines] == [200, 200]


def test_other_content_is_refused_or_skipped_as_wished(desk: LiveServer, pdm: Client) -> None:
    put_wheel(desk, "pdm-conflict", "1.0", files={"other.py": "pass"})
    write_project(pdm, "pdm-conflict", desk.at("/simple/"))
    wheel = save(pdm.cwd / "dist", "pdm-conflict", "1.0")

    # The cache in front of its network drops the reason, so only a talkative pdm shows the body.
    said = pdm.fails(*publish(desk.at("/")), "-vv")
    skipped = pdm(*publish(desk.at("/")), "--skip-existing")

    assert f"File already exists ('{wheel.name}'" in said
    assert f"Skipping {wheel.name} because it appears to already exist" in skipped


def test_a_reader_may_not_publish(server: LiveServer, pdm: Client) -> None:
    write_project(pdm, "pdm-reader", server.at("/simple/"))
    save(pdm.cwd / "dist", "pdm-reader", "1.0")

    said = pdm.fails(*publish(server.at("/team/"), BOB), "-vv")

    assert "403" in said
    assert "The user 'bob' isn't allowed to upload to 'team'" in said


def test_a_project_is_built_with_the_backend_of_this_index_and_published(
    stocked: LiveServer, index: PackageIndex, pdm: Client
) -> None:
    write_project(pdm, "pdm-built", stocked.at("/simple/"))

    pdm("publish", "--repository", stocked.at("/team/"), "--username", ANN[0], "--password", ANN[1])

    files = index.served("team").repository.project("pdm-built").files
    assert {file.packagetype for file in files} == {"bdist_wheel", "sdist"}


@pytest.mark.parametrize("form", ["/simple/", "/simple", "", "/repository/private/simple"])
def test_every_form_of_the_source_is_locked(form: str, server: LiveServer, pdm: Client) -> None:
    put_wheel(server, "pdm-direct", "1.0+corp.1", requires_dist=["pdm-behind[fast]>=2"])
    put_wheel(
        server, "pdm-behind", "2.1", provides_extra=["fast"], requires_dist=["pdm-engine; extra == 'fast'"]
    )
    put_wheel(server, "pdm-engine", "3.0")
    write_project(pdm, "pdm-user", server.at(form), "pdm-direct")

    pdm("lock")

    assert 'file = "pdm_direct-1.0+corp.1-py3-none-any.whl"' in locked(pdm)
    assert 'name = "pdm-engine"\nversion = "3.0"' in locked(pdm)
    assert "sha256:" in locked(pdm)


def test_a_closed_index_is_locked_and_installed_with_a_password(server: LiveServer, pdm: Client) -> None:
    put_for_team(server, "pdm-closed", "1.0")
    write_project(pdm, "pdm-inside", server.at("/team/simple/", *BOB), "pdm-closed")

    pdm("install", "--no-self")

    library = pdm.cwd / "__pypackages__" / f"3.{sys.version_info.minor}" / "lib"
    assert installed(library, "pdm_closed") == "1.0"


def test_a_stranger_reads_that_the_index_wants_a_password(server: LiveServer, pdm: Client) -> None:
    put_for_team(server, "pdm-stranger", "1.0")
    write_project(pdm, "pdm-outside", server.at("/team/simple/"), "pdm-stranger")

    said = pdm.fails("lock", "-v")

    assert "401" in said


def test_yanked_and_unsuitable_files_are_passed_over(
    server: LiveServer, index: PackageIndex, pdm: Client
) -> None:
    put_wheel(server, "pdm-choice", "1.0")
    put_wheel(server, "pdm-choice", "1.1")
    put_wheel(server, "pdm-choice", "2.0", requires_python=">=3.99")
    repository = index.default.repository
    repository.yank(repository.file("pdm_choice-1.1-py3-none-any.whl"), "", Identity.user("ann"))
    write_project(pdm, "pdm-careful", server.at("/simple/"), "pdm-choice")

    pdm("lock")

    assert 'name = "pdm-choice"\nversion = "1.0"' in locked(pdm)


def test_files_have_a_time_that_pdm_can_compare(server: LiveServer, pdm: Client) -> None:
    put_wheel(server, "pdm-dated", "1.0")
    write_project(pdm, "pdm-patient", server.at("/simple/"), "pdm-dated")

    pdm("lock", "--exclude-newer", "2999-01-01")
    found = locked(pdm)
    said = pdm.fails("lock", "--exclude-newer", "2001-01-01")

    assert 'name = "pdm-dated"\nversion = "1.0"' in found
    assert "pdm-dated" in said
