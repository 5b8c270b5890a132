"""twine uploads to every URL that users write down."""

import pytest

from pyramid_pypi.app import PackageIndex
from pyramid_pypi.testing.artefacts import make_sdist
from tests.clients.client import Client
from tests.clients.people import ANN, BOB, CAROL
from tests.clients.releases import save
from tests.clients.toolbox import Toolbox
from tests.clients.wheelhouse import wheelhouse
from tests.live import LiveServer

FORMS = ["", "/", "/simple", "/simple/", "/legacy", "/legacy/", "/pypi", "/repository/private/"]
TEAM_FORMS = ["/repository/team/", "/repository/team", "/team/", "/team/simple/", "/team/legacy/"]


def upload(url: str, *files: object, who: tuple[str, str] = ("anyone", "anything")) -> list[str]:
    """Return the arguments of an upload."""
    credentials = ["--username", who[0], "--password", who[1]]
    return ["upload", "--non-interactive", "--repository-url", url, *credentials, *map(str, files)]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_the_upload_url_publishes(form: str, desk: LiveServer, twine: Client) -> None:
    version = f"1.{FORMS.index(form)}"
    wheel = save(twine.cwd / "dist", "twine-forms", version)

    said = twine(*upload(desk.at(form), wheel))

    lines = [line for line in desk.access() if line["file"] == wheel.name]
    assert [(line["method"], line["status"]) for line in lines] == [("POST", 200)]
    assert "WARNING" not in said


@pytest.mark.parametrize("form", TEAM_FORMS)
def test_people_with_the_right_publish_for_the_team(
    form: str, server: LiveServer, index: PackageIndex, twine: Client
) -> None:
    number = TEAM_FORMS.index(form)
    wheel = save(twine.cwd / "dist", "twine-team", f"1.{number}")
    who = (ANN, CAROL)[number % 2]

    twine(*upload(server.at(form), wheel, who=who))

    assert index.served("team").repository.file(wheel.name).uploaded_by == who[0]


def test_credentials_may_stand_in_the_url(server: LiveServer, index: PackageIndex, twine: Client) -> None:
    wheel = save(twine.cwd / "dist", "twine-url", "1.0")

    twine("upload", "--non-interactive", "--repository-url", server.at("/team/", *CAROL), wheel)

    assert index.served("team").repository.file(wheel.name).uploaded_by == "carol"


def test_a_pypirc_names_the_repository(server: LiveServer, index: PackageIndex, twine: Client) -> None:
    wheel = save(twine.cwd / "dist", "twine-pypirc", "1.0")
    (twine.home / ".pypirc").write_text(
        "[distutils]\nindex-servers = house\n\n[house]\n"
        f"repository = {server.url}/repository/team/\nusername = carol\npassword = {CAROL[1]}\n"
    )

    twine("upload", "--non-interactive", "--repository", "house", wheel)

    assert index.served("team").repository.file(wheel.name).uploaded_by == "carol"


def test_a_reader_may_not_publish_and_reads_why(server: LiveServer, twine: Client) -> None:
    wheel = save(twine.cwd / "dist", "twine-reader", "1.0")

    said = twine.fails(*upload(server.at("/team/"), wheel, who=BOB))

    assert "403" in said
    assert "The user 'bob' isn't allowed to upload to 'team'" in said


def test_a_wrong_password_is_refused(server: LiveServer, twine: Client) -> None:
    wheel = save(twine.cwd / "dist", "twine-wrong", "1.0")

    said = twine.fails(*upload(server.at("/team/"), wheel, who=("ann", "wrong")))

    assert "401" in said


def test_an_upload_can_be_repeated(desk: LiveServer, twine: Client) -> None:
    wheel = save(twine.cwd / "dist", "twine-again", "1.0")
    twine(*upload(desk.at("/"), wheel))

    twine(*upload(desk.at("/"), wheel))

    lines = [line for line in desk.access() if line["file"] == wheel.name]
    assert [line["status"] for line in lines] == [200, 200]


def test_other_content_is_refused_and_the_first_file_stays(
    server: LiveServer, index: PackageIndex, twine: Client
) -> None:
    first = save(twine.cwd / "first", "twine-conflict", "1.0")
    second = save(twine.cwd / "second", "twine-conflict", "1.0", files={"other.py": "pass"})
    twine(*upload(server.at("/team/"), first, who=ANN))

    said = twine.fails(*upload(server.at("/team/"), second, who=ANN))

    assert "400" in said
    assert f"File already exists ('{first.name}'" in said
    assert index.served("team").repository.file(first.name).size == first.stat().st_size


def test_a_wheel_and_its_sdist_go_up_together(desk: LiveServer, twine: Client) -> None:
    wheel = save(twine.cwd / "dist", "twine-both", "1.0", requires_python=">=3.11")
    sdist = twine.cwd / "dist" / "twine_both-1.0.tar.gz"
    sdist.write_bytes(make_sdist("twine-both", "1.0", requires_python=">=3.11"))

    twine(*upload(desk.at("/"), wheel, sdist))

    files = [line["file"] for line in desk.access() if line["project"] == "twine-both"]
    assert sorted(files) == [wheel.name, sdist.name]


def test_a_broken_wheel_is_refused_with_a_reason(desk: LiveServer, twine: Client) -> None:
    wheel = save(twine.cwd / "dist", "twine-broken", "1.0", with_record=False)

    said = twine.fails(*upload(desk.at("/"), wheel))

    assert "400" in said
    assert "RECORD" in said


def test_distributions_of_others_go_up_in_one_go(
    server: LiveServer, index: PackageIndex, toolbox: Toolbox, twine: Client
) -> None:
    files = wheelhouse(toolbox)

    twine(*upload(server.at("/repository/team/"), *files, who=CAROL))

    team = index.served("team").repository
    assert {team.file(path.name).size for path in files} == {path.stat().st_size for path in files}
