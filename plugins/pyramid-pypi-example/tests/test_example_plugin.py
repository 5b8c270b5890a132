"""The plugin in an index: what it offers, what it refuses, and what it counts."""

import pytest
from click.testing import CliRunner

from pyramid_pypi import hookspecs
from pyramid_pypi.cli import main
from pyramid_pypi.distribution import guess_filename, inspect
from pyramid_pypi.distribution.profiles import STRICT
from pyramid_pypi.errors import SettingsError

MEMORY = {
    "pypi.repo.private.storage": "memory",
    "pypi.repo.private.storage.path": None,
}
LOGIN = {
    "pypi.authenticators": "robot",
    "pypi.auth.robot": "static",
    "pypi.auth.robot.username": "ann",
    "pypi.auth.robot.password": "correct horse",
}
ANN = ("Basic", ("ann", "correct horse"))


def counts(index):
    return index.get("/-/example").json["counts"]


def file_url(index, project):
    return index.get(f"/simple/{project}/").html.a["href"].partition("#")[0].removeprefix("../../")


def test_every_hook_has_a_model_here(pypi_index):
    index = pypi_index(plugins=["example"]).app.index
    shown = {hook for plugin in index.plugins.describe() if "example" in plugin.name for hook in plugin.hooks}

    assert shown == {name for name in vars(hookspecs) if name.startswith("pypi_")}


def test_file_goes_into_memory_and_comes_back(pypi_index, pypi_wheel, pypi_publish, tmp_path):
    index = pypi_index(plugins=["example"], settings=MEMORY)
    wheel = pypi_wheel("holy-grail", "1.0", size=300_000)
    pypi_publish(index, wheel)

    assert index.get(f"/{file_url(index, 'holy-grail')}").body == wheel.content
    assert not list(tmp_path.rglob("*.whl"))


def test_name_without_the_prefix_is_refused(pypi_index, pypi_wheel, pypi_publish):
    index = pypi_index(plugins=["example"], settings={"pypi.example.prefix": "acme-"})
    answer = pypi_publish(index, pypi_wheel("holy-grail", "1.0"), status=400)
    pypi_publish(index, pypi_wheel("acme-grail", "1.0"))

    assert "'holy-grail' does not begin with 'acme-'; rename the project" in answer.status
    assert counts(index) == {"added": 1}


def test_embargoed_file_is_for_its_uploader_alone(pypi_index, pypi_wheel, pypi_publish):
    index = pypi_index(plugins=["example"], settings={**LOGIN, "pypi.example.embargo": "Holy.Grail"})
    index.authorization = ANN
    pypi_publish(index, pypi_wheel("holy-grail", "1.0"))
    url = f"/{file_url(index, 'holy-grail')}"
    index.get(url, status=200)
    index.authorization = None

    assert "not published yet; ask ann" in index.get(url, status=403).text


def test_page_shows_what_was_seen(pypi_index, pypi_wheel, pypi_publish):
    index = pypi_index(plugins=["example"], settings=LOGIN)
    pypi_publish(index, pypi_wheel("holy-grail", "1.0"))
    index.get(f"/{file_url(index, 'holy-grail')}")
    index.get("/simple/", headers={"Authorization": "Basic YW5uOndyb25n"}, status=401)
    index.post(
        "/",
        {":action": "remove_pkg", "name": "holy-grail", "version": "1.0"},
        upload_files=[("x", "y", b"z")],
    )

    assert counts(index) == {"added": 1, "served": 1, "login failed": 1, "removed": 1}


def test_page_needs_manage(pypi_index):
    index = pypi_index(plugins=["example"], settings={**LOGIN, "pypi.repo.private.manage": "user:ann"})
    index.get("/-/example", status=401)
    index.authorization = ANN

    assert index.get("/-/example").json == {"prefix": "", "embargo": [], "counts": {}}


def test_two_applications_count_for_themselves(pypi_index, pypi_wheel, pypi_publish):
    first, second = pypi_index(plugins=["example"]), pypi_index(plugins=["example"])
    pypi_publish(first, pypi_wheel("holy-grail", "1.0"))

    assert (counts(first), counts(second)) == ({"added": 1}, {})


def test_unknown_key_of_the_plugin_stops_the_start(pypi_index):
    with pytest.raises(SettingsError) as caught:
        pypi_index(plugins=["example"], settings={"pypi.example.prefx": "acme-"})

    assert "pypi.example.prefx" in str(caught.value)
    assert "pypi.example.prefix" in str(caught.value)


def test_page_is_linked_from_the_account(pypi_index):
    index = pypi_index(plugins=["example"])
    (link,) = index.app.index.plugins.links("account")

    assert index.get(f"/{link.path}").status_int == 200
    assert index.app.index.plugins.links("login") == ()


def test_command_writes_a_wheel_that_the_strictest_index_takes(tmp_path):
    ini = tmp_path / "site.ini"
    ini.write_text("[app:main]\nuse = egg:pyramid_pypi\npypi.plugins = example\n")
    result = CliRunner().invoke(
        main, ["--ini", str(ini), "example", "holy-grail", "1.5", "--to", str(tmp_path)]
    )

    assert result.exit_code == 0, result.output
    path = tmp_path / "holy_grail-1.5-py3-none-any.whl"
    assert result.output == f"{path}\n"
    assert inspect(path, guess_filename(path.name), STRICT).name == "holy-grail"
