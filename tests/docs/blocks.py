"""The pages and their fenced blocks, with the marks that say how a block is tested.

A mark is a comment on the line before the fence: `<!-- test: HOW -->`, `<!-- test: HOW, DETAIL -->`.
"""

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PAGES", "ROOT", "Block", "blocks", "page", "rows", "sections"]

ROOT = Path(__file__).parents[2]

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/**/*.md", "changelog/*.md")
    for path in ROOT.glob(pattern)
)
"""Every page, as a path below the root of the checkout."""

_FENCE = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = re.compile(r"<!-- test: ([a-z]+)(?:, ([^>]+?))? -->\n\Z")
_ROW = re.compile(r"^\|(.+)\|$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: where it is, its language, its text, and how it is tested, if it is."""

    page: str
    line: int
    language: str
    text: str
    how: str = ""
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def page(name: str) -> str:
    """Return the text of a page."""
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str) -> list[Block]:
    """Return the blocks of a page in their order."""
    text = page(name)
    found = []
    for fence in _FENCE.finditer(text):
        before = text[: fence.start()]
        how, detail = mark.groups() if (mark := _MARK.search(before)) else ("", "")
        line = before.count("\n") + 1
        found.append(Block(name, line, fence[1], fence[2], how, detail or ""))
    return found


def rows(text: str) -> list[list[str]]:
    """Return the cells of all table rows, without heads and rulers."""
    found: list[list[str]] = []
    for row in _ROW.findall(text):
        # A bar inside of a cell is written `\|`.
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row)]
        if set("".join(cells)) <= set("-: "):
            found.pop()
        else:
            found.append(cells)
    return found


def sections(name: str) -> dict[str, str]:
    """Return what is below each heading of a page, up to the next heading of any level."""
    parts = re.split(r"^#+ (.+)$", _FENCE.sub("", page(name)), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))
