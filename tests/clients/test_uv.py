"""uv installs, locks and syncs."""

import hashlib
import sys
from pathlib import Path

import pytest

from pyramid_pypi.app import PackageIndex
from pyramid_pypi.model import Identity
from pyramid_pypi.testing.artefacts import make_sdist
from tests.clients.client import Client
from tests.clients.people import ANN, BOB
from tests.clients.releases import installed, put, put_for_team, put_wheel
from tests.live import LiveServer


def install(uv: Client, url: str, *what: str, **environment: str) -> str:
    """Install with everything that `what` needs into `lib`."""
    arguments = ("pip", "install", "--python", sys.executable, "--target", "lib", "--index-url", url)
    return uv(*arguments, *what, **environment)


def refuse(uv: Client, url: str, *what: str) -> str:
    """Fail to install; return what was said."""
    arguments = ("pip", "install", "--python", sys.executable, "--target", "x", "--index-url", url)
    return uv.fails(*arguments, *what)


FORMS = ["", "/", "/simple", "/simple/", "/repository/private/simple", "/private/simple/", "/private"]
TEAM_FORMS = ["/repository/team/simple/", "/team/simple", "/repository/team"]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_the_index_url_installs(form: str, server: LiveServer, uv: Client) -> None:
    put_wheel(server, "uv-forms", "1.0")

    install(uv, server.at(form), "uv-forms")

    assert installed(uv.cwd / "lib", "uv_forms") == "1.0"


@pytest.mark.parametrize("form", TEAM_FORMS)
def test_a_password_in_the_index_url_opens_pages_and_files(form: str, server: LiveServer, uv: Client) -> None:
    put_for_team(server, "uv-team", "1.0")

    install(uv, server.at(form, *ANN), "uv-team")

    assert installed(uv.cwd / "lib", "uv_team") == "1.0"


def test_a_netrc_opens_the_index(server: LiveServer, uv: Client) -> None:
    put_for_team(server, "uv-netrc", "1.0")
    netrc = uv.home / ".netrc"
    netrc.write_text(f"machine 127.0.0.1 login {BOB[0]} password {BOB[1]}\n")
    netrc.chmod(0o600)

    install(uv, server.at("/team/simple/"), "uv-netrc")

    assert installed(uv.cwd / "lib", "uv_netrc") == "1.0"


def test_a_stranger_is_told_to_bring_credentials(server: LiveServer, uv: Client) -> None:
    put_for_team(server, "uv-stranger", "1.0")

    said = refuse(uv, server.at("/team/simple/"), "uv-stranger")

    assert "authentication credentials" in said
    assert "401 Unauthorized" in said


def test_an_unknown_project_lets_uv_ask_the_next_index(server: LiveServer, uv: Client) -> None:
    put_wheel(server, "uv-next", "1.0")

    team = server.at("/team/simple/", *BOB)
    install(uv, server.at("/simple/"), "--index", team, "uv-next")

    assert installed(uv.cwd / "lib", "uv_next") == "1.0"


def test_a_yanked_file_is_passed_over_unless_pinned(
    server: LiveServer, index: PackageIndex, uv: Client
) -> None:
    put_wheel(server, "uv-yanked", "1.0")
    put_wheel(server, "uv-yanked", "1.1")
    repository = index.default.repository
    repository.yank(repository.file("uv_yanked-1.1-py3-none-any.whl"), "too early", Identity.user("ann"))

    install(uv, server.at("/simple/"), "uv-yanked")
    free = installed(uv.cwd / "lib", "uv_yanked")
    said = install(uv, server.at("/simple/"), "uv-yanked==1.1")

    assert free == "1.0"
    assert installed(uv.cwd / "lib", "uv_yanked") == "1.1"
    assert "too early" in said


def test_a_release_for_another_python_is_passed_over(server: LiveServer, uv: Client) -> None:
    put_wheel(server, "uv-python", "1.0", requires_python=">=3.8,<4")
    put_wheel(server, "uv-python", "2.0", requires_python=">=3.99")

    install(uv, server.at("/simple/"), "uv-python")

    assert installed(uv.cwd / "lib", "uv_python") == "1.0"


def test_a_known_hash_is_accepted_and_another_one_refused(server: LiveServer, uv: Client) -> None:
    digest = hashlib.sha256(put_wheel(server, "uv-hashes", "1.0")).hexdigest()
    good, bad = uv.cwd / "good.txt", uv.cwd / "bad.txt"
    good.write_text(f"uv-hashes==1.0 --hash=sha256:{digest}\n")
    bad.write_text(f"uv-hashes==1.0 --hash=sha256:{'0' * 64}\n")

    install(uv, server.at("/"), "--require-hashes", "-r", str(good))
    said = refuse(uv, server.at("/"), "--require-hashes", "-r", str(bad))

    assert installed(uv.cwd / "lib", "uv_hashes") == "1.0"
    assert "Hash mismatch" in said


def test_files_have_a_time_that_uv_can_compare(server: LiveServer, uv: Client) -> None:
    put_wheel(server, "uv-dated", "1.0")

    said = install(uv, server.at("/"), "--exclude-newer", "2999-01-01T00:00:00Z", "uv-dated")
    refused = refuse(uv, server.at("/"), "--exclude-newer", "2001-01-01T00:00:00Z", "uv-dated")

    assert installed(uv.cwd / "lib", "uv_dated") == "1.0"
    assert "missing an upload date" not in said + refused


def test_a_local_version_installs(server: LiveServer, uv: Client) -> None:
    put_wheel(server, "uv-local", "1.0+corp.1")

    install(uv, server.at("/"), "uv-local==1.0+corp.1")

    assert installed(uv.cwd / "lib", "uv_local") == "1.0+corp.1"


def test_an_extra_brings_its_requirements(server: LiveServer, uv: Client) -> None:
    put_wheel(
        server, "uv-extras", "1.0", provides_extra=["fast"], requires_dist=["uv-engine; extra == 'fast'"]
    )
    put_wheel(server, "uv-engine", "3.0")

    install(uv, server.at("/"), "uv-extras[fast]")

    assert installed(uv.cwd / "lib", "uv_engine") == "3.0"


def test_a_fresh_upload_is_seen_through_a_warm_cache(server: LiveServer, uv: Client) -> None:
    put_wheel(server, "uv-fresh", "1.0")
    install(uv, server.at("/"), "uv-fresh")
    put_wheel(server, "uv-fresh", "1.1")

    install(uv, server.at("/"), "--upgrade", "uv-fresh")

    assert installed(uv.cwd / "lib", "uv_fresh") == "1.1"


def test_an_sdist_is_built_and_installed(server: LiveServer, uv: Client) -> None:
    put(server, "uv_sdist-1.0.tar.gz", make_sdist("uv-sdist", "1.0"))

    install(uv, server.at("/"), "uv-sdist")

    assert installed(uv.cwd / "lib", "uv_sdist") == "1.0"


def test_a_published_sdist_is_built_with_the_backend_of_this_index(stocked: LiveServer, uv: Client) -> None:
    install(uv, stocked.at("/simple/"), "--no-binary", "idna", "idna")

    assert installed(uv.cwd / "lib", "idna") == "3.20"


def test_published_wheels_install_with_what_they_depend_on(stocked: LiveServer, uv: Client) -> None:
    install(uv, stocked.at("/"), "requests", "numpy")

    assert installed(uv.cwd / "lib", "numpy") == "2.4.6"
    assert installed(uv.cwd / "lib", "requests")[:1].isdigit()


def write_project(folder: Path, url: str, *requirements: str) -> None:
    """Write a project whose only index is `url`."""
    folder.joinpath("pyproject.toml").write_text(
        f"""\
[project]
name = "uv-project"
version = "1.0"
requires-python = ">=3.11"
dependencies = {list(requirements)}

[tool.uv]
package = false

[[tool.uv.index]]
name = "house"
url = "{url}"
default = true
"""
    )


def test_a_lock_stays_valid_and_is_synced(server: LiveServer, uv: Client) -> None:
    wheel = put_wheel(server, "uv-locked", "1.0")
    write_project(uv.cwd, server.at("/simple/"), "uv-locked")
    uv("lock", "--python", sys.executable)
    lock = (uv.cwd / "uv.lock").read_text()
    put_wheel(server, "uv-locked", "1.1")

    uv("lock", "--check", "--refresh", "--python", sys.executable)
    uv("sync", "--locked", "--no-cache", "--python", sys.executable)

    site = uv.cwd / ".venv" / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    assert f'url = "{server.url}/packages/' in lock
    assert f"sha256:{hashlib.sha256(wheel).hexdigest()}" in lock
    assert f"size = {len(wheel)}" in lock
    assert "upload-time = " in lock
    assert installed(site, "uv_locked") == "1.0"


def test_a_lock_of_a_closed_index_has_no_password_and_syncs_with_one(server: LiveServer, uv: Client) -> None:
    put_for_team(server, "uv-closed", "1.0")
    write_project(uv.cwd, server.at("/team/simple/"), "uv-closed")
    secrets = {"UV_INDEX_HOUSE_USERNAME": ANN[0], "UV_INDEX_HOUSE_PASSWORD": ANN[1]}

    uv("sync", "--python", sys.executable, **secrets)

    site = uv.cwd / ".venv" / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    assert installed(site, "uv_closed") == "1.0"
    assert "@127.0.0.1" not in (uv.cwd / "uv.lock").read_text()
