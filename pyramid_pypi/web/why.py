"""Which files of a project are shown, which are hidden, and by which rules."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from pyramid.request import Request

from pyramid_pypi.errors import FileMissing, ProjectNotFound
from pyramid_pypi.model import File, ProjectPage, Redirect, Ruling
from pyramid_pypi.web.answers import Answer, answer_json, answer_text
from pyramid_pypi.web.context import RepositoryContext
from pyramid_pypi.web.observe import note

__all__ = ["file", "project"]


def project(context: RepositoryContext, request: Request) -> Answer:
    """Tell it of all files of a project."""
    note(request, context.served.name, context.project)
    return _answer(request, _about(context))


def file(context: RepositoryContext, request: Request) -> Answer:
    """Tell it of one file. Raises FileMissing."""
    filename: str = request.matchdict["filename"]
    note(request, context.served.name, context.project, filename)
    about = _about(context)
    about["files"] = [entry for entry in about["files"] if entry["filename"] == filename]
    if not about["files"]:
        raise FileMissing(f"{context.project!r} has no file {filename!r} in {context.served.name!r}")
    return _answer(request, about)


def _about(context: RepositoryContext) -> dict[str, Any]:
    page = context.served.repository.project(context.project)
    if isinstance(page, Redirect):
        raise ProjectNotFound(f"{context.project!r} is at {page.url}, and nobody here knows its files")
    return {
        "repository": context.served.name,
        "project": page.name,
        "status": page.status,
        "status-reason": page.status_reason,
        "files": list(_entries(page)),
    }


def _entries(page: ProjectPage) -> Iterator[dict[str, Any]]:
    """Yield what is to be told of each file, by name."""
    found: dict[str, tuple[File, list[Ruling]]] = {one.filename: (one, []) for one in page.files}
    for ruling in page.rulings:
        found.setdefault(ruling.file.filename, (ruling.file, []))[1].append(ruling)
    for filename, (one, rulings) in sorted(found.items()):
        hiding = [ruling.decision.until for ruling in rulings if ruling.decision.hide]
        ends = [until for until in hiding if until is not None]
        yield {
            "filename": filename,
            "version": one.version,
            "repository": one.repository or page.repository,
            "hidden": bool(hiding),
            "upload-time": _time(one.uploaded_at),
            # It is shown when the last one lets it go, if all of them do.
            "until": _time(max(ends)) if ends and len(ends) == len(hiding) else None,
            "rules": _rules(rulings),
        }


def _rules(rulings: Sequence[Ruling]) -> list[dict[str, Any]]:
    return [
        {
            "rule": ruling.rule,
            "repository": ruling.repository,
            "hides": ruling.decision.hide,
            "reason": ruling.decision.reason,
            "until": _time(ruling.decision.until),
        }
        for ruling in rulings
    ]


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"


def _answer(request: Request, about: dict[str, Any]) -> Answer:
    accept = request.environ.get("HTTP_ACCEPT", "")
    if "text/" in accept and "json" not in accept:
        return answer_text("200 OK", "\n".join(_lines(about)), [("Cache-Control", "no-store")])
    return answer_json(about)


def _lines(about: Mapping[str, Any]) -> Iterator[str]:
    status = "" if about["status"] == "active" else f", which is {about['status']} {about['status-reason']}"
    yield f"{about['project']} in {about['repository']}{status}".rstrip()
    for entry in about["files"]:
        until = f" until {entry['until']}" if entry["until"] else ""
        yield f"{entry['filename']}  {'hidden' if entry['hidden'] else 'shown'}{until}"
        for rule in entry["rules"]:
            yield f"    {rule['rule']} of {rule['repository']}: {rule['reason']}"
