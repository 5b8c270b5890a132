"""GitHub's published description of its API (OpenAPI 3.0), cut down to what the plugin uses."""

import json
import re
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from openapi_schema_validator import OAS30Validator, oas30_format_checker

__all__ = ["PATHS", "PUBLISHED", "Description", "Operation"]

PUBLISHED: Final = "@octokit/openapi@23.0.2"
"""The package in the npm registry that has the description."""

_REPO: Final = "/repos/{owner}/{repo}"

PATHS: Final = (
    "/user",
    "/user/repos",
    "/orgs/{org}/repos",
    "/app/installations/{installation_id}/access_tokens",
    _REPO,
    f"{_REPO}/contents/{{path}}",
    f"{_REPO}/git/ref/{{ref}}",
    f"{_REPO}/git/refs",
    f"{_REPO}/git/refs/{{ref}}",
    f"{_REPO}/git/commits",
    f"{_REPO}/git/commits/{{commit_sha}}",
    f"{_REPO}/git/trees",
    f"{_REPO}/releases",
    f"{_REPO}/releases/assets/{{asset_id}}",
    f"{_REPO}/releases/tags/{{tag}}",
    f"{_REPO}/releases/{{release_id}}",
    f"{_REPO}/releases/{{release_id}}/assets",
)
"""The paths that are kept; `path` and `ref` may have slashes."""

_MULTIPLE: Final = {"path", "ref"}
# What any request may get, which the description does not repeat for each (its guides tell of them).
_ANYWHERE: Final = {301, 304, 401, 403, 404, 422, 429, 500, 502, 503}
_SHOWN: Final = 400


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path, and the values in the path."""

    template: str
    method: str
    described: Mapping[str, Any]
    values: Mapping[str, str] = field(default_factory=dict)


class Description:
    """Tells what is wrong with a request or an answer. `document` is OpenAPI."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._patterns = [(_pattern(template), template) for template in PATHS]
        self._validators: dict[str, OAS30Validator] = {}

    @classmethod
    def load(cls, path: Path) -> "Description":
        """Read what `cut` has written."""
        return cls(json.loads(path.read_text(encoding="utf-8")))

    @staticmethod
    def fetch(folder: Path) -> None:
        """Fetch what GitHub publishes with npm, and cut it down to `cut.json` in a new folder."""
        folder.mkdir()
        pack = ["npm", "pack", "--silent", "--pack-destination", str(folder), PUBLISHED]
        subprocess.run(pack, check=True, capture_output=True)  # noqa: S603 - a program of the tests
        (packed,) = folder.glob("*.tgz")
        with tarfile.open(packed) as archive:
            archive.extract("package/generated/api.github.com.json", folder, filter="data")
        packed.unlink()
        whole = folder / "package" / "generated" / "api.github.com.json"
        Description.cut(whole, folder / "cut.json")
        whole.unlink()

    @staticmethod
    def cut(published: Path, target: Path) -> None:
        """Write the paths that the plugin uses, with all that they refer to."""
        document = json.loads(published.read_text(encoding="utf-8"))
        kept: dict[str, Any] = {"openapi": document["openapi"], "info": document["info"]}
        kept["paths"] = {template: document["paths"][template] for template in PATHS}
        kept["components"] = {}
        pending = list(_references(kept["paths"]))
        while pending:
            _, _, kind, name = pending.pop().split("/")
            section = kept["components"].setdefault(kind, {})
            if name not in section:
                section[name] = document["components"][kind][name]
                pending += _references(section[name])
        target.write_text(json.dumps(kept), encoding="utf-8")

    def find(self, method: str, path: str) -> Operation | None:
        """Return the operation for a path without its query, as it was sent."""
        for pattern, template in self._patterns:
            found = pattern.fullmatch(path)
            described = self._document["paths"][template].get(method.lower()) if found else None
            if found and described:
                values = {name: unquote(value) for name, value in found.groupdict().items()}
                return Operation(template, method, described, values)
        return None

    def example(self, name: str) -> dict[str, Any]:
        """Return an example of the description."""
        value: dict[str, Any] = json.loads(
            json.dumps(self._document["components"]["examples"][name]["value"])
        )
        return value

    def request_problems(self, operation: Operation, query: Mapping[str, str], body: Any) -> Iterator[str]:
        """Tell what is wrong with a request; `body` is its JSON, None where there is none."""
        declared = [self._resolved(each) for each in operation.described.get("parameters", ())]
        allowed = {each["name"] for each in declared if each["in"] == "query"}
        for name in query.keys() - allowed:
            yield f"{name} is no parameter"
        for each in declared:
            values = {"path": operation.values, "query": query}.get(each["in"], {})
            if each["name"] in values:
                yield from self._wrong(_typed(values[each["name"]], each["schema"]), each["schema"])
            elif each.get("required") and each["in"] in {"path", "query"}:
                yield f"{each['name']} is missing"
        wanted = operation.described.get("requestBody", {})
        schema = wanted.get("content", {}).get("application/json", {}).get("schema")
        if schema is None and body is not None:
            yield "there is no JSON to be sent"
        elif schema is not None and (body is not None or wanted.get("required")):
            yield from self._wrong(body, schema)
            for name in set(body or ()) - set(self._resolved(schema).get("properties", body or ())):
                yield f"{name} is no property"

    def answer_problems(self, operation: Operation, status: int, body: Any) -> Iterator[str]:
        """Tell what is wrong with an answer; `body` is its JSON, None where there is none."""
        described = operation.described["responses"].get(str(status))
        if described is None:
            if status not in _ANYWHERE:
                yield f"{status} is no answer"
            return
        content = self._resolved(described).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        if schema is not None and body is not None:
            yield from self._wrong(body, schema)

    def _wrong(self, value: Any, schema: Mapping[str, Any]) -> Iterator[str]:
        name = json.dumps(schema, sort_keys=True)
        if name not in self._validators:
            whole = {**schema, "components": self._schemas}
            self._validators[name] = OAS30Validator(whole, format_checker=oas30_format_checker)
        for error in self._validators[name].iter_errors(value):
            yield f"{'/'.join(map(str, error.absolute_path))}: {error.message[:_SHOWN]}"

    @cached_property
    def _schemas(self) -> Mapping[str, Any]:
        return {"schemas": self._document["components"]["schemas"]}

    def _resolved(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in value:
            _, _, kind, name = value["$ref"].split("/")
            value = self._document["components"][kind][name]
        return value


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _references(each)


def _pattern(template: str) -> re.Pattern[str]:
    def group(found: re.Match[str]) -> str:
        return f"(?P<{found[1]}>{'.+' if found[1] in _MULTIPLE else '[^/]+'})"

    return re.compile(re.sub(r"\{(\w+)\}", group, template))


def _typed(value: str, schema: Mapping[str, Any]) -> object:
    return int(value) if schema.get("type") == "integer" and value.isdigit() else value
