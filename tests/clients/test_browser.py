"""People with a browser: Chromium, driven by Playwright."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.clients.client import Client
from tests.clients.installing import install
from tests.clients.people import ANN, BOB
from tests.clients.releases import put_for_team
from tests.clients.window import launch, log_in, watch
from tests.live import LiveServer


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Run Debian's Chromium."""
    with launch() as browser:
        yield browser


@pytest.fixture
def page(chromium: Browser, server: LiveServer) -> Iterator[Page]:
    """Open an empty window; whatever the browser refuses on a page fails the test."""
    context = chromium.new_context(base_url=server.url)
    window = context.new_page()
    complaints = watch(window)
    yield window
    context.close()

    assert complaints == []


def test_somebody_logs_in_makes_a_token_that_works_and_logs_out(
    page: Page, server: LiveServer, pip: Client
) -> None:
    put_for_team(server, "browsed", "1.0")
    page.goto("/team/simple/browsed/")
    assert page.url.startswith(f"{server.url}/login?next=")
    log_in(page, *BOB)
    assert page.url == f"{server.url}/team/simple/browsed/"
    assert page.get_by_role("link", name="browsed-1.0").count() == 1

    page.goto("/account")
    page.get_by_label("What it is for").fill("pip at home")
    page.get_by_label("upload", exact=True).uncheck()
    page.get_by_role("button", name="Make the token").click()
    secret = page.locator("#secret").inner_text()

    done = install("pip", pip, server.at("/team/simple/", "__token__", secret), "browsed")
    assert done.version("browsed") == "1.0"

    page.get_by_role("link", name="All your tokens").click()
    assert page.get_by_text("pip at home").count() == 1
    page.get_by_role("button", name="Log out").click()
    assert page.url == f"{server.url}/"
    page.goto("/team/simple/browsed/")
    assert page.url.startswith(f"{server.url}/login?next=")


def test_a_token_is_revoked_in_the_browser(page: Page, server: LiveServer) -> None:
    page.goto("/login")
    log_in(page, *ANN)
    page.get_by_label("What it is for").fill("short-lived")
    page.get_by_role("button", name="Make the token").click()
    secret = page.locator("#secret").inner_text()
    page.get_by_role("link", name="All your tokens").click()

    row = page.get_by_role("row").filter(has_text="short-lived")
    row.get_by_role("button").click()

    assert page.get_by_text("short-lived").count() == 0
    answer = page.request.get("/team/simple/", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status == 401


def test_a_wrong_password_is_said_and_no_window_pops_up(page: Page) -> None:
    page.goto("/login")
    log_in(page, "ann", "wrong")

    assert "Invalid or non-existent" in page.get_by_role("alert").inner_text()
    assert page.get_by_label("Name").input_value() == "ann"


def test_the_cookie_is_out_of_reach_of_scripts(page: Page) -> None:
    page.goto("/login")
    log_in(page, *ANN)

    assert page.evaluate("document.cookie") == ""
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Lax", "/")


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_on_a_phone_and_in_the_dark(
    width: int, scheme: str, chromium: Browser, server: LiveServer
) -> None:
    context = chromium.new_context(
        base_url=server.url, viewport={"width": width, "height": 800}, color_scheme=scheme
    )
    page = context.new_page()
    page.goto("/login")
    log_in(page, *ANN)
    for path in ("/account", "/account/projects"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    context.close()
