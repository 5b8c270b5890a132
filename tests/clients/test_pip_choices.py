"""pip chooses among files by what the pages say of them."""

import hashlib
from dataclasses import replace

import pytest

from pyramid_pypi.app import PackageIndex
from pyramid_pypi.model import Identity
from pyramid_pypi.testing.artefacts import make_sdist
from tests.clients.client import Client
from tests.clients.releases import installed, put, put_wheel
from tests.live import LiveServer


def install(pip: Client, server: LiveServer, *what: str) -> str:
    """Install into `lib`, from below `simple/`."""
    return pip("install", "--target", "lib", "--index-url", server.at("/simple/"), *what)


def test_a_yanked_file_is_passed_over(server: LiveServer, index: PackageIndex, pip: Client) -> None:
    put_wheel(server, "pip-yanked", "1.0")
    put_wheel(server, "pip-yanked", "1.1")
    install(pip, server, "pip-yanked")
    repository = index.default.repository
    repository.yank(
        repository.file("pip_yanked-1.1-py3-none-any.whl"), "breaks <everything>", Identity.user("ann")
    )

    install(pip, server, "--upgrade", "pip-yanked")

    assert installed(pip.cwd / "lib", "pip_yanked") == "1.0"


def test_a_yanked_file_is_installed_when_pinned_and_the_reason_is_shown(
    server: LiveServer, index: PackageIndex, pip: Client
) -> None:
    put_wheel(server, "pip-pinned", "1.0")
    put_wheel(server, "pip-pinned", "1.1")
    repository = index.default.repository
    repository.yank(
        repository.file("pip_pinned-1.1-py3-none-any.whl"), "breaks <everything>", Identity.user("ann")
    )

    said = install(pip, server, "pip-pinned==1.1")

    assert installed(pip.cwd / "lib", "pip_pinned") == "1.1"
    assert "breaks <everything>" in said


def test_a_release_for_another_python_is_passed_over(server: LiveServer, pip: Client) -> None:
    put_wheel(server, "pip-python", "1.0", requires_python=">=3.8,<4")
    put_wheel(server, "pip-python", "2.0", requires_python=">=3.99")

    install(pip, server, "pip-python")

    assert installed(pip.cwd / "lib", "pip_python") == "1.0"


def test_a_known_hash_is_accepted_and_another_one_refused(server: LiveServer, pip: Client) -> None:
    digest = hashlib.sha256(put_wheel(server, "pip-hashes", "1.0")).hexdigest()
    good, bad = pip.cwd / "good.txt", pip.cwd / "bad.txt"
    good.write_text(f"pip-hashes==1.0 --hash=sha256:{digest}\n")
    bad.write_text(f"pip-hashes==1.0 --hash=sha256:{'0' * 64}\n")

    install(pip, server, "--require-hashes", "-r", str(good))
    said = pip.fails("install", "--target", "x", "-i", server.at("/"), "--require-hashes", "-r", str(bad))

    assert installed(pip.cwd / "lib", "pip_hashes") == "1.0"
    assert "DO NOT MATCH THE HASHES" in said


def test_files_have_a_time_that_pip_can_compare(server: LiveServer, pip: Client) -> None:
    put_wheel(server, "pip-dated", "1.0")

    install(pip, server, "--uploaded-prior-to", "2999-01-01T00:00:00Z", "pip-dated")
    long_ago = ("--uploaded-prior-to", "2001-01-01T00:00:00Z")
    said = pip.fails("install", "--target", "x", "-i", server.at("/"), *long_ago, "pip-dated")

    assert installed(pip.cwd / "lib", "pip_dated") == "1.0"
    assert "No matching distribution found for pip-dated" in said


def test_a_local_version_installs(server: LiveServer, pip: Client) -> None:
    put_wheel(server, "pip-local", "1.0")
    put_wheel(server, "pip-local", "1.0+corp.1")

    install(pip, server, "pip-local==1.0+corp.1")

    assert installed(pip.cwd / "lib", "pip_local") == "1.0+corp.1"


def test_an_extra_brings_its_requirements(server: LiveServer, pip: Client) -> None:
    put_wheel(
        server, "pip-extras", "1.0", provides_extra=["fast"], requires_dist=["pip-engine; extra == 'fast'"]
    )
    put_wheel(server, "pip-engine", "3.0")

    install(pip, server, "pip-extras[fast]")

    assert installed(pip.cwd / "lib", "pip_engine") == "3.0"


def test_a_prerelease_waits_until_it_is_asked_for(server: LiveServer, pip: Client) -> None:
    put_wheel(server, "pip-pre", "1.0")
    put_wheel(server, "pip-pre", "2.0rc1")

    install(pip, server, "pip-pre")
    first = installed(pip.cwd / "lib", "pip_pre")
    install(pip, server, "--pre", "--upgrade", "pip-pre")

    assert first == "1.0"
    assert installed(pip.cwd / "lib", "pip_pre") == "2.0rc1"


def test_a_fresh_upload_is_seen_through_a_warm_cache(server: LiveServer, pip: Client) -> None:
    put_wheel(server, "pip-fresh", "1.0")
    install(pip, server, "pip-fresh")
    put_wheel(server, "pip-fresh", "1.1")

    install(pip, server, "--upgrade", "pip-fresh")

    assert installed(pip.cwd / "lib", "pip_fresh") == "1.1"


def test_an_sdist_is_built_and_installed(server: LiveServer, pip: Client) -> None:
    put(server, "pip_sdist-1.0.tar.gz", make_sdist("pip-sdist", "1.0"))

    install(pip, server, "pip-sdist")

    assert installed(pip.cwd / "lib", "pip_sdist") == "1.0"


@pytest.mark.parametrize(("project", "version"), [("idna", "3.20"), ("six", "1.17.0")])
def test_a_published_sdist_is_built_with_the_backend_of_this_index(
    project: str, version: str, stocked: LiveServer, pip: Client
) -> None:
    install(pip, stocked, "--no-binary", project, f"{project}=={version}")

    assert installed(pip.cwd / "lib", project) == version


def test_published_wheels_install_with_what_they_depend_on(stocked: LiveServer, pip: Client) -> None:
    install(pip, stocked, "requests", "pyyaml")

    for package in ("requests", "yaml", "urllib3", "idna", "charset_normalizer"):
        assert installed(pip.cwd / "lib", package)[:1].isdigit()


_LAZY = """
import sys
from pip._internal.network.lazy_wheel import dist_from_wheel_url
from pip._internal.network.session import PipSession
found = dist_from_wheel_url("numpy", sys.argv[1], PipSession())
print(found.raw_name, found.version)
"""


def test_the_metadata_of_a_big_wheel_is_read_in_ranges(
    stocked: LiveServer, index: PackageIndex, pip: Client
) -> None:
    repository = index.default.repository
    numpy = next(file for file in repository.project("numpy").files if file.size > 10_000_000)
    python = replace(pip, program=pip.program.with_name("python"))

    said = python("-c", _LAZY, stocked.at(f"/packages/{numpy.path}"))

    ranges = [line for line in stocked.access() if line["file"] == numpy.filename and line["status"] == 206]
    assert said.split() == ["numpy", numpy.version]
    assert ranges
    assert sum(line["bytes"] for line in ranges) < 2_000_000
