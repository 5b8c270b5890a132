"""The reference of settings has every key, with the default that the code has."""

import importlib
import re
from dataclasses import fields
from typing import get_args

import pytest

from pyramid_pypi.auth.htpasswd import HtpasswdAuthenticator
from pyramid_pypi.auth.passwords import Scheme
from pyramid_pypi.distribution import PROFILES
from pyramid_pypi.model import PERMISSIONS
from pyramid_pypi.options import options_of
from pyramid_pypi.rules.allow import Allow
from pyramid_pypi.rules.cooldown import Cooldown
from pyramid_pypi.rules.deny import Deny
from pyramid_pypi.settings import RESERVED_NAMES, load
from pyramid_pypi.settings.model import FileMode
from pyramid_pypi.settings.reader import Reader
from pyramid_pypi.settings.repositories import REPOSITORY_KINDS
from pyramid_pypi.storage.filesystem import FilesystemStorage
from pyramid_pypi.upstream.simple import SimpleUpstream
from tests.docs.blocks import page, rows

PAGE = "docs/reference/settings.md"
COMPLETE = {
    "pypi.catalog": "sqlite:///catalog.db",
    "pypi.repositories": "private pypi away all",
    "pypi.authenticators": "htpasswd",
    "pypi.auth.htpasswd": "htpasswd",
    "pypi.auth.htpasswd.path": "htpasswd",
    "pypi.repo.private": "hosted",
    "pypi.repo.private.storage": "filesystem",
    "pypi.repo.private.storage.path": "packages",
    "pypi.repo.private.project.acme-*.read": "everyone",
    "pypi.repo.private.rules": "allow cooldown deny named",
    "pypi.repo.private.rule.allow.projects": "acme-*",
    "pypi.repo.private.rule.cooldown.days": "3",
    "pypi.repo.private.rule.deny.files": "*.egg",
    "pypi.repo.private.rule.named": "deny",
    "pypi.repo.private.rule.named.files": "*.exe",
    "pypi.repo.pypi": "proxy",
    "pypi.repo.pypi.upstream": "simple",
    "pypi.repo.pypi.upstream.url": "https://pypi.org/simple/",
    "pypi.repo.away": "redirect",
    "pypi.repo.away.upstream": "simple",
    "pypi.repo.away.upstream.url": "https://pypi.org/simple/",
    "pypi.repo.all": "group",
    "pypi.repo.all.members": "private pypi",
    "pypi.repo.all.publish": "private",
}
# What the reference tells in words.
SPECIAL = {
    "pypi.default",
    "pypi.auth.htpasswd",
    "pypi.repo.NAME.project.PATTERN.PERMISSION",
    "pypi.repo.NAME.rule.RULE",
    "pypi.repo.NAME.folder",
    "pypi.repo.NAME.offline_file",
    "pypi.repo.NAME.publish",
    "pypi.repo.NAME.read_secret",
    "pypi.repo.NAME.write_secret",
}


class Listener(Reader):
    """A reader that remembers what was taken, how it is cast, and its default."""

    def take(self, key, cast, default):
        self.taken[documented(key)] = (cast, default)
        return super().take(key, cast, default)

    def require(self, key, cast, placeholder, **rest):
        self.taken[documented(key)] = None
        return super().require(key, cast, placeholder, **rest)


def documented(key: str) -> str:
    key = re.sub(r"\.project\.[^.]+\.\w+$", ".project.PATTERN.PERMISSION", key)
    key = re.sub(r"\.rule\.named\.", ".rule.deny.", re.sub(r"\.rule\.\w+$", ".rule.RULE", key))
    return re.sub(r"^pypi\.repo\.[a-z]+", "pypi.repo.NAME", key)


@pytest.fixture
def taken(monkeypatch) -> dict:
    """What is read for a complete configuration."""
    monkeypatch.setattr(Listener, "taken", {}, raising=False)
    # The function has the name of its module.
    monkeypatch.setattr(importlib.import_module("pyramid_pypi.settings.load"), "Reader", Listener)
    load(COMPLETE, environ={})
    return Listener.taken


@pytest.fixture(scope="module")
def table() -> dict[str, tuple[str, str]]:
    """The type and the default of every documented key."""
    found = [row for row in rows(page(PAGE)) if row[0].startswith("`pypi.")]
    assert len({row[0] for row in found}) == len(found)
    return {row[0].strip("`"): (row[1], row[2]) for row in found}


def test_every_key_is_documented_and_no_other(taken, table):
    assert sorted(table) == sorted(taken)


def test_the_defaults_are_those_of_the_code(taken, table):
    told = {key: default for key, (_, default) in table.items() if key not in SPECIAL}
    for key, default in told.items():
        if taken[key] is None:
            assert default == "required", key
        else:
            cast, value = taken[key]
            assert cast("" if default == "empty" else default.strip("`")) == value, key


def test_every_option_of_the_builtin_kinds_is_documented(table):
    storage = {f"pypi.repo.NAME.storage.{option.name}" for option in options_of(FilesystemStorage)}
    htpasswd = {f"pypi.auth.htpasswd.{option.name}" for option in options_of(HtpasswdAuthenticator)}
    upstream = {f"pypi.repo.NAME.upstream.{option.name}" for option in options_of(SimpleUpstream)}

    rules = {
        f"pypi.repo.NAME.rule.{kind.__name__.lower()}.{option.name}"
        for kind in (Allow, Cooldown, Deny)
        for option in options_of(kind)
    }

    assert storage | htpasswd | upstream | rules <= set(table)
    assert len(upstream) == len(fields(SimpleUpstream.Options))
    assert len(storage) == len(fields(FilesystemStorage.Options))


def test_every_word_that_a_key_takes_is_on_the_page():
    text = page(PAGE)
    words = {*PROFILES, *PERMISSIONS, *get_args(Scheme), *(RESERVED_NAMES - {"-", "_"})}
    words |= {*REPOSITORY_KINDS, *get_args(FileMode), "keep", "remove"}

    assert [word for word in sorted(words) if word not in text] == []


def test_no_key_of_the_shipped_settings_is_missing(table):
    for ini in ("development.ini", "production.ini"):
        keys = re.findall(r"^(?:# |get )?(pypi\.[^ ]+) =", page(ini), re.MULTILINE)
        assert {documented(key) for key in keys} <= set(table)


def test_production_ini_explains_every_key(table):
    keys = {
        documented(key)
        for key in re.findall(r"^(?:# |get )?(pypi\.[^ ]+) =", page("production.ini"), re.MULTILINE)
    }
    told_elsewhere = {
        "pypi.security",
        "pypi.auth.htpasswd",
        "pypi.remote_user.header",
        "pypi.remote_user.groups_header",
        "pypi.remote_user.from",
        "pypi.repo.NAME.read_secret",
        "pypi.repo.NAME.write_secret",
        *(key for key in table if ".rule." in key and not key.endswith(".days")),
        "pypi.repo.NAME.max_upload_size",
        "pypi.repo.NAME.storage.handoff_prefix",
        "pypi.repo.NAME.storage.rescan",
        *(
            f"pypi.repo.NAME.upstream.{name}"
            for name in ("token", "netrc", "client_cert", "client_key", "max_page", "connections")
        ),
        *(f"pypi.repo.NAME.upstream.{name}_timeout" for name in ("connect", "read", "total")),
    }

    assert set(table) - keys == told_elsewhere
