"""The index that a command works on: that of an ini here, or that at a URL, through the same API."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import quote, urlencode

import click
import msgspec

from pyramid_pypi.api.answers import Page
from pyramid_pypi.browse.facts import RepositoryFacts
from pyramid_pypi.cli._tables import printable

__all__ = ["Failed", "Index", "Login", "Missing", "NotAllowed", "Reply", "Transport", "Unreachable", "read"]

_T = TypeVar("_T")

API: Final = "/-/api/v1"
_PAGE: Final = 100


class Failed(click.ClickException):
    """What was asked for was refused, or is wrong; 2 is click's, for a wrong command line."""

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class Missing(Failed):
    """The index has no such thing."""

    exit_code = 3


class NotAllowed(Failed):
    """Nobody is logged in, or somebody who may not do it."""

    exit_code = 4


class Unreachable(Failed):
    """The index cannot be reached, or does not work just now."""

    exit_code = 5


@dataclass(frozen=True, slots=True)
class Login:
    """What the command line says about who logs in to a URL, and about whose certificate is trusted."""

    username: str | None = None
    password_stdin: bool = False
    token: str | None = field(default=None, repr=False)
    ca: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What an index has answered."""

    status: int
    content_type: str
    body: bytes = field(repr=False)


class Transport(Protocol):
    """Carries requests to the API of an index."""

    def send(self, method: str, path: str, body: bytes | None) -> Reply:
        """Return the answer; `path` begins with a slash and may have a query. Raises Failed."""
        ...


@dataclass(frozen=True, slots=True)
class Index:
    """An index as commands see it.

    `chosen` is what `--repository` says, None where it says nothing. What `get` and `change`
    return is the JSON of the API.
    """

    transport: Transport
    chosen: str | None = None
    as_json: bool = False

    @property
    def repository(self) -> str:
        """The repository that is meant: the chosen one, or the default one. Raises Failed."""
        if self.chosen is not None:
            return self.chosen
        for one in self.items("repositories"):
            repository = read(RepositoryFacts, one)
            if repository.is_default:
                return repository.name
        raise NotAllowed("The default repository is not for you to read; name another one with -r")

    def within(self, project: str, *segments: str) -> tuple[str, ...]:
        """Return the segments of a path below a project of the repository. Raises Failed."""
        return "repositories", self.repository, "projects", project, *segments

    def get(self, *segments: str, **query: object) -> Any:
        """Return what is at a path below the API. Raises Failed."""
        known = {name: str(value) for name, value in query.items() if value not in {None, ""}}
        return self._send("GET", segments, known, None)

    def items(self, *segments: str, limit: int | None = None, **query: object) -> Iterator[Any]:
        """Yield the items of a list, page by page, at most `limit` of them. Raises Failed."""
        left, cursor = limit, None
        while left is None or left > 0:
            asked = {**query, "limit": min(left or _PAGE, _PAGE), "cursor": cursor}
            page = read(Page[Any], self.get(*segments, **asked))
            yield from page.items[:left]
            if page.next in {None, cursor}:
                return
            cursor = page.next
            left = None if left is None else left - len(page.items)

    def change(self, method: str, *segments: str, **content: object) -> Any:
        """Change what is at a path below the API; return what the index says. Raises Failed."""
        return self._send(method, segments, {}, content or None)

    def show(self, found: object) -> bool:
        """Print the JSON of the API where that is wanted; tell whether it is."""
        if self.as_json:
            click.echo(json.dumps(found, indent=2))
        return self.as_json

    def _send(
        self, method: str, segments: tuple[str, ...], query: Mapping[str, str], content: object | None
    ) -> Any:
        path = "/".join([API, *map(_segment, segments)])
        body = None if content is None else json.dumps(content).encode()
        asked = f"{path}?{urlencode(query)}" if query else path
        reply = self.transport.send(method, asked, body)
        if reply.status >= HTTPStatus.BAD_REQUEST:
            raise _failure(reply)
        try:
            return json.loads(reply.body)
        except ValueError:
            raise Failed(
                "The answer is not JSON; SOURCE has to be the URL of an index, without /simple/"
            ) from None


def read(kind: type[_T], found: object) -> _T:
    """Return JSON of the API as data. Raises Failed when it is something else."""
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        raise Failed(f"The index does not speak as this version of pyramid-pypi: {error}") from error


def _segment(text: str) -> str:
    # They would lead to another place of the API; but a group of a directory may have a slash.
    if text in {"", ".", ".."} or ("/" in text and not text.startswith(("user:", "group:"))):
        raise Missing(f"{text!r} is not a name of anything")
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise Missing(f"{text!a} is not a name of anything") from None


def _failure(reply: Reply) -> Failed:
    kind = (
        Unreachable if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR else _KINDS.get(reply.status, Failed)
    )
    if not reply.content_type.startswith("application/problem+json"):
        return kind(
            f"The answer is {reply.status} and not from the API of an index; SOURCE has to be its URL, "
            "without /simple/"
        )
    try:
        problem = json.loads(reply.body)
        told = problem.get("detail") or problem["title"]
    except (ValueError, KeyError, AttributeError):
        told = f"The index answers {reply.status}"
    hint = "; log in with --username or a token" if reply.status == HTTPStatus.UNAUTHORIZED else ""
    return kind(f"{told}{hint}")


_KINDS: Mapping[int, type[Failed]] = {
    HTTPStatus.UNAUTHORIZED: NotAllowed,
    HTTPStatus.FORBIDDEN: NotAllowed,
    HTTPStatus.NOT_FOUND: Missing,
}
