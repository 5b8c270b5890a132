import pytest
from click.testing import CliRunner

from pyramid_pypi.cli import main
from pyramid_pypi.testing.artefacts import make_wheel
from tests.live import write_ini

WHEEL = "holy_grail-1.0-py3-none-any.whl"
CONTENT = make_wheel("holy-grail", "1.0")


@pytest.fixture
def folder(tmp_path):
    settings = {
        "pypi.data": str(tmp_path),
        "pypi.catalog": "sqlite:///catalog.db",
        "pypi.repositories": "private other",
        "pypi.repo.private": "hosted",
        "pypi.repo.private.storage": "filesystem",
        "pypi.repo.private.storage.path": "packages",
        "pypi.repo.other": "hosted",
        "pypi.repo.other.storage": "filesystem",
        "pypi.repo.other.storage.path": "other",
    }
    write_ini(tmp_path / "x.ini", settings)
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / WHEEL).write_bytes(CONTENT)
    return tmp_path


def run(folder, command, *arguments):
    return CliRunner().invoke(main, [command, str(folder / "x.ini"), *arguments])


def test_reindex_lists_what_is_there(folder):
    result = run(folder, "reindex")

    assert result.exit_code == 0
    assert "private: 1 added, 0 dropped, 1 listed" in result.output
    assert "other: 0 added, 0 dropped, 0 listed" in result.output


def test_reindex_again_changes_nothing(folder):
    run(folder, "reindex")

    assert "private: 0 added, 0 dropped, 1 listed" in run(folder, "reindex").output


def test_reindex_drops_what_is_gone(folder):
    run(folder, "reindex")
    (folder / "packages" / WHEEL).unlink()

    assert "private: 0 added, 1 dropped, 0 listed" in run(folder, "reindex").output


def test_reindex_takes_one_repository(folder):
    output = run(folder, "reindex", "-r", "other").output

    assert "private:" not in output


def test_verify_is_content_with_what_is_right(folder):
    run(folder, "reindex")

    result = run(folder, "verify")

    assert result.exit_code == 0
    assert f"private: 1 files, {len(CONTENT)} bytes, 0 problems" in result.output


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.write_bytes(b"x" * len(CONTENT)), "the bytes have changed"),
        (lambda path: path.write_bytes(CONTENT + b"x"), "the bytes have changed"),
        (lambda path: path.unlink(), "has disappeared"),
        (lambda path: path.with_name("new-1.0-py3-none-any.whl").write_bytes(CONTENT), "is not listed"),
    ],
)
def test_verify_names_what_is_wrong_and_exits_with_1(folder, damage, words):
    run(folder, "reindex")
    damage(folder / "packages" / WHEEL)

    result = run(folder, "verify")

    assert result.exit_code == 1
    assert words in result.output


def test_an_unknown_repository_is_told_without_a_traceback(folder):
    for command in ("reindex", "verify"):
        result = run(folder, command, "-r", "nope")

        assert result.exit_code == 1
        assert "There is no repository 'nope'" in result.output
