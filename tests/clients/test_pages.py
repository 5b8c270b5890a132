"""Every page in a real browser: for whom it is, in which light, how wide, and without a mouse."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, Route

from tests.clients.axe import violations
from tests.clients.showroom import HOSTILE, PEOPLE, open_showroom
from tests.clients.window import launch, log_in, watch
from tests.live import LiveServer

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
GRAIL = "/project/holy-grail"
WHEEL = "holy_grail-1.2-py3-none-any.whl"

PAGES = {
    "overview": "/",
    "group": "/all/",
    "proxy": "/pypi/",
    "empty": "/stable/",
    "projects": "/search",
    "search": "/search?q=coconut",
    "search-nothing": "/search?q=nothing-like-this",
    "project": f"{GRAIL}/",
    "release": f"{GRAIL}/1.2/",
    "release-yanked": f"{GRAIL}/1.0/",
    "file": f"{GRAIL}/1.2/{WHEEL}",
    "file-source": f"{GRAIL}/1.2/holy_grail-1.2.tar.gz",
    "project-deprecated": "/project/coconut/",
    "project-of-upstream": "/all/project/camelot/",
    "permissions": f"{GRAIL}/-/permissions",
    "activity": "/-/activity",
    "activity-of-project": f"{GRAIL}/-/activity",
    "missing": "/project/nothing/",
}
OWN = {
    "account": "/account",
    "roles": "/account/projects",
    "roles-of-project": "/account/projects/private/holy-grail",
}
MANAGE = {"manage": f"{GRAIL}/-/manage"}
FOR = {
    "stranger": {**PAGES, "login": "/login"},
    "reader": {**PAGES, **OWN, "team": "/team/", "refused": f"{GRAIL}/-/manage"},
    "uploader": {**PAGES, **OWN, **MANAGE},
    "manager": {**PAGES, **OWN, **MANAGE, "status": "/-/status"},
}
# Bytes, without compression.
LARGEST = 60_000
# Milliseconds.
PATIENCE = 10_000
STATUSES = {"missing": 404, "refused": 403}
# Chromium lays a page out anew for each of them, so that it is loaded once.
LOOKS = [("light", 1280), ("dark", 1280), ("light", 360), ("dark", 360)]
EXAMINED = {
    "stranger": {("light", 1280), ("dark", 360)},
    "reader": {("dark", 360)},
    "uploader": {("light", 1280)},
    "manager": {("light", 1280), ("dark", 360)},
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with open_showroom(tmp_path_factory.mktemp("site")) as server:
        yield server


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launch() as browser:
        yield browser


@pytest.fixture
def page(chromium: Browser, site: LiveServer) -> Iterator[Page]:
    context = chromium.new_context(base_url=site.url)
    context.set_default_timeout(PATIENCE)
    window = context.new_page()
    complaints = watch(window)
    yield window
    context.close()

    assert complaints == []


@pytest.fixture
def plain(chromium: Browser, site: LiveServer) -> Iterator[Page]:
    """A window without JavaScript."""
    context = chromium.new_context(base_url=site.url, java_script_enabled=False)
    yield context.new_page()
    context.close()


def as_one(page: Page, who: str) -> None:
    if who in PEOPLE:
        page.goto("/login")
        log_in(page, *PEOPLE[who])


def look(page: Page, scheme: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")


@pytest.mark.parametrize("who", FOR)
def test_every_page_is_in_order_for_everybody_in_every_light_and_on_every_screen(
    who: str, page: Page
) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    as_one(page, who)
    wrong = []
    for name, path in FOR[who].items():
        answer = page.goto(path)
        assert answer is not None
        if answer.status != STATUSES.get(name, 200):
            wrong.append(f"{path}: {answer.status}")
        if len(answer.body()) > LARGEST:
            wrong.append(f"{path}: {len(answer.body())} bytes")
        for scheme, width in LOOKS:
            look(page, scheme, width)
            found = page.evaluate("document.documentElement.scrollWidth")
            if found > width:
                wrong.append(f"{path}: {found} pixels wide where there are {width}")
            if (scheme, width) in EXAMINED[who]:
                wrong += [f"{path}, {scheme}, {width}: {one}" for one in violations(page)]
                page.screenshot(path=SCREENSHOTS / f"{who}-{name}-{scheme}-{width}.png")

    assert wrong == []


@pytest.mark.parametrize("path", ["/-/status", "/account", f"{GRAIL}/-/manage", "/team/"])
def test_a_stranger_is_led_to_the_login_and_back(path: str, page: Page, site: LiveServer) -> None:
    page.goto(path)
    assert page.url.startswith(f"{site.url}/login")

    log_in(page, *PEOPLE["manager"])

    assert page.url == f"{site.url}{path}"


@pytest.fixture
def unguarded(chromium: Browser, site: LiveServer) -> Iterator[Page]:
    """A window that keeps no policy, which would hide what the sanitiser forgets; `happened` is what ran."""
    context = chromium.new_context(base_url=site.url, bypass_csp=True, viewport={"width": 360, "height": 800})
    context.add_init_script("window.happened = []; window.ran = (how) => window.happened.push(how)")
    window = context.new_page()
    asked, dialogs = [], []

    def refuse(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    def keep_here(route: Route) -> None:
        asked.append(route.request.url)
        route.abort()

    window.on("dialog", refuse)
    context.route(lambda url: not url.startswith(site.url), keep_here)
    yield window
    context.close()

    assert (asked, dialogs) == ([], [])


def test_a_hostile_readme_would_run_where_nobody_guards_the_page(unguarded: Page) -> None:
    unguarded.goto("/login")

    unguarded.evaluate("(text) => { document.write(text); document.close() }", HOSTILE["hostile-markdown"][1])

    unguarded.wait_for_function("window.happened.length > 3")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_readme_runs_nothing_sends_nothing_and_breaks_no_page(name: str, unguarded: Page) -> None:
    for path in (f"/project/{name}/1.0/", f"/search?q={name}", "/", f"/project/{name}/"):
        unguarded.goto(path)
        links = unguarded.eval_on_selector_all(".readme a[href]", "all => all.map((one) => one.protocol)")

        assert set(links) <= {"http:", "https:", "mailto:"}
        assert unguarded.evaluate("document.documentElement.scrollWidth") <= 360, path
        assert unguarded.evaluate("window.happened") == []
        assert unguarded.locator("main :is(script, iframe, object, style), .readme form, base").count() == 0
        assert unguarded.locator("[style], [onload], [onerror], [onfocus]").count() == 0
    assert violations(unguarded) == []


def test_the_policy_of_the_page_lets_nothing_of_a_readme_run_either(page: Page) -> None:
    for name in HOSTILE:
        page.goto(f"/project/{name}/")
        answer = page.request.get(f"/project/{name}/")
        policy = answer.headers["content-security-policy"]

        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_the_keyboard_reaches_the_content_and_the_search(page: Page, site: LiveServer) -> None:
    page.goto(f"{GRAIL}/")

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.tagName") == "MAIN"

    page.goto(f"{GRAIL}/")
    for _ in range(6):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "q":
            break
    page.keyboard.type("coconut")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.url}/search?q=coconut")
    assert page.locator("#results a").first.inner_text().startswith("coconut")


def test_what_has_the_focus_can_be_seen(page: Page) -> None:
    as_one(page, "manager")
    for path in (f"{GRAIL}/", f"{GRAIL}/-/manage", "/account"):
        page.goto(path)
        for _ in range(12):
            page.keyboard.press("Tab")
            shown = page.evaluate(
                "[getComputedStyle(document.activeElement).outlineStyle, document.activeElement.outerHTML]"
            )
            assert shown[0] != "none", shown[1]


def test_the_search_answers_while_one_types(page: Page, site: LiveServer) -> None:
    page.goto("/search")
    field = page.locator("#find")

    field.press_sequentially("shrub")

    page.locator("#results").get_by_role("link", name="shrubbery").first.wait_for()
    page.wait_for_url(f"{site.url}/search?q=shrub")
    field.fill("no such thing")
    page.locator("#results").get_by_role("link", name="shrubbery").first.wait_for(state="detached")


def test_what_is_copied_is_the_command(chromium: Browser, site: LiveServer) -> None:
    context = chromium.new_context(base_url=site.url)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{GRAIL}/")

    page.get_by_role("button", name="Copy the command for pip", exact=True).click()

    page.get_by_text("Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"pip install --index-url {site.url}/simple/ holy-grail"
    context.close()


def test_the_page_of_a_new_token_is_in_order(page: Page) -> None:
    as_one(page, "uploader")
    page.goto("/account")
    page.get_by_label("What it is for").fill("CI")
    page.get_by_role("button", name="Make the token").click()
    assert page.locator("#secret").count() == 1

    for scheme, width in LOOKS:
        look(page, scheme, width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page) == []


def test_one_finds_and_reads_a_project_without_scripts(plain: Page, site: LiveServer) -> None:
    plain.goto("/")
    plain.get_by_label("Search projects").first.fill("coconuts")
    plain.get_by_role("button", name="Search").first.click()
    assert plain.url.startswith(f"{site.url}/search?q=coconuts")

    plain.locator("#results").get_by_role("link", name="swallow").click()

    assert plain.url == f"{site.url}/project/swallow/"
    assert "--index-url" in plain.get_by_label("Install", exact=True).inner_text()


def test_one_manages_a_project_without_scripts(plain: Page, site: LiveServer) -> None:
    plain.goto("/project/shrubbery/-/manage")
    log_in(plain, *PEOPLE["manager"])
    assert plain.url == f"{site.url}/project/shrubbery/-/manage"
    yank = plain.locator("form[action=yank]")
    yank.get_by_label("Reason").fill("Too expensive")

    yank.get_by_role("button", name="Yank").click()

    assert "is yanked" in plain.get_by_role("status").inner_text()
    plain.goto("/project/shrubbery/")
    assert plain.get_by_text("yanked: Too expensive").count()
    plain.goto("/project/shrubbery/-/manage")
    plain.get_by_role("button", name="Offer again 1.0").click()
    assert "offered again" in plain.get_by_role("status").inner_text()


def test_one_promotes_marks_and_deletes_with_the_page(page: Page) -> None:
    as_one(page, "manager")
    page.goto("/project/knights/-/manage")

    promote = page.locator("form[action=promote]")
    promote.get_by_role("button").click()
    assert "other repository" in page.get_by_role("status").inner_text()
    page.goto("/stable/project/knights/")
    assert page.get_by_role("heading", name="knights 1.0").count() == 1

    page.goto("/project/knights/-/manage")
    status = page.locator("form[action=status]")
    status.get_by_label("archived").check()
    status.get_by_label("Reason").fill("They say something else now")
    status.get_by_role("button").click()
    assert "is archived: They say something else now" in page.locator("main").inner_text()

    delete = page.locator("form[action=delete]")
    delete.get_by_label("Type").fill("knights")
    delete.get_by_role("button").click()
    assert "Nothing is deleted" in page.get_by_role("alert").inner_text()
    delete.get_by_label("Type").fill("knights 1.0")
    delete.get_by_role("button").click()
    assert "deleted" in page.get_by_role("status").inner_text()
    assert page.locator("form[action=delete]").count() == 0
