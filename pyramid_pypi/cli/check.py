"""`pyramid-pypi check`: everything that is wrong with an ini, or what it amounts to."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import click
from sqlalchemy.engine import make_url

from pyramid_pypi import settings
from pyramid_pypi.auth.remote import RemoteUsers
from pyramid_pypi.catalog.database import shown_url
from pyramid_pypi.cli.load import load_settings, read_ini
from pyramid_pypi.errors import PypiError
from pyramid_pypi.model import PERMISSIONS, Permission
from pyramid_pypi.settings import (
    GroupSettings,
    HostedSettings,
    Instance,
    ProxySettings,
    RedirectSettings,
    RepositorySettings,
    Settings,
    UnusableSettings,
)

__all__ = ["check"]


@click.command()
@click.argument("ini")
@click.argument("variables", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--storages", is_flag=True, help="Also ask every storage whether it can be used.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def check(ctx: click.Context, ini: str, variables: tuple[str, ...], *, storages: bool, as_json: bool) -> None:
    """Report everything that is wrong with INI, or show what it sets up.

    INI is a path, or a path and the name of an application, as in production.ini#main. KEY=VALUE
    sets %(KEY)s in it. The exit code is 1 when something is wrong. Without --storages, nothing is
    opened or changed.
    """
    if as_json:
        answer = _answer(read_ini(ini, variables), storages=storages)
        click.echo(json.dumps(answer, indent=2))
        ctx.exit(0 if answer["ok"] else 1)
    loaded = load_settings(ini, variables)
    for line in _lines(view(loaded)):
        click.echo(line)
    for warning in loaded.warnings:
        click.echo(f"warning: {warning}", err=True)
    problems = list(_unusable(loaded)) if storages else []
    for name, reason in problems:
        click.echo(f"the storage of {name}: {reason}", err=True)
    ctx.exit(1 if problems else 0)


def _unusable(loaded: Settings) -> Iterator[tuple[str, str]]:
    """Yield the repositories whose storage cannot be used now, and why."""
    for repository in loaded.repositories:
        storage = getattr(repository, "storage", None)
        if storage is not None:
            try:
                storage.build().check()
            except PypiError as error:
                yield repository.name, error.message


def _answer(keys: Mapping[str, str], *, storages: bool) -> dict[str, Any]:
    try:
        loaded = settings.load(keys)
        problems = [
            {"key": f"pypi.repo.{name}.storage", "reason": reason}
            for name, reason in (_unusable(loaded) if storages else ())
        ]
        return {"ok": False, "problems": problems} if problems else {"ok": True, **view(loaded)}
    except UnusableSettings as error:
        return {"ok": False, "problems": [asdict(problem) for problem in error.problems]}
    except PypiError as error:
        return {"ok": False, "problems": [{"key": "pypi.plugins", "reason": error.message}]}


def view(loaded: Settings) -> dict[str, Any]:
    """Return the settings as plain data for people to read; of options, only paths and URLs are in it."""
    return {
        "plugins": list(loaded.plugins),
        "catalog": shown_url(make_url(loaded.catalog)),
        "security": loaded.security,
        "authenticators": [_instance(one) for one in loaded.authenticators],
        "remote_users": _remote(loaded.remote_users),
        "default": loaded.default,
        "repositories": [_repository(one) for one in loaded.repositories],
        "warnings": list(loaded.warnings),
    }


def _remote(options: RemoteUsers.Options | None) -> dict[str, Any] | None:
    return None if options is None else {"header": options.header, "from": list(map(str, options.networks))}


def _instance(instance: Instance) -> dict[str, str]:
    shown = {"name": instance.name, "kind": instance.kind}
    for option in ("path", "url"):
        value = getattr(instance.options, option, None)
        if value is not None:
            shown[option] = _without_userinfo(str(value))
    return shown


def _without_userinfo(value: str) -> str:
    """Return a path or a URL as people may see it."""
    parts = urlsplit(value)
    return (
        value
        if "@" not in parts.netloc
        else urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    )


def _repository(repository: RepositorySettings) -> dict[str, Any]:
    return {
        "name": repository.name,
        "kind": repository.kind,
        "description": repository.description,
        **_of_kind(repository),
        **({"rules": [rule.name for rule in repository.rules]} if repository.rules else {}),
        "grants": _grants(repository.rights.grants),
        "projects": {rights.pattern: _grants(rights.grants) for rights in repository.rights.projects},
    }


def _of_kind(repository: RepositorySettings) -> dict[str, Any]:
    match repository:
        case HostedSettings():
            return {
                "accept": repository.accept,
                "max_upload_size": repository.max_upload_size,
                "storage": _instance(repository.storage),
            }
        case ProxySettings():
            shown = {"upstream": _instance(repository.upstream), "files": repository.files}
            storage = repository.storage
            return shown if storage is None else {**shown, "storage": _instance(storage)}
        case RedirectSettings():
            return {"upstream": _instance(repository.upstream)}
        case GroupSettings():
            words = {"members": repository.members, "merge": repository.merge, "reserve": repository.reserve}
            return {**{key: list(found) for key, found in words.items()}, "publish": repository.publish}


def _grants(grants: Mapping[Permission, frozenset[str]]) -> dict[str, list[str]]:
    return {permission: sorted(grants[permission]) for permission in PERMISSIONS if permission in grants}


def _lines(shown: Mapping[str, Any]) -> Iterator[str]:
    yield f"plugins         {' '.join(shown['plugins']) or 'none but the core'}"
    yield f"catalog         {shown['catalog']}"
    yield f"security        {shown['security']}"
    yield f"authenticators  {', '.join(map(_kind, shown['authenticators'])) or 'none'}"
    if remote := shown["remote_users"]:
        yield f"remote users    {remote['header']} from {' '.join(remote['from'])}"
    for repository in shown["repositories"]:
        mark = ", the default" if repository["name"] == shown["default"] else ""
        yield f"repository      {repository['name']} ({repository['kind']}{mark})"
        yield from _lines_of_kind(repository)
        for permission, principals in repository["grants"].items():
            yield f"    {permission:<11} {_who(principals)}"
        for pattern, grants in repository["projects"].items():
            yield f"    project     {pattern}"
            for permission, principals in grants.items():
                yield f"        {permission:<7} {_who(principals)}"


def _lines_of_kind(repository: Mapping[str, Any]) -> Iterator[str]:
    for key in ("upstream", "storage"):
        if key in repository:
            shown = repository[key]
            yield f"    {key:<11} {shown['kind']} {shown.get('url', shown.get('path', ''))}".rstrip()
    for key in ("files", "accept", "publish"):
        if repository.get(key):
            yield f"    {key:<11} {repository[key]}"
    for key in ("members", "merge", "reserve", "rules"):
        if repository.get(key):
            yield f"    {key:<11} {' '.join(repository[key])}"


def _kind(instance: Mapping[str, str]) -> str:
    name, kind = instance["name"], instance["kind"]
    return name if name == kind else f"{name} ({kind})"


def _who(principals: list[str]) -> str:
    return " ".join(principals) or "nobody"
