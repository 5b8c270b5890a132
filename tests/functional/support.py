"""An index in a temporary folder, and the ways in which the tests talk to it."""

from pathlib import Path

import pytest
from webob import Request
from webtest import TestApp, Upload

from pyramid_pypi import main
from pyramid_pypi.testing.artefacts import make_wheel
from tests.postgres import catalog_of

JSON = "application/vnd.pypi.simple.v1+json"

ENGINES = pytest.mark.parametrize("engine", ["sqlite", "postgresql"], indirect=True)
"""The mark of tests that have a catalog on each engine in turn; TEST_CATALOG=postgresql is for all others."""

OPEN = {
    "pypi.repo.private.read": "everyone",
    "pypi.repo.private.upload": "everyone",
    "pypi.repo.private.delete": "everyone",
}


def settings(folder: Path, **changes: str | None) -> dict[str, str]:
    """Return the settings of an index with one repository; a change to None removes a key."""
    found = {
        "pypi.data": str(folder),
        "pypi.catalog": catalog_of(folder),
        "pypi.repositories": "private",
        "pypi.repo.private": "hosted",
        "pypi.repo.private.storage": "filesystem",
        "pypi.repo.private.storage.path": "packages",
        "pypi.access_log": "false",
    }
    found.update(changes)
    return {key: value for key, value in found.items() if value is not None}


def upload_fields(filename, content, **fields):
    form = [(":action", "file_upload"), ("protocol_version", "1")]
    for name, value in fields.items():
        values = value if isinstance(value, list) else [value]
        form += [(name.replace("__", "-"), one) for one in values]
    form.append(("content", Upload(filename, content, "application/octet-stream")))
    return form


class Client:
    """A WebTest application with the verbs of an index."""

    def __init__(self, application):
        self.application = application
        self.web = TestApp(application)
        self.index = application.index

    def upload(self, filename, content, url="/", *, status=200, headers=None, **fields):
        form = upload_fields(filename, content, **fields)
        return self.web.post(url, form, headers=headers, status=status)

    def publish(self, name="holy-grail", version="1.0", **options):
        filename = f"{name.replace('-', '_').lower()}-{version}-{options.get('tag', 'py3-none-any')}.whl"
        content = make_wheel(name, version, **options)
        self.upload(filename, content)
        return filename, content

    def page(self, project, *, repository="", headers=None):
        url = f"{repository}/simple/{project}/"
        return self.web.get(url, headers={"Accept": JSON, **(headers or {})}).json

    def raw(self, path, **environ):
        """Return status, headers and body as the application gives them; WebTest unpacks gzip."""
        request = Request.blank(path, environ=environ)
        return request.call_application(self.application)

    def post_body(self, body, content_type="multipart/form-data; boundary=b", *, status=200):
        headers = {"Content-Type": content_type}
        return self.web.request("/", method="POST", body=body, headers=headers, status=status)

    def url(self, project, filename):
        """Return the path of a file, as the page of its project gives it."""
        files = {file["filename"]: file["url"] for file in self.page(project)["files"]}
        return files[filename].replace("../..", "", 1)


def make_client(folder, **changes):
    client = Client(main({}, **settings(folder, **changes)))
    # The first pass over an empty folder is over in no time; requests before it would get 503.
    for watcher in client.index.watchers:
        watcher.round()
    return client


def stored(folder):
    """Return every file of a distribution and every staged upload below the folder of packages."""
    packages = folder / "packages"
    return sorted(
        str(path.relative_to(packages))
        for path in packages.rglob("*")
        if path.is_file() and "records" not in path.parts
    )
