"""What plugins keep in the catalog: short texts by key, shared by all processes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, delete, func, insert, or_, select

from pyramid_pypi.catalog import tables
from pyramid_pypi.catalog.catalog import Catalog
from pyramid_pypi.catalog.tables import to_microseconds

__all__ = ["Notes"]

_t = tables.notes


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Notes:
    """The notes of one plugin, `owner`. Keys have up to 255 characters.

    A note with `expires_at`, in UTC, is gone from then on. Every method may raise
    CatalogUnavailable.
    """

    catalog: Catalog
    owner: str
    clock: Callable[[], datetime] = _now

    def add(self, key: str, value: str = "", *, expires_at: datetime | None = None) -> bool:
        """Keep a new note; tell whether there was none of that key, which is then left as it is.

        Of several who add at the same time, in whatever process, one is told so.
        """
        with self.catalog.writing() as connection:
            connection.execute(delete(_t).where(_t.c.expires_at <= to_microseconds(self.clock())))
            if connection.execute(select(_t.c.key).where(*self._of(key))).fetchone():
                return False
            connection.execute(insert(_t).values(self._row(key, value, expires_at)))
            return True

    def put(self, key: str, value: str, *, expires_at: datetime | None = None) -> None:
        """Keep a note, in the place of the one that has the key."""
        with self.catalog.writing() as connection:
            connection.execute(delete(_t).where(*self._of(key)))
            connection.execute(insert(_t).values(self._row(key, value, expires_at)))

    def get(self, key: str) -> str | None:
        """Return a note, None where there is none."""
        with self.catalog.reading() as connection:
            found: str | None = connection.execute(
                select(_t.c.value).where(*self._of(key), self._alive())
            ).scalar()
        return found

    def all(self, prefix: str = "", *, limit: int | None = None) -> dict[str, str]:
        """Return the notes whose keys begin with `prefix`, by key: all, or the first ones."""
        chosen = select(_t.c.key, _t.c.value).where(*self._below(prefix))
        with self.catalog.reading() as connection:
            return {row.key: row.value for row in connection.execute(chosen.order_by(_t.c.key).limit(limit))}

    def count(self, prefix: str = "") -> int:
        """Return how many notes have keys that begin with `prefix`."""
        with self.catalog.reading() as connection:
            chosen = select(func.count()).select_from(_t).where(*self._below(prefix))
            found: int = connection.execute(chosen).scalar_one()
        return found

    def take(self, key: str) -> str | None:
        """Return a note and remove it; of several who take it, one gets it."""
        with self.catalog.writing() as connection:
            found: str | None = connection.execute(
                select(_t.c.value).where(*self._of(key), self._alive())
            ).scalar()
            connection.execute(delete(_t).where(*self._of(key)))
        return found

    def _of(self, key: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return _t.c.owner == self.owner, _t.c.key == key

    def _below(self, prefix: str) -> tuple[ColumnElement[bool], ...]:
        # Not with LIKE, for which some engines take "A" for "a".
        begins = func.substr(_t.c.key, 1, len(prefix)) == prefix
        # The second condition is for the index alone.
        return _t.c.owner == self.owner, _t.c.key >= prefix, begins, self._alive()

    def _alive(self) -> ColumnElement[bool]:
        return or_(_t.c.expires_at.is_(None), _t.c.expires_at > to_microseconds(self.clock()))

    def _row(self, key: str, value: str, expires_at: datetime | None) -> dict[str, object]:
        end = None if expires_at is None else to_microseconds(expires_at)
        return {"owner": self.owner, "key": key, "value": value, "expires_at": end}
