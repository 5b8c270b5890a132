"""Users in an htpasswd file, as Apache and nginx read it."""

import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pyramid_pypi.auth import passwords
from pyramid_pypi.auth.basic import MAX_NAME, has_controls
from pyramid_pypi.auth.groups import parse_groups
from pyramid_pypi.auth.hashing import Hashers
from pyramid_pypi.auth.watched import WatchedFile
from pyramid_pypi.errors import BackendUnavailable, InvalidCredentials
from pyramid_pypi.model import Credentials, Identity

__all__ = ["HtpasswdAuthenticator", "HtpasswdTable", "parse_htpasswd"]

STAT_SECONDS: Final = 1.0
_NAMED_IN_LOG: Final = 20
_BOM = b"\xef\xbb\xbf"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HtpasswdTable:
    """The stored hash of each user, and the numbers of the lines that could not be read."""

    hashes: dict[str, str]
    bad_lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Entry:
    """A user as it is in memory; `scheme` is None for one who cannot log in."""

    stored: str
    scheme: passwords.Scheme | None
    identity: Identity
    fingerprint: str


class HtpasswdAuthenticator:
    """Checks passwords against an htpasswd file, and takes groups from an Apache group file.

    Both files are read again within a second of a change. A file that vanishes keeps its last good
    content. Of several lines for one user the first counts, as for Apache. A user whose hash is of
    a refused or unknown scheme is known and cannot log in, so no other authenticator is asked.

    Offers `find`, `fingerprint` and `decoy`, the optional methods of the contract.
    """

    @dataclass(frozen=True, slots=True)
    class Options:
        """Where the files are, and which schemes are not accepted although they can be checked."""

        path: Path = field(metadata={"help": "the htpasswd file"})
        groups: Path | None = field(default=None, metadata={"help": "an Apache group file"})
        refuse: tuple[passwords.Scheme, ...] = field(
            default=(), metadata={"help": "schemes that are not accepted, such as `sha1 apr1`"}
        )

    def __init__(self, options: Options, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._options = options
        self._clock = clock
        self._users = WatchedFile(options.path, clock=clock)
        self._groups = WatchedFile(options.groups, clock=clock) if options.groups else None
        self._lock = threading.Lock()
        self._table: Mapping[str, _Entry] = {}
        self._names: tuple[str, ...] = ()
        self._due = float("-inf")
        self._told: dict[Path, str] = {}
        self._key = os.urandom(16)
        self._hashers = Hashers()
        self._entries()

    def authenticate(self, credentials: Credentials) -> Identity | None:
        """See the contract."""
        entry = self._entries().get(credentials.username)
        if self._users.content is None:
            raise BackendUnavailable(
                f"The password file {self._options.path.name} cannot be read; "
                "create it with `pyramid-pypi user add` or mend its path and its permissions"
            )
        if entry is None:
            return None
        if entry.scheme is None:
            self.decoy(credentials)
        elif self._hashers.verify(entry.stored, credentials.password):
            return entry.identity
        raise InvalidCredentials("Invalid or non-existent authentication information.")

    def close(self) -> None:
        """Let the threads end that check passwords."""
        self._hashers.close()

    def find(self, username: str) -> Identity | None:
        """See the contract."""
        entry = self._entries().get(username)
        return entry.identity if entry else None

    def fingerprint(self, username: str) -> str | None:
        """Return a text that changes with the user's hash and groups, None for an unknown name."""
        entry = self._entries().get(username)
        return entry.fingerprint if entry else None

    def decoy(self, credentials: Credentials) -> None:
        """Check the password against the hash of another user, chosen by the name, and forget it.

        So unknown names take as long as known ones do, also in a file of mixed schemes and costs.
        """
        table, names = self._table, self._names
        if names:
            digest = hashlib.blake2b(credentials.username.encode(), key=self._key, digest_size=8).digest()
            entry = table.get(names[int.from_bytes(digest) % len(names)])
            self._hashers.verify(entry.stored if entry else "", credentials.password)

    def _entries(self) -> Mapping[str, _Entry]:
        """Return the users, after a look at the files when the last one is a second old."""
        if self._clock() >= self._due and self._lock.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._lock.release()
        return self._table

    def _look(self) -> None:
        """Read what changed."""
        changed = self._refresh(self._users)
        if self._groups is not None:
            changed = self._refresh(self._groups) or changed
        if changed and self._users.content is not None:
            table = self._load(self._users.content)
            self._names = tuple(name for name, entry in table.items() if entry.scheme)
            self._table = table
        # A file that nobody wrote yet is looked for at every login, so that the first user works at once.
        if self._users.content is not None:
            self._due = self._clock() + STAT_SECONDS

    def _refresh(self, file: WatchedFile) -> bool:
        """Refresh a file and log a problem with it once."""
        changed = file.refresh()
        if file.problem != self._told.get(file.path, ""):
            self._told[file.path] = file.problem
            if file.problem:
                state = (
                    "nothing is known from it"
                    if file.content is None
                    else "its last good content stays in use"
                )
                _log.error("%s cannot be read: %s; %s", file.path, file.problem, state)
        return changed

    def _load(self, content: bytes) -> dict[str, _Entry]:
        """Build the table from both files and log what an administrator should mend."""
        users = parse_htpasswd(content)
        groups = parse_groups((self._groups and self._groups.content) or b"")
        entries = {}
        for name, stored in users.hashes.items():
            scheme = passwords.scheme(stored)
            own = groups.of(name)
            entries[name] = _Entry(
                stored,
                None if scheme in self._options.refuse else scheme,
                Identity.user(name, own),
                "\n".join((stored, *own)),
            )
        _warn(self._options.path, "ignored line(s)", [str(number) for number in users.bad_lines])
        if self._options.groups:
            _warn(self._options.groups, "ignored line(s)", [str(number) for number in groups.bad_lines])
        shut = [repr(name) for name, entry in entries.items() if entry.scheme is None]
        _warn(self._options.path, "hash of a refused or unknown scheme, cannot log in:", shut)
        weak = [
            f"{name!r} ({e.scheme})"
            for name, e in entries.items()
            if e.scheme and passwords.is_weak(e.scheme)
        ]
        _warn(self._options.path, "weak hash, set the password again with `pyramid-pypi user passwd`:", weak)
        return entries


def parse_htpasswd(content: bytes) -> HtpasswdTable:
    """Read lines of the form `name:hash`; text behind a second colon is a comment.

    Empty lines and lines that begin with `#` say nothing. An empty hash is kept: its user is known
    and cannot log in. Never raises.
    """
    hashes: dict[str, str] = {}
    bad: list[int] = []
    for number, raw in enumerate(content.removeprefix(_BOM).split(b"\n"), start=1):
        bare = raw.removesuffix(b"\r")
        if not bare.strip() or bare.startswith(b"#"):
            continue
        try:
            name, colon, rest = bare.decode("utf-8").partition(":")
        except UnicodeDecodeError:
            bad.append(number)
            continue
        if not colon or not name or has_controls(name) or len(name.encode()) > MAX_NAME:
            bad.append(number)
            continue
        hashes.setdefault(name, rest.partition(":")[0])
    return HtpasswdTable(hashes, tuple(bad))


def _warn(path: Path, what: str, items: Iterable[str]) -> None:
    """Log one warning for all items, without any content of the file but names."""
    named = list(items)
    if named:
        more = f" and {len(named) - _NAMED_IN_LOG} more" if len(named) > _NAMED_IN_LOG else ""
        _log.warning("%s: %s %s%s", path, what, ", ".join(named[:_NAMED_IN_LOG]), more)
