"""A lock that `pyramid-pypi relock` has rewritten, in the hands of those who install from it."""

import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from pyramid_pypi.cli import main
from tests.clients.client import Client
from tests.clients.releases import installed, put_wheel
from tests.live import LiveServer

_PYPI_FILE = re.compile(
    r'url = "https://files\.pythonhosted\.org/packages/[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{60}/([^"/]+)"'
)


def relock(*arguments: str | Path) -> str:
    """Run the command; return what it printed."""
    done = CliRunner().invoke(main, ["relock", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.output


def write_project(uv: Client, name: str, index: str = "", *, pinned: bool = False) -> Path:
    """Write a project that needs `name`, with `index` as its only one; return where its lock will be."""
    text = f"""\
[project]
name = "relock-project"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["{name}"]

[tool.uv]
package = false
"""
    if index:
        text += f'\n[[tool.uv.index]]\nname = "house"\nurl = "{index}"\ndefault = true\n'
    if pinned:
        text += f'\n[tool.uv.sources]\n{name} = {{ index = "house" }}\n'
    uv.cwd.joinpath("pyproject.toml").write_text(text)
    return uv.cwd / "uv.lock"


def sync(uv: Client, **environment: str) -> None:
    """Install what the lock says, with nothing remembered."""
    uv("sync", "--locked", "--no-cache", "--python", sys.executable, **environment)


def version_of(uv: Client, package: str) -> str:
    """Return the version in the project's environment."""
    site = uv.cwd / ".venv" / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    return installed(site, package)


def lock(uv: Client, server: LiveServer, name: str, *, pinned: bool = False) -> Path:
    """Publish `name` and one that it needs, and lock a project against the server; return the lock."""
    put_wheel(server, name, "1.0+corp.1", requires_dist=[f"{name}-below"])
    put_wheel(server, f"{name}-below", "2.0")
    path = write_project(uv, name, server.at("/simple/"), pinned=pinned)
    uv("lock", "--python", sys.executable)
    return path


def lock_as_on_pypi(uv: Client, server: LiveServer, name: str) -> Path:
    """Write a lock as uv does without any index of one's own: PyPI's pages, and PyPI's paths."""
    path = lock(uv, server, name)
    text = path.read_text().replace(
        f'registry = "{server.url}/simple/"', 'registry = "https://pypi.org/simple"'
    )
    path.write_text(text.replace(server.url, "https://files.pythonhosted.org"))
    write_project(uv, name)
    return path


@pytest.mark.parametrize("pinned", [False, True])
def test_a_lock_goes_to_pypi_and_back_and_is_synced(pinned: bool, server: LiveServer, uv: Client) -> None:
    path = lock(uv, server, "relock-round", pinned=pinned)
    before = path.read_bytes()

    there = relock("--to", "pypi", path)
    between = path.read_text()
    back = relock("--to", server.url, path)
    sync(uv)

    assert there == back == f"{path}: {5 if pinned else 4} URLs\n"
    assert server.url not in between
    assert between.count('source = { registry = "https://pypi.org/simple" }') == 2
    assert sorted(_PYPI_FILE.findall(between)) == [
        "relock_round-1.0%2Bcorp.1-py3-none-any.whl",
        "relock_round_below-2.0-py3-none-any.whl",
    ]
    assert path.read_bytes() == before
    assert version_of(uv, "relock_round") == "1.0+corp.1"
    assert version_of(uv, "relock_round_below") == "2.0"


@pytest.mark.parametrize("page", ["/simple/", "/simple", "/repository/private/simple/"])
@pytest.mark.parametrize("setting", ["pyproject.toml", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "none"])
def test_a_lock_of_pypi_is_synced_from_this_index(
    page: str, setting: str, server: LiveServer, uv: Client
) -> None:
    path = lock_as_on_pypi(uv, server, "relock-public")
    url = server.at(page)
    write_project(uv, "relock-public", url if setting == "pyproject.toml" else "")

    relock("--to", url, path)
    text = path.read_text()
    sync(uv, **({setting: url} if setting.startswith("UV_") else {}))

    assert f'registry = "{url}"' in text
    assert path.read_text() == text
    assert version_of(uv, "relock_public") == "1.0+corp.1"


def test_uv_wants_the_index_as_the_lock_spells_it(server: LiveServer, uv: Client) -> None:
    """The reference tells people so; once this fails, it can stop."""
    path = lock_as_on_pypi(uv, server, "relock-slash")
    relock("--to", server.at("/simple"), path)

    said = uv.fails("sync", "--locked", "--python", sys.executable, UV_DEFAULT_INDEX=server.at("/simple/"))

    assert "needs to be updated" in said


def test_other_bytes_of_the_same_name_are_refused(server: LiveServer, uv: Client) -> None:
    path = lock_as_on_pypi(uv, server, "relock-hash")
    text = path.read_text()
    path.write_text(re.sub(r"sha256:[0-9a-f]{64}", f"sha256:{'0' * 64}", text))
    relock("--to", server.url, path)

    said = uv.fails("sync", "--locked", "--no-cache", "--python", sys.executable)

    assert "Hash mismatch" in said


def test_a_pylock_is_synced_from_this_index(server: LiveServer, uv: Client) -> None:
    lock(uv, server, "relock-pylock")
    path = uv.cwd / "pylock.toml"
    uv("export", "--format", "pylock.toml", "--output-file", path, "--python", sys.executable)
    before = path.read_bytes()
    relock("--to", "pypi", path)
    between = path.read_text()

    relock("--to", server.url, path)
    uv("venv", "--python", sys.executable)
    uv("pip", "sync", "--no-cache", path)

    assert 'index = "https://pypi.org/simple"' in between
    assert server.url not in between
    assert path.read_bytes() == before
    assert version_of(uv, "relock_pylock") == "1.0+corp.1"


def test_requirements_are_installed_from_this_index(server: LiveServer, pip: Client) -> None:
    put_wheel(server, "relock-pip", "1.0")
    path = pip.cwd / "requirements.txt"
    path.write_text("--index-url https://pypi.org/simple\nrelock-pip==1.0\n")

    relock("--to", server.url, path)
    pip("install", "--target", "lib", "--requirement", path)

    assert installed(pip.cwd / "lib", "relock_pip") == "1.0"


def test_pipenv_deploys_from_this_index_with_an_untouched_pipfile(server: LiveServer, pipenv: Client) -> None:
    put_wheel(server, "relock-pipenv", "1.0")
    url = server.at("/simple/")
    pipfile = pipenv.cwd / "Pipfile"
    pipfile.write_text(
        f'[[source]]\nname = "pypi"\nurl = "{url}"\nverify_ssl = true\n\n[packages]\nrelock-pipenv = "*"\n'
    )
    in_project = {"PIPENV_VENV_IN_PROJECT": "1"}
    pipenv("lock", "--python", sys.executable, **in_project)
    path = pipenv.cwd / "Pipfile.lock"
    before = path.read_bytes()
    relock("--to", "pypi", path)
    between = path.read_text()

    other = server.at("/repository/private/simple/")
    relock("--to", other, path)
    pipenv("install", "--deploy", "--python", sys.executable, **in_project)

    assert '"url": "https://pypi.org/simple"' in between
    assert path.read_bytes() == before.replace(url.encode(), other.encode())
    assert version_of(pipenv, "relock_pipenv") == "1.0"


def test_poetry_renews_its_lock_itself_and_keeps_the_versions(server: LiveServer, poetry: Client) -> None:
    """The reference tells people to do that instead of rewriting the lock."""
    put_wheel(server, "relock-poetry", "1.0")
    project = poetry.cwd / "pyproject.toml"
    text = f"""\
[project]
name = "relock-project"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["relock-poetry"]

[tool.poetry]
package-mode = false

[[tool.poetry.source]]
name = "house"
url = "{server.at("/simple/")}"
"""
    project.write_text(text)
    poetry("lock")
    put_wheel(server, "relock-poetry", "1.1")
    path = poetry.cwd / "poetry.lock"
    project.write_text(text.replace("/simple/", "/private/simple/"))

    told = relock("--to", server.at("/private/simple/"), "--from", server.at("/simple/"), path)
    said = poetry.fails("check", "--lock")
    rewritten = path.read_text()
    poetry("lock")

    assert f"{path}: 1 URLs" in told
    assert "run `poetry lock`" in told
    assert "changed significantly since poetry.lock was last generated" in said
    assert rewritten.partition("content-hash")[0] == path.read_text().partition("content-hash")[0]
    assert 'name = "relock-poetry"\nversion = "1.0"' in rewritten
