"""The OpenAPI document of the API. Whoever needs it imports this late: see `bodies`."""

import inspect
import re
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final

import msgspec

from pyramid_pypi.api import bodies
from pyramid_pypi.api.answers import Problem
from pyramid_pypi.api.endpoint import BASE, Endpoint
from pyramid_pypi.version import __version__

__all__ = ["document"]

_REF: Final = "#/components/schemas/{name}"
_JSON: Final = "application/json"
_PROBLEM: Final = "application/problem+json"
_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_PARAMETERS: Final = {
    "filename": "the name of a file",
    "principal": "`user:NAME` or `group:NAME`",
    "project": "a project, by any spelling of its name",
    "repository": "the name of a repository",
    "session": "the number of a session, as the list has it",
    "token": "the public number of a token",
    "version": "a version, by any spelling",
}
_BASIC: Final = "A name and a password; or a token as the password, with any name. Also as `Bearer`."


def document(endpoints: tuple[Endpoint, ...], root: str) -> dict[str, Any]:
    """Return the document (OpenAPI 3.1) of an index whose root is at the URL `root`, without a slash."""
    return {**_document(endpoints), "servers": [{"url": root or "/"}]}


@lru_cache(maxsize=2)
def _document(endpoints: tuple[Endpoint, ...]) -> dict[str, Any]:
    components = _schemas(endpoints)
    paths: dict[str, dict[str, object]] = {}
    for one in endpoints:
        paths.setdefault(BASE + one.path, {})[one.method.lower()] = _operation(one)
    problems = sorted({status for one in endpoints for status in one.problems})
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "pyramid_pypi",
            "version": __version__,
            "summary": "A private Python package index",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {_name(status): _problem(status) for status in problems},
            "securitySchemes": {"basic": {"type": "http", "scheme": "basic", "description": _BASIC}},
        },
    }


def _operation(one: Endpoint) -> dict[str, object]:
    answer = {
        "description": "What was asked for" if one.method == "GET" else "It is done",
        "content": {_JSON: {"schema": _schema(one.gives)}},
    }
    found: dict[str, object] = {
        "operationId": one.name,
        "summary": one.summary,
        "parameters": _parameters(one),
        "responses": {
            str(one.status): answer,
            **{str(status): {"$ref": f"#/components/responses/{_name(status)}"} for status in one.problems},
        },
        # Settings may give any right to everyone, but never an account.
        "security": [{"basic": []}] if one.is_for_accounts else [{}, {"basic": []}],
    }
    if one.takes:
        body = getattr(bodies, one.takes)
        required = any(field.required for field in msgspec.structs.fields(body))
        found["requestBody"] = {"required": required, "content": {_JSON: {"schema": _schema(body)}}}
    return found


def _parameters(one: Endpoint) -> list[dict[str, object]]:
    in_path: list[dict[str, object]] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _PARAMETERS[name],
            "schema": {"type": "string", "minLength": 1},
        }
        for name in _PARAMETER.findall(one.path)
    ]
    return in_path + [
        {"name": option.name, "in": "query", "description": option.about, "schema": option.schema}
        for option in one.options
    ]


def _problem(status: int) -> dict[str, object]:
    headers = {
        401: {"WWW-Authenticate": "how to log in (RFC 7617)"},
        405: {"Allow": "the methods that are possible"},
        429: {"Retry-After": "after how many seconds to try again"},
        503: {"Retry-After": "after how many seconds to try again"},
    }.get(status, {})
    return {
        "description": HTTPStatus(status).phrase,
        "headers": {
            name: {"description": about, "schema": {"type": "string"}} for name, about in headers.items()
        },
        "content": {_PROBLEM: {"schema": _schema(Problem)}},
    }


def _name(status: int) -> str:
    return f"Problem{status}"


def _schema(kind: Any) -> dict[str, Any]:
    (found,), _components = msgspec.json.schema_components([kind], ref_template=_REF)
    return found


def _schemas(endpoints: tuple[Endpoint, ...]) -> dict[str, Any]:
    kinds = [Problem]
    for one in endpoints:
        kinds += [one.gives, *([getattr(bodies, one.takes)] if one.takes else [])]
    unique = list(dict.fromkeys(kinds))
    components = msgspec.json.schema_components(unique, ref_template=_REF)[1]
    for schema in components.values():
        _refine(schema)
    return components


def _refine(schema: dict[str, Any]) -> None:
    """Say what msgspec leaves out: the format of times, whose names tell what they are."""
    if "description" in schema:
        schema["description"] = inspect.cleandoc(schema["description"])
    for name, value in schema.get("properties", {}).items():
        if name == "at" or name.endswith("_at"):
            for one in value.get("anyOf", [value]):
                if one.get("type") == "string":
                    one["format"] = "date-time"
