"""hatch builds and publishes; it looks for what is already there by itself."""

import pytest

from pyramid_pypi.app import PackageIndex
from tests.clients.client import Client
from tests.clients.people import ANN, BOB, CAROL
from tests.clients.releases import put_wheel, save
from tests.live import LiveServer

FORMS = ["/", "", "/simple/", "/simple", "/legacy/", "/repository/private/"]
TEAM_FORMS = ["/repository/team/", "/repository/team", "/team/simple/"]


def publish(url: str, who: tuple[str, str] = ("anyone", "anything")) -> list[str]:
    """Return the arguments of a publication of `dist`."""
    return ["publish", "--no-prompt", "--repo", url, "--user", who[0], "--auth", who[1]]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_the_upload_url_publishes(form: str, desk: LiveServer, hatch: Client) -> None:
    wheel = save(hatch.cwd / "dist", "hatch-forms", f"1.{FORMS.index(form)}")

    said = hatch(*publish(desk.at(form)))

    lines = [line for line in desk.access() if line["file"] == wheel.name]
    assert [(line["method"], line["status"]) for line in lines] == [("POST", 200)]
    assert "success" in said


@pytest.mark.parametrize("form", TEAM_FORMS)
def test_people_with_the_right_publish_for_the_team(
    form: str, server: LiveServer, index: PackageIndex, hatch: Client
) -> None:
    number = TEAM_FORMS.index(form)
    wheel = save(hatch.cwd / "dist", "hatch-team", f"1.{number}")
    who = (ANN, CAROL)[number % 2]

    hatch(*publish(server.at(form), who))

    assert index.served("team").repository.file(wheel.name).uploaded_by == who[0]


@pytest.mark.parametrize("form", ["/", "/simple/", "/repository/private", "/private/"])
def test_a_file_that_is_there_is_not_sent_again(form: str, desk: LiveServer, hatch: Client) -> None:
    version = f"1.{len(form)}"
    put_wheel(desk, "hatch-skips", version)
    wheel = save(hatch.cwd / "dist", "hatch-skips", version, files={"other.py": "pass"})

    said = hatch(*publish(desk.at(form)))

    posts = [line for line in desk.access() if line["file"] == wheel.name and line["method"] == "POST"]
    assert "already exists" in said
    assert len(posts) == 1


def test_a_file_that_is_there_is_found_behind_a_password(server: LiveServer, hatch: Client) -> None:
    save(hatch.cwd / "dist", "hatch-skips-team", "1.0")
    hatch(*publish(server.at("/team/"), ANN))

    said = hatch(*publish(server.at("/team/"), ANN))

    assert "already exists" in said


def test_a_reader_may_not_publish_and_reads_why(server: LiveServer, hatch: Client) -> None:
    save(hatch.cwd / "dist", "hatch-reader", "1.0")

    said = hatch.fails(*publish(server.at("/team/"), BOB))

    assert "The user 'bob' isn't allowed to upload to 'team'" in said


def test_a_project_is_built_with_the_backend_of_this_index_and_published(
    stocked: LiveServer, index: PackageIndex, hatch: Client
) -> None:
    hatch.cwd.joinpath("pyproject.toml").write_text(
        """\
[build-system]
requires = ["hatchling==1.33.0"]
build-backend = "hatchling.build"

[project]
name = "hatch-built"
version = "1.0"
"""
    )
    package = hatch.cwd / "hatch_built"
    package.mkdir()
    package.joinpath("__init__.py").write_text('__version__ = "1.0"\n')
    simple = stocked.at("/simple/")

    hatch("build", PIP_INDEX_URL=simple, UV_INDEX_URL=simple, UV_DEFAULT_INDEX=simple)
    hatch(*publish(stocked.at("/team/"), CAROL))

    files = index.served("team").repository.project("hatch-built").files
    assert {file.packagetype for file in files} == {"bdist_wheel", "sdist"}
