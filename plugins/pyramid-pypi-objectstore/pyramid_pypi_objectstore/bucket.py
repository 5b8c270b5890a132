"""The requests to a bucket, each within a limit of time, with errors that people understand."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

from pyramid_pypi.errors import StorageUnavailable
from pyramid_pypi_objectstore.failures import Unreachable, explain, is_about_bucket
from pyramid_pypi_objectstore.options import BucketOptions

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import AzureStore, ClientConfig, GCSStore, RetryConfig, S3Store

    Store: TypeAlias = S3Store | GCSStore | AzureStore

__all__ = ["Bucket", "Found", "Taken", "client_options", "retry_options"]

_SHORT = 8
_AT_ONCE = 4
_PAGE = 1000
_REST = 2.0
_AWAKE = (0.0, "")
_SEEN_FOR = 30.0
_RETRIES = 3
_MARK = "pypiput"


class Taken(Exception):
    """An object is there already."""


@dataclass(frozen=True, slots=True)
class Found:
    """An object: its path, its size in bytes, when it was written (UTC), and the tag of its bytes."""

    path: str
    size: int
    modified_at: datetime
    etag: str | None


def client_options(options: BucketOptions, timeout: int) -> "ClientConfig":
    """Return how obstore is to make requests, with `timeout` seconds for each from start to end."""
    config: ClientConfig = {
        "connect_timeout": timedelta(seconds=options.connect_timeout),
        "timeout": timedelta(seconds=timeout),
        "allow_http": True,
        "user_agent": "pyramid_pypi",
    }
    if options.ca is not None:
        config["root_certificate"] = options.ca.read_bytes()
    return config


def retry_options(options: BucketOptions) -> "RetryConfig":
    """Return how often obstore is to try again."""
    waits = {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=2), "base": 2}
    return {
        "max_retries": _RETRIES,
        "retry_timeout": timedelta(seconds=options.retry_timeout),
        "backoff": waits,  # type: ignore[typeddict-item]  # mypy does not see through the variable
    }


class Bucket:
    """A bucket, called `name` in messages, reached by what `connect` makes for a timeout in seconds.

    `own` is the folder in it that is ours alone.
    Connecting is left to the first request, so that one bucket with a wrong file of credentials
    is no matter for other repositories. A service that did not answer is left alone for two
    seconds, in which every request fails at once: requests that wait for it would use up the
    threads of the server. Every method raises StorageUnavailable.
    """

    def __init__(self, name: str, own: str, connect: "Callable[[int], Store]", timeout: int) -> None:
        self.name = name
        self.own = own
        self._connect = connect
        self._timeout = timeout
        self._resting = _AWAKE
        self._seen_at = -_SEEN_FOR

    @cached_property
    def _short(self) -> "Store":
        return self._connect(min(_SHORT, self._timeout))

    @cached_property
    def _long(self) -> "Store":
        return self._connect(self._timeout)

    def head(self, path: str) -> Found | None:
        """Return what is told about an object, None if it is not there."""
        try:
            with self._asking(absent=True):
                return _found(obstore.head(self._short, path))
        except FileNotFoundError:
            self._require_bucket()
            return None

    def mark(self, path: str) -> str | None:
        """Return the mark that an object was written with, empty if none, None if there is no object."""
        try:
            # This is asked when something has failed, which a moment of rest must not hide.
            with self._asking(absent=True, always=True):
                answer = obstore.get(self._short, path, options={"head": True})
                return answer.attributes.get(_MARK, "")
        except FileNotFoundError:
            return None

    def read(self, path: str) -> bytes | None:
        """Return a small object, None if it is not there."""
        try:
            with self._asking(absent=True):
                return bytes(obstore.get(self._short, path).bytes())
        except FileNotFoundError:
            self._require_bucket()
            return None

    def window(self, found: Found, start: int, stop: int) -> bytes:
        """Return the bytes from `start` up to `stop`. Raises FileNotFoundError, also if they changed."""
        try:
            with self._asking(absent=True):
                answer = obstore.get(
                    self._long, found.path, options={"range": (start, stop), "if_match": found.etag}
                )
                return bytes(answer.bytes())
        except PreconditionError:
            raise FileNotFoundError(found.path) from None

    def create(self, path: str, data: bytes, mark: str) -> None:
        """Write a new object. Raises Taken when there is one, which may be from this very call."""
        try:
            with self._asking():
                obstore.put(self._long, path, data, mode="create", attributes=_attributes(mark))
        except AlreadyExistsError:
            raise Taken(path) from None

    def upload(self, path: str, source: Path, mark: str, part_size: int) -> None:
        """Write an object from a file, in parts if it is large; a few are in memory at a time."""
        with self._asking():
            obstore.put(
                self._long,
                path,
                source,
                attributes=_attributes(mark),
                chunk_size=part_size,
                max_concurrency=_AT_ONCE,
            )

    def copy_new(self, source: str, path: str) -> None:
        """Copy an object within the service. Raises Taken when there is one under `path`."""
        try:
            with self._asking():
                obstore.copy(self._long, source, path, overwrite=False)
        except AlreadyExistsError:
            raise Taken(path) from None

    def write(self, path: str, data: bytes) -> None:
        """Write a small object, or write over it."""
        with self._asking():
            attributes = {"Content-Type": "application/json"}
            obstore.put(self._short, path, data, attributes=attributes, use_multipart=False)

    def delete(self, path: str) -> None:
        """Remove an object; a missing one is not an error."""
        try:
            with self._asking(absent=True):
                obstore.delete(self._short, path)
        except FileNotFoundError:
            pass

    def list(self, folder: str, *, after: str | None = None) -> Iterator[Found]:
        """Yield the objects below a folder whose paths come after another, page by page."""
        with self._asking():
            pages = iter(obstore.list(self._short, folder or None, offset=after, chunk_size=_PAGE))
        while True:
            with self._asking():
                page = next(pages, None)
            if page is None:
                return
            yield from map(_found, page)

    def sign(self, path: str, expires: int) -> str:
        """Return a URL at which anybody can fetch an object within `expires` seconds."""
        with self._asking():
            return obstore.sign(self._short, "GET", path, timedelta(seconds=expires))

    def check(self) -> None:
        """Raise StorageUnavailable unless the bucket is there and can be listed."""
        next(self.list(f"{self.own}none"), None)
        self._seen_at = time.monotonic()

    def _require_bucket(self) -> None:
        """Make sure that it is only the object that is missing."""
        # The answer to a HEAD does not tell, and for a client "not there" is final.
        if time.monotonic() - self._seen_at > _SEEN_FOR:
            self.check()

    @contextmanager
    def _asking(self, *, absent: bool = False, always: bool = False) -> Iterator[None]:
        """Turn errors of the library into ours; with `absent`, let one tell that an object is missing."""
        until, message = self._resting
        if not always and time.monotonic() < until:
            raise Unreachable(message)
        try:
            yield
            self._resting = _AWAKE
        except (AlreadyExistsError, PreconditionError, StorageUnavailable):
            raise
        except (BaseError, OSError, ValueError, TypeError) as error:
            if absent and isinstance(error, FileNotFoundError) and not is_about_bucket(error):
                raise
            raise self._failure(error) from None

    def _failure(self, error: BaseException) -> StorageUnavailable:
        failure = explain(error, self.name)
        if isinstance(failure, Unreachable):
            self._resting = (time.monotonic() + _REST, failure.message)
        return failure


def _attributes(mark: str) -> dict[str, str]:
    return {"Content-Type": "application/octet-stream", _MARK: mark}


def _found(meta: "ObjectMeta") -> Found:
    return Found(meta["path"], meta["size"], meta["last_modified"], meta["e_tag"])
