"""An upstream in memory that has pages and lists, and gives each as often as it is told to."""

import threading

from pyramid_pypi.errors import ProjectNotFound
from pyramid_pypi.model import File, Hashes
from pyramid_pypi.upstream.base import NameList, Transfer, UpstreamPage, Validator

__all__ = ["ABSENT", "UNCHANGED", "Held", "PagedUpstream", "file_of", "page_of"]

UNCHANGED = None
ABSENT = ProjectNotFound("The fake upstream has no such project")


class Held:
    """An answer that is not given before `go` is set."""

    def __init__(self, answer):
        self.answer = answer
        self.reached = threading.Event()
        self.go = threading.Event()

    def __call__(self):
        self.reached.set()
        assert self.go.wait(30)
        return self.answer


class PagedUpstream:
    """Gives its answers in turn, the last one again and again.

    An answer is a value, an exception to raise, or a function that returns one of these. `asked`
    has the names and validators of `project`, `listed` the validators of `projects`.
    """

    def __init__(self, *pages, lists=()):
        self.pages = list(pages)
        self.lists = list(lists)
        self.asked = []
        self.listed = []
        self.closed = 0
        self._lock = threading.Lock()

    def project(self, name, validator=None):
        return self._next(self.pages, self.asked, (name, validator))

    def projects(self, validator=None):
        return self._next(self.lists, self.listed, validator)

    def metadata(self, file):
        raise NotImplementedError

    def download(self, file, start=0, stop=None):
        raise NotImplementedError

    def page_url(self, name):
        return f"https://upstream.example/simple/{name}/"

    def file_url(self, file):
        return file.url

    def close(self):
        self.closed += 1

    def _next(self, script, log, question):
        with self._lock:
            log.append(question)
            answer = script.pop(0) if len(script) > 1 else script[0]
        while callable(answer):
            answer = answer()
        if isinstance(answer, Exception):
            raise answer
        return answer


def file_of(project, version="1.0", **changes):
    filename = f"{project.replace('-', '_')}-{version}-py3-none-any.whl"
    known = {
        "project": project,
        "filename": filename,
        "version": version,
        "packagetype": "bdist_wheel",
        "size": 5,
        "hashes": Hashes(sha256="ab" * 32),
        "uploaded_at": None,
        "uploaded_by": "",
        "key": "",
        "url": f"https://upstream.example/files/{filename}",
        "place": f"aa/bb/{'c' * 60}/{filename}",
    }
    return File(**{**known, **changes})


def page_of(project, *versions, etag='"1"', **changes):
    files = tuple(file_of(project, version) for version in versions or ("1.0",))
    return UpstreamPage(project, files, Validator(etag), **changes)


def names_of(*projects, etag='"1"'):
    """Return an answer that is a new list each time, as a list can be read only once."""
    return lambda: NameList(iter(projects), Validator(etag))


def transfer_of(content, start=0, *, size=None, chunk=7, breaks=None):
    """Return a transfer of `content` from `start`; it notes in `closed` that it was let go."""
    closed = []

    def chunks():
        for at in range(start, len(content), chunk):
            yield content[at : at + chunk]
        if breaks is not None:
            raise breaks

    transfer = Transfer(chunks(), size, start, close=lambda: closed.append(True))
    return transfer, closed
