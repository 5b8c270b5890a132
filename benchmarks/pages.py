"""The corpus as static pages: what nginx serves, and the upstream of a caching proxy.

The pages carry what a full index tells an installer: hashes, ``requires-python``, ``core-metadata``,
and in JSON also sizes and times, so nginx does not win by sending less.
"""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING

from benchmarks.corpus import UPLOAD_TIME

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.corpus import Corpus, CorpusFile

META = {"api-version": "1.1"}


def write_static_site(corpus: Corpus, directory: Path) -> None:
    """Write ``simple/``, ``files/`` and the sidecars below ``directory``; files are hard links."""
    for project, files in corpus.by_project.items():
        page = directory / "simple" / project
        page.mkdir(parents=True)
        (page / "index.html").write_text(_project_html(project, files))
        (page / "index.json").write_text(_project_json(project, files))
        folder = directory / "files" / project
        folder.mkdir(parents=True)
        for file in files:
            (folder / file.filename).hardlink_to(corpus.path(file))
            (folder / f"{file.filename}.metadata").hardlink_to(corpus.sidecar(file))
    names = sorted(corpus.by_project)
    links = "".join(f'<a href="{name}/">{name}</a><br>\n' for name in names)
    (directory / "simple" / "index.html").write_text(_document("Simple index", links))
    (directory / "simple" / "index.json").write_text(
        json.dumps({"meta": META, "projects": [{"name": name} for name in names]})
    )


def _document(title: str, body: str) -> str:
    head = f'<meta name="pypi:repository-version" content="{META["api-version"]}"><title>{title}</title>'
    return f"<!DOCTYPE html>\n<html><head>{head}</head><body>\n{body}</body></html>\n"


def _project_html(project: str, files: list[CorpusFile]) -> str:
    return _document(f"Links for {project}", "".join(map(_anchor, files)))


def _anchor(file: CorpusFile) -> str:
    requires = html.escape(file.requires_python)
    return (
        f'<a href="../../files/{file.project}/{file.filename}#sha256={file.sha256}"'
        f' data-requires-python="{requires}" data-core-metadata="sha256={file.metadata_sha256}">'
        f"{file.filename}</a><br>\n"
    )


def _project_json(project: str, files: list[CorpusFile]) -> str:
    return json.dumps(
        {
            "meta": META,
            "name": project,
            "versions": [file.version for file in files],
            "files": [_entry(file) for file in files],
        },
        separators=(",", ":"),
    )


def _entry(file: CorpusFile) -> dict[str, object]:
    return {
        "filename": file.filename,
        "url": f"../../files/{file.project}/{file.filename}",
        "hashes": {"sha256": file.sha256},
        "requires-python": file.requires_python,
        "core-metadata": {"sha256": file.metadata_sha256},
        "size": file.size,
        "upload-time": UPLOAD_TIME,
    }
