"""Commands that look and change, on the ini of an index."""

import getpass
import io
import json

import pytest
from click.testing import CliRunner

from pyramid_pypi.catalog.sessions import LoggedIn
from pyramid_pypi.cli import _tables, main
from pyramid_pypi.testing.artefacts import make_sdist, make_wheel
from tests.functional.support import OPEN, make_client, settings
from tests.live import write_ini

WHEEL = "holy_grail-1.0-py3-none-any.whl"
SDIST = "holy_grail-1.0.tar.gz"
STABLE = {
    "pypi.repositories": "private stable",
    "pypi.default": "private",
    "pypi.repo.private.description": "For all",
    "pypi.repo.stable": "hosted",
    "pypi.repo.stable.storage": "filesystem",
    "pypi.repo.stable.storage.path": "stable",
    "pypi.repo.stable.read": "everyone",
}


@pytest.fixture
def index(tmp_path):
    changes = {**OPEN, **STABLE}
    client = make_client(tmp_path, **changes)
    client.upload(WHEEL, make_wheel("holy-grail", "1.0", summary="A cup\x1b[31m of\nGod"))
    client.upload(SDIST, make_sdist("holy-grail", "1.0"))
    client.publish("holy-grail", "1.1b1")
    write_ini(tmp_path / "x.ini", settings(tmp_path, **changes))
    yield client.index
    client.application.close()


@pytest.fixture
def run(index, tmp_path):
    def run_one(command, *arguments, typed=None):
        return CliRunner().invoke(main, [command, str(tmp_path / "x.ini"), *arguments], input=typed)

    return run_one


def lines(result):
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def test_show_lists_repositories_and_marks_the_default_one(run):
    head, private, stable = lines(run("show"))

    assert head.split() == ["repository", "kind", "projects", "you", "may", "description"]
    assert private.split() == "private * hosted 1 read upload yank delete manage For all".split()
    assert stable.split() == "stable hosted 0 read upload yank delete manage".split()


def test_show_tells_of_a_project_and_its_releases(run):
    found = lines(run("show", "Holy.Grail"))

    assert found[0].split() == ["project", "holy-grail"]
    assert found[-3].split() == ["version", "files", "uploaded", "marks"]
    assert found[-2].split()[:2] == ["1.1b1", "1"]
    assert found[-2].endswith("  pre-release")
    assert found[-1].split()[:2] == ["1.0", "2"]


def test_what_authors_write_cannot_move_the_cursor(run):
    found = run("show", "holy-grail", "1.0")

    assert "\x1b" not in found.stdout
    assert "summary     A cup [31m of" in found.stdout


def test_show_tells_of_a_release_and_of_a_file_with_what_is_inside(run):
    assert any(line.split()[:1] == [SDIST] for line in lines(run("show", "holy-grail", "1.0.0")))

    found = lines(run("show", "holy-grail", "1.0", WHEEL))
    assert found[0].split() == ["file", WHEEL]
    assert any(line.split()[:1] == ["holy_grail-1.0.dist-info/METADATA"] for line in found)


def test_show_lists_projects_rights_dependents_and_downloads(run):
    assert lines(run("show", "--me"))[0].split() == ["user", getpass.getuser()]
    assert lines(run("show", "--projects")) == ["holy-grail"]
    assert any(
        line.split()[:3] == ["read", "private", "everyone"]
        for line in lines(run("show", "holy-grail", "--permissions"))
    )
    assert lines(run("show", "holy-grail", "--dependents")) == []
    assert lines(run("show", "holy-grail", "--downloads"))[1].split() == ["downloads", "0"]


@pytest.mark.parametrize(
    "arguments", [("--permissions",), ("holy-grail", "--projects"), ("holy-grail", "1.0", "--downloads")]
)
def test_views_go_with_what_they_show(run, arguments):
    assert run("show", *arguments).exit_code == 2


@pytest.mark.parametrize(
    "arguments",
    [(), ("holy-grail",), ("holy-grail", "1.0"), ("holy-grail", "1.0", WHEEL), ("--projects",)],
    ids=["repositories", "project", "release", "file", "projects"],
)
def test_json_is_that_of_the_api(run, arguments):
    found = json.loads(run("show", *arguments, "--json").stdout)

    assert found[0]["name"] if isinstance(found, list) else found


@pytest.mark.parametrize(
    ("command", "arguments", "key"),
    [
        ("show", ("holy-grail", "--permissions"), "permission"),
        ("show", ("--me",), "name"),
        ("show", ("holy-grail", "--downloads"), "total"),
        ("log", (), "action"),
        ("status", (), "kind"),
        ("status", ("holy-grail", "active"), "status"),
        ("yank", ("holy-grail", "1.0"), "files"),
    ],
)
def test_json_is_what_the_table_is_made_of(run, command, arguments, key):
    found = json.loads(run(command, *arguments, "--json").stdout)

    assert key in (found[0] if isinstance(found, list) else found)


@pytest.mark.parametrize("command", [("show", "holy-grail", "--dependents"), ("sessions",)])
def test_json_of_an_empty_list_is_an_empty_list(run, command):
    assert json.loads(run(*command, "--json").stdout) == []


def test_show_lists_who_needs_a_project(run, index, tmp_path):
    client = make_client(tmp_path, **OPEN, **STABLE)
    client.publish("castle", "1.0", requires_dist=["holy-grail>=1"])
    client.application.close()

    assert lines(run("show", "holy-grail", "--dependents")) == ["castle"]


def test_search_finds_by_summary_and_says_when_nothing_is_found(run):
    assert lines(run("search", "grail"))[1].split()[:3] == ["holy-grail", "1.0", "private"]
    assert lines(run("search", "grail", "-r", "stable")) == ["Nothing was found."]
    assert json.loads(run("search", "grail", "--json").stdout)[0]["project"] == "holy-grail"


def test_log_tells_the_newest_first_and_who(run):
    run("status", "holy-grail", "archived", "--reason", "found")

    found = lines(run("log", "--limit", "2"))
    assert len(found) == 3
    assert getpass.getuser() in found[1].split()
    assert found[1].endswith("status archived")
    assert len(lines(run("log", "--project", "nope"))) == 1


def test_a_long_log_comes_in_several_parts(run, index):
    for number in range(60):
        for reason in (f"{number}", None):
            page = index.default.hosted.project("holy-grail")
            index.default.takes.repository.yank(
                page.files[0], reason or "", index.identify(None, "", write=True)
            )

    assert len(lines(run("log", "--limit", "110"))) == 111
    assert len(json.loads(run("log", "--json", "--limit", "1000").stdout)) == 123


def test_status_shows_the_parts_and_a_project_and_sets_it(run, index):
    assert ["storage", "private", "works"] in [line.split()[:3] for line in lines(run("status"))]
    assert lines(run("status", "holy-grail")) == ["private: holy-grail is active"]
    assert lines(run("status", "holy-grail", "deprecated", "--reason", "use a cup")) == [
        "private: holy-grail is deprecated: use a cup"
    ]

    assert index.default.repository.project("holy-grail").status == "deprecated"
    assert run("status", "holy-grail", "gone").exit_code == 2
    assert run("status", "nope", "active").exit_code == 3


def test_a_reason_that_is_no_line_is_refused(run):
    result = run("yank", "holy-grail", "1.0", "--reason", "a\nb")

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")


def test_promote_brings_the_files_to_another_repository(run, index):
    expected = [f"stable: {WHEEL} is there", f"stable: {SDIST} is there"]
    for _ in range(2):
        assert sorted(lines(run("promote", "holy-grail", "1.0", "--to", "stable"))) == expected

    (change, *_) = reversed(index.catalog.changes_since(0))
    assert (change.repository, change.by) == ("stable", getpass.getuser())
    assert run("promote", "holy-grail", "1.0", "--to", "nope").exit_code == 3
    assert run("promote", "holy-grail", "1.0", "--to", "private").exit_code == 1
    assert run("promote", "holy-grail", "1.0").exit_code == 2


def test_delete_wants_the_name_to_be_typed(run, index):
    for typed in ("nope\n", "\n", ""):
        assert run("delete", "holy-grail", "1.0", typed=typed).exit_code == 1
    assert len(index.default.repository.project("holy-grail").files) == 3

    result = run("delete", "Holy_Grail", "1.0", typed="holy-grail\n")
    assert sorted(lines(result)) == [f"private: {WHEEL} is deleted", f"private: {SDIST} is deleted"]
    assert WHEEL in result.stderr
    assert len(index.default.repository.project("holy-grail").files) == 1


def test_delete_takes_one_file_without_asking(run, index):
    assert run("delete", "holy-grail", "1.1b1", "--file", WHEEL, "--yes").exit_code == 3
    assert lines(run("delete", "holy-grail", "1.0", "--file", SDIST, "--yes")) == [
        f"private: {SDIST} is deleted"
    ]

    names = [file.filename for file in index.default.repository.project("holy-grail").files]
    assert names == [WHEEL, "holy_grail-1.1b1-py3-none-any.whl"]


@pytest.mark.parametrize(
    "arguments",
    [("..",), ("a/b",), ("holy-grail", "../.."), ("holy-grail", "1.0/yank"), ("",), ("nope", "1.0", "x")],
    ids=["dots", "slash", "dots-in-version", "slash-in-version", "nothing", "file"],
)
def test_names_cannot_lead_elsewhere_in_the_api(run, arguments):
    assert run("show", *arguments).exit_code == 3


def test_sessions_are_listed_and_ended(run, index):
    index.browsers.sessions.begin(LoggedIn(getpass.getuser(), "password", None, "", "127.0.0.1"))

    number, *rest = lines(run("sessions"))[1].split()
    assert rest[-2:] == ["127.0.0.1", "password"]
    assert lines(run("sessions", "--end", number)) == [f"{number} has ended"]
    assert len(lines(run("sessions"))) == 1
    assert run("sessions", "--end", number).exit_code == 3


@pytest.mark.parametrize("option", [("--token", "x"), ("--username", "ann"), ("--ca", "x.pem")])
def test_nobody_logs_in_to_an_ini(run, option):
    assert run("show", *option).exit_code == 2


def test_an_ini_that_is_not_there_is_told():
    result = CliRunner().invoke(main, ["show", "/nowhere/x.ini"])

    assert result.exit_code == 1
    assert "/nowhere/x.ini cannot be read" in result.stderr


def test_a_catalog_that_does_not_work_is_unavailable(index, tmp_path):
    (tmp_path / "folder.db").mkdir()
    changes = {**OPEN, **STABLE, "pypi.catalog": "sqlite:///folder.db"}
    write_ini(tmp_path / "y.ini", settings(tmp_path, **changes))

    result = CliRunner().invoke(main, ["show", str(tmp_path / "y.ini")])
    assert result.exit_code == 5


def test_the_policy_of_a_host_application_does_not_matter_to_the_operator(index, tmp_path):
    changes = {**OPEN, **STABLE, "pypi.security": "host"}
    write_ini(tmp_path / "z.ini", settings(tmp_path, **changes))

    result = CliRunner().invoke(main, ["yank", str(tmp_path / "z.ini"), "holy-grail", "1.0"])
    assert result.exit_code == 0, result.output


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_tables_are_as_wide_as_the_terminal(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("COLUMNS", "20")

    _tables.table(("a", "b"), [("壊れた", "x" * 50), ("y", "z")])

    assert terminal.getvalue().splitlines() == ["a       b", "壊れた  xxxxxxxxxxx…", "y       z"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_script_of_a_shell(shell):
    result = CliRunner().invoke(main, ["completion", shell])

    assert result.exit_code == 0
    assert f"_PYRAMID_PYPI_COMPLETE={shell}_complete" in result.stdout


def test_completion_knows_the_commands():
    words = {"_PYRAMID_PYPI_COMPLETE": "fish_complete", "COMP_WORDS": "pyramid-pypi yan", "COMP_CWORD": "yan"}

    result = CliRunner().invoke(main, prog_name="pyramid-pypi", env=words)
    assert result.output.startswith("plain,yank\t")
