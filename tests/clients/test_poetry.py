"""poetry adds, installs and publishes, with one URL for everything."""

import sys
from pathlib import Path

import pytest

from pyramid_pypi.app import PackageIndex
from pyramid_pypi.model import Identity
from tests.clients.client import Client
from tests.clients.people import ANN, BOB, CAROL
from tests.clients.releases import installed, put_for_team, put_wheel, save
from tests.live import LiveServer

FORMS = ["/simple/", "/simple", "", "/", "/legacy", "/legacy/", "/repository/private/"]
TEAM_FORMS = ["/repository/team/", "/team/simple/", "/team"]


def write_project(poetry: Client, name: str, version: str, source: str = "") -> None:
    """Write a project; `source` is the URL of its only index."""
    text = f"""\
[build-system]
requires = ["poetry-core==2.5.0"]
build-backend = "poetry.core.masonry.api"

[project]
name = "{name}"
version = "{version}"
description = "A project of the tests"
requires-python = ">=3.11"
dependencies = []
"""
    if source:
        text += f'\n[[tool.poetry.source]]\nname = "house"\nurl = "{source}"\npriority = "primary"\n'
    poetry.cwd.joinpath("pyproject.toml").write_text(text)
    poetry.cwd.joinpath(f"{name.replace('-', '_')}.py").write_text(f'__version__ = "{version}"\n')


def account(url: str, who: tuple[str, str] | None = None) -> dict[str, str]:
    """Return the settings of a repository `house`, without credentials when there is nobody."""
    settings = {"POETRY_REPOSITORIES_HOUSE_URL": url, "POETRY_VIRTUALENVS_IN_PROJECT": "true"}
    if who is not None:
        settings["POETRY_HTTP_BASIC_HOUSE_USERNAME"] = who[0]
        settings["POETRY_HTTP_BASIC_HOUSE_PASSWORD"] = who[1]
    return settings


def locked(poetry: Client) -> str:
    """Return the lock file."""
    return (poetry.cwd / "poetry.lock").read_text()


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_the_upload_url_publishes_without_a_password(
    form: str, server: LiveServer, index: PackageIndex, poetry: Client
) -> None:
    version = f"1.{FORMS.index(form)}"
    write_project(poetry, "poetry-forms", version)
    wheel = save(poetry.cwd / "dist", "poetry-forms", version)

    poetry("publish", "--repository", "house", **account(server.at(form)))

    assert index.default.repository.file(wheel.name).uploaded_by == ""


@pytest.mark.parametrize("form", TEAM_FORMS)
def test_people_with_the_right_publish_for_the_team(
    form: str, server: LiveServer, index: PackageIndex, poetry: Client
) -> None:
    number = TEAM_FORMS.index(form)
    write_project(poetry, "poetry-team", f"1.{number}")
    wheel = save(poetry.cwd / "dist", "poetry-team", f"1.{number}")
    who = (ANN, CAROL)[number % 2]

    poetry("publish", "--repository", "house", **account(server.at(form), who))

    assert index.served("team").repository.file(wheel.name).uploaded_by == who[0]


def test_one_url_is_source_and_destination(server: LiveServer, tmp_path: Path, poetry: Client) -> None:
    url = server.at("/team/simple/")
    write_project(poetry, "poetry-library", "1.0")
    poetry("publish", "--build", "--repository", "house", **account(url, ANN))
    application = tmp_path / "application"
    application.mkdir()
    user = Client(poetry.program, application, poetry.environment)
    write_project(user, "poetry-application", "1.0", source=url)

    user("env", "use", sys.executable, **account(url, BOB))
    user("add", "poetry-library", **account(url, BOB))

    site = application / ".venv" / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    assert installed(site, "poetry_library") == "1.0"
    assert BOB[1] not in locked(user)


@pytest.mark.parametrize("form", ["/simple/", "", "/repository/private/simple"])
def test_every_form_of_the_source_is_locked(form: str, server: LiveServer, poetry: Client) -> None:
    put_wheel(server, "poetry-direct", "1.0", requires_dist=["poetry-behind>=2"], requires_python=">=3.8")
    put_wheel(server, "poetry-behind", "2.1")
    write_project(poetry, "poetry-user", "1.0", source=server.at(form))

    poetry("add", "--lock", "poetry-direct")

    assert 'name = "poetry-direct"\nversion = "1.0"' in locked(poetry)
    assert 'name = "poetry-behind"\nversion = "2.1"' in locked(poetry)
    assert "sha256:" in locked(poetry)


def test_metadata_is_enough_to_lock(stocked: LiveServer, poetry: Client) -> None:
    write_project(poetry, "poetry-frugal", "1.0", source=stocked.at("/simple/"))
    before = len(stocked.access())

    poetry("add", "--lock", "requests", "numpy==2.4.6")

    lines = stocked.access()[before:]
    assert [line for line in lines if line["path"].endswith(".metadata")]
    assert [line for line in lines if line["path"].endswith(".whl")] == []


def test_a_local_version_and_an_extra_are_locked(server: LiveServer, poetry: Client) -> None:
    put_wheel(
        server,
        "poetry-local",
        "1.0+corp.1",
        provides_extra=["fast"],
        requires_dist=["poetry-engine; extra == 'fast'"],
    )
    put_wheel(server, "poetry-engine", "3.0")
    write_project(poetry, "poetry-picky", "1.0", source=server.at("/simple/"))

    poetry("add", "--lock", "poetry-local[fast]==1.0+corp.1")

    assert 'version = "1.0+corp.1"' in locked(poetry)
    assert 'name = "poetry-engine"\nversion = "3.0"' in locked(poetry)


def test_a_yanked_file_is_passed_over(server: LiveServer, index: PackageIndex, poetry: Client) -> None:
    put_wheel(server, "poetry-yanked", "1.0")
    put_wheel(server, "poetry-yanked", "1.1")
    repository = index.default.repository
    repository.yank(repository.file("poetry_yanked-1.1-py3-none-any.whl"), "", Identity.user("ann"))
    write_project(poetry, "poetry-careful", "1.0", source=server.at("/simple/"))

    poetry("add", "--lock", "poetry-yanked")

    assert 'name = "poetry-yanked"\nversion = "1.0"' in locked(poetry)


def test_a_release_for_another_python_is_passed_over(server: LiveServer, poetry: Client) -> None:
    put_wheel(server, "poetry-python", "1.0", requires_python=">=3.8")
    put_wheel(server, "poetry-python", "2.0", requires_python=">=3.99")
    write_project(poetry, "poetry-present", "1.0", source=server.at("/simple/"))

    poetry("add", "--lock", "poetry-python>=1")

    assert 'name = "poetry-python"\nversion = "1.0"' in locked(poetry)


def test_a_stranger_reads_that_it_is_about_authorization(server: LiveServer, poetry: Client) -> None:
    put_for_team(server, "poetry-stranger", "1.0")
    write_project(poetry, "poetry-outside", "1.0", source=server.at("/team/simple/"))

    said = poetry.fails("add", "--lock", "poetry-stranger")

    assert "Authorization error accessing" in said


def test_an_upload_can_be_repeated(desk: LiveServer, poetry: Client) -> None:
    write_project(poetry, "poetry-again", "1.0")
    wheel = save(poetry.cwd / "dist", "poetry-again", "1.0")
    poetry("publish", "--repository", "house", **account(desk.at("/")))

    poetry("publish", "--repository", "house", **account(desk.at("/")))

    lines = [line for line in desk.access() if line["file"] == wheel.name]
    assert [line["status"] for line in lines] == [200, 200]


def test_other_content_is_refused_or_skipped_as_wished(server: LiveServer, poetry: Client) -> None:
    put_wheel(server, "poetry-conflict", "1.0", files={"other.py": "pass"})
    write_project(poetry, "poetry-conflict", "1.0")
    wheel = save(poetry.cwd / "dist", "poetry-conflict", "1.0")

    said = poetry.fails("publish", "--repository", "house", **account(server.at("/simple/")))
    skipped = poetry("publish", "--skip-existing", "--repository", "house", **account(server.at("/simple/")))

    assert f"File already exists ('{wheel.name}'" in said
    assert "File exists. Skipping" in skipped


def test_a_reader_may_not_publish(server: LiveServer, poetry: Client) -> None:
    write_project(poetry, "poetry-reader", "1.0")
    save(poetry.cwd / "dist", "poetry-reader", "1.0")

    said = poetry.fails("publish", "--repository", "house", **account(server.at("/team/"), BOB))

    assert "403" in said
    assert "The user 'bob' isn't allowed to upload to 'team'" in said
