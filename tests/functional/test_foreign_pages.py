"""What pages of other sites make a browser send changes nothing, at any URL that changes something."""

import re

import pytest

from pyramid_pypi.api.endpoint import BASE
from pyramid_pypi.api.table import ENDPOINTS
from pyramid_pypi.ui.manage import FORMS
from pyramid_pypi.ui.routes import _PAGES, _ROUTES
from tests.functional.api import PROBLEM, api
from tests.functional.browsing import ACCEPT
from tests.functional.test_rights import as_user

__all__ = ["api"]

KNOWN = {
    "repository": "private",
    "project": "holy-grail",
    "version": "1.0",
    "filename": "holy_grail-1.0-py3-none-any.whl",
    "principal": "user:ann",
    "token": "0",
    "session": "0",
}
FOREIGN = [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}]
BODIES = {
    "/status": b'{"status": "archived"}',
    "/promote": b'{"to": "stable"}',
    "{principal}": b'{"role": "owner"}',
}
WRITES = [(one.method, BASE + one.path) for one in ENDPOINTS if one.method != "GET"]
LINES = [(name, f"/{pattern.lstrip('/')}") for name, pattern, views in (*_ROUTES, *_PAGES) if "POST" in views]
POSTS = [
    (f"{name}-{action}", pattern.replace(f"{{action:{'|'.join(FORMS)}}}", action))
    for name, pattern in LINES
    for action in (FORMS if name == "change" else [""])
]


def filled(pattern):
    return re.sub(r"\{(\w+)(?::[^{}]*)?\}", lambda found: KNOWN[found[1]], pattern)


def state_of(api):
    project = "repositories/private/projects/holy-grail"
    return [api.get(path, "ann") for path in (project, f"{project}/roles", "tokens", "me/roles")]


def send(web, method, path, headers):
    body = next((text for ending, text in BODIES.items() if path.endswith(ending)), b"")
    return web.request(filled(path), method=method, body=body, headers=headers, status="*")


@pytest.fixture
def browser(api):
    """A browser in which ann, who may do everything, is logged in."""
    return api.with_browser("ann").web


@pytest.mark.parametrize(("name", "path"), POSTS, ids=[name for name, _ in POSTS])
def test_forms_of_others_are_refused(name, path, api, browser):
    before = state_of(api)
    form = {"Content-Type": "application/x-www-form-urlencoded", "Accept": ACCEPT}
    own = browser.get("/account", headers={"Accept": ACCEPT}).forms[0]["csrf"].value
    everything = (
        f"version=1.0&confirmation=holy-grail+1.0&status=archived&to=stable&principal=user:ann&csrf={own}"
    )

    for headers in FOREIGN:
        answer = browser.post(filled(path), everything, headers={**form, **headers}, status=403)
        assert "pages of other sites" in answer.text
        # Browsers remember names and passwords as well.
        browser.post(filled(path), everything, headers={**form, **headers, **as_user("ann")}, status=403)
    for csrf in ("", "0" * 64):
        sent = everything.replace(own, csrf)
        assert "out of date" in browser.post(filled(path), sent, headers=form, status=403).text

    assert state_of(api) == before
    assert browser.get("/account", headers={"Accept": ACCEPT}, status=200)


@pytest.mark.parametrize(("method", "path"), WRITES, ids=[" ".join(one) for one in WRITES])
def test_the_api_changes_nothing_for_a_session(method, path, api, browser):
    before = state_of(api)
    for headers in ({}, {"Origin": "http://localhost:80"}, {"Sec-Fetch-Site": "same-origin"}):
        answer = send(browser, method, path, headers)
        assert (answer.status_int, answer.content_type) == (401, PROBLEM)
    for headers in FOREIGN:
        assert send(browser, method, path, {**headers, **as_user("ann")}).status_int == 403

    assert state_of(api) == before
