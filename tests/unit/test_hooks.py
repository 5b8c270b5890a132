"""Every hook through an application, and the two rules that every hook keeps.

A hook is documented in a section of its own, and has a test here that is named after it.
"""

import base64
import hashlib
import logging
import queue
import re
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner

from pyramid_pypi import hookimpl, hookspecs
from pyramid_pypi.cli import main
from pyramid_pypi.errors import InvalidCredentials, PluginError, ProjectNotFound, SettingsError
from pyramid_pypi.model import ANONYMOUS, Answered, Credentials, Decision, Identity, Link
from pyramid_pypi.plugins import Plugins
from pyramid_pypi.settings import casts
from pyramid_pypi.storage.filesystem import FilesystemStorage
from pyramid_pypi.testing.artefacts import make_wheel
from pyramid_pypi.testing.clients import open_settings
from pyramid_pypi.upstream.simple import SimpleUpstream

JSON = "application/vnd.pypi.simple.v1+json"
HOOKS = sorted(name for name in vars(hookspecs) if name.startswith("pypi_"))
REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "hooks.md"
ANN = Identity.user("ann", ("dev",))


class OneUser:
    """An authenticator that knows ann."""

    def authenticate(self, credentials: Credentials) -> Identity | None:
        if credentials.username != "ann":
            return None
        if credentials.password != "secret":
            raise InvalidCredentials
        return ANN


class Shouting(FilesystemStorage):
    """A storage whose keys tell its option."""

    @dataclass(frozen=True)
    class Options(FilesystemStorage.Options):
        word: str = "quiet"

    def key(self, project: str, filename: str) -> str:
        return f"{self.options.word}/{filename}"


def plugin(**hooks: Callable[..., object]) -> SimpleNamespace:
    """Return a plugin whose hooks are the functions given."""
    return SimpleNamespace(**{f"pypi_{name}": hookimpl(function) for name, function in hooks.items()})


def listener(event: str) -> tuple[SimpleNamespace, list[tuple[Any, ...]]]:
    """Return a plugin that implements one event of files, and what it hears."""
    heard: list[tuple[Any, ...]] = []

    def hear(file: Any, repository: str, identity: Identity) -> None:
        heard.append((file.filename, repository, identity))

    return plugin(**{event: hear}), heard


def fails(**_: object) -> str:
    raise RuntimeError("the plugin is broken")


def failing(event: str) -> SimpleNamespace:
    """Return a plugin that raises in one event of files."""
    return plugin(**{event: lambda file: fails(file=file)})


@pytest.fixture
def index(pypi_index: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that composes an index with plugins, and with ann, who is not logged in."""

    def compose(*plugins: object, settings: Mapping[str, str] | None = None) -> Any:
        one = plugin(auth_backends=lambda: {"one-user": OneUser})
        login = {"pypi.authenticators": "staff", "pypi.auth.staff": "one-user"}
        return pypi_index(plugins=[one, *plugins], settings={**login, **(settings or {})})

    return compose


@pytest.fixture
def publish(pypi_publish: Callable[..., Any], pypi_wheel: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that uploads holy-grail 1.0 as ann."""

    def publish(client: Any, status: int = 200) -> Any:
        client.authorization = ("Basic", ("ann", "secret"))
        return pypi_publish(client, pypi_wheel("holy-grail", "1.0"), status=status)

    return publish


def following(url: str) -> dict[str, str]:
    """Return the settings of a second repository, which follows an upstream."""
    return {
        "pypi.repositories": "private far",
        "pypi.repo.far": "proxy",
        "pypi.repo.far.upstream": "simple",
        "pypi.repo.far.upstream.url": url,
        "pypi.repo.far.read": "everyone",
    }


def page(client: Any) -> Any:
    """Return the page of the project as JSON."""
    return client.get("/simple/holy-grail/", headers={"Accept": JSON}).json


def file_url(client: Any) -> str:
    """Return where the only file of the project is."""
    (file,) = page(client)["files"]
    return "/" + file["url"].removeprefix("../../")


def remove(client: Any) -> Any:
    """Remove holy-grail 1.0 as upload tools do."""
    form = {":action": "remove_pkg", "name": "holy-grail", "version": "1.0"}
    return client.post("/", form, upload_files=[("nothing", "nothing", b"")])


def wrong(username: str = "ann", password: str = "guess") -> dict[str, str]:
    """Return headers that do not log in."""
    return {"Authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()}


class TestRules:
    """What every hook has."""

    def test_every_hook_has_a_section_in_the_reference(self) -> None:
        assert re.findall(r"^## `?(pypi_\w+)", REFERENCE.read_text("utf-8"), re.MULTILINE) == [
            name for name in vars(hookspecs) if name in HOOKS
        ]

    @pytest.mark.parametrize("hook", HOOKS)
    def test_every_hook_has_a_test(self, hook: str) -> None:
        assert callable(globals().get(f"test_hook_{hook}"))

    @pytest.mark.parametrize("hook", HOOKS)
    def test_every_hook_has_an_example_that_is_a_plugin(self, hook: str) -> None:
        section = REFERENCE.read_text("utf-8").split(f"\n## {hook}\n")[1].partition("\n## ")[0]
        (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
        example = ModuleType(f"example_of_{hook}")
        exec(code, vars(example))
        plugins = Plugins.load([])
        plugins.register("example", example)

        assert plugins.describe()[-1].hooks == (hook,)

    @pytest.mark.parametrize("hook", HOOKS)
    def test_every_hook_is_described(self, hook: str) -> None:
        assert (getattr(hookspecs, hook).__doc__ or "").count("\n") > 1


def test_hook_pypi_storage_backends(index, publish, tmp_path) -> None:
    """The ini chooses the kind by its name and sets its options."""
    settings = {"pypi.repo.private.storage": "shouting", "pypi.repo.private.storage.word": "loud"}
    client = index(plugin(storage_backends=lambda: {"shouting": Shouting}), settings=settings)
    publish(client)

    assert [path.parent.name for path in tmp_path.rglob("*.whl")] == ["loud"]
    assert client.get(file_url(client)).status_int == 200


def test_hook_pypi_auth_backends(index) -> None:
    """The ini chooses the kind by its name; its answers let in and keep out."""
    client = index(settings={"pypi.repo.private.read": "user:ann"})
    client.get("/simple/", status=401)
    client.get("/simple/", headers=wrong(), status=401)

    assert client.get("/simple/", headers=wrong("ann", "secret")).status_int == 200


def test_hook_pypi_upstream_backends(index, pypi_upstream) -> None:
    """The ini chooses the kind by its name and sets its options."""

    class Curated(SimpleUpstream):
        def project(self, name: str, validator: Any = None) -> Any:
            if name != "holy-grail":
                raise ProjectNotFound(f"{name} has not been looked at")
            return super().project(name, validator)

    pypi_upstream.add("holy_grail-1.0-py3-none-any.whl", make_wheel("holy-grail", "1.0"))
    pypi_upstream.add("parrot-1.0-py3-none-any.whl", make_wheel("parrot", "1.0"))
    settings = following(pypi_upstream.url) | {"pypi.repo.far.upstream": "curated"}
    client = index(plugin(upstream_backends=lambda: {"curated": Curated}), settings=settings)

    assert "holy_grail-1.0-py3-none-any.whl" in client.get("/far/simple/holy-grail/")
    assert "parrot has not been looked at" in client.get("/far/simple/parrot/", status=404)


def test_hook_pypi_rules(index, publish) -> None:
    """The ini chooses the kind by its name and sets its options."""

    class Shy:
        @dataclass(frozen=True)
        class Options:
            word: str = "quiet"

        def __init__(self, options: Any) -> None:
            self._word = options.word

        def decide(self, file: Any, page: Any, at: Any) -> Decision | None:
            return Decision(hide=True, reason=f"It is {self._word}") if file.project == page.name else None

    settings = {"pypi.repo.private.rules": "shy", "pypi.repo.private.rule.shy.word": "too loud"}
    client = index(plugin(rules=lambda: {"shy": Shy}), settings=settings)
    publish(client)
    (entry,) = client.get("/-/why/holy-grail").json["files"]

    assert client.get("/simple/holy-grail/", headers={"Accept": JSON}).json["files"] == []
    assert entry["rules"][0]["reason"] == "It is too loud"


def read_parrot(reader: Any) -> tuple[str, int]:
    plumage = reader.take("pypi.parrot.plumage", casts.text, "beautiful")
    return plumage, reader.take("pypi.parrot.rests", casts.seconds, 60)


def test_hook_pypi_settings(index) -> None:
    """The keys of a plugin are known, and what it reads is kept under its name and found by its type."""
    client = index(plugin(settings=read_parrot), settings={"pypi.parrot.plumage": "blue"})
    settings = client.app.index.settings

    assert list(settings.sections.values()) == [("blue", 60)]
    assert settings.section(tuple) == ("blue", 60)
    with pytest.raises(LookupError, match="no plugin has read a dict"):
        settings.section(dict)


def test_hook_pypi_settings_reports_its_problems_with_all_others(index) -> None:
    """One start tells of the wrong key, of the wrong value and of what is wrong elsewhere."""
    wrong = {"pypi.parrot.plumag": "blue", "pypi.parrot.rests": "long", "pypi.max_upload_size": "much"}
    with pytest.raises(SettingsError) as caught:
        index(plugin(settings=read_parrot), settings=wrong)

    told = str(caught.value)
    assert all(key in told for key in wrong)
    assert "pypi.parrot.plumage" in told


def test_hook_pypi_settings_without_keys_leaves_nothing(index) -> None:
    """None is no section."""
    assert index(plugin(settings=lambda: None)).app.index.settings.sections == {}


def test_hook_pypi_configure(index) -> None:
    """The plugin adds a page of its own to the application."""

    def configure(config: Any) -> None:
        config.add_route("parrot", "/-/parrot")
        config.add_view(lambda _request: {"parrot": "resting"}, route_name="parrot", renderer="json")

    assert index(plugin(configure=configure)).get("/-/parrot").json == {"parrot": "resting"}


def test_hook_pypi_configure_is_called_for_each_application(index) -> None:
    """Each time with the configurator of that application."""
    registries = []
    one = plugin(configure=lambda config: registries.append(config.registry))

    assert [index(one).app.registry, index(one).app.registry] == registries


def test_hook_pypi_index_opened(index) -> None:
    """Called once for each index, with all that it has, before it is configured."""
    order = []

    def opened(index: Any) -> None:
        order.append((list(index.repositories), index.catalog.last_serial()))

    index(plugin(index_opened=opened, configure=lambda: order.append("configure")))

    assert order == [(["private"], 0), "configure"]


def test_hook_pypi_index_opened_registers_what_one_index_has_for_itself(index, publish) -> None:
    """The object has hooks of its own; two indexes have two of them."""
    heard: list[tuple[int, str]] = []

    def opened(index: Any) -> None:
        number = len(heard)

        def hear(file: Any) -> None:
            heard.append((number, file.project))

        index.plugins.register("ears", plugin(file_added=hear))

    one = plugin(index_opened=opened)
    publish(index(one))
    publish(index(one))

    assert heard == [(0, "holy-grail"), (1, "holy-grail")]


def test_hook_pypi_index_opened_is_called_by_commands(tmp_path, monkeypatch, pypi_wheel) -> None:
    """What a command changes is known to whoever listens."""
    heard = []
    ears = plugin(
        index_opened=lambda index: heard.append(index.settings.default),
        index_closed=lambda index: heard.append(index.catalog.last_serial()),
    )
    monkeypatch.setitem(sys.modules, "ears_for_pypi", ears)
    ini = tmp_path / "site.ini"
    settings = {"use": "egg:pyramid_pypi", **open_settings(tmp_path), "pypi.plugins": "ears_for_pypi"}
    ini.write_text("[app:main]\n" + "".join(f"{key} = {value}\n" for key, value in settings.items()))
    name, content = pypi_wheel("holy-grail", "1.0")
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / name).write_bytes(content)

    assert CliRunner().invoke(main, ["reindex", str(ini)], catch_exceptions=False).exit_code == 0
    assert heard[0] == "private"
    assert heard[-1] > 0


def test_hook_pypi_index_opened_with_an_exception_stops_the_start(index) -> None:
    """The message names the plugin and the hook."""
    with pytest.raises(PluginError, match="failed in pypi_index_opened: RuntimeError"):
        index(plugin(index_opened=lambda: fails()))


@pytest.fixture
def close(monkeypatch) -> Callable[[Any], None]:
    """Return a function that closes the index of a client, before it would be closed by itself."""

    def close(client: Any) -> None:
        client.app.close()
        monkeypatch.setattr(client.app, "close", lambda: None)

    return close


def test_hook_pypi_index_closed(index, publish, close) -> None:
    """Called once, while the catalog still answers."""
    heard = []
    client = index(plugin(index_closed=lambda index: heard.append(len(list(index.catalog.files("private"))))))
    publish(client)
    close(client)

    assert heard == [1]


def test_hook_pypi_index_closed_with_an_exception_closes_all_the_same(index, close, caplog) -> None:
    """The next plugin is told, too."""
    heard = []
    client = index(
        plugin(index_closed=lambda: fails()), plugin(index_closed=lambda index: heard.append(index))
    )
    close(client)

    assert heard == [client.app.index]
    assert "failed in pypi_index_closed" in caplog.text


def test_hook_pypi_commands(tmp_path, monkeypatch) -> None:
    """The command line of an ini has the commands of its plugins, and only that."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "parrot_for_pypi.py").write_text(
        "import click\n"
        "from pyramid_pypi import hookimpl\n"
        "@hookimpl\n"
        "def pypi_commands(cli):\n"
        "    @cli.command()\n"
        "    def parrot():\n"
        "        click.echo('resting')\n"
    )
    ini = tmp_path / "site.ini"
    ini.write_text("[app:main]\nuse = egg:pyramid_pypi\npypi.plugins = parrot_for_pypi\n")
    with_ini = CliRunner().invoke(main, ["--ini", str(ini), "parrot"])
    without = CliRunner().invoke(main, ["parrot"])

    assert (with_ini.exit_code, with_ini.output) == (0, "resting\n")
    assert without.exit_code == click.UsageError.exit_code


def test_hook_pypi_links(index) -> None:
    """Each page gets the links that are meant for it, in the order of the plugins."""
    login, account = Link("login", "Parrot", "-/parrot/login"), Link("account", "Cage", "-/cage")
    plugins = index(
        plugin(links=lambda: [login, account]), plugin(links=lambda: (account,))
    ).app.index.plugins

    assert (plugins.links("login"), plugins.links("account")) == ((login,), (account, account))


@pytest.mark.parametrize(
    "answer", [fails, lambda: None, lambda: ["-/parrot"]], ids=["raises", "none", "text"]
)
def test_hook_pypi_links_that_fail_leave_the_others(index, caplog, answer) -> None:
    """People can log in all the same, and the log names the plugin."""
    link = Link("login", "Parrot", "-/parrot/login")
    plugins = index(plugin(links=lambda: answer()), plugin(links=lambda: [link])).app.index.plugins

    assert plugins.links("login") == (link,)
    assert "pypi_links" in caplog.text


def test_hook_pypi_check_upload(index, publish) -> None:
    """Every plugin is asked; the reasons are in the reason phrase and in the body, nothing is stored."""
    asked = []

    def refuse(upload: Any, repository: str, identity: Identity) -> str:
        asked.append((upload.project, upload.version, repository, identity, upload.staged.path.exists()))
        return "Our names begin with 'acme-'"

    client = index(
        plugin(check_upload=refuse),
        plugin(check_upload=lambda: None),
        plugin(check_upload=lambda: "It is Sunday"),
    )
    answer = publish(client, status=400)

    assert asked == [("holy-grail", "1.0", "private", ANN, True)]
    assert answer.status == "400 Our names begin with 'acme-'; It is Sunday"
    assert answer.text == "Our names begin with 'acme-'; It is Sunday\n"
    assert list(client.app.index.catalog.files("private")) == []


@pytest.mark.parametrize("answer", [fails, lambda: True, lambda: False], ids=["raises", "true", "false"])
def test_hook_pypi_check_upload_fails_closed(index, publish, answer) -> None:
    """What cannot tell refuses: 503, and the plugin is named."""
    broken = plugin(check_upload=lambda: answer())
    answered = publish(index(broken), status=503)

    assert "pypi_check_upload" in answered.text
    assert "plugin" in answered.text


def test_hook_pypi_authorize_download(index, publish) -> None:
    """The file and its metadata are refused with the reason; the page of the project is not."""
    allowed = []

    def refuse(file: Any, repository: str, identity: Identity) -> str | None:
        allowed.append((file.filename, repository, identity))
        return None if identity == ANN else "This file is for friends"

    client = index(plugin(authorize_download=refuse))
    publish(client)
    url = file_url(client)
    client.get(url, status=200)
    client.authorization = None
    refused = [client.get(url, status=403), client.get(f"{url}.metadata", status=403)]

    name = "holy_grail-1.0-py3-none-any.whl"
    assert allowed == [(name, "private", ANN), (name, "private", ANONYMOUS), (name, "private", ANONYMOUS)]
    assert {answer.status for answer in refused} == {"403 This file is for friends"}
    assert {answer.text for answer in refused} == {"This file is for friends\n"}
    client.get("/simple/holy-grail/", status=200)


def test_hook_pypi_authorize_download_is_asked_for_every_request(index, publish) -> None:
    """Nothing that was allowed before is served without asking again."""
    closed = threading.Event()
    client = index(plugin(authorize_download=lambda: "Closed" if closed.is_set() else None))
    publish(client)
    url = file_url(client)
    for _ in range(3):
        client.get(url, status=200)
    closed.set()

    client.get(url, status=403)


def test_hook_pypi_authorize_download_fails_closed(index, publish) -> None:
    """What cannot tell refuses."""
    client = index(plugin(authorize_download=lambda: fails()))
    publish(client)

    assert "pypi_authorize_download" in client.get(file_url(client), status=503).text


def test_hook_pypi_file_added(index, publish) -> None:
    """Called once, with who uploaded; the same bytes again add nothing."""
    one, heard = listener("file_added")
    client = index(one)
    publish(client)
    publish(client)

    assert heard == [("holy_grail-1.0-py3-none-any.whl", "private", ANN)]


def test_hook_pypi_file_added_comes_after_the_commit(index, publish) -> None:
    """Who hears of the file finds it."""
    found = []
    client = None

    def look(file: Any) -> None:
        found.append(client.app.index.catalog.file("private", file.filename))
        found.append(file)

    client = index(plugin(file_added=look))
    publish(client)

    assert found[0] == found[1]


@pytest.mark.parametrize("event", ["file_added", "file_removed", "file_served"])
def test_exception_in_an_event_is_logged_and_undoes_nothing(index, publish, caplog, event) -> None:
    """The client does not notice, and the next plugin is told all the same."""
    after, heard = listener(event)
    client = index(failing(event), after)
    with caplog.at_level(logging.ERROR):
        publish(client)
        client.get(file_url(client), status=200)
        remove(client)

    assert len(heard) == 1
    assert list(client.app.index.catalog.files("private")) == []
    (record,) = [record for record in caplog.records if record.name == "pyramid_pypi.plugins"]
    assert f"failed in pypi_{event}" in record.getMessage()
    assert "the plugin is broken" in caplog.text


def test_hook_pypi_file_removed(index, publish) -> None:
    """Called after the file is gone, with who removed it."""
    one, heard = listener("file_removed")
    client = index(one)
    publish(client)
    client.authorization = None
    remove(client)

    assert heard == [("holy_grail-1.0-py3-none-any.whl", "private", ANONYMOUS)]


class Allowed:
    """A caller who may do everything."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity

    def require(self, permission: str, project: str) -> None:
        """Agree."""


def test_hook_pypi_file_yanked(index, publish) -> None:
    """Called with the file as it is now and with who yanked; a file without a mark was un-yanked."""
    heard = []

    def hear(file: Any, repository: str, identity: Identity) -> None:
        heard.append((file.yanked, repository, identity))

    client = index(plugin(file_yanked=hear))
    publish(client)
    served = client.app.index.default
    file = served.repository.file("holy_grail-1.0-py3-none-any.whl")
    for reason in ("", None):
        served.publisher.yank(file, reason, Allowed(ANN))

    assert heard == [("", "private", ANN), (None, "private", ANN)]


def test_hook_pypi_file_served(index, publish) -> None:
    """Called for each download of the bytes and for nothing else."""
    one, heard = listener("file_served")
    client = index(one)
    publish(client)
    url = file_url(client)
    etag = client.get(url).headers["ETag"]
    client.authorization = None
    client.get(url)
    client.get(url, headers={"If-None-Match": etag}, status=304)
    client.head(url)
    client.get(f"{url}.metadata")

    name = "holy_grail-1.0-py3-none-any.whl"
    assert heard == [(name, "private", ANN), (name, "private", ANONYMOUS)]


def set_status(client: Any, status: str, reason: str = "") -> None:
    """Give the project a status as ann."""
    client.app.index.default.takes.set_status("holy-grail", status, reason, Allowed(ANN))


def test_hook_pypi_status_changed(index, publish) -> None:
    """Called after the commit with who did it; nothing is told when nothing has changed."""
    heard = []

    def hear(project: str, repository: str, status: str, reason: str, identity: Identity) -> None:
        found = client.app.index.catalog.page(repository, project)
        heard.append((found.status, project, repository, status, reason, identity))

    client = index(plugin(status_changed=hear))
    publish(client)
    for _ in range(2):
        set_status(client, "deprecated", "use shrubbery")
    set_status(client, "active")

    told = ("holy-grail", "private")
    assert heard == [
        ("deprecated", *told, "deprecated", "use shrubbery", ANN),
        ("active", *told, "active", "", ANN),
    ]


def test_hook_pypi_status_changed_with_an_exception_undoes_nothing(index, publish, caplog) -> None:
    """The status is what was wanted, and the log names the hook."""
    client = index(plugin(status_changed=lambda: fails()))
    publish(client)
    set_status(client, "archived")

    assert client.app.index.catalog.page("private", "holy-grail").status == "archived"
    assert "failed in pypi_status_changed" in caplog.text


def test_hook_pypi_request_answered(index, publish) -> None:
    """Called for every request, also for those that are answered from memory and for refused ones."""
    heard: list[Answered] = []
    client = index(plugin(request_answered=lambda request: heard.append(request)))
    publish(client)
    for _ in range(2):
        page(client)
    client.get(file_url(client))
    client.get("/simple/parrot/", status=404)
    client.get("/-/nothing/of/that/kind", status=404)
    client.app.flush()

    name = "holy_grail-1.0-py3-none-any.whl"
    asked = ("GET", "project", 200, "holy-grail", "")
    assert [(one.method, one.route, one.status, one.project, one.file) for one in heard[1:]] == [
        *[asked] * 3,
        ("GET", "file", 200, "holy-grail", name),
        ("GET", "project", 404, heard[5].project, ""),
        ("GET", "", 404, "", ""),
    ]
    assert (heard[0].method, heard[0].status) == ("POST", 200)
    assert {one.repository for one in heard[:5]} == {"private"}
    assert heard[1].identity == ANN
    assert all(one.seconds >= 0 and one.at.utcoffset() == timedelta(0) for one in heard)


def test_hook_pypi_request_answered_runs_elsewhere(index) -> None:
    """Nobody waits for a plugin: the answer is there while the plugin still hangs."""
    hangs, heard = threading.Event(), queue.Queue()

    def hear(request: Answered) -> None:
        heard.put(threading.current_thread())
        hangs.wait(20)

    client = index(plugin(request_answered=hear))
    client.get("/simple/")
    thread = heard.get(timeout=20)
    client.get("/simple/")
    hangs.set()

    assert thread is not threading.current_thread()


def test_hook_pypi_request_answered_with_an_exception_changes_nothing(index, caplog) -> None:
    """The next plugin is told all the same."""
    heard: list[Answered] = []
    client = index(
        plugin(request_answered=lambda request: fails(request=request)),
        plugin(request_answered=lambda request: heard.append(request)),
    )
    client.get("/simple/", status=200)
    client.app.flush()

    assert len(heard) == 1
    assert "failed in pypi_request_answered" in caplog.text


def test_hook_pypi_upstream_fetched(index, pypi_upstream) -> None:
    """Called once for a download, when the bytes are kept, and with what was found out about them."""
    heard: queue.Queue[tuple[str, str, str]] = queue.Queue()

    def hear(file: Any, repository: str) -> None:
        heard.put((file.filename, file.hashes.sha256, repository))

    name, content = "holy_grail-1.0-py3-none-any.whl", make_wheel("holy-grail", "1.0")
    pypi_upstream.add(name, content)
    client = index(plugin(upstream_fetched=hear), settings=following(pypi_upstream.url))
    (file,) = client.get("/far/simple/holy-grail/", headers={"Accept": JSON}).json["files"]
    for _ in range(2):
        client.get(file["url"].replace("../../", "/far/"))

    assert heard.get(timeout=10) == (name, hashlib.sha256(content).hexdigest(), "far")
    assert heard.empty()


def test_hook_pypi_upstream_fetched_with_an_exception_undoes_nothing(index, pypi_upstream) -> None:
    """The file is kept and served all the same."""
    content = make_wheel("holy-grail", "1.0")
    pypi_upstream.add("holy_grail-1.0-py3-none-any.whl", content)
    client = index(
        plugin(upstream_fetched=lambda file: fails(file=file)), settings=following(pypi_upstream.url)
    )
    (file,) = client.get("/far/simple/holy-grail/", headers={"Accept": JSON}).json["files"]
    url = file["url"].replace("../../", "/far/")

    assert client.get(url).body == client.get(url).body == content


def test_hook_pypi_login_failed(index) -> None:
    """Called with what was tried and from where, never with the password."""
    heard = []

    def hear(username: str, address: str, reason: str) -> None:
        heard.append((username, address, reason))

    client = index(plugin(login_failed=hear))
    environ = {"REMOTE_ADDR": "192.0.2.1"}
    client.get("/simple/", headers=wrong("ann"), extra_environ=environ, status=401)
    client.get("/simple/", headers=wrong("eve"), extra_environ=environ, status=401)
    client.get("/simple/", headers=wrong("ann", "secret"), extra_environ=environ, status=200)

    assert [(name, address) for name, address, _ in heard] == [("ann", "192.0.2.1"), ("eve", "192.0.2.1")]
    assert all(reason and "guess" not in reason for *_, reason in heard)


def test_hook_pypi_login_failed_with_an_exception_still_refuses(index) -> None:
    """A listener decides nothing."""
    client = index(plugin(login_failed=lambda: fails()))

    client.get("/simple/", headers=wrong(), status=401)
