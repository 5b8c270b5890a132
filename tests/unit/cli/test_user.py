"""`pyramid-pypi user`."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import click
import pytest
from click.testing import CliRunner, Result

from pyramid_pypi.auth import passwords
from pyramid_pypi.auth.htpasswd import HtpasswdAuthenticator, parse_htpasswd
from pyramid_pypi.auth.passwords import scheme, verify
from pyramid_pypi.cli.user import htpasswd_path, user
from pyramid_pypi.model import Credentials, Identity

SHA = "{SHA}t6h1/B6iKLkGEEG3zsS9PFKrPOM="
Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    real = passwords.hash_password
    monkeypatch.setattr(passwords, "hash_password", lambda password: real(password, cost=4))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "etc" / "htpasswd"


@pytest.fixture
def run(path: Path) -> Run:
    """Run `user COMMAND --file PATH …` with the text as standard input."""

    def call(command: str, *arguments: str, text: str = "") -> Result:
        return CliRunner().invoke(user, [command, "--file", str(path), *arguments], input=text)

    return call


def stored(path: Path) -> dict[str, str]:
    return parse_htpasswd(path.read_bytes()).hashes


def test_add_asks_twice_and_creates_the_file(run: Run, path: Path) -> None:
    result = run("add", "alice", text="secret\nsecret\n")

    assert result.exit_code == 0, result.output
    assert "secret" not in result.output
    assert verify(stored(path)["alice"], "secret")
    assert stored(path)["alice"].startswith("$2y$")
    assert path.stat().st_mode & 0o777 == 0o600


def test_add_reads_standard_input(run: Run, path: Path) -> None:
    result = run("add", "alice", "--stdin", text="pass w\xf6rd \r\nrest\n")

    assert result.exit_code == 0, result.output
    assert verify(stored(path)["alice"], "pass w\xf6rd ")


def test_added_user_can_log_in(run: Run, path: Path) -> None:
    run("add", "alice", "--stdin", text="secret\n")
    authenticator = HtpasswdAuthenticator(HtpasswdAuthenticator.Options(path))

    assert authenticator.authenticate(Credentials("alice", "secret")) == Identity.user("alice")


def test_different_confirmation_asks_again(run: Run, path: Path) -> None:
    result = run("add", "alice", text="one\nother\ntwo\ntwo\n")

    assert result.exit_code == 0
    assert verify(stored(path)["alice"], "two")


def test_other_lines_mode_and_missing_line_end_are_kept(run: Run, path: Path) -> None:
    path.parent.mkdir()
    before = b"# staff\r\n\nbob:" + SHA.encode() + b":a comment\nbroken\xff\ncarol:x"
    path.write_bytes(before)
    path.chmod(0o640)
    run("add", "alice", "--stdin", text="secret\n")

    assert path.read_bytes().startswith(before + b"\nalice:$2y$")
    assert path.stat().st_mode & 0o777 == 0o640


def test_existing_user_is_not_added(run: Run, path: Path) -> None:
    run("add", "alice", "--stdin", text="one\n")
    before = path.read_bytes()
    result = run("add", "alice", "--stdin", text="two\n")

    assert result.exit_code == 1
    assert "already in" in result.output
    assert path.read_bytes() == before


def test_passwd_replaces_in_place_and_drops_later_duplicates(run: Run, path: Path) -> None:
    path.parent.mkdir()
    path.write_text(f"alice:{SHA}\nbob:{SHA}\nalice:old\n")
    result = run("passwd", "alice", "--stdin", text="new\n")
    lines = path.read_text().splitlines()

    assert result.exit_code == 0, result.output
    assert [line.partition(":")[0] for line in lines] == ["alice", "bob"]
    assert verify(stored(path)["alice"], "new")


@pytest.mark.parametrize("command", ["passwd", "remove"])
def test_unknown_user_is_an_error(run: Run, path: Path, command: str) -> None:
    run("add", "alice", "--stdin", text="one\n")
    before = path.read_bytes()
    result = run(command, "bob")

    assert result.exit_code == 1
    assert "bob is not in" in result.output
    assert path.read_bytes() == before


def test_remove_takes_every_line_of_the_user(run: Run, path: Path) -> None:
    path.parent.mkdir()
    path.write_text(f"alice:{SHA}\nbob:{SHA}\nalice:old\n")
    result = run("remove", "alice")

    assert result.exit_code == 0
    assert path.read_text() == f"bob:{SHA}\n"


def test_removal_of_the_last_user_counts_at_once(run: Run, path: Path) -> None:
    """A file of no bytes would keep the last users for some seconds."""
    run("add", "alice", "--stdin", text="one\n")
    times = [0.0]
    authenticator = HtpasswdAuthenticator(HtpasswdAuthenticator.Options(path), clock=lambda: times[0])
    run("remove", "alice")
    times[0] = 1.0

    assert authenticator.authenticate(Credentials("alice", "one")) is None


def test_list_shows_names_and_schemes(run: Run, path: Path) -> None:
    run("add", "alice", "--stdin", text="one\n")
    with path.open("a") as file:
        file.write(f"bob:{SHA}\ncarol:plain\n")

    assert run("list").output == "alice\tbcrypt\nbob\tsha1\ncarol\tunusable\n"


def test_list_of_a_missing_file_is_an_error(run: Run) -> None:
    assert run("list").exit_code == 1


@pytest.mark.parametrize("name", ["", "a:b", "a\nb", "a\x00b", "#alice", "x" * 256, "\udcff"], ids=repr)
def test_bad_name_is_refused(run: Run, path: Path, name: str) -> None:
    result = run("add", name, "--stdin", text="secret\n")

    assert result.exit_code == 1
    assert not path.exists()


@pytest.mark.parametrize(
    "text", ["", "\n", "a\x00b\n", "tab\tbed\n", "x" * 4097 + "\n"], ids=lambda text: text[:8]
)
def test_bad_password_is_refused(run: Run, path: Path, text: str) -> None:
    result = run("add", "alice", "--stdin", text=text)

    assert result.exit_code == 1
    assert not path.exists()


def test_long_password_is_taken_with_a_note(run: Run, path: Path) -> None:
    result = run("add", "alice", "--stdin", text="x" * 73 + "\n")

    assert result.exit_code == 0
    assert "first 72 bytes" in result.output
    assert scheme(stored(path)["alice"]) == "bcrypt"


def test_symbolic_link_stays_one(run: Run, path: Path, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.write_text(f"bob:{SHA}\n")
    path.parent.mkdir()
    path.symlink_to(real)
    run("add", "alice", "--stdin", text="one\n")

    assert path.is_symlink()
    assert list(stored(real)) == ["bob", "alice"]


def test_nothing_is_left_beside_the_file_but_the_lock(run: Run, path: Path) -> None:
    run("add", "alice", "--stdin", text="one\n")

    assert sorted(each.name for each in path.parent.iterdir()) == [".htpasswd.lock", "htpasswd"]


def test_failed_write_changes_nothing(run: Run, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("add", "alice", "--stdin", text="one\n")
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    result = run("add", "bob", "--stdin", text="two\n")

    assert result.exit_code == 1
    assert "No space left on device; nothing was changed" in result.output
    assert path.read_bytes() == before
    assert sorted(each.name for each in path.parent.iterdir()) == [".htpasswd.lock", "htpasswd"]


def test_concurrent_writers_lose_nothing(path: Path) -> None:
    names = [f"user{number}" for number in range(6)]
    code = "from pyramid_pypi.cli.user import user; user()"
    command = [sys.executable, "-c", code, "add", "--file", str(path), "--stdin"]
    writers = [
        subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)  # noqa: S603 - our own program
        for name in names
    ]
    for writer in writers:
        writer.communicate(b"secret\n", timeout=60)

    assert [writer.returncode for writer in writers] == [0] * 6
    assert sorted(stored(path)) == names


@pytest.mark.parametrize("arguments", [["add"], ["add", "alice"], ["add", "a.ini", "alice", "x"], ["list"]])
def test_wrong_number_of_words_is_a_usage_error(arguments: list[str]) -> None:
    assert CliRunner().invoke(user, arguments).exit_code == 2


@dataclass(frozen=True)
class Instance:
    """What settings say of one authenticator."""

    name: str
    kind: str
    options: object


@dataclass(frozen=True)
class FakeSettings:
    """The part of the settings that the command reads."""

    authenticators: tuple[Instance, ...]


@pytest.fixture
def ini(path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of an ini file whose second authenticator is an htpasswd file."""
    settings = {
        "site.ini": FakeSettings(
            (
                Instance("tokens", "tokens", object()),
                Instance("staff", "htpasswd", HtpasswdAuthenticator.Options(path)),
            )
        ),
        "open.ini": FakeSettings(()),
    }

    fake = ModuleType("pyramid_pypi.cli.load")
    monkeypatch.setattr(fake, "load_settings", settings.__getitem__, raising=False)
    monkeypatch.setitem(sys.modules, "pyramid_pypi.cli.load", fake)
    return "site.ini"


def test_ini_names_the_file(ini: str, path: Path) -> None:
    runner = CliRunner()
    added = runner.invoke(user, ["add", ini, "alice", "--stdin"], input="one\n")

    assert added.exit_code == 0, added.output
    assert list(stored(path)) == ["alice"]
    assert runner.invoke(user, ["list", ini]).output == "alice\tbcrypt\n"


def test_file_wins_over_the_settings(ini: str, tmp_path: Path) -> None:
    assert htpasswd_path(ini, tmp_path / "other") == tmp_path / "other"


@pytest.mark.usefixtures("ini")
def test_ini_without_a_file_is_an_error() -> None:
    with pytest.raises(click.ClickException, match="no authenticator of the kind htpasswd"):
        htpasswd_path("open.ini", None)
