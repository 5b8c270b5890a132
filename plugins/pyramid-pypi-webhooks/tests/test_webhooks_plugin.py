"""The plugin as a whole: an index that tells a receiver, commands, settings, the README."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from pyramid_pypi.catalog import Catalog
from pyramid_pypi.catalog.notes import Notes
from pyramid_pypi.cli import main
from pyramid_pypi.cli._opening import opened
from pyramid_pypi.errors import SettingsError
from pyramid_pypi.model import ANONYMOUS, Identity
from pyramid_pypi.options import options_of
from pyramid_pypi.settings import load
from pyramid_pypi.testing.clients import open_settings
from pyramid_pypi_webhooks import queue
from pyramid_pypi_webhooks.events import Event
from pyramid_pypi_webhooks.queue import OWNER, Queue
from pyramid_pypi_webhooks.settings import Webhook, WebhookSettings
from pyramid_pypi_webhooks.testing import Answer

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
JSON = "application/vnd.pypi.simple.v1+json"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Anybody:
    """A caller who may do everything."""

    identity = Identity.user("ann")

    def require(self, permission, project):
        """Agree."""


@pytest.fixture
def index(pypi_index, settings):
    def make(**more):
        return pypi_index(plugins=["webhooks"], settings={**settings, **more})

    return make


def said(received):
    return [(one.json["type"], one.json["data"].get("filename")) for one in received]


def test_what_happens_to_files_is_told(index, receiver, pypi_publish, pypi_wheel):
    client = index(**{"pypi.base_url": "https://pypi.example.org"})
    pypi_publish(client, pypi_wheel("holy-grail", "1.0"))
    takes = client.app.index.default.takes
    (file,) = takes.repository.project("holy-grail").files
    yanked = takes.yank(file, "it bites", Anybody())
    takes.yank(yanked, None, Anybody())
    takes.delete_release("holy-grail", "1.0", Anybody())
    received = receiver.wait(4)

    name = "holy_grail-1.0-py3-none-any.whl"
    assert said(received) == [
        ("file.added", name),
        ("file.yanked", name),
        ("file.unyanked", name),
        ("file.removed", name),
    ]
    assert received[0].json["data"] == {
        "repository": "private",
        "project": "holy-grail",
        "version": "1.0",
        "filename": name,
        "size": file.size,
        "sha256": file.hashes.sha256,
        "by": ANONYMOUS.name,
        "url": "https://pypi.example.org/private/project/holy-grail/",
    }
    assert received[1].json["data"]["reason"] == "it bites"
    assert received[1].json["data"]["by"] == "ann"


def test_status_is_told(index, receiver, pypi_publish, pypi_wheel):
    client = index(**{"pypi.webhooks.ci.events": "status-changed"})
    pypi_publish(client, pypi_wheel("holy-grail", "1.0"))
    client.app.index.default.takes.set_status("holy-grail", "archived", "done", Anybody())
    (got,) = receiver.wait(1)

    assert got.json["type"] == "status.changed"
    assert got.json["data"] == {
        "repository": "private",
        "project": "holy-grail",
        "status": "archived",
        "reason": "done",
        "by": "ann",
    }


def test_failed_login_is_told_to_who_wants_it(index, receiver, tmp_path):
    (tmp_path / "htpasswd").write_text("ann:{SHA}nothing\n")
    client = index(
        **{
            "pypi.authenticators": "tokens",
            "pypi.webhooks.ci.events": "login-failed",
            "pypi.webhooks.ci.projects": "acme-*",
        }
    )
    client.authorization = ("Basic", ("ann", "swordfish"))
    client.get("/simple/", status=401)
    (got,) = receiver.wait(1)

    assert got.json["type"] == "login.failed"
    assert got.json["data"]["username"] == "ann"
    assert "swordfish" not in got.body.decode()


def test_strangers_cannot_fill_the_catalog(tmp_path, settings, monkeypatch, caplog):
    """A receiver may be down for a day, in which anybody can fail to log in."""
    monkeypatch.setattr(queue, "MOST", 2)
    ini = ini_of(tmp_path, {**settings, "pypi.webhooks.ci.events": "login-failed"})
    with opened(ini) as index:
        for _ in range(4):
            index.plugins.notify("pypi_login_failed", username="x" * 9999, address="", reason="wrong")

    waiting = json.loads(run("webhooks", "list", ini, "--json"))
    assert [one["data"]["username"] for one in waiting] == ["x" * 200] * 2
    assert caplog.text.count("'ci' is not told of login-failed") == 2


def test_file_of_an_upstream_is_told_to_who_wants_it(index, receiver, pypi_upstream, pypi_wheel):
    name, content = pypi_wheel("holy-grail", "1.0")
    pypi_upstream.add(name, content)
    client = index(
        **{
            "pypi.repositories": "private far",
            "pypi.repo.far": "proxy",
            "pypi.repo.far.upstream": "simple",
            "pypi.repo.far.upstream.url": pypi_upstream.url,
            "pypi.repo.far.read": "everyone",
            "pypi.webhooks.ci.events": "upstream-fetched",
            "pypi.webhooks.ci.repositories": "far",
        }
    )
    (file,) = client.get("/far/simple/holy-grail/", headers={"Accept": JSON}).json["files"]
    client.get(file["url"].replace("../../", "/far/"))

    assert said(receiver.wait(1)) == [("upstream.fetched", name)]


@pytest.mark.parametrize("key", ["projects", "events"])
def test_only_what_is_wanted_is_told(index, receiver, pypi_publish, pypi_wheel, key):
    """The project of the pattern comes last, so that nothing else has come before it."""
    wanted = {"projects": "acme-*", "events": "file-removed"}[key]
    client = index(**{f"pypi.webhooks.ci.{key}": wanted})
    for project in ("holy-grail", "acme-tools"):
        pypi_publish(client, pypi_wheel(project, "1.0"))
    client.app.index.default.takes.delete_release("acme-tools", "1.0", Anybody())

    assert {one.json["data"]["project"] for one in receiver.wait(1)} == {"acme-tools"}


def test_upload_waits_for_nobody(index, receiver, pypi_publish, pypi_wheel):
    receiver.answers.append(Answer(hangs=True))
    client = index(**{"pypi.webhooks.ci.timeout": "1", "pypi.webhooks.ci.first_retry": "60"})
    for number in range(3):
        pypi_publish(client, pypi_wheel("holy-grail", f"{number}.0"), status=200)
    receiver.wait(1)

    assert len(Queue(Notes(client.app.index.catalog, OWNER)).waiting()) == 3


def ini_of(tmp_path, settings):
    path = tmp_path / "site.ini"
    found = {"use": "egg:pyramid_pypi", **open_settings(tmp_path), "pypi.plugins": "webhooks", **settings}
    lines = (f"{key} = {value}" for key, value in found.items())
    path.write_text("[app:main]\n" + "\n".join(lines) + "\n")
    return str(path)


def run(*words):
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    return result.output


def test_what_a_command_does_is_told_by_the_next_server(
    tmp_path, settings, receiver, index, pypi_publish, pypi_wheel
):
    client = index(**{"pypi.webhooks.ci.events": "file-yanked"})
    pypi_publish(client, pypi_wheel("holy-grail", "1.0"))
    shared = client.app.index.settings
    ini = ini_of(
        tmp_path,
        {
            **settings,
            "pypi.catalog": shared.catalog,
            "pypi.repo.private.storage.path": f"{tmp_path}/index-0/packages",
        },
    )
    run("yank", ini, "holy-grail", "1.0", "--reason", "it bites")
    (got,) = receiver.wait(1)

    assert got.json["data"]["reason"] == "it bites"


def test_command_itself_delivers_nothing(tmp_path, settings, receiver):
    """No thread in a process without a server: the letter is there when the command has ended."""
    ini = ini_of(tmp_path, {**settings, "pypi.webhooks.ci.events": "login-failed"})
    with opened(ini) as index:
        index.plugins.notify("pypi_login_failed", username="ann", address="", reason="wrong")

    (waiting,) = json.loads(run("webhooks", "list", ini, "--json"))
    assert (waiting["event"], waiting["state"]) == ("login-failed", "waiting")
    assert receiver.received == []


@pytest.fixture
def dead(tmp_path, settings):
    """An ini whose catalog has one dead letter, and its number."""
    catalog = Catalog(f"sqlite:///{tmp_path}/catalog.db")
    letters = Queue(Notes(catalog, OWNER))
    event = Event("file-added", letters.notes.clock(), {"filename": "a-1.0.tar.gz"})
    letter = letters.bury(letters.add("ci", event), "410 Gone")
    catalog.close()
    return ini_of(tmp_path, settings), letter.id


def test_commands_list_and_retry_what_was_given_up(dead):
    ini, identifier = dead
    listed = run("webhooks", "list", ini)
    run("webhooks", "retry", ini, identifier)
    (again,) = json.loads(run("webhooks", "list", ini, "--json"))

    words = (identifier, "ci", "file-added", "a-1.0.tar.gz", "given up", "410 Gone")
    assert all(word in listed for word in words)
    assert (again["id"], again["state"], again["attempts"]) == (identifier, "waiting", 0)


def test_commands_drop_what_was_given_up(dead):
    ini, _ = dead
    run("webhooks", "drop", ini, "--all")

    assert run("webhooks", "list", ini) == ""


@pytest.mark.parametrize(
    "words", [("retry",), ("drop", "msg_1", "--all"), ("retry", "msg_none"), ("test", "x")]
)
def test_commands_say_what_is_wrong(dead, words):
    command, *rest = words
    result = CliRunner().invoke(main, ["webhooks", command, dead[0], *rest])

    assert result.exit_code
    assert "Error: " in result.output


def test_command_sends_a_test(dead, receiver):
    receiver.answers.extend([Answer(204), Answer(404)])
    good = CliRunner().invoke(main, ["webhooks", "test", dead[0]])
    bad = CliRunner().invoke(main, ["webhooks", "test", dead[0], "ci"])

    assert (good.exit_code, good.output) == (0, "ci: 204 No Content\n")
    assert bad.exit_code == 1
    assert "ci: 404 Not Found" in bad.output
    assert receiver.received[0].json["type"] == "test"


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("url", "ftp://ci.example", "pypi.webhooks.ci: url is not an http or https URL"),
        ("url", "https://ann:swordfish@ci.example/", "has a user"),
        ("secret", "short", "less than 24 bytes"),
        ("secret", None, "needs a secret"),
        ("events", "file-aded", "file-added"),
        ("repositories", "privat", "there is no repository"),
        ("projects", "Acme_*", "is not a pattern"),
        ("attempts", "0", "attempts is at least 1"),
        ("shape", "discord", "teams"),
        ("colour", "red", "is not a key"),
    ],
    ids=lambda one: str(one)[:20],
)
def test_mistakes_in_the_settings_are_told_without_secrets(settings, tmp_path, key, value, told):
    keys = {
        **open_settings(tmp_path),
        "pypi.plugins": "webhooks",
        **settings,
        f"pypi.webhooks.ci.{key}": value,
    }
    with pytest.raises(SettingsError) as caught:
        load({name: text for name, text in keys.items() if text is not None}, environ={})

    assert told in str(caught.value)
    assert "swordfish" not in str(caught.value)


def test_url_and_secret_come_from_the_environment(settings, tmp_path):
    keys = {
        **open_settings(tmp_path),
        "pypi.plugins": "webhooks",
        **settings,
        "pypi.webhooks.ci.url": "env:CI_URL",
        "pypi.webhooks.ci.secret": "env:CI_SECRET",
    }
    loaded = load(keys, environ={"CI_URL": "https://ci.example/", "CI_SECRET": SECRET})
    (one,) = loaded.section(WebhookSettings).webhooks

    assert one.url.hostname == "ci.example"
    assert "ci.example" not in repr(loaded)


def test_webhook_that_is_not_listed_is_a_mistake(settings, tmp_path):
    keys = {**open_settings(tmp_path), "pypi.plugins": "webhooks", **settings, "pypi.webhooks.chat.url": "x"}
    with pytest.raises(SettingsError, match="is not listed in pypi.webhooks"):
        load(keys, environ={})


def test_every_option_is_in_the_readme():
    assert [one.name for one in options_of(Webhook) if f"\n| `{one.name}` |" not in README] == []
