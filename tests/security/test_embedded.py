"""The same hostility against an index inside another application, which has no layers in front."""

import pytest
from webob import Request

from pyramid_pypi.testing.artefacts import make_wheel
from pyramid_pypi.web.context import INDEX
from tests.functional.apps import deciding, plain, strict
from tests.functional.support import OPEN, settings
from tests.security.support import form

WHEEL = "holy_grail-1.0-py3-none-any.whl"
RIGHTS = {
    "pypi.repo.private.read": "user:owner",
    "pypi.repo.private.upload": "user:owner",
    "pypi.repo.private.project.public-*.read": "everyone",
    "pypi.repo.private.project.team-*.read": "authenticated",
}


@pytest.fixture
def host(tmp_path):
    indexes = []

    def start(module, **changes):
        app = module.make_app(settings(tmp_path, **changes))
        indexes.append(app.registry[INDEX])
        for watcher in indexes[-1].watchers:
            watcher.round()
        return app

    yield start
    for index in indexes:
        index.close()


def ask(app, path, method="GET", body=b"", **environ):
    request = Request.blank("/", environ={"REQUEST_METHOD": method, **environ})
    request.environ["PATH_INFO"], _, request.environ["QUERY_STRING"] = path.partition("?")
    request.body = body
    return request.get_response(app)


@pytest.mark.parametrize(("module", "prefix"), [(plain, "/pypi"), (strict, "/tools/pypi")])
@pytest.mark.parametrize(
    "path",
    [
        "/simple/a\0b/",
        "/simple/a\r\nX-Injected: yes/",
        "/packages/a\0b",
        "/packages/a\r\nb-1.0.tar.gz",
        "/packages/..\\..\\etc",
        "/packages/../../etc/passwd",
        "/simple//evil.example/",
        "/simple/\xc5\xbf/",
        "//evil.example/..",
        "/simple/?format=%00",
    ],
)
def test_no_path_of_the_index_fails_or_injects(host, module, prefix, path):
    answer = ask(host(module, **OPEN), prefix + path)

    assert answer.status_int < 500
    assert "X-Injected" not in answer.headers
    assert all("\n" not in value and "\r" not in value for value in answer.headers.values())


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://["])
def test_the_host_is_no_way_around_the_check_of_the_origin(host, origin):
    app = host(strict, **OPEN)
    content_type, body = form(WHEEL, make_wheel("holy-grail", "1.0"))

    answer = ask(app, "/tools/pypi/", "POST", body, CONTENT_TYPE=content_type, HTTP_ORIGIN=origin)

    assert answer.status_int in {400, 403}


def test_a_user_of_the_host_is_nobody_for_the_index(host):
    app = host(strict, **RIGHTS)

    for path in ("/simple/secret/", "/simple/team-x/", "/packages/secret/x-1.0.tar.gz"):
        assert ask(app, f"/tools/pypi{path}", HTTP_X_HOST_USER="owner").status_int in {401, 404}


@pytest.mark.parametrize("user", [None, "otto", "owner"])
def test_a_host_that_decides_is_asked_for_each_project(host, user):
    app = host(deciding, **RIGHTS)
    headers = {} if user is None else {"HTTP_X_HOST_USER": user}
    for name in ("public-thing", "team-thing", "secret-thing"):
        filename = f"{name.replace('-', '_')}-1.0-py3-none-any.whl"
        content_type, body = form(filename, make_wheel(name, "1.0"))
        put = ask(app, "/pypi/", "POST", body, CONTENT_TYPE=content_type, HTTP_X_HOST_USER="owner")
        assert put.status_int == 200
        assert ask(app, f"/pypi/simple/{name}/", HTTP_X_HOST_USER="owner").status_int == 200

    may = {
        None: {"public-thing"},
        "otto": {"public-thing", "team-thing"},
        "owner": {"public-thing", "team-thing", "secret-thing"},
    }
    listed = ask(app, "/pypi/simple/", **headers).text
    for name in ("public-thing", "team-thing", "secret-thing"):
        found = ask(app, f"/pypi/simple/{name}/", **headers).status_int
        assert (found == 200) is (name in may[user])
        assert f">{name}<" not in listed or name in may[user]
