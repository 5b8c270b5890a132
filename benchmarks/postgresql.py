"""A study of the catalog in PostgreSQL: what its probe costs ready pages, and how uploads scale."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from benchmarks import targets
from benchmarks.findings import Finding
from benchmarks.load import wrk
from benchmarks.process import ServerFailed
from benchmarks.servers import Ours
from benchmarks.study import Log
from benchmarks.uploads import forms, upload
from tests.postgres import Postgres

if TYPE_CHECKING:
    from benchmarks.servers import Server
    from benchmarks.study import Bench

CONNECTIONS = 8
SECONDS = 6
UPLOADS = 1500
ONCE = 1.3
"""How many times as fast SQLite's pages may be."""


class OursOnPostgreSQL(Ours):
    """The same with the catalog in PostgreSQL."""

    name = "ours-postgresql"
    note = "ours, the catalog in PostgreSQL on this machine"
    url = ""

    @property
    def catalog(self) -> str:
        """Where the catalog is."""
        return self.url


def catalogs(bench: Bench) -> list[Finding]:
    """Measure both engines next to each other, in one server each."""
    log = Log(bench.say)
    seconds = 2 if bench.quick else SECONDS
    with Postgres(durable=True) as database, ExitStack() as running:
        server = OursOnPostgreSQL(bench.place)
        server.url = database.create(empty=True)
        arms: dict[str, Server] = {"SQLite": Ours(bench.place), "PostgreSQL": server}
        for arm in arms.values():
            arm.make_ready()
            running.callback(arm.stop)
            arm.start()
        for number in range(bench.rounds):
            for name, arm in arms.items():
                _pages(arm, name, log, seconds)
            for clients in (1, 4):
                for name, arm in arms.items():
                    _uploads(arm, name, log, (number, clients, seconds))
    return [
        Finding("ready pages, SQLite", "req/s", log["pages, SQLite"]),
        Finding(
            "ready pages, PostgreSQL, against SQLite",
            "req/s",
            log["pages, PostgreSQL"],
            log["pages, SQLite"],
            at_least=round(1 / ONCE, 2),
        ),
        Finding("server CPU for a ready page, SQLite", "µs", log["CPU, SQLite"]),
        Finding(
            "the same, PostgreSQL, without the database's", "µs", log["CPU, PostgreSQL"], log["CPU, SQLite"]
        ),
        *(
            Finding(
                f"uploads by {clients}, {name}{', against 1' if clients > 1 else ''}",
                "files/s",
                log[f"uploads by {clients}, {name}"],
                log[f"uploads by 1, {name}"] if clients > 1 else (),
            )
            for name in arms
            for clients in (1, 4)
        ),
    ]


def _pages(server: Server, name: str, log: Log, seconds: int) -> None:
    pages = targets.html(server)
    if pages is None:
        raise ServerFailed("the pages are not answered")
    found = wrk(server, pages, connections=CONNECTIONS, seconds=seconds)
    log.note(f"pages, {name}", found.requests / found.seconds)
    log.note(f"CPU, {name}", found.cpu_per_request or 0)


def _uploads(server: Server, name: str, log: Log, how: tuple[int, int, int]) -> None:
    number, clients, seconds = how
    batches = [forms(f"new-{number}-{clients}-{client}", UPLOADS // clients) for client in range(clients)]
    found, took = upload(server, batches, seconds)
    if found.failed:
        raise ServerFailed(f"{found.failed} uploads failed")
    log.note(f"uploads by {clients}, {name}", len(found.latencies) / took)
