"""An index without a server: composed in a folder, asked through WebTest, published to."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Unpack

from webtest import TestApp  # type: ignore[import-untyped, unused-ignore]

import pyramid_pypi
from pyramid_pypi.distribution import LENIENT, canonical_version, normalise, parse_filename
from pyramid_pypi.testing.artefacts import WheelOptions, make_wheel

__all__ = ["NamedFile", "compose_client", "open_settings", "publish", "wheel"]

_FIRST_PASS = 10.0


class NamedFile(NamedTuple):
    """A distribution that can be uploaded."""

    filename: str
    content: bytes


def wheel(name: str, version: str, **options: Unpack[WheelOptions]) -> NamedFile:
    """Return a wheel under the name that build tools give it; `options` as for `make_wheel`."""
    stem = f"{normalise(name).replace('-', '_')}-{canonical_version(version)}"
    tag = options.get("tag", "py3-none-any")
    return NamedFile(f"{stem}-{tag}.whl", make_wheel(name, version, **options))


def open_settings(folder: Path) -> dict[str, str]:
    """Return the ini of an index below `folder` where everyone may do everything.

    It has one repository, `private`, with its files in a folder.
    """
    repository = "pypi.repo.private"
    rights = ("read", "upload", "yank", "delete", "manage")
    return {
        "pypi.data": str(folder),
        "pypi.catalog": f"sqlite:///{folder}/catalog.db",
        "pypi.access_log": "false",
        "pypi.repositories": "private",
        repository: "hosted",
        f"{repository}.storage": "filesystem",
        f"{repository}.storage.path": f"{folder}/packages",
        **{f"{repository}.{right}": "everyone" for right in rights},
    }


def compose_client(folder: Path, settings: Mapping[str, str | None]) -> TestApp:
    """Return a WebTest client of an index with `settings` over the open ones.

    A value of None in `settings` takes a key away. The first pass over folders is done when this
    returns. The caller closes the application: `client.app.close()`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stated = {**open_settings(folder), **settings}
    present = {key: value for key, value in stated.items() if value is not None}
    application = pyramid_pypi.main(None, **present)
    deadline = time.monotonic() + _FIRST_PASS
    while time.monotonic() < deadline and not all(one.rounds for one in application.index.watchers):
        time.sleep(0.001)
    return TestApp(application)


def publish(client: TestApp, file: NamedFile, *, to: str = "/", status: Any = 200, **fields: str) -> Any:
    """Upload `file` to the URL `to` with the form of upload tools and return the answer.

    `status` is what is expected, as in WebTest; `fields` are more fields of the form.
    """
    name = parse_filename(file.filename, LENIENT)
    form = {
        ":action": "file_upload",
        "protocol_version": "1",
        "name": name.project,
        "version": name.version,
        "filetype": name.packagetype,
        **fields,
    }
    return client.post(to, form, upload_files=[("content", file.filename, file.content)], status=status)
