"""Plugins are found, checked, asked one by one and named in errors."""

import logging
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import click
import pytest

from pyramid_pypi.errors import PluginError, Unavailable
from pyramid_pypi.hookspecs import hookimpl
from pyramid_pypi.plugins import PluginDescription, Plugins
from pyramid_pypi.version import __version__

WhatIsAsked = dict[str, object]
UPLOAD: WhatIsAsked = {"upload": None, "repository": "private", "identity": None}
FAILED: WhatIsAsked = {"username": "ann", "address": "192.0.2.1", "reason": "wrong password"}
SOURCE = """
from pyramid_pypi.hookspecs import hookimpl

@hookimpl
def pypi_login_failed(username):
    pass
"""


def plugin(**hooks: Callable[..., object]) -> SimpleNamespace:
    """Return a plugin whose hooks are the functions given."""
    return SimpleNamespace(**{name: hookimpl(function) for name, function in hooks.items()})


def plugins(**named: object) -> Plugins:
    """Return plugins with those given active under their names."""
    found = Plugins.load([])
    for name, one in named.items():
        found.register(name, one)
    return found


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that writes a module, and with `offers` a distribution that has it as a plugin."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))

    def write(module: str, source: str = SOURCE, *, offers: str = "", distribution: str = "dist") -> None:
        file = tmp_path.joinpath(*module.split(".")).with_suffix(".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
        if offers:
            info = tmp_path / f"{distribution}-1.5.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.5\n")
            (info / "entry_points.txt").write_text(f"[pyramid_pypi]\n{offers} = {module}\n")

    return write


class TestLoading:
    """A name means an entry point, or else a module."""

    def test_the_core_is_always_active(self) -> None:
        (core,) = Plugins.load([]).describe()

        assert core == PluginDescription(
            "builtins",
            "pyramid_pypi.builtins",
            __version__,
            ("pypi_auth_backends", "pypi_rules", "pypi_storage_backends", "pypi_upstream_backends"),
        )

    def test_an_entry_point_is_found_by_its_name(self, write: Callable[..., None]) -> None:
        write("ldap_for_pypi", offers="ldap_x")

        assert Plugins.load(["ldap_x"]).describe()[1] == PluginDescription(
            "ldap_x", "ldap_for_pypi", "1.5", ("pypi_login_failed",)
        )

    @pytest.mark.parametrize("name", ["host_app_rules", "host_app.rules"])
    def test_a_module_is_found_by_its_dotted_name(self, write: Callable[..., None], name: str) -> None:
        write(name)

        assert Plugins.load([name]).describe()[1] == PluginDescription(name, name, "", ("pypi_login_failed",))

    def test_plugins_are_active_in_the_order_of_the_list(self, write: Callable[..., None]) -> None:
        write("plugin_b")
        write("plugin_a")

        assert [one.name for one in Plugins.load(["plugin_b", "plugin_a"]).describe()] == [
            "builtins",
            "plugin_b",
            "plugin_a",
        ]

    @pytest.mark.parametrize("name", ["ldab_x", "no.such.module", "no_such_module"])
    def test_an_unknown_name_is_told_what_is_installed(self, write: Callable[..., None], name: str) -> None:
        write("ldap_for_pypi", offers="ldap_x")

        with pytest.raises(PluginError) as caught:
            Plugins.load([name])
        assert f"no plugin {name!r}" in str(caught.value)
        assert "ldap_x" in str(caught.value)

    def test_an_unknown_name_is_told_the_nearest(self, write: Callable[..., None]) -> None:
        write("ldap_for_pypi", offers="ldap_x")

        with pytest.raises(PluginError, match=r"did you mean ldap_x\?"):
            Plugins.load(["ldab_x"])

    @pytest.mark.parametrize("source", ["import no_such_library_x", "1 / 0", "def"])
    @pytest.mark.parametrize("offers", ["", "broken_plugin"])
    def test_a_plugin_that_cannot_be_imported_is_named_with_its_cause(
        self, write: Callable[..., None], source: str, offers: str
    ) -> None:
        write("broken_plugin", source, offers=offers)

        with pytest.raises(PluginError, match=r"'broken_plugin' cannot be imported: \w+Error: ") as caught:
            Plugins.load(["broken_plugin"])
        assert caught.value.__cause__ is not None

    def test_a_module_without_hooks_is_refused(self) -> None:
        with pytest.raises(PluginError, match="'json' has no hooks"):
            Plugins.load(["json"])

    def test_two_distributions_with_one_name_are_both_named(self, write: Callable[..., None]) -> None:
        write("one_way", offers="ldap_x", distribution="first")
        write("other_way", offers="ldap_x", distribution="second")

        with pytest.raises(PluginError, match=r"first \(one_way\) and second \(other_way\)"):
            Plugins.load(["ldap_x"])

    def test_a_name_that_is_listed_twice_is_refused(self, write: Callable[..., None]) -> None:
        write("plugin_a")

        with pytest.raises(PluginError, match="'plugin_a' is listed twice"):
            Plugins.load(["plugin_a", "plugin_a"])

    def test_the_core_need_not_be_listed(self) -> None:
        with pytest.raises(PluginError, match="'builtins' is always active"):
            Plugins.load(["builtins"])

    def test_a_distribution_gives_a_dotted_module_its_version(self) -> None:
        found = plugins()
        module = ModuleType("pluggy.extra")
        module.pypi_login_failed = hookimpl(lambda: None)  # type: ignore[attr-defined]
        found.register("extra", module)

        assert found.describe()[1].version != ""


class TestChecks:
    """A plugin that would not do what it says stops the start."""

    def test_an_unknown_hook_is_told_its_nearest(self) -> None:
        with pytest.raises(PluginError, match=r"'mine' .* pypi_file_add; did you mean pypi_file_added\?"):
            plugins(mine=plugin(pypi_file_add=lambda: None))

    def test_an_unknown_hook_like_no_other_is_told_all(self) -> None:
        with pytest.raises(PluginError, match=r"pypi_zzz; the hooks are .*pypi_storage_backends"):
            plugins(mine=plugin(pypi_zzz=lambda: None))

    def test_an_unknown_hook_may_be_optional(self) -> None:
        one = SimpleNamespace(pypi_from_the_future=hookimpl(lambda: None, optionalhook=True))

        assert plugins(mine=one).describe()[1].hooks == ("pypi_from_the_future",)

    def test_an_unknown_argument_is_named(self) -> None:
        with pytest.raises(PluginError, match=r"(?s)'mine' .*pypi_login_failed.*request"):
            plugins(mine=plugin(pypi_login_failed=lambda request: request))

    def test_a_hook_without_its_marker_is_refused(self) -> None:
        with pytest.raises(PluginError, match="'mine' has pypi_check_upload without @hookimpl"):
            plugins(mine=SimpleNamespace(pypi_check_upload=lambda: "no"))

    def test_a_wrapper_is_refused(self) -> None:
        def pypi_login_failed() -> Any:
            yield

        with pytest.raises(PluginError, match="'mine' wraps pypi_login_failed"):
            plugins(mine=SimpleNamespace(pypi_login_failed=hookimpl(pypi_login_failed, wrapper=True)))

    def test_a_class_is_refused(self) -> None:
        with pytest.raises(PluginError, match="'mine' is a class"):
            plugins(mine=type("Mine", (), {}))

    def test_one_object_under_two_names_is_refused(self) -> None:
        one = plugin(pypi_login_failed=lambda: None)

        with pytest.raises(PluginError, match="'second' cannot be used"):
            plugins(first=one, second=one)

    def test_a_plugin_that_was_refused_is_not_active(self) -> None:
        found = plugins()
        with pytest.raises(PluginError):
            found.register("mine", plugin(pypi_zzz=lambda: None, pypi_login_failed=lambda: None))

        assert [one.name for one in found.describe()] == ["builtins"]
        assert not found.has("pypi_login_failed")


class TestKinds:
    """Kinds come from all plugins and each has one owner."""

    def test_the_kinds_of_all_plugins_are_joined(self) -> None:
        a, b, c = (type(name, (), {}) for name in "abc")
        found = plugins(
            one=plugin(pypi_storage_backends=lambda: {"a": a, "b": b}),
            two=plugin(pypi_storage_backends=lambda: {"c": c}, pypi_auth_backends=lambda: {"a": c}),
        )

        assert {"a": a, "b": b, "c": c}.items() <= found.storage_kinds().items()
        assert {"a": c}.items() <= found.auth_kinds().items()

    def test_the_core_has_its_own(self) -> None:
        assert "filesystem" in plugins().storage_kinds()
        assert "htpasswd" in plugins().auth_kinds()

    def test_two_plugins_with_one_kind_are_both_named(self) -> None:
        found = plugins(
            one=plugin(pypi_storage_backends=lambda: {"a": object}),
            two=plugin(pypi_storage_backends=lambda: {"a": object}),
        )

        with pytest.raises(PluginError, match="'one' and 'two' both offer 'a' in pypi_storage_backends"):
            found.storage_kinds()

    @pytest.mark.parametrize("answer", [None, ["a"], {"a": "x"}, {1: object}])
    def test_something_else_than_kinds_is_refused(self, answer: object) -> None:
        found = plugins(mine=plugin(pypi_auth_backends=lambda: answer))

        with pytest.raises(PluginError, match=r"'mine' .*pypi_auth_backends"):
            found.auth_kinds()

    def test_options_that_are_no_frozen_dataclass_are_refused(self) -> None:
        found = plugins(mine=plugin(pypi_auth_backends=lambda: {"a": type("A", (), {"Options": dict})}))

        with pytest.raises(PluginError, match="frozen dataclass"):
            found.auth_kinds()

    def test_an_exception_names_the_plugin(self) -> None:
        found = plugins(mine=plugin(pypi_storage_backends=lambda: 1 / 0))

        with pytest.raises(PluginError, match="'mine' failed in pypi_storage_backends: ZeroDivisionError"):
            found.storage_kinds()


class TestEvents:
    """Everyone hears of an event, whoever fails."""

    def test_a_plugin_gets_the_details_that_it_asks_for(self) -> None:
        heard: list[object] = []
        found = plugins(
            mine=plugin(pypi_login_failed=lambda reason, username: heard.append((username, reason)))
        )

        found.notify("pypi_login_failed", **FAILED)

        assert heard == [("ann", "wrong password")]

    def test_an_exception_is_logged_with_the_plugin_and_the_next_one_hears(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        heard: list[object] = []
        found = plugins(
            bad=plugin(pypi_login_failed=lambda: 1 / 0),
            good=plugin(pypi_login_failed=lambda username: heard.append(f"{username} failed")),
        )

        with caplog.at_level(logging.ERROR):
            found.notify("pypi_login_failed", **FAILED)

        assert heard == ["ann failed"]
        assert "'bad' failed in pypi_login_failed" in caplog.text
        assert "ZeroDivisionError" in caplog.text

    def test_the_order_is_that_of_the_list_unless_a_plugin_says_otherwise(self) -> None:
        heard: list[str] = []

        def hear(name: str, **options: bool) -> SimpleNamespace:
            return SimpleNamespace(pypi_login_failed=hookimpl(lambda: heard.append(name), **options))  # type: ignore[call-overload]

        found = plugins(
            last=hear("last", trylast=True), a=hear("a"), b=hear("b"), first=hear("first", tryfirst=True)
        )

        found.notify("pypi_login_failed", **FAILED)

        assert heard == ["first", "a", "b", "last"]


class TestRefusals:
    """Every plugin is asked, and one that cannot tell refuses."""

    def test_nobody_refuses(self) -> None:
        assert (
            plugins(mine=plugin(pypi_check_upload=lambda: None)).refusals("pypi_check_upload", **UPLOAD) == []
        )

    def test_all_reasons_are_returned(self) -> None:
        found = plugins(
            one=plugin(pypi_check_upload=lambda repository: f"not in {repository}"),
            two=plugin(pypi_check_upload=lambda: None),
            three=plugin(pypi_check_upload=lambda: "too large"),
        )

        assert found.refusals("pypi_check_upload", **UPLOAD) == ["not in private", "too large"]

    def test_an_empty_reason_refuses_as_well(self) -> None:
        (reason,) = plugins(mine=plugin(pypi_check_upload=lambda: "")).refusals("pypi_check_upload", **UPLOAD)

        assert "'mine'" in reason

    def test_an_exception_fails_closed(self, caplog: pytest.LogCaptureFixture) -> None:
        found = plugins(mine=plugin(pypi_check_upload=lambda: 1 / 0))

        with pytest.raises(Unavailable, match="'mine' failed in pypi_check_upload") as caught:
            found.refusals("pypi_check_upload", **UPLOAD)
        assert "division" not in str(caught.value)
        assert "ZeroDivisionError" in caplog.text

    @pytest.mark.parametrize("answer", [True, False, 0, b"no"])
    def test_an_answer_that_is_no_reason_fails_closed(self, answer: object) -> None:
        found = plugins(mine=plugin(pypi_check_upload=lambda: answer))

        with pytest.raises(Unavailable, match="'mine' gave no reason"):
            found.refusals("pypi_check_upload", **UPLOAD)

    def test_has_tells_whether_asking_is_needed(self) -> None:
        found = plugins(mine=plugin(pypi_check_upload=lambda: None))

        assert found.has("pypi_check_upload")
        assert not found.has("pypi_authorize_download")
        with pytest.raises(KeyError):
            found.has("pypi_check_uploads")


def test_plugins_add_commands_and_configure() -> None:
    group, config = click.Group(), SimpleNamespace(seen=[])
    found = plugins(
        mine=plugin(
            pypi_commands=lambda cli: cli.add_command(click.Command("sync")),
            pypi_configure=lambda config: config.seen.append("mine"),
        )
    )

    found.commands(group)
    found.configure(config)

    assert list(group.commands) == ["sync"]
    assert config.seen == ["mine"]


def test_applications_share_no_plugins() -> None:
    first, second = plugins(mine=plugin(pypi_check_upload=lambda: None)), plugins()

    assert first.has("pypi_check_upload")
    assert not second.has("pypi_check_upload")


def test_kinds_are_a_mapping() -> None:
    assert isinstance(plugins().storage_kinds(), Mapping)
