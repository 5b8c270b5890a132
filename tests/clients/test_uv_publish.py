"""uv publishes to every URL that users write down."""

from pathlib import Path

import pytest

from pyramid_pypi.app import PackageIndex
from tests.clients.client import Client
from tests.clients.people import ANN, BOB, CAROL
from tests.clients.releases import put_wheel, save
from tests.live import LiveServer

FORMS = ["", "/", "/simple/", "/simple", "/legacy/", "/legacy", "/repository/private", "/private/"]
TEAM_FORMS = ["/repository/team/", "/repository/team", "/team/legacy", "/team/simple/"]


def publish(url: str, *files: Path, who: tuple[str, str] = ("anyone", "anything")) -> list[str | Path]:
    """Return the arguments of a publication."""
    credentials = ("--username", who[0], "--password", who[1])
    return ["publish", "--trusted-publishing", "never", "--publish-url", url, *credentials, *files]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_the_publish_url_works(form: str, desk: LiveServer, uv: Client) -> None:
    wheel = save(uv.cwd / "dist", "uv-publish", f"1.{FORMS.index(form)}")

    uv(*publish(desk.at(form), wheel))

    lines = [line for line in desk.access() if line["file"] == wheel.name]
    assert [(line["method"], line["status"]) for line in lines] == [("POST", 200)]


@pytest.mark.parametrize("form", TEAM_FORMS)
def test_people_with_the_right_publish_for_the_team(
    form: str, server: LiveServer, index: PackageIndex, uv: Client
) -> None:
    number = TEAM_FORMS.index(form)
    wheel = save(uv.cwd / "dist", "uv-publish", f"1.{number}")
    who = (ANN, CAROL)[number % 2]

    uv(*publish(server.at(form), wheel, who=who))

    assert index.served("team").repository.file(wheel.name).uploaded_by == who[0]


def test_a_stranger_and_a_reader_are_refused_with_a_reason(server: LiveServer, uv: Client) -> None:
    wheel = save(uv.cwd / "dist", "uv-refused", "1.0")

    stranger = uv.fails(*publish(server.at("/team/"), wheel, who=("ann", "wrong")))
    reader = uv.fails(*publish(server.at("/team/"), wheel, who=BOB))

    assert "401" in stranger
    assert "403" in reader
    assert "The user 'bob' isn't allowed to upload to 'team'" in reader


def test_an_upload_can_be_repeated(desk: LiveServer, uv: Client) -> None:
    wheel = save(uv.cwd / "dist", "uv-again", "1.0")
    uv(*publish(desk.at("/"), wheel))

    uv(*publish(desk.at("/"), wheel))

    lines = [line for line in desk.access() if line["file"] == wheel.name and line["method"] == "POST"]
    assert [line["status"] for line in lines] == [200, 200]


def test_other_content_is_refused_with_a_reason(desk: LiveServer, uv: Client) -> None:
    put_wheel(desk, "uv-conflict", "1.0", files={"other.py": "pass"})
    wheel = save(uv.cwd / "dist", "uv-conflict", "1.0")

    said = uv.fails(*publish(desk.at("/"), wheel))

    assert f"File already exists ('{wheel.name}'" in said


def test_the_check_url_lets_a_first_upload_pass_and_skips_a_second(
    server: LiveServer, index: PackageIndex, uv: Client
) -> None:
    wheel = save(uv.cwd / "dist", "uv-checked", "1.0")
    check = ("--check-url", server.at("/team/simple/", *ANN))

    uv(*publish(server.at("/team/"), wheel, who=ANN), *check)
    said = uv(*publish(server.at("/team/"), wheel, who=ANN), *check)

    posts = [line for line in server.access() if line["file"] == wheel.name and line["method"] == "POST"]
    assert len(posts) == 1
    assert "already exists, skipping" in said
    assert index.served("team").repository.file(wheel.name).uploaded_by == "ann"


def test_the_check_url_finds_other_content(desk: LiveServer, uv: Client) -> None:
    put_wheel(desk, "uv-differs", "1.0", files={"other.py": "pass"})
    wheel = save(uv.cwd / "dist", "uv-differs", "1.0")

    said = uv.fails(*publish(desk.at("/"), wheel), "--check-url", desk.at("/simple/"))

    assert "Local file and index file do not match" in said


def test_a_project_can_name_the_index_to_publish_to(
    server: LiveServer, index: PackageIndex, uv: Client
) -> None:
    wheel = save(uv.cwd / "dist", "uv-named", "1.0")
    uv.cwd.joinpath("pyproject.toml").write_text(
        '[[tool.uv.index]]\nname = "house"\n'
        f'url = "{server.url}/team/simple/"\npublish-url = "{server.url}/team/simple/"\n'
    )

    credentials = ("--username", CAROL[0], "--password", CAROL[1])
    uv("publish", "--index", "house", *credentials, wheel)

    assert index.served("team").repository.file(wheel.name).uploaded_by == "carol"
