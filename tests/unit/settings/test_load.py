"""What good settings become."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from pyramid_pypi.errors import PluginError, SettingsError
from pyramid_pypi.hookspecs import hookimpl
from pyramid_pypi.model import Permission
from pyramid_pypi.options import Secret
from pyramid_pypi.plugins import Plugins
from pyramid_pypi.rights import ProjectRights, Rights
from pyramid_pypi.settings import (
    CredentialSettings,
    Instance,
    LoginSettings,
    HostedSettings,
    Settings,
    load,
    plugin_names,
)

Read = Callable[..., Settings]
AUTHENTICATED = frozenset({"authenticated"})
NOBODY: frozenset[str] = frozenset()
CLOSED: dict[Permission, frozenset[str]] = {
    "read": AUTHENTICATED,
    "upload": NOBODY,
    "yank": NOBODY,
    "delete": NOBODY,
    "manage": NOBODY,
}


def test_what_is_left_out_has_its_default(read: Read, kinds: SimpleNamespace) -> None:
    options = kinds.Folder.Options(path=Path("/srv/packages"))

    assert read({"pypi.authenticators": "staff"}) == Settings(
        plugins=(),
        catalog="sqlite:////srv/catalog.db",
        default="private",
        repositories=(
            HostedSettings(
                name="private",
                storage=Instance("private", "folder", kinds.Folder, options),
                rights=Rights(CLOSED),
                accept="private",
                max_upload_size=4 * 2**30,
                description="",
            ),
        ),
        authenticators=(Instance("staff", "staff", kinds.Staff, kinds.Staff.Options()),),
        base_url=None,
        allowed_hosts=(),
        realm="pypi",
        security="pyramid_pypi",
        access_log=True,
        max_upload_size=4 * 2**30,
        page_cache=24 * 2**20,
        credentials=CredentialSettings(read_ttl=3600, write_ttl=300),
        login=LoginSettings(workers=2, failures=10, window=300),
        warnings=(),
    )


def test_every_global_key_is_read(read: Read) -> None:
    loaded = read(
        {
            "pypi.plugins": "one two",
            "pypi.base_url": "https://pypi.example.org/sub",
            "pypi.allowed_hosts": "PyPI.example.org localhost:8080 *.example.net [::1]:80",
            "pypi.realm": "Büro",
            "pypi.security": "host",
            "pypi.access_log": "off",
            "pypi.max_upload_size": "1 GB",
            "pypi.page_cache": "0",
            "pypi.credentials.read_ttl": "2h",
            "pypi.credentials.write_ttl": "0",
            "pypi.login.workers": "4",
            "pypi.login.failures": "3",
            "pypi.login.window": "1m",
            "pypi.repo.private.max_upload_size": "5 MiB",
            "pypi.repo.private.accept": "strict",
            "pypi.repo.private.description": "Ours alone",
        }
    )
    repository = loaded.repositories[0]

    assert loaded.plugins == ("one", "two")
    assert loaded.base_url == "https://pypi.example.org/sub"
    assert loaded.allowed_hosts == ("pypi.example.org", "localhost:8080", "*.example.net", "[::1]:80")
    assert (loaded.realm, loaded.security, loaded.access_log) == ("Büro", "host", False)
    assert (loaded.max_upload_size, loaded.page_cache) == (10**9, 0)
    assert loaded.credentials == CredentialSettings(read_ttl=7200, write_ttl=0)
    assert loaded.login == LoginSettings(workers=4, failures=3, window=60)
    assert (repository.max_upload_size, repository.accept) == (5 * 2**20, "strict")
    assert repository.description == "Ours alone"


def test_the_limit_of_a_repository_defaults_to_the_global_one(read: Read) -> None:
    assert read({"pypi.max_upload_size": "7"}).repositories[0].max_upload_size == 7


def test_repositories_keep_their_order_and_the_first_is_the_default(read: Read) -> None:
    second = {"pypi.repo.more": "hosted", "pypi.repo.more.storage": "memory"}
    loaded = read({"pypi.repositories": "more private", **second})

    assert [repository.name for repository in loaded.repositories] == ["more", "private"]
    assert loaded.default == "more"
    assert (
        read({"pypi.repositories": "more private", "pypi.default": "private", **second}).default == "private"
    )


def test_authenticators_keep_their_order_and_may_share_a_kind(read: Read, kinds: SimpleNamespace) -> None:
    loaded = read(
        {
            "pypi.authenticators": "zoo staff",
            "pypi.auth.zoo": "staff",
            "pypi.auth.zoo.groups": "dev ops",
        }
    )

    assert loaded.authenticators == (
        Instance("zoo", "staff", kinds.Staff, kinds.Staff.Options(groups=("dev", "ops"))),
        Instance("staff", "staff", kinds.Staff, kinds.Staff.Options()),
    )


def test_an_instance_is_built_with_its_options(read: Read, kinds: SimpleNamespace) -> None:
    built = read().repositories[0].storage.build()

    assert isinstance(built, kinds.Folder)
    assert built.options == kinds.Folder.Options(path=Path("/srv/packages"))


def test_a_kind_without_options_is_built_without_arguments(read: Read, kinds: SimpleNamespace) -> None:
    loaded = read({"pypi.repo.private.storage": "memory", "pypi.repo.private.storage.path": None})

    assert isinstance(loaded.repositories[0].storage.build(), kinds.Memory)


def test_an_option_of_every_type_is_read(read: Read, kinds: SimpleNamespace) -> None:
    at = "pypi.repo.private.storage"
    loaded = read(
        {
            at: "bucket",
            f"{at}.path": None,
            f"{at}.url": "s3://x",
            f"{at}.key": "env:KEY",
            f"{at}.retries": "5",
            f"{at}.signed": "no",
            f"{at}.cache": "/srv/c",
            f"{at}.regions": "eu us",
            f"{at}.verbs": "put get",
            f"{at}.chunk": "1 MiB",
            f"{at}.timeout": "1m",
            f"{at}.admins": "group:ops",
            f"{at}.token": "",
        },
        {"KEY": "hunter2"},
    )

    assert loaded.repositories[0].storage.options == kinds.Bucket.Options(
        url="s3://x",
        key=Secret("hunter2"),
        retries=5,
        signed=False,
        cache=Path("/srv/c"),
        regions=("eu", "us"),
        verbs=("put", "get"),
        chunk=2**20,
        timeout=60,
        admins=frozenset({"group:ops"}),
        token=None,
    )
    assert "hunter2" not in repr(loaded)


def test_grants_and_patterns_become_rights(read: Read) -> None:
    loaded = read(
        {
            "pypi.repo.private.read": "everyone",
            "pypi.repo.private.upload": "group:release user:ci",
            "pypi.repo.private.project.corp-*.read": "group:corp",
            "pypi.repo.private.project.corp-*.upload": "nobody",
            "pypi.repo.private.project.holy?grail.yank": "user:arthur",
        }
    )

    assert loaded.repositories[0].rights == Rights(
        {**CLOSED, "read": frozenset({"everyone"}), "upload": frozenset({"group:release", "user:ci"})},
        (
            ProjectRights("corp-*", {"read": frozenset({"group:corp"}), "upload": NOBODY}),
            ProjectRights("holy?grail", {"yank": frozenset({"user:arthur"})}),
        ),
    )


def test_rights_cannot_be_changed(read: Read) -> None:
    grants = read().repositories[0].rights.grants

    with pytest.raises(TypeError):
        grants["read"] = frozenset({"everyone"})  # type: ignore[index]


def test_keys_of_others_are_not_looked_at(read: Read) -> None:
    assert read({"pyramid.includes": "x", "sqlalchemy.url": "y", "pypix": "z"}) == read()


class TestEnvironment:
    """Every known key can be overridden."""

    def test_a_variable_goes_before_the_ini(self, read: Read) -> None:
        loaded = read({"pypi.realm": "ini"}, {"PYPI_REALM": "environment"})

        assert loaded.realm == "environment"

    def test_a_variable_can_set_what_the_ini_leaves_out(self, read: Read) -> None:
        environ = {"PYPI_REPO_PRIVATE_READ": "everyone", "PYPI_CATALOG": "sqlite:////other.db"}
        loaded = read({"pypi.catalog": None}, environ)

        assert loaded.repositories[0].rights.grants["read"] == {"everyone"}
        assert loaded.catalog == "sqlite:////other.db"

    @pytest.mark.parametrize(
        "url",
        [
            "postgresql://pypi:a%2Fb%40c@db.example.org:5433/pypi?sslmode=verify-full",
            "postgresql:///pypi?host=%2Frun%2Fpostgresql",
            "postgresql:///?service=pypi",
            "postgresql://",
        ],
    )
    def test_a_catalog_in_postgresql_may_be_a_secret(self, read: Read, tmp_path: Path, url: str) -> None:
        path = tmp_path / "catalog"
        path.write_text(f"{url}\n")
        path.chmod(0o600)

        for catalog in (url, f"file:{path}", "env:DATABASE", url.replace("sql:", "sql+psycopg:", 1)):
            loaded = read({"pypi.catalog": catalog}, {"DATABASE": url})
            assert loaded.catalog == url
            assert url not in repr(loaded)

    def test_a_dash_becomes_an_underscore(self, read: Read) -> None:
        keys = {
            "pypi.repositories": "holy-grail",
            "pypi.repo.holy-grail": "hosted",
            "pypi.repo.private": None,
            "pypi.repo.private.storage": None,
            "pypi.repo.private.storage.path": None,
        }
        environ = {"PYPI_REPO_HOLY_GRAIL_STORAGE": "folder", "PYPI_REPO_HOLY_GRAIL_STORAGE_PATH": "/x"}

        assert read(keys, environ).repositories[0].storage.options.path == Path("/x")  # type: ignore[attr-defined]

    def test_variables_that_nobody_knows_are_ignored(self, read: Read) -> None:
        assert read(None, {"PYPI_TOKEN": "x", "PYPI_REPO_OTHER_READ": "y"}) == read()

    def test_plugin_names_can_come_from_a_variable(self) -> None:
        assert plugin_names({"pypi.plugins": "a b"}, {}) == ("a", "b")
        assert plugin_names({"pypi.plugins": "a b"}, {"PYPI_PLUGINS": "c"}) == ("c",)


def test_the_listed_plugins_are_loaded_when_none_are_given() -> None:
    with pytest.raises(PluginError, match="no_such_plugin"):
        load({"pypi.plugins": "no_such_plugin"}, environ={})


def test_a_list_of_plugins_with_commas_is_refused_before_any_is_loaded() -> None:
    for attempt in (load, plugin_names):
        with pytest.raises(SettingsError, match="comma"):
            attempt({"pypi.plugins": "a, b"}, environ={})


def test_an_option_type_that_is_not_allowed_names_the_kind_and_the_option() -> None:
    class Odd:
        @dataclass(frozen=True)
        class Options:
            ratio: float = 0.5

    class Plugin:
        @hookimpl
        def pypi_storage_backends(self) -> dict[str, type]:
            return {"odd": Odd}

    plugins = Plugins.load([])
    plugins.register("odd", Plugin())
    settings = {"pypi.repositories": "x", "pypi.repo.x": "hosted", "pypi.repo.x.storage": "odd"}

    with pytest.raises(PluginError, match=r"Odd\.ratio: .*float"):
        load(settings, plugins, {})


class TestWarnings:
    """What works and is probably not wanted."""

    def test_open_uploads_are_mentioned(self, read: Read) -> None:
        loaded = read(
            {
                "pypi.authenticators": "staff",
                "pypi.repo.private.upload": "everyone",
                "pypi.repo.private.project.x.delete": "everyone",
            }
        )

        assert [warning.partition(" without")[0] for warning in loaded.warnings] == [
            "pypi.repo.private: everyone may upload",
            "pypi.repo.private.project.x: everyone may delete",
        ]

    def test_open_reading_is_not_mentioned(self, read: Read) -> None:
        assert read({"pypi.repo.private.read": "everyone"}).warnings == ()

    def test_rights_that_need_a_login_without_authenticators_are_mentioned(self, read: Read) -> None:
        (warning,) = read().warnings

        assert warning.startswith("pypi.authenticators is empty")
        assert read({"pypi.security": "host"}).warnings == ()

    def test_a_storage_inside_of_another_is_mentioned(self, read: Read) -> None:
        loaded = read(
            {
                "pypi.authenticators": "staff",
                "pypi.repositories": "private inner",
                "pypi.repo.inner": "hosted",
                "pypi.repo.inner.storage": "folder",
                "pypi.repo.inner.storage.path": "/srv/packages/inner",
            }
        )

        (warning,) = loaded.warnings
        assert warning == (
            "pypi.repo.inner.storage.path lies inside of pypi.repo.private.storage.path, so 'private' may "
            "offer the files of 'inner'"
        )
