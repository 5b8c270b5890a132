"""`pyramid-pypi check --storages` asks storages, and names the repository whose storage does not work."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from pyramid_pypi.cli import main


@pytest.fixture
def ini(tmp_path: Path) -> str:
    """Return the path of an ini with a good storage, and one that is a file."""
    (tmp_path / "file").write_text("")
    keys = {
        "use": "egg:pyramid_pypi",
        "pypi.catalog": f"sqlite:///{tmp_path}/catalog.db",
        "pypi.repositories": "good bad",
        "pypi.repo.good": "hosted",
        "pypi.repo.good.read": "everyone",
        "pypi.repo.good.storage": "filesystem",
        "pypi.repo.good.storage.path": f"{tmp_path}/good",
        "pypi.repo.bad": "hosted",
        "pypi.repo.bad.read": "everyone",
        "pypi.repo.bad.storage": "filesystem",
        "pypi.repo.bad.storage.path": f"{tmp_path}/file/bad",
    }
    path = tmp_path / "site.ini"
    path.write_text("\n".join(["[app:main]", *(f"{key} = {value}" for key, value in keys.items())]))
    return str(path)


def test_storage_that_cannot_be_used_is_named(ini: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["check", "--storages", ini])

    assert result.exit_code == 1
    assert result.stderr.startswith(f"the storage of bad: The folder {tmp_path}/file/bad is missing")
    assert "the storage of good" not in result.output


def test_json_has_the_key_of_the_storage(ini: str) -> None:
    result = CliRunner().invoke(main, ["check", "--storages", "--json", ini])
    (problem,) = json.loads(result.stdout)["problems"]

    assert result.exit_code == 1
    assert problem["key"] == "pypi.repo.bad.storage"


def test_without_the_option_nothing_is_opened(ini: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["check", ini])

    assert result.exit_code == 0
    assert not (tmp_path / "good").exists()
