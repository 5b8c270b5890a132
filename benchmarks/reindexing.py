"""A study of `reindex`: files of a folder, and objects of a bucket."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import obstore
from obstore.store import S3Store
from pyramid_pypi_objectstore.testing import ACCESS_KEY, BUCKET, SECRET_KEY, SeaweedFS

from benchmarks.findings import Finding
from benchmarks.relay import relay
from benchmarks.study import Log
from pyramid_pypi.testing.artefacts import make_wheel

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.study import Bench

File: TypeAlias = tuple[str, Path]

FILES = 10_000
PROJECTS = 500
READERS = 32
"""As many as `reindex` has for a bucket."""

AWAY = 0.02
"""How much longer than on this machine a request takes to a service somewhere else, in seconds."""

INI = "[app:main]\nuse = egg:pyramid_pypi\n"


def reindexing(bench: Bench) -> list[Finding]:
    """List everything anew, from both."""
    log = Log(bench.say)
    count = FILES // 20 if bench.quick else FILES
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        files = _make(folder / "packages", count)
        with SeaweedFS(folder / "service") as service, relay(service.port, AWAY) as far:
            _each(files, service.url, lambda bucket, pair: obstore.put(bucket, pair[0], pair[1].read_bytes()))
            local = {"pypi.repo.private.storage.path": str(folder / "packages")}
            for number in range(1 if bench.quick else bench.rounds):
                local["pypi.repo.private.storage"] = "filesystem"
                log.note("files", _reindex(folder / f"files-{number}", local, log, "files"))
                for what, url in (("near", service.url), ("away", far)):
                    began = time.perf_counter()
                    _each(files, url, lambda bucket, pair: bytes(obstore.get(bucket, pair[0]).bytes()))
                    log.note(f"reading, {what}", time.perf_counter() - began)
                    endpoint = {"pypi.repo.private.storage.endpoint": url}
                    remote = {"pypi.plugins": "objectstore", **service.settings(), **endpoint}
                    log.note(what, _reindex(folder / f"{what}-{number}", remote, log, what))
    away = f"{AWAY * 1000:.0f} ms a request"
    return [
        Finding(f"{count:,} files of a folder", "s", log["files"], at_most=60),
        Finding(f"{count:,} objects of a bucket", "s", log["near"]),
        Finding("the same, against reading them all", "s", log["near"], log["reading, near"]),
        Finding(f"the same, {away}", "s", log["away"], log["reading, away"]),
        Finding("most memory, files", "MB", log["memory, files"]),
        Finding("most memory, objects", "MB", log["memory, near"]),
    ]


def _make(folder: Path, count: int) -> list[File]:
    """Make wheels, as many of each project; return their keys and paths."""
    found = []
    for number in range(count):
        project, version = f"project-{number % PROJECTS}", f"{number // PROJECTS}.0"
        name = f"{project.replace('-', '_')}-{version}-py3-none-any.whl"
        path = folder / project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make_wheel(project, version))
        found.append((f"{project}/{name}", path))
    return found


def _each(files: list[File], url: str, act: Callable[[S3Store, File], object]) -> None:
    """Do something with each of the files in the bucket."""
    bucket = S3Store(
        BUCKET,
        endpoint=url,
        access_key_id=ACCESS_KEY,
        secret_access_key=SECRET_KEY,
        region="us-east-1",
        client_options={"allow_http": True},
    )
    with ThreadPoolExecutor(READERS) as pool:
        for _ in pool.map(partial(act, bucket), files):
            pass


def _reindex(folder: Path, storage: dict[str, str], log: Log, what: str) -> float:
    """Return how long the command takes for an empty catalog, in seconds."""
    folder.mkdir()
    settings = {
        "pypi.data": str(folder),
        "pypi.catalog": "sqlite:///catalog.db",
        "pypi.repositories": "private",
        "pypi.repo.private": "hosted",
        **storage,
    }
    ini = folder / "index.ini"
    ini.write_text(INI + "".join(f"{key} = {value}\n" for key, value in settings.items()))
    program = str(Path(sys.executable).parent / "pyramid-pypi")
    began = time.perf_counter()
    process = subprocess.Popen([program, "reindex", str(ini)], stdout=subprocess.DEVNULL)
    _pid, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, "reindex")
    log.note(f"memory, {what}", usage.ru_maxrss / 1024)
    return took
