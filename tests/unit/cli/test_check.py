"""`pyramid-pypi check` and `plugins`: an ini to a report or a view."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from pyramid_pypi.cli import main
from pyramid_pypi.cli.load import load_settings
from pyramid_pypi.version import __version__

PLUGIN = """
from dataclasses import dataclass
from pathlib import Path

import click

from pyramid_pypi.options import Secret
from pyramid_pypi.hookspecs import hookimpl

def app(global_config, **settings):
    raise AssertionError("the application is not built")

class Folder:
    @dataclass(frozen=True)
    class Options:
        path: Path

class Directory:
    @dataclass(frozen=True)
    class Options:
        password: Secret

@hookimpl
def pypi_storage_backends():
    return {"folder": Folder}

@hookimpl
def pypi_auth_backends():
    return {"directory": Directory}

@hookimpl
def pypi_commands(cli):
    @cli.command()
    def sync():
        click.echo("synchronised")
"""
INI = """
[app:main]
paste.app_factory = fake_kinds:app
pypi.plugins = fake_kinds
pypi.catalog = sqlite:///%(here)s/catalog.db
pypi.authenticators = staff
pypi.auth.staff = directory
pypi.auth.staff.password = hunter2
pypi.repositories = private open
pypi.repo.private = hosted
pypi.repo.private.storage = folder
pypi.repo.private.storage.path = %(here)s/packages
pypi.repo.private.upload = user:ci group:release
pypi.repo.private.project.corp-*.read = group:corp
pypi.repo.open = hosted
pypi.repo.open.storage = folder
pypi.repo.open.storage.path = %(here)s/open
pypi.repo.open.upload = everyone

[app:broken]
paste.app_factory = fake_kinds:app
pypi.plugins = fake_kinds
pypi.repositories = private
pypi.repo.private = hosted
pypi.repo.private.storage = foldr

[app:variable]
use = main
pypi.realm = %(the_realm)s

[app:lost]
paste.app_factory = fake_kinds:app
pypi.plugins = fake_kindz
"""
VIEW = """\
plugins         fake_kinds
catalog         sqlite:///{here}/catalog.db
security        pyramid_pypi
authenticators  staff (directory)
repository      private (hosted, the default)
    storage     folder {here}/packages
    accept      private
    read        authenticated
    upload      group:release user:ci
    yank        nobody
    delete      nobody
    manage      nobody
    project     corp-*
        read    group:corp
repository      open (hosted)
    storage     folder {here}/open
    accept      private
    read        authenticated
    upload      everyone
    yank        nobody
    delete      nobody
    manage      nobody
"""
Run = Callable[..., Result]


@pytest.fixture
def ini(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the path of an ini whose kinds come from a plugin beside it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    (tmp_path / "fake_kinds.py").write_text(PLUGIN)
    (tmp_path / "server.ini").write_text(INI.replace("%(the_realm)s", "fixed"))
    (tmp_path / "variable.ini").write_text(INI)
    return str(tmp_path / "server.ini")


@pytest.fixture
def run() -> Run:
    """Return a function that runs the command line."""

    def run(*arguments: str, **environ: str) -> Result:
        return CliRunner(env=dict(environ)).invoke(main, arguments)

    return run


def test_good_settings_are_shown_and_warned_about(run: Run, ini: str, tmp_path: Path) -> None:
    result = run("check", ini)

    assert result.stdout == VIEW.format(here=tmp_path)
    assert result.stderr.startswith("warning: pypi.repo.open: everyone may upload")
    assert result.exit_code == 0


def test_bad_settings_are_reported(run: Run, ini: str) -> None:
    result = run("check", f"{ini}#broken")

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == (
        f"Error: {ini}#broken: The settings cannot be used, 2 problems:\n\n"
        "pypi.repo.private.storage: 'foldr' is not a kind of storage that a plugin in pypi.plugins has\n"
        "    did you mean: folder\n"
        "    allowed: filesystem, folder\n"
        "pypi.catalog: is required and missing\n"
        "    allowed: sqlite:///path, postgresql://user:password@host/database\n"
    )


def test_whose_word_about_users_counts_is_shown(run: Run, ini: str) -> None:
    result = run(
        "check",
        ini,
        PYPI_REMOTE_USER_HEADER="X-Forwarded-User",
        PYPI_REMOTE_USER_FROM="127.0.0.1 192.0.2.0/24",
    )

    assert "remote users    X-Forwarded-User from 127.0.0.1/32 192.0.2.0/24\n" in result.output


def test_no_secret_is_shown(run: Run, ini: str) -> None:
    for arguments in (["check", ini], ["check", ini, "--json"]):
        assert "hunter2" not in run(*arguments).output


@pytest.mark.parametrize(
    "url", ["postgresql://ann:hunter2@host/x", "postgresql://host/x?sslpassword=hunter2"]
)
def test_where_the_catalog_is_is_shown_without_its_password(
    run: Run, ini: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYPI_CATALOG", url)
    result = run("check", ini)

    assert "catalog         postgresql://" in result.stdout
    assert "hunter2" not in result.output


def test_json_shows_the_same(run: Run, ini: str, tmp_path: Path) -> None:
    result = run("check", ini, "--json")
    shown = json.loads(result.stdout)

    assert result.exit_code == 0
    assert shown["ok"] is True
    assert shown["authenticators"] == [{"name": "staff", "kind": "directory"}]
    assert shown["repositories"][0] == {
        "name": "private",
        "kind": "hosted",
        "description": "",
        "accept": "private",
        "max_upload_size": 4 * 2**30,
        "storage": {"name": "private", "kind": "folder", "path": f"{tmp_path}/packages"},
        "grants": {
            "read": ["authenticated"],
            "upload": ["group:release", "user:ci"],
            "yank": [],
            "delete": [],
            "manage": [],
        },
        "projects": {"corp-*": {"read": ["group:corp"]}},
    }


def test_json_has_the_problems(run: Run, ini: str) -> None:
    result = run("check", f"{ini}#broken", "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "ok": False,
        "problems": [
            {
                "key": "pypi.repo.private.storage",
                "reason": "'foldr' is not a kind of storage that a plugin in pypi.plugins has",
                "allowed": ["filesystem", "folder"],
                "nearest": "folder",
            },
            {
                "key": "pypi.catalog",
                "reason": "is required and missing",
                "allowed": ["sqlite:///path", "postgresql://user:password@host/database"],
                "nearest": None,
            },
        ],
    }


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_a_plugin_that_is_not_there_is_reported(run: Run, ini: str, option: list[str]) -> None:
    result = run("check", f"{ini}#lost", *option)

    assert result.exit_code == 1
    assert "There is no plugin 'fake_kindz'" in result.output


def test_the_environment_counts(run: Run, ini: str) -> None:
    result = run("check", ini, PYPI_REPO_OPEN_UPLOAD="nobody")

    assert result.exit_code == 0
    assert result.stderr == ""


def test_keys_that_the_ini_drops_are_reported(run: Run, ini: str) -> None:
    with Path(ini).open("a") as stream:
        stream.write("\n[DEFAULT]\npypi.realm = x\n")

    result = run("check", ini)

    assert result.exit_code == 1
    assert "move pypi.realm from [DEFAULT] to [app:…]" in result.stderr


def test_variables_are_put_into_the_ini(ini: str) -> None:
    variable = ini.replace("server.ini", "variable.ini#variable")

    assert load_settings(variable, ["the_realm=Büro = 1"]).realm == "Büro = 1"


@pytest.mark.parametrize("variable", ["realm", "=x", ""])
def test_a_variable_without_a_key_or_a_value_is_refused(run: Run, ini: str, variable: str) -> None:
    result = run("check", ini, variable)

    assert result.exit_code == 2
    assert "is not key=value" in result.stderr


@pytest.mark.parametrize("place", ["none.ini", "server.ini#none", "variable.ini#variable"])
def test_an_ini_that_cannot_be_read_is_one_line(run: Run, ini: str, place: str) -> None:
    result = run("check", ini.replace("server.ini", place))

    assert result.exit_code == 1
    assert place.partition("#")[0] in result.stderr
    assert "cannot be read: " in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("password", ["hunter%2", "hunter%(two)s"])
def test_a_percent_sign_in_a_secret_does_not_show_it(run: Run, ini: str, password: str) -> None:
    file = Path(ini)
    file.write_text(file.read_text().replace("hunter2", password))

    result = run("check", ini)

    assert result.exit_code == 1
    assert "pypi.auth.staff.password in [app:main]" in result.stderr
    assert password[-4:] not in result.output


def test_plugins_that_cannot_be_loaded_are_reported(run: Run, ini: str) -> None:
    result = run("plugins", f"{ini}#lost")

    assert result.exit_code == 1
    assert "There is no plugin 'fake_kindz'" in result.stderr


def test_plugins_are_listed_whatever_else_is_wrong(run: Run, ini: str) -> None:
    result = run("plugins", f"{ini}#broken")

    assert result.exit_code == 0
    assert result.stdout == (
        f"builtins {__version__} from pyramid_pypi.builtins\n"
        "    pypi_auth_backends\n"
        "    pypi_rules\n"
        "    pypi_storage_backends\n"
        "    pypi_upstream_backends\n"
        "fake_kinds (unknown version) from fake_kinds\n"
        "    pypi_auth_backends\n"
        "    pypi_commands\n"
        "    pypi_storage_backends\n"
    )


def test_plugins_are_listed_as_json(run: Run, ini: str) -> None:
    assert json.loads(run("plugins", ini, "--json").stdout)[1] == {
        "name": "fake_kinds",
        "module": "fake_kinds",
        "version": "",
        "hooks": ["pypi_auth_backends", "pypi_commands", "pypi_storage_backends"],
    }


class TestGroup:
    """The commands themselves."""

    def test_the_version_is_shown(self, run: Run) -> None:
        assert run("--version").stdout == f"pyramid-pypi, version {__version__}\n"

    def test_help_lists_commands(self, run: Run) -> None:
        result = run("--help")

        assert result.exit_code == 0
        assert "check" in result.stdout
        assert "plugins" in result.stdout

    def test_a_command_whose_module_is_not_there_does_not_exist(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("pyramid_pypi.cli._main.COMMANDS", {"gone": "pyramid_pypi.cli.gone:gone"})

        assert "gone" not in run("--help").stdout
        assert "No such command 'gone'" in run("gone").stderr

    def test_a_command_that_cannot_be_imported_is_not_hidden(
        self, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.syspath_prepend(str(tmp_path))
        (tmp_path / "needs_more.py").write_text("import no_such_library_x\n")
        monkeypatch.setattr("pyramid_pypi.cli._main.COMMANDS", {"more": "needs_more:more"})

        assert isinstance(run("more").exception, ModuleNotFoundError)

    def test_an_ini_adds_the_commands_of_its_plugins(self, run: Run, ini: str) -> None:
        assert run("--ini", ini, "sync").stdout == "synchronised\n"
        assert "sync" in run("--ini", ini, "--help").stdout
        assert run("sync").exit_code == 2

    def test_a_plugin_cannot_replace_a_command_of_the_core(
        self, run: Run, ini: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("pyramid_pypi.cli._main.COMMANDS", {"sync": "pyramid_pypi.cli.check:check"})

        result = run("--ini", ini, "sync")

        assert result.exit_code == 1
        assert "adds the command 'sync', which the core has" in result.stderr


def test_load_settings_raises_what_the_command_line_shows(ini: str) -> None:
    with pytest.raises(click.ClickException, match="2 problems"):
        load_settings(f"{ini}#broken")
