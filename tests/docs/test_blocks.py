"""Blocks that stand for themselves: settings, applications, commands."""

import configparser
import re
import shlex
import subprocess
import sys
from types import ModuleType

import click
import pytest
import waitress.adjustments
import webtest

from pyramid_pypi.cli import main as command_line
from pyramid_pypi.model import Identity
from pyramid_pypi.settings import load
from tests.docs.blocks import PAGES, ROOT, Block, blocks, page
from tests.unit.upstream.loopback import make_certificates

ALL = [block for name in PAGES for block in blocks(name)]
BASE = {
    "pypi.catalog": "sqlite:///catalog.db",
    "pypi.authenticators": "htpasswd",
    "pypi.auth.htpasswd.path": "htpasswd",
}
REPOSITORY = {
    "pypi.repositories": "private",
    "pypi.repo.private": "hosted",
    "pypi.repo.private.storage": "filesystem",
    "pypi.repo.private.storage.path": "packages",
}
FOLLOWING = {
    **REPOSITORY,
    "pypi.repositories": "private pypi all",
    "pypi.repo.pypi": "proxy",
    "pypi.repo.pypi.upstream": "simple",
    "pypi.repo.pypi.upstream.url": "https://pypi.org/simple/",
    "pypi.repo.all": "group",
    "pypi.repo.all.members": "private pypi",
}


def of(*hows: str) -> list[Block]:
    return [block for block in ALL if block.how in hows]


def complete(block: Block, folder) -> dict[str, str]:
    """Return the settings of a block, with those that it leaves out."""
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str
    parser.read_string(block.text)
    for section in parser.sections():
        assert section in {"app:main", "server:main"}, block
    if parser.has_section("server:main"):
        known = dict(waitress.adjustments.Adjustments._params)
        assert set(parser["server:main"]) - {"use"} <= set(known), block
    own = dict(parser["app:main"]) if parser.has_section("app:main") else {}
    own = {key: value.replace("%(here)s", str(folder)) for key, value in own.items() if key != "use"}
    return {"pypi.data": str(folder), **BASE, **_left_out(own), **own}


def _left_out(own: dict[str, str]) -> dict[str, str]:
    """Return what the page leaves out, as the reader has it already: repositories and their storages."""
    listed = own.get("pypi.repositories", FOLLOWING["pypi.repositories"]).split()
    chosen = [name for name in listed if f"pypi.repo.{name}" not in own]
    places = tuple(f"pypi.repo.{name}" for name in chosen)
    base = {key: value for key, value in FOLLOWING.items() if key.startswith(places)}
    stored = tuple(f"{key}." for key in own if key.endswith(".storage"))
    found = {key: value for key, value in base.items() if not stored or not key.startswith(stored)}
    return {"pypi.repositories": FOLLOWING["pypi.repositories"], **found}


@pytest.mark.parametrize("block", [one for one in ALL if one.language == "ini"], ids=str)
def test_settings_are_understood(block, tmp_path):
    if ".ca = " in block.text:
        make_certificates(tmp_path)
    # Some URLs are secrets.
    secrets = {
        name: f"https://example.org/{name}" if name.endswith("_URL") else f"swordfish-{name}"
        for name in re.findall(r"= env:(\w+)", block.text)
    }

    loaded = load(complete(block, tmp_path), environ=secrets)

    assert loaded.repositories


def test_patterns_do_what_the_page_says(tmp_path):
    (block,) = of("rights")
    rights = load(complete(block, tmp_path), environ={}).repositories[0].rights
    release, acme = Identity.user("ann", ("release",)), Identity.user("carol", ("acme",))

    assert rights.permits(release, "upload", "holy-grail")
    assert not rights.permits(release, "upload", "acme-tools")
    assert rights.permits(acme, "upload", "acme-tools")
    assert not rights.permits(release, "read", "acme-tools")
    assert rights.permits(Identity(""), "read", "acme-public-api")
    assert rights.permits(acme, "upload", "acme-public-api")


@pytest.mark.parametrize("block", of("embed"), ids=str)
def test_applications_serve(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "htpasswd").write_text("# nobody\n")
    (tmp_path / "production.ini").write_text(page("production.ini"))
    module = ModuleType("documented")
    # Pyramid looks for the module of whoever configures it.
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(block.text, str(block), "exec"), vars(module))
    settings = {"pypi.data": str(tmp_path), **BASE, **REPOSITORY}
    app = getattr(module, "application", None) or module.make_app(settings)
    index = app.registry["pyramid_pypi.index"]
    prefix = "/pypi" if 'route_prefix="pypi"' in block.text else ""

    try:
        web = webtest.TestApp(app)
        assert web.get(f"{prefix}/-/health").json == {"status": "ok"}
        assert web.get(f"{prefix}/simple/", status=401).text
    finally:
        index.close()


@pytest.mark.parametrize("block", of("make"), ids=str)
def test_targets_exist(block):
    targets = re.findall(r"^make (\w+)", block.text, re.MULTILINE)
    makefile = page("Makefile")

    assert targets
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []


@pytest.mark.parametrize("block", of("syntax", "story", "user"), ids=str)
def test_shell_can_be_parsed(block):
    if block.language == "bash":
        subprocess.run(["bash", "-n"], input=block.text, text=True, check=True)


@pytest.mark.parametrize("block", of("user"), ids=str)
def test_commands_exist(block):
    for line in block.text.splitlines():
        program, *words = shlex.split(line)
        if program == "pserve":
            assert (ROOT / words[0]).exists()
            continue
        assert program == "pyramid-pypi"
        command: click.Command = command_line
        context = click.Context(command)
        while isinstance(command, click.Group):
            command = command.get_command(context, words.pop(0))
        command.make_context(command.name, words)
