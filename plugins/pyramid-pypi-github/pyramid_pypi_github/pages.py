"""A static index on a branch, which GitHub Pages serves; its links lead to the assets of releases."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import islice
from typing import Final

from pyramid_pypi.errors import StorageUnavailable
from pyramid_pypi.model import File, ProjectName, ProjectPage
from pyramid_pypi_github.client import Call, Client, Refused

__all__ = ["Branch", "Site", "build_site"]

# GitHub's answer to a larger tree takes longer than it likes.
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Site:
    """The files of a static index by path, how many links it has, and what could not be linked."""

    files: Mapping[str, str]
    links: int
    skipped: tuple[str, ...]


def build_site(pages: Sequence[ProjectPage], addresses: Mapping[str, str]) -> Site:
    """Return the site of `pages`; `addresses` are the public URLs of the files by key.

    Installers take the name of a file from its URL, so a file whose asset has another name, because
    GitHub has changed it, is left out.
    """
    files, links, skipped = {".nojekyll": ""}, 0, []
    shown: list[ProjectName] = []
    for page in pages:
        lines = []
        for file in page.files:
            if file.key in addresses:
                lines.append(_link(file, addresses[file.key]))
            else:
                skipped.append(file.filename)
        links += len(lines)
        if lines:
            shown.append(ProjectName(page.name, page.display, page.serial))
            files[f"simple/{page.name}/index.html"] = _html(f"Links for {page.name}", lines)
    names = [f'<a href="{one.name}/">{escape(one.display)}</a><br>' for one in shown]
    files["simple/index.html"] = _html("Simple index", names)
    return Site(files, links, tuple(skipped))


class Branch:
    """Writes a site as the next commit of a branch, through the git database of the repository."""

    def __init__(self, client: Client, name: str) -> None:
        self._client = client
        self._name = name
        self._git = f"repos/{client.options.name}/git"

    def write(self, site: Site, message: str) -> bool:
        """Make the branch have these files only; tell whether it had others. Raises StorageUnavailable."""
        try:
            parent = self._commit()
            tree = self._tree(site)
            if parent is not None and self._tree_of(parent) == tree:
                return False
            self._move(self._add_commit(tree, parent, message), parent)
        except Refused as refused:
            raise StorageUnavailable(
                f"GitHub does not take the branch {self._name}: {refused.message}; try again"
            ) from refused
        return True

    def _commit(self) -> str | None:
        """Return the last commit of the branch, None where there is none yet."""
        try:
            found = self._client.call(Call("GET", f"{self._git}/ref/heads/{self._name}")).data
        except Refused as refused:
            if refused.missing:
                return None
            raise
        return str(found["object"]["sha"])

    def _tree(self, site: Site) -> str:
        tree: str | None = None
        entries = (
            {"path": path, "mode": "100644", "type": "blob", "content": text}
            for path, text in sorted(site.files.items())
        )
        for batch in _batches(entries):
            body = {"tree": batch, **({"base_tree": tree} if tree else {})}
            tree = str(self._client.call(Call("POST", f"{self._git}/trees", body)).data["sha"])
        return tree or ""

    def _tree_of(self, commit: str) -> str:
        return str(self._client.call(Call("GET", f"{self._git}/commits/{commit}")).data["tree"]["sha"])

    def _add_commit(self, tree: str, parent: str | None, message: str) -> str:
        body = {"message": message, "tree": tree, "parents": [parent] if parent else []}
        return str(self._client.call(Call("POST", f"{self._git}/commits", body)).data["sha"])

    def _move(self, commit: str, parent: str | None) -> None:
        if parent is None:
            body = {"ref": f"refs/heads/{self._name}", "sha": commit}
            self._client.call(Call("POST", f"{self._git}/refs", body))
        else:
            body = {"sha": commit}
            self._client.call(Call("PATCH", f"{self._git}/refs/heads/{self._name}", body))


def _batches(entries: Iterator[dict[str, str]]) -> Iterator[list[dict[str, str]]]:
    while batch := list(islice(entries, _BATCH)):
        yield batch


def _link(file: File, url: str) -> str:
    digest = file.hashes.shown
    attributes = f' href="{escape(url)}{f"#{digest[0]}={digest[1]}" if digest else ""}"'
    if file.requires_python:
        attributes += f' data-requires-python="{escape(file.requires_python)}"'
    # PEP 592: an empty reason still means yanked, so test for None and not for truth.
    if file.yanked is not None:
        attributes += f' data-yanked="{escape(file.yanked)}"'
    return f"<a{attributes}>{escape(file.filename)}</a><br>"


def _html(title: str, lines: Sequence[str]) -> str:
    inner = "\n    ".join(lines)
    return f"""<!DOCTYPE html>
<html>
  <head>
    <meta name="pypi:repository-version" content="1.0">
    <title>{escape(title)}</title>
  </head>
  <body>
    <h1>{escape(title)}</h1>
    {inner}
  </body>
</html>
"""
