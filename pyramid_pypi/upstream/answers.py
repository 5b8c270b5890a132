"""What an upstream answers: bodies that are whole or an error, and errors that show no secrets."""

import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from urllib3 import BaseHTTPResponse
from urllib3 import exceptions as wrong

from pyramid_pypi.errors import UpstreamDown, UpstreamTimeout, UpstreamUnavailable
from pyramid_pypi.upstream.allowed import Target

__all__ = ["Answer", "http_date", "translated"]

_CHUNK = 256 * 1024
# What is read of an unwanted body so that its connection can be used again.
_DISCARDED = 64 * 1024


class Answer:
    """A good answer whose body is still to be read; it closes itself at the end and when forgotten."""

    def __init__(self, response: BaseHTTPResponse, target: Target, what: str) -> None:
        self._response = response
        self._what = what
        self.target = target

    @property
    def status(self) -> int:
        """The status code."""
        return self._response.status

    @property
    def size(self) -> int | None:
        """How many bytes are to come, None when that is unknown. To be asked before reading."""
        return self._response.length_remaining

    def header(self, name: str) -> str:
        """Return a header's value, empty where there is none or none that could be sent again."""
        value: str = self._response.headers.get(name, "").strip()
        return value if value.isprintable() else ""

    def chunks(self, *, due: float | None = None) -> Iterator[bytes]:
        """Yield the body as it arrives, not decoded, until `due` on the monotonic clock.

        Raises UpstreamUnavailable when it ends too early and UpstreamTimeout when it takes too long.
        """
        try:
            with translated(self.target, self._what):
                while True:
                    if due is not None and time.monotonic() > due:
                        raise UpstreamTimeout(
                            f"The upstream {self.target.netloc} is slow to send {self._what}"
                        )
                    chunk = self._response.read1(_CHUNK, decode_content=False)
                    if not chunk:
                        return
                    yield chunk
        finally:
            self.close()

    def decoded(self, limit: int, *, due: float | None = None) -> Iterator[bytes]:
        """Yield the body without its content coding, at most `limit` bytes, as `chunks` does.

        Raises UpstreamUnavailable for more, and for a body that cannot be decoded.
        """
        coding = self.header("Content-Encoding").lower()
        chunks = self._limited(self.chunks(due=due), limit)
        if coding in ("gzip", "x-gzip"):
            return self._limited(self._unpacked(chunks), limit)
        if coding in ("", "identity"):
            return chunks
        self.close()
        raise UpstreamUnavailable(
            f"The upstream {self.target.netloc} sends {self._what} in a coding that nobody asked for"
        )

    def close(self) -> None:
        """Give the connection back if the body is read, else cut it; harmless when called again."""
        self._response.close()
        self._response.release_conn()

    def discard(self) -> None:
        """Read the rest of a short body, so that the connection can be used again, and close."""
        due = time.monotonic() + 1
        left = _DISCARDED
        try:
            while left > 0 and time.monotonic() < due:
                chunk = self._response.read1(left, decode_content=False)
                if not chunk:
                    break
                left -= len(chunk)
        except wrong.HTTPError:
            pass
        finally:
            self.close()

    def _limited(self, chunks: Iterator[bytes], limit: int) -> Iterator[bytes]:
        size = 0
        for chunk in chunks:
            size += len(chunk)
            if size > limit:
                self.close()
                raise UpstreamUnavailable(
                    f"The upstream {self.target.netloc} sends more than {limit} bytes for {self._what}"
                )
            if chunk:
                yield chunk

    def _unpacked(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield what gzip has packed, in pieces that are small however well it was packed."""
        gunzip = zlib.decompressobj(wbits=31)
        try:
            for chunk in chunks:
                rest = chunk
                while rest:
                    if gunzip.eof:
                        gunzip = zlib.decompressobj(wbits=31)
                    yield gunzip.decompress(rest, _CHUNK)
                    rest = gunzip.unconsumed_tail or gunzip.unused_data
            yield gunzip.flush()
        except zlib.error as error:
            self.close()
            raise UpstreamUnavailable(
                f"The upstream {self.target.netloc} sends {self._what} badly packed"
            ) from error
        if not gunzip.eof:
            raise UpstreamUnavailable(f"The upstream {self.target.netloc} breaks off in {self._what}")

    def __del__(self) -> None:
        self.close()


def http_date(value: str) -> datetime | None:
    """Return the time of a header in UTC (RFC 9110 §5.6.7), None for what is no time."""
    try:
        found = parsedate_to_datetime(value)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None


@contextmanager
def translated(target: Target, what: str) -> Iterator[None]:
    """Turn the errors of urllib3 into ours, whose messages have no part of the URL but the host.

    Paths are left out because some indexes have the token in the path.
    """
    try:
        yield
    except wrong.EmptyPoolError as error:
        raise UpstreamTimeout(
            f"All connections to {target.netloc} stayed in use; the setting `connections` allows more"
        ) from error
    except wrong.HTTPError as error:
        cause = error.original_error if isinstance(error, wrong.ProxyError) else error
        through = " through the proxy" if cause is not error else ""
        name = f"The upstream {target.netloc}{through}"
        if isinstance(cause, wrong.TimeoutError) and not isinstance(cause, wrong.NewConnectionError):
            raise UpstreamTimeout(f"{name} does not answer in time for {what}") from error
        if isinstance(cause, wrong.NameResolutionError):
            raise UpstreamDown(f"{name} cannot be reached: its name has no address") from error
        if isinstance(cause, wrong.SSLError):
            raise UpstreamUnavailable(f"{name} cannot be trusted: {_tls_reason(cause)}") from error
        reason = _reason(cause)
        if isinstance(cause, wrong.NewConnectionError):
            raise UpstreamDown(f"{name} cannot be reached: {reason}") from error
        raise UpstreamDown(f"{name} breaks off in {what}: {reason}") from error


def _reason(error: BaseException) -> str:
    """Return what the operating system said, which has no part of the request in it."""
    parts = (*error.args, error.__cause__, error)
    said = [part.strerror or str(part) for part in parts if isinstance(part, OSError)]
    return next((text for text in said if text), "what it sends is not HTTP or not complete")


def _tls_reason(error: wrong.SSLError) -> str:
    """Return why there is no TLS."""
    inner = error.args[0] if error.args else error
    return str(getattr(inner, "verify_message", "") or getattr(inner, "reason", "") or "TLS fails")
