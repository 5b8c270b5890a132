"""An index of private packages that follows an upstream, behind one URL: its settings, and live."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.live import LiveServer, write_ini

__all__ = ["following", "following_settings"]

_RUNNERS = {"waitress": "egg:waitress#main", "pyramid_pypi": "egg:pyramid_pypi#server"}


def following_settings(
    folder: Path, url: str, changes: Mapping[str, str | None] | None = None
) -> dict[str, str]:
    """Return the settings of `private`, of `pypi` that follows `url`, and of `all`, which has both.

    Everyone may do everything, and `all` is the default. A change to None takes a key away.
    """
    private = {f"pypi.repo.private.{right}": "everyone" for right in ("read", "upload", "yank", "delete")}
    stated: dict[str, str | None] = {
        "pypi.data": str(folder),
        "pypi.catalog": "sqlite:///catalog.db",
        "pypi.repositories": "private pypi all",
        "pypi.default": "all",
        "pypi.repo.private": "hosted",
        "pypi.repo.private.storage": "filesystem",
        "pypi.repo.private.storage.path": "packages",
        **private,
        "pypi.repo.pypi": "proxy",
        "pypi.repo.pypi.upstream": "simple",
        "pypi.repo.pypi.upstream.url": url,
        "pypi.repo.pypi.upstream.proxy": "none",
        "pypi.repo.pypi.read": "everyone",
        "pypi.repo.all": "group",
        "pypi.repo.all.members": "private pypi",
        "pypi.repo.all.publish": "private",
        "pypi.repo.all.read": "everyone",
        **(changes or {}),
    }
    return {key: value for key, value in stated.items() if value is not None}


@contextmanager
def following(
    folder: Path, url: str, changes: Mapping[str, str | None] | None = None, *, runner: str = "pyramid_pypi"
) -> Iterator[LiveServer]:
    """Serve such an index with `pyramid_pypi`, its own server, or with `waitress`.

    Whatever the upstream does, no request may end in a traceback, but for those with which waitress
    tells of every answer that is cut short.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ini = write_ini(folder / "index.ini", following_settings(folder / "data", url, changes))
    text = ini.read_text()
    text = re.sub(r"egg:(waitress#main|pyramid_pypi#server)", _RUNNERS[runner], text)
    # More than may wait for an upstream.
    ini.write_text(re.sub(r"threads = \d+", "threads = 24", text))
    (folder / "data").mkdir(exist_ok=True)
    with LiveServer(ini, folder / "log") as server:
        yield server

    text = server.text()
    if runner == "waitress":
        text = re.sub(r"ERROR waitress: Exception while serving /packages/.*\nTraceback.*", "", text)
    assert "Traceback (most recent call last)" not in text, text[-5000:]
