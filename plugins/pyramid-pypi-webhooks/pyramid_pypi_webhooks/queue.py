"""What is still to be delivered, and what could not be: notes in the catalog, shared by all nodes."""

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pyramid_pypi.catalog.notes import Notes
from pyramid_pypi.errors import NotFound
from pyramid_pypi_webhooks.events import Event

__all__ = ["MOST", "OWNER", "Letter", "Queue"]

OWNER = "webhooks"

MOST = 10_000
"""How many letters of a webhook wait, and as many that were given up: strangers can fail to log in
for as long as a receiver is down, and the catalog is not theirs to fill."""

_DUE, _DEAD, _LEASE = "due", "dead", "lease"
_KEPT = timedelta(days=30)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Letter:
    """An event for one webhook: how often it was tried, when it is due (UTC), why it has failed.

    `id` is the same for all attempts, so that receivers can tell what they have got already.
    """

    id: str
    webhook: str
    event: Event
    due: datetime
    attempts: int = 0
    why: str = ""
    dead: bool = False

    @property
    def key(self) -> str:
        """The key of the note; those that are due come first."""
        if self.dead:
            return f"{_DEAD}/{self.webhook}/{self.id}"
        return f"{_DUE}/{self.webhook}/{(self.due - _EPOCH) // timedelta(microseconds=1):016d}/{self.id}"

    @property
    def value(self) -> str:
        """The text of the note."""
        event = {"name": self.event.name, "at": self.event.at.isoformat(), "data": self.event.data}
        due = self.due.isoformat()
        return json.dumps({"event": event, "due": due, "attempts": self.attempts, "why": self.why})


@dataclass(frozen=True, slots=True)
class Queue:
    """The letters of one index. Every method may raise CatalogUnavailable.

    Nothing is removed before what takes its place is kept, so a process that dies on the way may
    leave a letter twice, and never loses one. Nobody keeps a letter that thirty days have passed by.
    """

    notes: Notes

    def add(self, webhook: str, event: Event) -> Letter:
        """Keep an event, which is due at once."""
        now = self.notes.clock()
        letter = Letter(f"msg_{secrets.token_hex(12)}", webhook, event, now)
        self._keep(letter)
        return letter

    def is_full(self, webhook: str) -> bool:
        """Tell whether so many letters wait for a webhook that no more should be added."""
        return self.notes.count(f"{_DUE}/{webhook}/") >= MOST

    def due(self, webhook: str, *, limit: int) -> list[Letter]:
        """Return the letters that are due, the longest first."""
        now = self.notes.clock()
        found = _letters(self.notes.all(f"{_DUE}/{webhook}/", limit=limit))
        return [letter for letter in found if letter.due <= now]

    def waiting(self) -> list[Letter]:
        """Return all letters that are still to be delivered."""
        return _letters(self.notes.all(f"{_DUE}/"))

    def dead(self) -> list[Letter]:
        """Return all letters that nobody tries to deliver any more."""
        return _letters(self.notes.all(f"{_DEAD}/"))

    def done(self, letter: Letter) -> None:
        """Forget a letter."""
        self.notes.take(letter.key)

    def postpone(self, letter: Letter, seconds: float, why: str) -> Letter:
        """Try again in some seconds."""
        due = self.notes.clock() + timedelta(seconds=seconds)
        return self._change(letter, replace(letter, due=due, attempts=letter.attempts + 1, why=why))

    def bury(self, letter: Letter, why: str) -> Letter:
        """Try no more, and keep the letter if there are not too many of these."""
        gone = replace(letter, due=self.notes.clock(), attempts=letter.attempts + 1, why=why, dead=True)
        if self.notes.count(f"{_DEAD}/{letter.webhook}/") < MOST:
            return self._change(letter, gone)
        self.done(letter)
        return gone

    def revive(self, letter: Letter) -> Letter:
        """Try a letter as often as a new one."""
        return self._change(letter, replace(letter, due=self.notes.clock(), attempts=0, why="", dead=False))

    def find(self, identifier: str) -> Letter:
        """Return the letter of that number. Raises NotFound."""
        for letter in (*self.waiting(), *self.dead()):
            if letter.id == identifier:
                return letter
        raise NotFound(f"There is no letter {identifier!r}; it may have been delivered")

    def lease(self, webhook: str, holder: str, seconds: float) -> bool:
        """Tell whether `holder` is now the only one who delivers to a webhook, for some seconds."""
        key = f"{_LEASE}/{webhook}"
        # Reading costs no writer its turn.
        return self.notes.get(key) is None and self.notes.add(key, holder, expires_at=self._in(seconds))

    def renew(self, webhook: str, holder: str, seconds: float) -> bool:
        """Tell whether `holder` still is, and for as long again."""
        if self.notes.get(f"{_LEASE}/{webhook}") != holder:
            return False
        self.notes.put(f"{_LEASE}/{webhook}", holder, expires_at=self._in(seconds))
        return True

    def release(self, webhook: str, rest: float) -> None:
        """Let others deliver, in so many seconds."""
        if rest:
            self.notes.put(f"{_LEASE}/{webhook}", "", expires_at=self._in(rest))
        else:
            self.notes.take(f"{_LEASE}/{webhook}")

    def _in(self, seconds: float) -> datetime:
        return self.notes.clock() + timedelta(seconds=seconds)

    def _keep(self, letter: Letter) -> None:
        self.notes.put(letter.key, letter.value, expires_at=letter.due + _KEPT)

    def _change(self, old: Letter, new: Letter) -> Letter:
        self._keep(new)
        if new.key != old.key:
            self.notes.take(old.key)
        return new


def _letters(notes: dict[str, str]) -> list[Letter]:
    return [_letter(key.split("/"), json.loads(value)) for key, value in notes.items()]


def _letter(key: Iterable[str], kept: dict[str, Any]) -> Letter:
    place, webhook, *_, identifier = key
    said = kept["event"]
    event = Event(said["name"], datetime.fromisoformat(said["at"]), said["data"])
    due = datetime.fromisoformat(kept["due"])
    return Letter(identifier, webhook, event, due, kept["attempts"], kept["why"], dead=place == _DEAD)
