"""`pyramid-pypi check`: everything that is wrong with an ini, or what it amounts to."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import click
from sqlalchemy.engine import make_url

from pyramid_pypi import settings
from pyramid_pypi.cli.load import load_settings, read_ini
from pyramid_pypi.errors import PypiError
from pyramid_pypi.model import PERMISSIONS, Permission
from pyramid_pypi.settings import Instance, RepositorySettings, Settings, UnusableSettings

__all__ = ["check"]


@click.command()
@click.argument("ini")
@click.argument("variables", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def check(ctx: click.Context, ini: str, variables: tuple[str, ...], *, as_json: bool) -> None:
    """Report everything that is wrong with INI, or show what it sets up.

    INI is a path, or a path and the name of an application, as in production.ini#main. KEY=VALUE
    sets %(KEY)s in it. The exit code is 1 when something is wrong. Nothing is opened or changed.
    """
    if not as_json:
        loaded = load_settings(ini, variables)
        for line in _lines(view(loaded)):
            click.echo(line)
        for warning in loaded.warnings:
            click.echo(f"warning: {warning}", err=True)
        return
    answer = _answer(read_ini(ini, variables))
    click.echo(json.dumps(answer, indent=2))
    ctx.exit(0 if answer["ok"] else 1)


def _answer(keys: Mapping[str, str]) -> dict[str, Any]:
    try:
        return {"ok": True, **view(settings.load(keys))}
    except UnusableSettings as error:
        return {"ok": False, "problems": [asdict(problem) for problem in error.problems]}
    except PypiError as error:
        return {"ok": False, "problems": [{"key": "pypi.plugins", "reason": error.message}]}


def view(loaded: Settings) -> dict[str, Any]:
    """Return the settings as plain data for people to read; no option but a path is in it."""
    return {
        "plugins": list(loaded.plugins),
        "catalog": make_url(loaded.catalog).render_as_string(hide_password=True),
        "security": loaded.security,
        "authenticators": [_instance(one) for one in loaded.authenticators],
        "default": loaded.default,
        "repositories": [_repository(one) for one in loaded.repositories],
        "warnings": list(loaded.warnings),
    }


def _instance(instance: Instance) -> dict[str, str]:
    path = getattr(instance.options, "path", None)
    shown = {"name": instance.name, "kind": instance.kind}
    return shown if path is None else {**shown, "path": str(path)}


def _repository(repository: RepositorySettings) -> dict[str, Any]:
    return {
        "name": repository.name,
        "kind": repository.kind,
        "description": repository.description,
        "accept": repository.accept,
        "max_upload_size": repository.max_upload_size,
        "storage": _instance(repository.storage),
        "grants": _grants(repository.rights.grants),
        "projects": {rights.pattern: _grants(rights.grants) for rights in repository.rights.projects},
    }


def _grants(grants: Mapping[Permission, frozenset[str]]) -> dict[str, list[str]]:
    return {permission: sorted(grants[permission]) for permission in PERMISSIONS if permission in grants}


def _lines(shown: Mapping[str, Any]) -> Iterator[str]:
    yield f"plugins         {' '.join(shown['plugins']) or 'none but the core'}"
    yield f"catalog         {shown['catalog']}"
    yield f"security        {shown['security']}"
    yield f"authenticators  {', '.join(map(_kind, shown['authenticators'])) or 'none'}"
    for repository in shown["repositories"]:
        mark = ", the default" if repository["name"] == shown["default"] else ""
        yield f"repository      {repository['name']} ({repository['kind']}{mark})"
        storage = repository["storage"]
        yield f"    storage     {storage['kind']} {storage.get('path', '')}".rstrip()
        yield f"    accept      {repository['accept']}"
        for permission, principals in repository["grants"].items():
            yield f"    {permission:<11} {_who(principals)}"
        for pattern, grants in repository["projects"].items():
            yield f"    project     {pattern}"
            for permission, principals in grants.items():
                yield f"        {permission:<7} {_who(principals)}"


def _kind(instance: Mapping[str, str]) -> str:
    name, kind = instance["name"], instance["kind"]
    return name if name == kind else f"{name} ({kind})"


def _who(principals: list[str]) -> str:
    return " ".join(principals) or "nobody"
