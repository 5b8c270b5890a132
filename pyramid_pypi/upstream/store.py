"""What a proxy has learnt from its upstream: pages, facts about files, metadata, and which bytes are here.

It is a cache: deleting it loses nothing but time, so it is a database of its own, not the catalog.
"""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pyramid_pypi.upstream._database import Database

__all__ = ["CacheStore", "CachedFile", "Facts", "StoredPage"]

_LAYOUT = 3
_TABLES = """
CREATE TABLE followed (upstream TEXT NOT NULL);
CREATE TABLE pages (
    project TEXT PRIMARY KEY, body BLOB, etag TEXT NOT NULL, last_modified TEXT NOT NULL,
    checked_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE facts (
    place TEXT PRIMARY KEY, project TEXT NOT NULL, size INTEGER, sha256 TEXT NOT NULL,
    modified_at REAL, metadata_sha256 TEXT
) WITHOUT ROWID;
CREATE INDEX facts_by_project ON facts (project);
CREATE TABLE metadata (sha256 TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE files (
    place TEXT PRIMARY KEY, project TEXT NOT NULL, record BLOB NOT NULL, size INTEGER NOT NULL,
    used_at REAL NOT NULL, withdrawn TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX files_by_project ON files (project);
CREATE INDEX files_by_use ON files (used_at);
"""


@dataclass(frozen=True, slots=True)
class StoredPage:
    """A page as it was last seen; `body` is None when the upstream has said that there is none.

    `checked_at` is the time, in seconds since 1970, when the upstream last confirmed it.
    """

    project: str
    body: bytes | None
    checked_at: float
    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found out about a file beyond its page; None and empty where nothing was.

    `metadata_sha256` is empty when the upstream's word was wrong: there is no metadata to be had.
    """

    size: int | None = None
    sha256: str = ""
    modified_at: float | None = None
    metadata_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class CachedFile:
    """A file whose bytes are here: `record` is what `pyramid_pypi.upstream.records` wrote of it.

    `used_at` is in seconds since 1970, exact to about a minute; `withdrawn` says what the upstream
    has done to the project since, empty when nothing.
    """

    place: str
    project: str
    record: bytes
    size: int
    used_at: float
    withdrawn: str = ""


class CacheStore:
    """The database of one proxy, in the file `path`. Every method may raise StorageUnavailable."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, _LAYOUT, _TABLES)
        self._run = self._database.run
        self._one = self._database.one
        self._write = self._database.write
        self._transaction = self._database.transaction

    def close(self) -> None:
        """Close the database; later calls are refused."""
        self._database.close()

    def follow(self, upstream: str) -> bool:
        """Forget the pages if they are of another upstream; return whether they were.

        Files stay, because their places are of their bytes.
        """
        with self._transaction() as connection:
            row = connection.execute("SELECT upstream FROM followed").fetchone()
            if row == (upstream,):
                return False
            for statement in (*_FORGET, "DELETE FROM followed"):
                connection.execute(statement)
            connection.execute("INSERT INTO followed VALUES (?)", (upstream,))
            return row is not None

    def page(self, project: str) -> StoredPage | None:
        """Return what was last seen of a project's page."""
        row = self._one(
            "SELECT body, checked_at, etag, last_modified FROM pages WHERE project = ?", (project,)
        )
        if row is None:
            return None
        try:
            body = None if row[0] is None else zlib.decompress(row[0])
        except zlib.error:
            # What the disk has damaged is as if it had never been seen.
            return None
        return StoredPage(project, body, row[1], row[2], row[3])

    def put_page(self, page: StoredPage) -> None:
        """Keep a page in the place of an older one."""
        body = None if page.body is None else zlib.compress(page.body, 1)
        self._write(
            "INSERT OR REPLACE INTO pages (project, body, checked_at, etag, last_modified) "
            "VALUES (?,?,?,?,?)",
            (page.project, body, page.checked_at, page.etag, page.last_modified),
        )

    def confirm_page(self, project: str, checked_at: float) -> None:
        """Note that the upstream has confirmed a page."""
        self._write("UPDATE pages SET checked_at = ? WHERE project = ?", (checked_at, project))

    def pages(self) -> int:
        """Return how many projects have a page."""
        return int(self._run("SELECT count(*) FROM pages WHERE body IS NOT NULL", ())[0][0])

    def facts(self, project: str) -> dict[str, Facts]:
        """Return what was found out about the files of a project, by place."""
        rows = self._run(
            "SELECT place, size, sha256, modified_at, metadata_sha256 FROM facts WHERE project = ?",
            (project,),
        )
        return {row[0]: Facts(*row[1:]) for row in rows}

    def add_facts(self, place: str, project: str, facts: Facts) -> None:
        """Add to what is known of a file; what is unknown in `facts` changes nothing."""
        self._write(
            "INSERT INTO facts (place, project, size, sha256, modified_at, metadata_sha256) "
            "VALUES (?,?,?,?,?,?) ON CONFLICT (place) DO UPDATE SET "
            "size = coalesce(excluded.size, size), "
            "sha256 = CASE excluded.sha256 WHEN '' THEN sha256 ELSE excluded.sha256 END, "
            "modified_at = coalesce(excluded.modified_at, modified_at), "
            "metadata_sha256 = coalesce(excluded.metadata_sha256, metadata_sha256)",
            (place, project, facts.size, facts.sha256, facts.modified_at, facts.metadata_sha256),
        )

    def metadata(self, sha256: str) -> bytes | None:
        """Return the core metadata with this digest."""
        row = self._one("SELECT body FROM metadata WHERE sha256 = ?", (sha256,))
        return None if row is None else zlib.decompress(row[0])

    def put_metadata(self, sha256: str, body: bytes) -> None:
        """Keep core metadata, whose digest the caller has computed."""
        self._write(
            "INSERT OR IGNORE INTO metadata (sha256, body) VALUES (?,?)", (sha256, zlib.compress(body))
        )

    def file(self, place: str) -> CachedFile | None:
        """Return what is known of the bytes that belong to `place`."""
        row = self._one(f"{_SELECT_FILES} WHERE place = ?", (place,))
        return None if row is None else CachedFile(*row)

    def files(self, project: str | None = None) -> list[CachedFile]:
        """Return the cached files of one project, or of all, those unused for longest first."""
        where, values = ("", ()) if project is None else (" WHERE project = ?", (project,))
        return [CachedFile(*row) for row in self._run(f"{_SELECT_FILES}{where} ORDER BY used_at", values)]

    def put_file(self, file: CachedFile) -> None:
        """Note that the bytes of a file are here."""
        self._write(
            "INSERT OR REPLACE INTO files (place, project, record, size, used_at, withdrawn) "
            "VALUES (?,?,?,?,?,?)",
            (file.place, file.project, file.record, file.size, file.used_at, file.withdrawn),
        )

    def use_files(self, used: Iterable[tuple[str, float]]) -> None:
        """Note when files were last used, as pairs of place and seconds since 1970."""
        with self._transaction() as connection:
            connection.executemany(
                "UPDATE files SET used_at = ? WHERE place = ?", [(at, place) for place, at in used]
            )

    def withdraw(self, project: str, reason: str) -> list[CachedFile]:
        """Mark the files of a project with what the upstream did, empty to take the mark away.

        Return those whose mark has changed.
        """
        with self._transaction() as connection:
            rows = connection.execute(
                "UPDATE files SET withdrawn = ? WHERE project = ? AND withdrawn != ? "
                "RETURNING place, project, record, size, used_at, withdrawn",
                (reason, project, reason),
            ).fetchall()
        return [CachedFile(*row) for row in rows]

    def mark_files(self, places: Iterable[str], reason: str) -> list[CachedFile]:
        """Mark single files as `withdraw` does all of a project; return them."""
        marked = []
        for place in places:
            self._write("UPDATE files SET withdrawn = ? WHERE place = ?", (reason, place))
            marked += [] if (found := self.file(place)) is None else [found]
        return marked

    def forget_file(self, place: str) -> None:
        """Note that the bytes of a file are not here any more."""
        self._write("DELETE FROM files WHERE place = ?", (place,))

    def total_size(self) -> int:
        """Return the size of all cached files in bytes."""
        return int(self._run("SELECT coalesce(sum(size), 0) FROM files", ())[0][0])

    def clear_pages(self) -> None:
        """Forget all pages, facts and metadata, and give their space on the disk back; files stay."""
        with self._transaction() as connection:
            for statement in _FORGET:
                connection.execute(statement)
        self._write("VACUUM", ())
        # Until then the file keeps its size, as what was written is in another one beside it.
        self._write("PRAGMA wal_checkpoint(TRUNCATE)", ())


_FORGET = ("DELETE FROM pages", "DELETE FROM facts", "DELETE FROM metadata")
_SELECT_FILES = "SELECT place, project, record, size, used_at, withdrawn FROM files"
