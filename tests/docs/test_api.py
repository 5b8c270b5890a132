"""The reference of the API agrees with its table, and its commands work."""

import typing
from dataclasses import fields, is_dataclass

import msgspec
import pytest

from pyramid_pypi.api import bodies
from pyramid_pypi.api.answers import Page
from pyramid_pypi.api.table import ENDPOINTS
from pyramid_pypi.testing.artefacts import make_sdist
from tests.docs.blocks import blocks, rows, sections
from tests.live import LiveServer, post_file, write_htpasswd, write_ini

PAGE = "docs/reference/api.md"
TABLES = ("Look", "Change", "Accounts")
PROJECT = "repositories/{repository}/projects/{project}"


def given(endpoint):
    """Return what the page says about the answer of an endpoint."""
    if typing.get_origin(endpoint.gives) is Page:
        return f"list of `{typing.get_args(endpoint.gives)[0].__name__}`"
    return f"`{endpoint.gives.__name__}`"


def taken(endpoint):
    """Return what the page says about the body or the query of an endpoint."""
    if endpoint.takes:
        return ", ".join(f"`{one.name}`" for one in msgspec.structs.fields(getattr(bodies, endpoint.takes)))
    return ", ".join(f"`?{one.name}`" for one in endpoint.options)


def kinds_within(kind, found):
    """Add the dataclasses that an answer is made of, by name, but for pages of a list."""
    if isinstance(kind, type) and is_dataclass(kind) and kind is not Page and kind.__name__ not in found:
        found[kind.__name__] = kind
        for hint in typing.get_type_hints(kind).values():
            kinds_within(hint, found)
    for argument in typing.get_args(kind):
        kinds_within(argument, found)
    return found


def test_every_endpoint_is_in_the_reference():
    told = [
        (method, path.strip("`").replace("<P>", PROJECT), takes, gives)
        for table in TABLES
        for method, path, takes, gives, _ in rows(sections(PAGE)[table])
    ]

    assert sorted(told) == sorted((one.method, one.path, taken(one), given(one)) for one in ENDPOINTS)


def test_every_type_is_in_the_reference_with_its_fields():
    told = {name.strip("`"): said for name, said in rows(sections(PAGE)["What comes out"])}
    kinds = {}
    for one in ENDPOINTS:
        kinds_within(one.gives, kinds)

    assert told == {name: ", ".join(f"`{one.name}`" for one in fields(kind)) for name, kind in kinds.items()}


def test_every_problem_is_in_the_reference():
    told = {int(status) for status, _ in rows(sections(PAGE)["Problems"])}

    assert told == {status for one in ENDPOINTS for status in one.problems}


@pytest.fixture
def server(tmp_path):
    """A server where ann may do everything with the password of the pages, and has published."""
    write_htpasswd(tmp_path, ("ann", "swordfish"))
    settings = {
        "pypi.data": str(tmp_path),
        "pypi.catalog": "sqlite:///catalog.db",
        "pypi.authenticators": "htpasswd",
        "pypi.auth.htpasswd.path": "htpasswd",
        "pypi.repositories": "private",
        "pypi.repo.private": "hosted",
        "pypi.repo.private.storage": "filesystem",
        "pypi.repo.private.storage.path": "packages",
        "pypi.repo.private.upload": "user:ann",
        "pypi.repo.private.yank": "user:ann",
    }
    with LiveServer(write_ini(tmp_path / "production.ini", settings), tmp_path / "log") as found:
        content = make_sdist("holy-grail", "0.1.0")
        assert post_file(found.at("/", "ann", "swordfish"), "holy_grail-0.1.0.tar.gz", content)[0] == 200
        yield found
    assert found.problems() == []


def test_the_commands_of_the_page_ask_the_index(server, tell):
    tell(int(server.url.rpartition(":")[2])).run(blocks("docs/reference/api.md"))
