"""Tokens instead of passwords."""

from collections.abc import Callable

import pytest

from pyramid_pypi.app import PackageIndex
from pyramid_pypi.auth.tokens import Grant, issue
from pyramid_pypi.model import Permission, Scope
from tests.clients.client import Client
from tests.clients.installing import INSTALLERS, install
from tests.clients.releases import put_for_team, save
from tests.live import LiveServer


def token(index: PackageIndex, user: str, *permissions: Permission, projects: tuple[str, ...] = ()) -> str:
    """Return the secret of a new token for `team`."""
    scope = Scope(frozenset(permissions), frozenset({"team"}), projects)
    return issue(index.tokens, Grant(user, scope), by="root")[1]


@pytest.mark.parametrize("client", ["pip", "uv", "poetry", "pdm"])
@pytest.mark.parametrize("name", ["__token__", "bob"])
def test_a_token_installs(
    client: str, name: str, server: LiveServer, index: PackageIndex, start: Callable[[str], Client]
) -> None:
    project = f"token-{client}-{name.strip('_')}"
    put_for_team(server, project, "1.0")
    secret = token(index, "bob", "read")

    done = install(client, start(client), server.at("/team/simple/", name, secret), project)

    assert done.version(project.replace("-", "_")) == "1.0"


@pytest.mark.parametrize("client", ["pip", "uv"])
def test_a_token_for_other_projects_installs_nothing(
    client: str, server: LiveServer, index: PackageIndex, start: Callable[[str], Client]
) -> None:
    put_for_team(server, f"token-other-{client}", "1.0")
    secret = token(index, "bob", "read", projects=("acme-*",))
    url = server.at("/team/simple/", "__token__", secret)

    done = INSTALLERS[client](start(client), url, f"token-other-{client}")

    assert done.code != 0
    assert secret not in done.said


def test_twine_publishes_with_a_token(server: LiveServer, index: PackageIndex, twine: Client) -> None:
    wheel = save(twine.cwd / "dist", "token-twine", "1.0")
    secret = token(index, "carol", "upload", projects=("token-*",))

    options = ("--non-interactive", "--repository-url", server.at("/team/"), "-u", "__token__", "-p", secret)
    twine("upload", *options, wheel)

    assert index.served("team").repository.file(wheel.name).uploaded_by == "carol"


def test_uv_publishes_with_a_token(server: LiveServer, index: PackageIndex, uv: Client) -> None:
    wheel = save(uv.cwd / "dist", "token-uv", "1.0")
    secret = token(index, "carol", "upload")

    uv("publish", "--publish-url", server.at("/team/"), wheel, UV_PUBLISH_TOKEN=secret)

    assert index.served("team").repository.file(wheel.name).uploaded_by == "carol"


def test_a_token_that_may_only_read_does_not_publish(
    server: LiveServer, index: PackageIndex, uv: Client
) -> None:
    wheel = save(uv.cwd / "dist", "token-refused", "1.0")
    secret = token(index, "carol", "read")

    said = uv.fails("publish", "--publish-url", server.at("/team/"), "--token", secret, wheel)

    assert "This token of 'carol' isn't allowed to upload to 'team'" in said
