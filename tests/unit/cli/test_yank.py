import getpass

import pytest
from click.testing import CliRunner

from pyramid_pypi.cli import main
from pyramid_pypi.testing.artefacts import make_sdist, make_wheel
from tests.functional.support import OPEN, make_client, settings
from tests.live import write_ini


@pytest.fixture
def client(tmp_path):
    found = make_client(tmp_path, **OPEN)
    found.upload("holy_grail-1.0-py3-none-any.whl", make_wheel("holy-grail", "1.0"))
    found.upload("holy_grail-1.0.tar.gz", make_sdist("holy-grail", "1.0"))
    found.publish("holy-grail", "1.1")
    write_ini(tmp_path / "x.ini", settings(tmp_path, **OPEN))
    yield found
    found.application.close()


def run(tmp_path, *arguments):
    command, *rest = arguments
    return CliRunner().invoke(main, [command, str(tmp_path / "x.ini"), *rest])


def yanked(client):
    return [file["yanked"] for file in client.page("holy-grail")["files"]]


def test_all_files_of_a_release_are_yanked_and_offered_again(client, tmp_path):
    assert run(tmp_path, "yank", "Holy.Grail", "1.0.0", "--reason", "too holy").exit_code == 0
    assert yanked(client) == ["too holy", "too holy", False]

    assert run(tmp_path, "unyank", "holy-grail", "1.0").exit_code == 0
    assert yanked(client) == [False, False, False]


def test_the_journal_says_who_did_it(client, tmp_path):
    run(tmp_path, "yank", "holy-grail", "1.1")

    change = client.index.catalog.changes_since(3)[0]
    assert (change.action, change.by) == ("yank file", getpass.getuser())
    assert yanked(client) == [False, False, True]


@pytest.mark.parametrize(
    "arguments",
    [("nope", "1.0"), ("holy-grail", "2.0"), ("holy-grail", "one"), ("holy-grail", "1.0", "-r", "x")],
)
def test_what_is_not_there_is_told(client, tmp_path, arguments):
    result = run(tmp_path, "yank", *arguments)

    assert result.exit_code == 3
    assert result.output.startswith("Error: ")
