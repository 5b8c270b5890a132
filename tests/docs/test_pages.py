"""What holds for every page: links lead somewhere, and every block is tested."""

import ast
import re
import tomllib
from urllib.parse import unquote

import pytest

from tests.docs.blocks import PAGES, ROOT, blocks, page

HANDLED = {
    "bash": {"story", "make", "user", "syntax"},
    "ini": {"load", "rights", "story"},
    "nginx": {"nginx"},
    "python": {"embed"},
    "toml": {"story"},
    "yaml": {"alerts", "job"},
    "text": {"", "story", "output"},
}
"""The languages of blocks, and how each may be tested."""

# Its blocks are executed with the tests of the hooks.
ELSEWHERE = {"docs/reference/hooks.md"}
STORIES = {name for name in PAGES if any(block.how == "story" for block in blocks(name))}
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def anchors(name: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", page(name), flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name):
    folder = (ROOT / name).parent
    broken = []
    for link in _LINK.findall(page(name)):
        target, _, anchor = unquote(link).partition("#")
        if target.startswith(("http://", "https://")):
            continue
        path = (folder / target).resolve() if target else ROOT / name
        if not path.exists() or (anchor and anchor not in anchors(path.relative_to(ROOT).as_posix())):
            broken.append(link)

    assert broken == []


@pytest.mark.parametrize("name", sorted(set(PAGES) - ELSEWHERE))
def test_every_block_is_tested(name):
    untested = [str(block) for block in blocks(name) if block.how not in HANDLED.get(block.language, set())]

    assert untested == []


@pytest.mark.parametrize("name", PAGES)
def test_every_mark_is_before_a_block(name):
    marks = page(name).count("\n<!-- test: ")

    assert marks == sum(bool(block.how) for block in blocks(name))


def test_every_story_is_told():
    told = "".join(path.read_text() for path in (ROOT / "tests" / "docs").glob("test_*.py"))

    assert [name for name in STORIES if f'"{name}"' not in told] == []


def test_every_page_can_be_reached_from_the_readme():
    reached, waiting = set(), ["README.md"]
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        links = (unquote(link).partition("#")[0] for link in _LINK.findall(page(name)))
        paths = [(ROOT / name).parent / link for link in links if link.endswith(".md") and "://" not in link]
        waiting += [path.resolve().relative_to(ROOT).as_posix() for path in paths]

    fragments = {name for name in PAGES if re.fullmatch(r"changelog/[a-z-]+\.[a-z]+\.md", name)}

    assert set(PAGES) - reached - fragments == set()


def test_toml_and_python_can_be_read():
    for block in (block for name in PAGES for block in blocks(name)):
        if block.language == "toml":
            tomllib.loads(block.text)
        elif block.language == "python":
            ast.parse(block.text)


def test_nobody_is_told_to_use_two_indexes():
    word = "extra-index" + "-url"
    texts = {name: page(name) for name in (*PAGES, "development.ini", "production.ini")}

    assert [name for name, text in texts.items() if word in text.lower().replace("_", "-")] == []
