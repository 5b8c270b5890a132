"""People with a browser: Chromium, driven by Playwright."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.clients.client import Client
from tests.clients.installing import install
from tests.clients.people import ANN, BOB
from tests.clients.releases import put_for_team
from tests.clients.toolbox import ToolMissing
from tests.live import LiveServer

# A browser that tells nobody of anything, and starts where there is no sandbox for it.
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Run Debian's Chromium."""
    program = shutil.which("chromium")
    if program is None:
        raise ToolMissing("chromium is not installed on this machine; install it, these tests need it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, server: LiveServer) -> Iterator[Page]:
    """Open an empty window; whatever the browser refuses on a page fails the test."""
    context = chromium.new_context(base_url=server.url)
    window = context.new_page()
    complaints: list[str] = []
    window.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    window.on("pageerror", lambda error: complaints.append(str(error)))
    yield window
    context.close()

    # A status that is an error is said in the console as well.
    assert [one for one in complaints if "status of 4" not in one] == []


def log_in(page: Page, name: str, password: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


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
