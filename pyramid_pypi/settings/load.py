"""Flat ini to `Settings`, once, at the door."""

import os
from collections.abc import Mapping
from dataclasses import replace

from pyramid_pypi.catalog.sessions import Sessions
from pyramid_pypi.plugins import Plugins
from pyramid_pypi.settings import casts, values
from pyramid_pypi.settings.checks import check_storages, warnings
from pyramid_pypi.settings.groups import check_groups
from pyramid_pypi.settings.instances import Kinds, read_instance
from pyramid_pypi.settings.model import CredentialSettings, Instance, LoginSettings, Security, Settings
from pyramid_pypi.settings.problems import UnusableSettings
from pyramid_pypi.settings.reader import Reader
from pyramid_pypi.settings.remote import read_remote_users
from pyramid_pypi.settings.repositories import Shared, read_repositories
from pyramid_pypi.settings.rules import check_rules
from pyramid_pypi.settings.secrets import grant_secrets

__all__ = ["load", "plugin_names"]

_PLUGINS = "pypi.plugins"
_NONE: tuple[str, ...] = ()


def load(
    settings: Mapping[str, str], plugins: Plugins | None = None, environ: Mapping[str, str] = os.environ
) -> Settings:
    """Return what `settings` and the environment say, checked.

    Keys that do not begin with `pypi.` are not looked at. Every key can be overridden by an
    environment variable, as in `PYPI_REPO_PRIVATE_READ` for `pypi.repo.private.read`. Without
    `plugins`, those that `pypi.plugins` lists are loaded.

    Raises UnusableSettings, a SettingsError whose `problems` and message have everything that is
    wrong, and PluginError when a plugin cannot be used.
    """
    reader = Reader(settings, environ)
    names = reader.take(_PLUGINS, casts.words, _NONE)
    if plugins is None:
        if reader.problems:
            # Without the plugins, all that is theirs would be reported as unknown.
            raise UnusableSettings(reader.problems)
        plugins = Plugins.load(names)
    reader.data = reader.take("pypi.data", casts.path, reader.data)
    loaded = _read(reader, names, plugins)
    problems = reader.finish()
    if problems:
        raise UnusableSettings(problems)
    return replace(loaded, warnings=warnings(loaded))


def plugin_names(settings: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return what `pypi.plugins` lists, without reading anything else. Raises UnusableSettings."""
    reader = Reader(settings, environ)
    names = reader.take(_PLUGINS, casts.words, _NONE)
    if reader.problems:
        raise UnusableSettings(reader.problems)
    return names


def _read(reader: Reader, names: tuple[str, ...], plugins: Plugins) -> Settings:
    max_upload_size = reader.take("pypi.max_upload_size", casts.size, 4 * 2**30)
    listed = reader.require("pypi.repositories", values.names, _NONE, hint="list at least one repository")
    shared = Shared(
        Kinds("storage", plugins.storage_kinds()),
        Kinds("upstream", plugins.upstream_kinds()),
        Kinds("rule", plugins.rule_kinds()),
        listed,
        max_upload_size,
    )
    repositories = read_repositories(reader, shared)
    check_storages(reader, repositories)
    check_groups(reader, repositories)
    check_rules(reader, repositories)
    return Settings(
        plugins=names,
        catalog=_catalog(reader),
        default=_default(reader, listed),
        repositories=grant_secrets(repositories),
        authenticators=_authenticators(reader, Kinds("authenticator", plugins.auth_kinds())),
        remote_users=read_remote_users(reader),
        base_url=reader.take("pypi.base_url", values.base_url, None),
        allowed_hosts=reader.take("pypi.allowed_hosts", values.hosts, ()),
        realm=reader.take("pypi.realm", values.realm, "pypi"),
        security=_security(reader),
        access_log=reader.take("pypi.access_log", casts.boolean, default=True),
        downloads=reader.take("pypi.downloads", casts.boolean, default=True),
        max_upload_size=max_upload_size,
        page_cache=reader.take("pypi.page_cache", casts.size, 24 * 2**20),
        credentials=CredentialSettings(
            read_ttl=reader.take("pypi.credentials.read_ttl", casts.seconds, 3600),
            write_ttl=reader.take("pypi.credentials.write_ttl", casts.seconds, 300),
        ),
        login=_login(reader),
        sessions=Sessions.Options(
            idle=reader.take("pypi.session.idle", casts.seconds, 12 * 3600),
            lifetime=reader.take("pypi.session.lifetime", casts.seconds, 7 * 24 * 3600),
        ),
        sections=plugins.sections(reader),
    )


def _login(reader: Reader) -> LoginSettings:
    return LoginSettings(
        workers=reader.take("pypi.login.workers", casts.at_least(1), 2),
        failures=reader.take("pypi.login.failures", casts.at_least(1), 10),
        window=reader.take("pypi.login.window", casts.seconds, 300),
    )


def _catalog(reader: Reader) -> str:
    def cast(value: str) -> str:
        # There may be a password in the URL.
        return values.catalog(casts.secret(reader.environ)(value.strip()).reveal())

    url = reader.require("pypi.catalog", cast, "", allowed=values.CATALOGS)
    return values.below(reader.data, url) if url else ""


def _security(reader: Reader) -> Security:
    chosen = reader.take("pypi.security", casts.choice("pyramid_pypi", "host"), "pyramid_pypi")
    return "host" if chosen == "host" else "pyramid_pypi"


def _default(reader: Reader, listed: tuple[str, ...]) -> str:
    if not listed:
        reader.skip("pypi.default")
        return ""
    cast = casts.choice(*listed, what="one of pypi.repositories")
    return reader.take("pypi.default", cast, listed[0])


def _authenticators(reader: Reader, kinds: Kinds) -> tuple[Instance, ...]:
    before = len(reader.problems)
    listed = reader.take("pypi.authenticators", values.names, _NONE)
    if len(reader.problems) > before:
        reader.skip("pypi.auth")
        return ()
    reader.orphans("pypi.auth", listed, reason="this authenticator is not listed in pypi.authenticators")
    return tuple(read_instance(reader, f"pypi.auth.{name}", name, kinds, default=name) for name in listed)
