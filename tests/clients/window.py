"""Debian's Chromium, driven by Playwright, and what it complains about."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

from tests.clients.toolbox import ToolMissing

__all__ = ["launch", "log_in", "watch"]

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


@contextmanager
def launch(*arguments: str) -> Iterator[Browser]:
    """Run Chromium with these arguments, as long as the context lasts. Raises ToolMissing."""
    program = shutil.which("chromium")
    if program is None:
        raise ToolMissing("chromium is not installed on this machine; install it, these tests need it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*_ARGUMENTS, *arguments])
        yield browser
        browser.close()


def watch(page: Page) -> list[str]:
    """Return a list that gets what the browser refuses on the page, and what goes wrong there."""
    complaints: list[str] = []

    def hear(kind: str, text: str) -> None:
        # A status that is an error is said in the console as well.
        if kind == "error" and "status of 4" not in text:
            complaints.append(f"{page.url}: {text}")

    page.on("console", lambda said: hear(said.type, said.text))
    page.on("pageerror", lambda error: hear("error", str(error)))
    return complaints


def log_in(page: Page, name: str, password: str) -> None:
    """Fill in the form of the login page."""
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
