"""A team with an index, and how the tests of the API ask it."""

import os
from contextlib import contextmanager

import pytest

from pyramid_pypi.testing.artefacts import make_sdist, make_wheel
from tests.functional.browsing import logged_in
from tests.functional.support import make_client
from tests.functional.test_rights import HASH, as_user
from tests.postgres import shared_postgres

__all__ = ["API", "PROJECT", "SETTINGS", "WHEEL", "Asker", "api", "fill", "lasting_api", "lasting_catalog"]

API = "/-/api/v1/"
PROJECT = f"{API}repositories/private/projects/holy-grail"
WHEEL = "holy_grail-1.0-py3-none-any.whl"
PROBLEM = "application/problem+json"
SETTINGS = {
    "pypi.authenticators": "tokens htpasswd",
    "pypi.auth.htpasswd.path": "htpasswd",
    "pypi.auth.htpasswd.groups": "groups",
    "pypi.repositories": "private stable team",
    "pypi.repo.private.read": "group:staff",
    "pypi.repo.private.upload": "user:ann user:bob",
    "pypi.repo.private.yank": "user:ann",
    "pypi.repo.private.delete": "user:ann",
    "pypi.repo.private.manage": "user:ann",
    "pypi.repo.private.ownership": "first-uploader",
    "pypi.repo.private.project.secret-*.read": "user:ann",
    "pypi.repo.stable": "hosted",
    "pypi.repo.stable.storage": "filesystem",
    "pypi.repo.stable.storage.path": "stable",
    "pypi.repo.stable.read": "everyone",
    "pypi.repo.stable.upload": "user:bob",
    "pypi.repo.team": "group",
    "pypi.repo.team.members": "private stable",
    "pypi.repo.team.publish": "private",
    "pypi.repo.team.read": "group:staff",
}


class Asker:
    """Asks the API as somebody; a path is below the API, or below the project where it begins with `./`."""

    def __init__(self, client, web=None):
        self.client = client
        self.web = web or client.web
        self.index = client.index

    def with_browser(self, user):
        """Return who asks with the cookies of a browser that is logged in."""
        return Asker(self.client, logged_in(self.client.application, user).web)

    def url(self, path):
        return f"{PROJECT}/{path[2:]}".rstrip("/") if path.startswith("./") else API + path

    def ask(self, method, path, body=None, *, user="", status=200, headers=None):
        given = {**(as_user(user) if user else {}), **(headers or {})}
        if body is None:
            answer = self.web.request(self.url(path), method=method, headers=given, status=status)
        else:
            send = self.web.put_json if method == "PUT" else self.web.post_json
            answer = send(self.url(path), body, headers=given, status=status)
        assert answer.content_type == ("application/json" if status < 400 else PROBLEM)
        return answer.json

    def get(self, path, user="carol", **options):
        return self.ask("GET", path, user=user, **options)

    def refused(self, method, path, body=None, *, user="", status=403, headers=None):
        """Return the sentence of a problem, whose status has to be that of the answer."""
        told = self.ask(method, path, body, user=user, status=status, headers=headers)
        assert (told["type"], told["status"]) == ("about:blank", status)
        return told["detail"]


def fill(folder, build):
    """Build the index of a team: ann manages and owns, bob publishes, carol reads.

    Nobody else may, nor carol what is secret. `team` is a group that publishes to `private`; bob may
    publish to `stable`, which all may read.
    """
    (folder / "htpasswd").write_text("".join(f"{name}:{HASH}\n" for name in ("ann", "bob", "carol", "dave")))
    (folder / "groups").write_text("staff: ann bob carol\n")
    client = build(**SETTINGS)
    for project, version in (("holy-grail", "1.0"), ("holy-grail", "2.0"), ("secret-sauce", "1.0")):
        name = f"{project.replace('-', '_')}-{version}-py3-none-any.whl"
        client.upload(name, make_wheel(project, version), headers=as_user("ann"))
    spam = make_sdist("spam", "1.0", requires_dist=["holy-grail>=1"], summary="Wonderful")
    client.upload("spam-1.0.tar.gz", spam, headers=as_user("bob"))
    return Asker(client)


@contextmanager
def lasting_catalog():
    """The URL of a catalog for all tests of a module, on the engine that TEST_CATALOG names."""
    if os.environ.get("TEST_CATALOG", "sqlite") == "sqlite":
        yield "sqlite:///catalog.db"
        return
    url = shared_postgres().create()
    yield url
    shared_postgres().drop(url)


@pytest.fixture
def api(build, tmp_path):
    """The index of the team, new for each test."""
    return fill(tmp_path, build)


@pytest.fixture(scope="module")
def lasting_api(tmp_path_factory):
    """The index of the team, for tests that change nothing."""
    folder = tmp_path_factory.mktemp("team")
    with lasting_catalog() as catalog:
        asker = fill(folder, lambda **settings: make_client(folder, **{"pypi.catalog": catalog, **settings}))
        yield asker
        asker.client.application.close()
