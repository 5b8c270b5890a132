from urllib.parse import urljoin

import bcrypt
import pytest
from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationError
from webtest import TestApp

from pyramid_pypi import hookimpl
from pyramid_pypi.testing.artefacts import make_wheel
from pyramid_pypi.web.context import INDEX
from pyramid_pypi.web.embedded import OBSERVER
from tests.functional.apps import deciding, plain, strict
from tests.functional.browsing import ACCEPT, Browser, form_to
from tests.functional.support import JSON, OPEN, settings, upload_fields

WHEEL = "holy_grail-1.0-py3-none-any.whl"
CONTENT = make_wheel("holy-grail", "1.0")


@pytest.mark.parametrize(("module", "prefix"), [(plain, "/pypi"), (strict, "/tools/pypi")])
def test_the_index_works_below_its_prefix(host, module, prefix):
    web = host(module, **OPEN)

    for url in (prefix, f"{prefix}/", f"{prefix}/simple/", f"{prefix}/legacy/", f"{prefix}/private/"):
        web.post(url, upload_fields(WHEEL, CONTENT))
    page = web.get(f"{prefix}/simple/holy-grail/", headers={"Accept": JSON})
    file = page.goto(page.json["files"][0]["url"], headers={})

    assert file.body == CONTENT
    assert web.get(f"{prefix}/simple//holy-grail/").status_int == 200
    assert web.get(f"{prefix}/-/health").json == {"status": "ok"}
    assert web.get(prefix, status=302).headers["Location"] == "pypi/"


def test_a_host_without_security_keeps_its_pages(host):
    web = host(plain, **OPEN)

    assert web.get("/").text == "hello from the host"


@pytest.mark.parametrize(("module", "prefix"), [(plain, "/pypi"), (strict, "/tools/pypi")])
def test_downloads_are_counted_below_the_prefix(host, module, prefix):
    web = host(module, **OPEN)
    web.post(f"{prefix}/", upload_fields(WHEEL, CONTENT))
    page = web.get(f"{prefix}/simple/holy-grail/", headers={"Accept": JSON})
    for _ in range(2):
        page.goto(page.json["files"][0]["url"], headers={})

    web.app.registry[OBSERVER].flush()

    counted = web.get(f"{prefix}/-/api/v1/repositories/private/projects/holy-grail/downloads").json
    assert counted["files"] == [[WHEEL, 2]]


def test_plugins_learn_of_our_requests_and_of_no_other(host, tmp_path):
    told = []

    class Watching:
        @hookimpl
        def pypi_request_answered(self, request):
            told.append((request.route, request.status, request.project))

    web = host(plain, **OPEN, **{"pypi.downloads": "false", "pypi.plugins": "example"})
    web.app.registry[INDEX].plugins.register("watching", Watching())
    web.get("/")
    web.get("/pypi/simple/nothing/", status=404)
    web.get("/pypi/-/health")
    web.app.registry[OBSERVER].flush()

    assert told == [("project", 404, "nothing"), ("health", 200, "")]


def test_the_host_notices_nothing(host):
    web = host(strict, **OPEN)

    assert web.get("/", status=403).text == "the host says no"
    assert web.get("/nowhere", status=404).text == "the host has no such page"
    user = {"X-Host-User": "hilda"}
    assert web.get("/", headers=user).json == {"user": "hilda", "prefix": "/tools/pypi/-/health"}
    assert web.get("/boom", headers=user, status=500).text == "the host failed"
    web.post("/form", headers=user, status=400)


def test_the_index_notices_nothing_of_the_host(host):
    web = host(strict, **{"pypi.repo.private.read": "everyone"})

    # Neither the host's CSRF nor its default permission nor its users count here.
    answer = web.post(
        "/tools/pypi/", upload_fields(WHEEL, CONTENT), headers={"X-Host-User": "hilda"}, status=401
    )
    missing = web.get("/tools/pypi/simple/nope/", status=404)

    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert missing.text == "'private' has no project 'nope'\n"
    assert "Set-Cookie" not in answer.headers


def test_a_host_may_decide_alone(host):
    rights = {"pypi.repo.private.read": "authenticated", "pypi.repo.private.upload": "user:hilda"}
    web = host(deciding, **rights)

    web.get("/pypi/simple/", status=401)
    web.post("/pypi/", upload_fields(WHEEL, CONTENT), headers={"X-Host-User": "otto"}, status=403)
    web.post("/pypi/", upload_fields(WHEEL, CONTENT), headers={"X-Host-User": "hilda"})
    assert "holy-grail" in web.get("/pypi/simple/", headers={"X-Host-User": "otto"}).text


def test_without_any_policy_the_start_stops(tmp_path):
    config = Configurator(settings=settings(tmp_path, **OPEN))
    config.include("pyramid_pypi", route_prefix="pypi")

    with pytest.raises(ConfigurationError, match="who may publish"):
        config.make_wsgi_app()
    config.registry[INDEX].close()


def test_a_second_application_in_one_process_has_its_own_index(host, tmp_path):
    first = host(plain, **OPEN)
    second = TestApp(plain.make_app(settings(tmp_path / "second", **OPEN)))
    index = second.app.registry[INDEX]
    for watcher in index.watchers:
        watcher.round()

    first.post("/pypi/", upload_fields(WHEEL, CONTENT))

    second.get("/pypi/simple/holy-grail/", status=404)
    index.close()


@pytest.mark.parametrize(("module", "prefix"), [(plain, "/pypi"), (strict, "/tools/pypi")])
def test_people_log_in_below_the_prefix(host, module, prefix, tmp_path):
    (tmp_path / "htpasswd").write_text(f"ann:{bcrypt.hashpw(b'correct horse', bcrypt.gensalt(4)).decode()}\n")
    web = host(module, **{"pypi.authenticators": "tokens htpasswd", "pypi.auth.htpasswd.path": "htpasswd"})
    browser = Browser(web.app)

    login = browser.open(f"{prefix}/simple/")
    assert login.request.path == f"{prefix}/login"
    page = browser.send(login.forms[0], username="ann", password="correct horse")
    assert page.request.path == f"{prefix}/simple/"

    page = browser.open(f"{prefix}/account")
    browser.web.get(urljoin(page.request.path, page.html.link["href"]))
    browser.send(form_to(page, "account/tokens"), description="x", status=201)
    page = browser.send(form_to(browser.open(f"{prefix}/account"), "logout"))
    assert page.request.path_qs == f"{prefix}/login?next="


def test_a_host_that_decides_alone_gets_sentences_and_no_pages_of_ours(host):
    web = host(deciding, **{"pypi.security": "host"})

    answer = web.get("/pypi/simple/nothing/", headers={"Accept": ACCEPT}, status="*")

    assert answer.content_type == "text/plain"


def test_a_host_that_decides_alone_gets_a_short_first_page(host):
    web = host(deciding, **{"pypi.security": "host", "pypi.repo.private.read": "everyone"})

    page = web.get("/pypi/", headers={"Accept": ACCEPT, "Host": "pypi.example"})

    assert "pip install --index-url http://pypi.example/pypi/simple/ PROJECT" in page.text
    assert page.click("All projects").status_int == 200
    web.get("/pypi/project/holy-grail/", status=404)
    web.get("/pypi/-/style.css", status=404)


@pytest.mark.parametrize(("module", "prefix"), [(plain, "/pypi"), (strict, "/tools/pypi")])
def test_pages_are_below_the_prefix(host, module, prefix):
    web = host(module, **OPEN)
    web.post(prefix, upload_fields(WHEEL, CONTENT))
    headers = {"Accept": ACCEPT, "Host": "pypi.example"}

    for place in ("", "/private"):
        page = web.get(f"{prefix}{place}/", headers=headers)
        page = web.get(page.click("holy-grail").request.path, headers=headers)
        assert page.request.path == f"{prefix}{place}/project/holy-grail/"
        assert f"--index-url http://pypi.example{prefix}{place}/simple/ holy-grail" in page.html.get_text()
        for link in page.html.select("link[href], script[src]"):
            assert page.goto(link.get("href") or link["src"], headers={}).status_int == 200
