"""flit builds and publishes."""

import pytest

from pyramid_pypi.app import PackageIndex
from tests.clients.client import Client
from tests.clients.people import ANN, BOB, CAROL
from tests.live import LiveServer

FORMS = ["", "/", "/simple/", "/legacy", "/repository/private/"]
TEAM_FORMS = ["/repository/team/", "/team", "/team/legacy/"]


def write_project(flit: Client, name: str, version: str) -> None:
    """Write a project that flit can publish."""
    flit.cwd.joinpath("pyproject.toml").write_text(
        f"""\
[build-system]
requires = ["flit_core"]
build-backend = "flit_core.buildapi"

[project]
name = "{name}"
version = "{version}"
description = "A project of the tests"
requires-python = ">=3.11"
"""
    )
    flit.cwd.joinpath(f"{name.replace('-', '_')}.py").write_text('"""A module."""\n')


def account(url: str, who: tuple[str, str] = ("anyone", "anything")) -> dict[str, str]:
    """Return where and as whom to publish."""
    return {"FLIT_INDEX_URL": url, "FLIT_USERNAME": who[0], "FLIT_PASSWORD": who[1]}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_the_upload_url_publishes(form: str, desk: LiveServer, flit: Client) -> None:
    version = f"1.{FORMS.index(form)}"
    write_project(flit, "flit-forms", version)

    flit("publish", **account(desk.at(form)))

    lines = [line for line in desk.access() if line["file"].startswith(f"flit_forms-{version}")]
    assert [(line["method"], line["status"]) for line in lines] == [("POST", 200)] * 2


@pytest.mark.parametrize("form", TEAM_FORMS)
def test_people_with_the_right_publish_for_the_team(
    form: str, server: LiveServer, index: PackageIndex, flit: Client
) -> None:
    number = TEAM_FORMS.index(form)
    write_project(flit, "flit-team", f"1.{number}")
    who = (ANN, CAROL)[number % 2]

    flit("publish", **account(server.at(form), who))

    files = index.served("team").repository.project("flit-team").files
    assert {file.packagetype: file.uploaded_by for file in files if file.version == f"1.{number}"} == {
        "bdist_wheel": who[0],
        "sdist": who[0],
    }


def test_a_pypirc_names_the_repository(server: LiveServer, index: PackageIndex, flit: Client) -> None:
    write_project(flit, "flit-pypirc", "1.0")
    (flit.home / ".pypirc").write_text(
        "[distutils]\nindex-servers = house\n\n[house]\n"
        f"repository = {server.url}/team\nusername = carol\npassword = {CAROL[1]}\n"
    )

    flit("publish", "--repository", "house", "--format", "wheel")

    assert index.served("team").repository.project("flit-pypirc").versions == ("1.0",)


def test_an_upload_can_be_repeated_and_a_change_is_refused(desk: LiveServer, flit: Client) -> None:
    write_project(flit, "flit-again", "1.0")
    environment = {"SOURCE_DATE_EPOCH": "1700000000", **account(desk.at("/"))}
    flit("publish", "--format", "wheel", **environment)
    flit("publish", "--format", "wheel", **environment)
    flit.cwd.joinpath("flit_again.py").write_text('"""Another module."""\n')

    said = flit.fails("publish", "--format", "wheel", **environment)

    assert "File already exists ('flit_again-1.0-py3-none-any.whl'" in said
    assert "build a new version" in said


def test_a_reader_may_not_publish(server: LiveServer, flit: Client) -> None:
    write_project(flit, "flit-reader", "1.0")

    said = flit.fails("publish", "--format", "wheel", **account(server.at("/team/"), BOB))

    assert "403" in said
    assert "The user 'bob' isn't allowed to upload to 'team'" in said
