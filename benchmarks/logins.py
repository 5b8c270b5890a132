"""A study of logins: what a verified credential costs, and what a flood of wrong ones does to others."""

from __future__ import annotations

import secrets
import tempfile
import threading
import time
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import targets
from benchmarks.findings import Finding
from benchmarks.load import Target, wrk
from benchmarks.servers import OursWithPassword
from benchmarks.study import Log
from pyramid_pypi import main as make_application
from pyramid_pypi.auth.passwords import hash_password
from pyramid_pypi.auth.tokens import Grant, issue
from pyramid_pypi.model import Scope

if TYPE_CHECKING:
    from benchmarks.servers import Server
    from benchmarks.study import Bench

CALLS = 50_000
FLOOD = 64
SECONDS = 6
WRONG = 2000
PASSWORD = "correct horse"


def logins(bench: Bench) -> list[Finding]:
    """Measure both."""
    log = Log(bench.say)
    for _ in range(bench.rounds):
        _verified(log)
    server = OursWithPassword(bench.place)
    server.make_ready()
    server.start("/simple/")
    try:
        for _ in range(bench.rounds):
            _flood(server, log)
    finally:
        server.stop()
    others = f"beside {FLOOD} clients"
    readers = log[f"p99 {others} with right passwords"]
    return [
        Finding("a verified password, for each request", "µs", log["password"], at_most=20),
        Finding("a verified token, for each request", "µs", log["token"], at_most=20),
        Finding("p99 of a reader alone", "ms", log["p99 alone"]),
        Finding(f"the same {others} with right passwords", "ms", readers),
        Finding(
            f"the same {others} with wrong ones, against that",
            "ms",
            log[f"p99 {others} with wrong passwords"],
            readers,
            at_most=2,
        ),
        Finding("wrong logins answered", "req/s", log["wrong logins"]),
    ]


def _verified(log: Log) -> None:
    """Ask who sent a header that was checked before, without a server around it."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        (folder / "htpasswd").write_text(f"ann:{hash_password(PASSWORD)}\n")
        application = make_application({}, **_settings(folder))
        index = application.index
        grant = Grant("ann", Scope(frozenset({"read"})))
        _token, secret = issue(index.tokens, grant, by="bench")
        for name, password in (("password", PASSWORD), ("token", secret)):
            header = _basic("ann", password)
            index.identify(header, "127.0.0.1", write=False)
            began = time.perf_counter()
            for _ in range(CALLS):
                index.identify(header, "127.0.0.1", write=False)
            log.note(name, (time.perf_counter() - began) / CALLS * 1e6)
        application.close()


def _flood(server: Server, log: Log) -> None:
    """Read with one client, beside nobody and beside many."""
    mine = targets.html(server)
    if mine is None:
        raise RuntimeError("the pages are not answered")
    wrk(server, mine, connections=1, seconds=1)
    log.note("p99 alone", wrk(server, mine, connections=1, seconds=SECONDS).p99)
    wrong = [
        Target(mine[0].path, (("Authorization", _basic(f"user{number}", secrets.token_hex())),))
        for number in range(WRONG)
    ]
    for what, theirs in (("right", mine), ("wrong", wrong)):
        rates: list[float] = []
        others = threading.Thread(target=_load, args=(server, theirs, rates))
        others.start()
        time.sleep(1)
        mixed = wrk(server, mine, connections=1, seconds=SECONDS, wait=False)
        others.join()
        log.note(f"p99 beside {FLOOD} clients with {what} passwords", mixed.p99)
    log.note("wrong logins", rates[0])


def _load(server: Server, theirs: list[Target], rates: list[float]) -> None:
    found = wrk(server, theirs, connections=FLOOD, seconds=SECONDS + 2, wait=False)
    rates.append(found.requests / found.seconds)


def _basic(name: str, password: str) -> str:
    return "Basic " + b64encode(f"{name}:{password}".encode()).decode()


def _settings(folder: Path) -> dict[str, str]:
    return {
        "pypi.data": str(folder),
        "pypi.catalog": "sqlite:///catalog.db",
        "pypi.authenticators": "tokens htpasswd",
        "pypi.auth.htpasswd.path": "htpasswd",
        "pypi.repositories": "private",
        "pypi.repo.private": "hosted",
        "pypi.repo.private.storage": "filesystem",
        "pypi.repo.private.storage.path": "packages",
    }
