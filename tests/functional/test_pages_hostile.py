"""Pages about what strangers have written."""

import time

import pytest

from pyramid_pypi.model import ANONYMOUS
from tests.functional.looking import look

EVIL = '"><script>alert(1)</script>'
WHEEL = "evil-1.0-py3-none-any.whl"
PAGES = (
    "/",
    "/search?q=evil",
    "/project/evil/",
    "/project/evil/1.0/",
    f"/project/evil/1.0/{WHEEL}",
    "/project/evil/-/permissions",
    "/project/evil/-/activity",
    "/-/activity",
)


def publish(client, lines, **options):
    client.publish("evil", metadata_lines=lines, **options)


@pytest.mark.parametrize("path", PAGES)
def test_what_authors_say_is_text(path, client):
    publish(
        client,
        [
            *(f"{field}: {EVIL}" for field in ("Author", "Maintainer", "License", "Keywords", "Classifier")),
            f"Author-email: {EVIL}@example.org",
            f"Project-URL: {EVIL}, https://example.org/{EVIL}",
            "Project-URL: Click, javascript:alert(1)",
            "Project-URL: Data, data:text/html,<script>alert(1)</script>",
            "Home-page: javascript:alert(1)",
            "Description-Content-Type: text/markdown",
            "",
            f"{EVIL} [x](javascript:alert(1))",
        ],
        summary=EVIL,
    )
    repository = client.index.served("private").repository
    repository.yank(repository.file(WHEEL), EVIL, ANONYMOUS)
    repository.set_status("evil", "deprecated", EVIL, ANONYMOUS)

    # It looks at what is in the page; see `sound`.
    page = look(client, path)

    assert "<script>" not in page.text


def test_names_of_files_in_an_archive_are_text(client):
    publish(client, [], files={f"evil/{EVIL}.py": "", "evil/\u202etxt.py": ""})

    assert "<script>" not in look(client, f"/project/evil/1.0/{WHEEL}").text


@pytest.mark.parametrize(
    "lines",
    [
        [f"Classifier: {'x' * 500} :: {number}" for number in range(1_000)],
        [f"Project-URL: {number}, https://example.org/{'x' * 500}" for number in range(1_000)],
        ["Keywords: " + ",".join("x" * 100 for _ in range(1_000))],
        ["Author: " + "x" * 50_000],
        ["License: " + "x" * 50_000],
        [f"Provides-Extra: extra-{number}" for number in range(5_000)],
        [f"Requires-Dist: {'x' * 500}{number} ; python_version > '3'" for number in range(1_000)],
    ],
    ids=["classifiers", "links", "keywords", "author", "licence", "extras", "dependencies"],
)
def test_what_is_long_leaves_the_page_small(lines, client):
    publish(client, lines, metadata_version="2.1")

    look(client, "/project/evil/")
    look(client, "/project/evil/1.0/")


def test_a_long_summary_leaves_pages_small(client):
    publish(client, [], summary="x" * 100_000)

    for path in PAGES:
        look(client, path)


def test_an_archive_of_many_files_leaves_the_page_small(client):
    publish(client, [], files={f"evil/{number:05}-{'x' * 60}.py": "" for number in range(3_000)})

    page = look(client, f"/project/evil/1.0/{WHEEL}")

    assert "the first 300 of them" in page.text


DEEP = {
    "elements": "<div>" * 5_000,
    "quotes": "> " * 50_000,
    "brackets": "[" * 100_000,
    "table": "|a" * 2_000 + "\n" + "|-" * 2_000 + "\n|b" * 1_000,
}


@pytest.mark.parametrize("readme", DEEP.values(), ids=DEEP)
@pytest.mark.parametrize("kind", ["text/markdown", "text/x-rst", "text/plain", "image/png"])
def test_a_readme_that_is_made_to_take_long_is_shown_in_time(readme, kind, client):
    publish(client, [f"Description-Content-Type: {kind}", "", *readme.split("\n")])
    started = time.monotonic()

    client.web.get("/project/evil/", headers={"Accept": "text/html"})

    assert time.monotonic() - started < 10
