"""Commands of installed plugins, without `--ini` in front of them."""

import sys

import click
import pytest
from click.testing import CliRunner

from pyramid_pypi.cli import main

PLUGIN = """\
import click
from pyramid_pypi import hookimpl

@hookimpl
def pypi_commands(cli):
    @cli.group()
    def parrot():
        pass

    @parrot.command()
    @click.argument("ini")
    def look(ini):
        click.echo(f"resting in {ini}")

    @cli.command()
    def slug():
        pass
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Return a function that installs a distribution whose plugin has this name and this code."""
    monkeypatch.syspath_prepend(str(tmp_path))
    made = []

    def make(name, code=PLUGIN):
        module = f"installed_{name.replace('-', '_')}"
        made.append(module)
        (tmp_path / f"{module}.py").write_text(code)
        metadata = tmp_path / f"{module}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[pyramid_pypi]\n{name} = {module}\n")

    yield make
    for module in made:
        sys.modules.pop(module, None)


def run(*arguments):
    """Run the command line."""
    return CliRunner().invoke(main, arguments)


def test_a_plugin_offers_the_command_of_its_name(install):
    install("parrot")
    result = run("parrot", "look", "site.ini")

    assert (result.exit_code, result.output) == (0, "resting in site.ini\n")


def test_help_of_a_command_of_a_plugin(install):
    install("parrot")

    assert "Usage: main parrot" in run("parrot", "--help").output


def test_other_commands_of_a_plugin_need_its_ini(install, tmp_path):
    install("parrot")
    ini = tmp_path / "site.ini"
    ini.write_text("[app:main]\nuse = egg:pyramid_pypi\npypi.plugins = parrot\n")

    assert run("slug").exit_code == click.UsageError.exit_code
    assert run("--ini", str(ini), "slug").exit_code == 0


def test_help_lists_the_core_alone(install):
    before = run("--help").output
    install("parrot")

    assert run("--help").output == before


@pytest.mark.parametrize("name", ["check", "who-can"])
def test_a_plugin_with_the_name_of_a_command_of_the_core_is_not_even_imported(install, name):
    install(name, "raise AssertionError")
    result = run(name, "--help")

    assert result.exit_code == 0, result.output


def test_a_plugin_that_also_adds_a_command_of_the_core_is_refused(install):
    install("parrot", PLUGIN.replace("def slug", "def check"))
    result = run("parrot", "look", "site.ini")

    assert result.exit_code == 1
    assert "adds the command 'check', which the core has; rename it" in result.output


def test_a_plugin_that_cannot_be_imported_is_told_in_one_sentence(install):
    install("parrot", "import no_such_library_x\n")
    result = run("parrot")

    assert result.exit_code == 1
    assert "Error: The plugin 'parrot' cannot be imported: ModuleNotFoundError" in result.output


@pytest.mark.parametrize(
    ("said", "meant"), [("chek", "check"), ("whocan", "who-can"), ("Token", "token"), ("parot", "parrot")]
)
def test_an_unknown_command_is_told_with_the_most_similar(install, said, meant):
    install("parrot")
    result = run(said)

    assert result.exit_code == click.UsageError.exit_code
    assert f"No such command '{said}'. Did you mean '{meant}'?" in result.output


@pytest.mark.parametrize("name", ["builtins", "zzz", "pyramid_pypi.builtins"])
def test_what_is_no_plugin_is_no_command(name):
    result = run(name)

    assert result.exit_code == click.UsageError.exit_code
    assert f"No such command '{name}'.\n" in result.output


def test_a_plugin_without_commands_is_no_command_and_no_suggestion(install):
    install("parrot", "from pyramid_pypi import hookimpl\n@hookimpl\ndef pypi_configure(config):\n    pass\n")

    assert run("parrot").output.endswith("Error: No such command 'parrot'.\n")
    assert run("parrott").output.endswith("Error: No such command 'parrott'.\n")


def test_an_unknown_option_is_told_as_one(install):
    install("parrot")

    assert "No such option" in run("--parot").output
