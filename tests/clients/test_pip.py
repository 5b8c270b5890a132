"""pip installs from every URL that users write down, with and without a password."""

import pytest

from tests.clients.client import Client
from tests.clients.people import ANN, BOB
from tests.clients.releases import installed, put_for_team, put_wheel
from tests.live import LiveServer

OPEN_FORMS = [
    "",
    "/",
    "/simple",
    "/simple/",
    "/+simple/",
    "//simple//",
    "/repository/private",
    "/repository/private/simple",
    "/repository/private/simple/",
    "/private/",
    "/private/simple/",
]
TEAM_FORMS = ["/repository/team/simple/", "/repository/team/simple", "/team/simple/", "/team"]


def install(pip: Client, url: str, *what: str, **environment: str) -> str:
    """Install with everything that `what` needs into `lib`."""
    arguments = ("install", "--no-cache-dir", "--target", "lib", "--index-url", url, *what)
    return pip(*arguments, **environment)


@pytest.mark.parametrize("form", OPEN_FORMS)
def test_every_form_of_the_index_url_installs(form: str, server: LiveServer, pip: Client) -> None:
    put_wheel(server, "pip-forms", "1.0")

    install(pip, server.at(form), "pip-forms")

    assert installed(pip.cwd / "lib", "pip_forms") == "1.0"


@pytest.mark.parametrize("form", TEAM_FORMS)
def test_a_password_in_the_index_url_opens_pages_and_files(
    form: str, server: LiveServer, pip: Client
) -> None:
    put_for_team(server, "pip-team", "1.0")

    install(pip, server.at(form, *ANN), "pip-team")

    assert installed(pip.cwd / "lib", "pip_team") == "1.0"


def test_an_extra_index_with_a_password_is_asked_as_well(server: LiveServer, pip: Client) -> None:
    put_wheel(server, "pip-public-part", "1.0", requires_dist=["pip-secret-part"])
    put_for_team(server, "pip-secret-part", "2.0")

    extra = server.at("/repository/team/simple", *BOB)
    install(pip, server.at("/simple/"), "pip-public-part", PIP_EXTRA_INDEX_URL=extra)

    assert installed(pip.cwd / "lib", "pip_public_part") == "1.0"
    assert installed(pip.cwd / "lib", "pip_secret_part") == "2.0"


def test_a_netrc_opens_the_index(server: LiveServer, pip: Client) -> None:
    put_for_team(server, "pip-netrc", "1.0")
    netrc = pip.home / ".netrc"
    netrc.write_text(f"machine 127.0.0.1 login {BOB[0]} password {BOB[1]}\n")
    netrc.chmod(0o600)

    install(pip, server.at("/team/simple/"), "pip-netrc")

    assert installed(pip.cwd / "lib", "pip_netrc") == "1.0"


@pytest.mark.parametrize("who", [("", ""), ("bob", "wrong")])
def test_a_stranger_gets_nothing_and_reads_why(who: tuple[str, str], server: LiveServer, pip: Client) -> None:
    put_for_team(server, "pip-stranger", "1.0")

    url = server.at("/team/simple/", *who)
    said = pip.fails("install", "-vv", "--target", "lib", "--index-url", url, "pip-stranger")

    assert "401" in said
    assert "No matching distribution found for pip-stranger" in said


def test_an_unknown_project_is_plainly_not_found(server: LiveServer, pip: Client) -> None:
    said = pip.fails("install", "--target", "lib", "-i", server.at("/simple/"), "pip-nobody-has-this")

    assert "No matching distribution found for pip-nobody-has-this" in said


def test_versions_are_listed_newest_first(server: LiveServer, pip: Client) -> None:
    for version in ("1.0", "1.10", "1.9", "2.0rc1"):
        put_wheel(server, "pip-versions", version)

    said = pip("index", "versions", "--index-url", server.at("/simple/"), "pip-versions")

    assert "Available versions: 1.10, 1.9, 1.0" in said


def test_a_name_may_be_spelt_in_any_way(server: LiveServer, pip: Client) -> None:
    put_wheel(server, "Pip_Spelt.Name", "1.0")

    install(pip, server.at("/simple/"), "PIP.spelt--name")

    assert installed(pip.cwd / "lib", "pip_spelt_name") == "1.0"
