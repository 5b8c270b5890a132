"""The reference of URLs: every row is requested, and every route is met."""

import re

import pytest
import webtest
from pyramid.interfaces import IRoutesMapper
from pyramid.request import Request

from pyramid_pypi import main
from pyramid_pypi.testing.artefacts import make_wheel
from tests.docs.blocks import page, rows
from tests.functional.support import OPEN, settings, upload_fields

WHEEL = "holy_grail-1.0-py3-none-any.whl"
REQUESTS = [row for row in rows(page("docs/reference/urls.md")) if len(row) == 4]
MANAGE = {"pypi.repo.private.manage": "everyone"}
PLACES = ("", "/private", "/repository/private")


@pytest.fixture
def web(tmp_path):
    """A client of an open index with one wheel."""
    app = main({}, **settings(tmp_path, **OPEN, **MANAGE))
    for watcher in app.index.watchers:
        watcher.round()
    client = webtest.TestApp(app)
    client.post("/", upload_fields(WHEEL, make_wheel("holy-grail", "1.0")))
    yield client
    app.close()


def test_every_url_answers_as_the_reference_says(web):
    digest = re.search(rf"packages/(.+)/{WHEEL}#", web.get("/simple/holy-grail/").text)[1]
    seen = {}
    for method, url, status, _ in REQUESTS:
        for place in PLACES if url.startswith("`<R>") else ("",):
            path = url.strip("`").replace("<R>", place).replace("<blake2b>", digest)
            body = upload_fields(WHEEL, make_wheel("holy-grail", "1.0")) if method == "POST" else {}
            send = web.post if method == "POST" else web.request
            rest = {"params": body} if method == "POST" else {"method": method}
            seen[method, path] = (send(path, expect_errors=True, **rest).status_int, int(status))

    assert {request: pair for request, pair in seen.items() if pair[0] != pair[1]} == {}


def test_every_route_is_in_the_reference(web):
    mapper = web.app.registry.getUtility(IRoutesMapper)
    met = set()
    for method, url, _, _ in REQUESTS:
        for place in PLACES if url.startswith("`<R>") else ("",):
            path = url.strip("`").replace("<R>", place).partition("?")[0].replace("<blake2b>", "0/0/0")
            met.add(mapper(Request.blank(path, method=method))["route"].name)

    assert {route.name for route in mapper.get_routes()} - met == set()
