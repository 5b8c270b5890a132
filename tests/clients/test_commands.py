"""Commands that look and change, on the URL of an index that is served."""

import json
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner

from pyramid_pypi.cli import main
from pyramid_pypi.testing.artefacts import make_sdist, make_wheel
from tests.clients.tls import with_tls
from tests.live import LiveServer, post_file, write_htpasswd, write_ini

ANN, BOB = ("ann", "s:e/c@r%et"), ("bob", "reader")
WHEEL = "holy_grail-1.0-py3-none-any.whl"
SDIST = "holy_grail-1.0.tar.gz"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """An index of `private` and `stable`, where ann may do everything and bob reads."""
    folder = tmp_path_factory.mktemp("site")
    write_htpasswd(folder, ANN, BOB)
    settings = {
        "pypi.data": str(folder),
        "pypi.catalog": "sqlite:///catalog.db",
        "pypi.authenticators": "tokens htpasswd",
        "pypi.auth.htpasswd.path": "htpasswd",
        "pypi.login.failures": "10000",
        "pypi.repositories": "private stable",
        "pypi.default": "private",
    }
    for name in ("private", "stable"):
        settings |= {
            f"pypi.repo.{name}": "hosted",
            f"pypi.repo.{name}.storage": "filesystem",
            f"pypi.repo.{name}.storage.path": name,
            f"pypi.repo.{name}.read": "authenticated",
            f"pypi.repo.{name}.ownership": "first-uploader",
            f"pypi.repo.{name}.upload": "user:ann",
            f"pypi.repo.{name}.yank": "user:ann",
            f"pypi.repo.{name}.delete": "user:ann",
            f"pypi.repo.{name}.manage": "user:ann",
        }
    with LiveServer(write_ini(folder / "index.ini", settings), folder / "log") as server:
        yield server
    assert server.problems() == []


@pytest.fixture
def run(site, monkeypatch, tmp_path):
    """Return what runs a command at the URL, as somebody whose netrc file says ann."""
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login {ANN[0]} password {ANN[1]}\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)

    def run_one(command, *arguments, url=site.url, typed=None):
        return CliRunner().invoke(main, [*command.split(), url, *arguments], input=typed)

    return run_one


@pytest.fixture
def release(site):
    """A release of its own for each test."""
    numbers = getattr(site, "numbers", 0) + 1
    site.numbers = numbers
    version = f"{numbers}.0"
    for name, content in (
        (f"holy_grail-{version}-py3-none-any.whl", make_wheel("holy-grail", version, summary="A cup")),
        (f"holy_grail-{version}.tar.gz", make_sdist("holy-grail", version)),
    ):
        assert post_file(site.at("/", *ANN), name, content)[0] == 200
    return version


def lines(result):
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def test_a_release_is_yanked_and_offered_again(run, release):
    assert lines(run("yank", "holy-grail", release, "--reason", "too holy"))[0].endswith(" is yanked")
    assert json.loads(run("show", "holy-grail", release, "--json").stdout)["yanked"] == "too holy"
    assert lines(run("unyank", "holy-grail", release))[0].endswith(" is offered again")
    assert json.loads(run("show", "holy-grail", release, "--json").stdout)["yanked"] is None


def test_a_release_is_promoted_found_and_deleted(run, release):
    assert len(lines(run("promote", "holy-grail", release, "--to", "stable"))) == 2
    assert lines(run("search", "cup", "-r", "stable"))[1].split()[:1] == ["holy-grail"]
    assert [line.split()[0] for line in lines(run("show", "-r", "stable", "--projects"))] == ["holy-grail"]
    assert "add py3 file" in run("log", "-r", "stable").stdout

    result = run("delete", "holy-grail", release, "-r", "stable", typed="holy-grail\n")
    assert len(lines(result)) == 2
    assert run("show", "holy-grail", release, "-r", "stable").exit_code == 3


def test_a_status_is_set_and_the_parts_are_told(run, release):
    assert lines(run("status", "holy-grail", "deprecated", "--reason", "old")) == [
        "private: holy-grail is deprecated: old"
    ]
    lines(run("status", "holy-grail", "active"))

    assert lines(run("status"))[1].split()[:3] == ["catalog", "catalog", "works"]


def test_an_owner_gives_and_takes_roles(run, site, release):
    for command, *words in (("grant", "user:bob", "maintainer"), ("grant", "group:all/dev", "owner")):
        lines(run(f"role {command}", "private", "holy-grail", *words))
    assert lines(run("role list", "private", "holy-grail")) == [
        "owner       group:all/dev",
        "owner       user:ann",
        "maintainer  user:bob",
    ]
    assert "owner       private  holy-grail" in lines(run("role mine"))
    assert lines(run("role mine", "-r", "stable", url=site.at("", *BOB))) == []

    for who in ("user:bob", "group:all/dev"):
        lines(run("role revoke", "private", "holy-grail", who))
    assert lines(run("role list", "private", "holy-grail")) == ["owner       user:ann"]


def test_a_token_is_made_used_listed_and_ended(run, release, monkeypatch):
    made = run("token create", "-p", "read", "-p", "yank", "--project", "holy-*", "--description", "yanks")
    (secret,) = lines(made)
    number = made.stderr.split()[0]
    assert number in run("token list").stdout
    monkeypatch.setenv("PYRAMID_PYPI_TOKEN", secret)

    assert run("yank", "holy-grail", release).exit_code == 0
    assert run("delete", "holy-grail", release, "--yes").exit_code == 4
    monkeypatch.delenv("PYRAMID_PYPI_TOKEN")
    lines(run("token revoke", number))
    assert run("show", "--token", secret).exit_code == 4
    assert secret not in run("show", "--token", secret).output


def test_nobody_is_named_or_asked_for_at_a_url(run):
    assert run("token create", "ann").exit_code == 2
    assert run("token create", "--robot").exit_code == 2
    assert run("token list", "ann").exit_code == 2


def test_the_sessions_of_browsers_are_listed(run):
    assert lines(run("sessions"))[0].split()[0] == "session"
    assert run("sessions", "--end", "7").exit_code == 3


def test_who_may_not_is_told_and_changes_nothing(run, site, release):
    bob = {"url": site.at("", *BOB)}
    login = ("--username", "bob", "--password-stdin")
    for words in (
        ("yank", "holy-grail", release),
        ("delete", "holy-grail", release, "--yes"),
        ("status", "holy-grail", "archived"),
        ("promote", "holy-grail", release, "--to", "stable"),
    ):
        assert run(*words, *login, typed="reader\n").exit_code == 4
        assert run(*words, **bob).exit_code == 4

    assert json.loads(run("show", "holy-grail", release, "--json").stdout)["yanked"] is None


def test_a_wrong_password_is_refused_and_in_no_message(run):
    result = run("show", "--username", "ann", "--password-stdin", typed="swordfish\n")

    assert result.exit_code == 4
    assert "swordfish" not in result.output


def test_what_is_not_there_is_not_found(run, release):
    for words in (
        ("show", "nope"),
        ("show", "holy-grail", "99"),
        ("show", "holy-grail", release, "nope.whl"),
        ("yank", "holy-grail", "99"),
        ("show", "holy-grail", "-r", "nope"),
        ("status", "nope", "active"),
    ):
        assert run(*words).exit_code == 3, words


def test_what_is_no_index_is_told(run, site):
    for url in (f"{site.url}/simple", f"{site.url}/simple/"):
        result = run("show", url=url)
        assert result.exit_code in {1, 3}
        assert "without /simple/" in result.stderr


def test_an_index_that_does_not_answer_is_unreachable(run):
    result = run("show", url="http://ann:swordfish@127.0.0.1:9")

    assert result.exit_code == 5
    assert result.stderr == "Error: http://127.0.0.1:9 cannot be reached: it does not answer there\n"


def test_a_certificate_has_to_be_trusted(run, site, tmp_path):
    with with_tls(tmp_path, site) as secure:
        refused = run("show", url=secure.url)
        assert refused.exit_code == 5
        assert "see --ca" in refused.stderr

        lines(run("show", "--ca", str(secure.ca), url=secure.url))


class Elsewhere(BaseHTTPRequestHandler):
    """Sends everybody to another place."""

    def do_GET(self):
        self.send_response(301)
        self.send_header("Location", "https://elsewhere.example.org/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


def test_a_redirect_is_told_and_not_followed(run):
    with HTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        result = run("show", url=f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()

    assert result.exit_code == 1
    assert "sends its clients to https://elsewhere.example.org/" in result.stderr


def test_the_program_ends_with_the_exit_code(site):
    program = Path(sys.executable).with_name("pyramid-pypi")
    command = [program, "show", site.at("", *ANN), "nope"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert result.returncode == 3
    assert result.stderr == "Error: 'private' has no project 'nope'\n"
