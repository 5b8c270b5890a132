"""Reading requests and writing the heads of answers: where waitress is too generous or too strict."""

from collections.abc import Iterable
from typing import Any

from waitress.parser import (
    HTTPRequestParser,
    ParsingError,
    get_header_lines,
)
from waitress.task import WSGITask

from pyramid_pypi.auth.remote import PEER
from pyramid_pypi.errors import PypiError
from pyramid_pypi.model import Arriving
from pyramid_pypi.server.arriving import ArrivingBody
from pyramid_pypi.web.slices import ARRIVING_WRAPPER

__all__ = ["Parser", "Task"]


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """Refuses requests whose length two servers may read in two ways (RFC 9112 §6.1, §6.3)."""

    def parse_header(self, header_plus: bytes) -> None:
        """Read the head of a request. Raises ParsingError, which is answered with 400."""
        super().parse_header(header_plus)
        # waitress takes it away only from HTTP/1.1, and reads the others as if it were not there.
        if "TRANSFER_ENCODING" in self.headers:
            raise ParsingError("Transfer-Encoding is not for this version of HTTP")
        if not self.chunked:
            return
        if "CONTENT_LENGTH" in self.headers:
            raise ParsingError("Content-Length and Transfer-Encoding exclude each other")
        lines = get_header_lines(header_plus.partition(b"\r\n")[2])
        codings = [line for line in lines if line.lower().startswith(b"transfer-encoding:")]
        if len(codings) > 1 or b"," in codings[0]:
            raise ParsingError("Transfer-Encoding names more than one coding")


class Task(WSGITask):  # type: ignore[misc]
    """Runs the application for one request.

    The environ has `ARRIVING_WRAPPER`, a callable `(arriving, start, stop)` that returns what to
    answer with. It is to `Arriving` what `wsgi.file_wrapper` is to files: the thread is free again
    as soon as the application has returned it. `PEER` is the IP address of the connection.
    """

    def service(self) -> None:
        """Answer the request."""
        try:
            super().service()
        except PypiError as error:
            # These are for a person; where in this program they were raised says nothing more.
            if self.wrote_header:
                self.logger.warning("An answer to %s is cut short: %s", self.channel.addr, error)
                self.close_on_finish = True
            else:
                self.logger.warning("An answer to %s failed: %s", self.channel.addr, error)
                self._answer(error)

    def _answer(self, error: PypiError) -> None:
        body = f"{error}\n".encode()
        self.complete = True
        self.status = f"{error.status} {error.title}"
        self.content_length = len(body)
        self.response_headers = [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")]
        self.set_close_on_finish()
        self.write(b"" if self.request.command == "HEAD" else body)

    def get_environment(self) -> dict[str, Any]:
        """Return the WSGI environ."""
        environ: dict[str, Any] = super().get_environment()
        environ[ARRIVING_WRAPPER] = self._wrap
        # What trusts a proxy writes the address of its client into REMOTE_ADDR.
        environ[PEER] = self.channel.addr[0]
        return environ

    def set_close_on_finish(self) -> None:
        """Close the connection after this answer, unless its end is clear without."""
        # waitress does this when there is no Content-Length, but these end with their head
        # (RFC 9112 §6.3) and a client that revalidates would pay a connection for each request.
        if self.status[:3] not in {"204", "304"} or self._client_closes():
            super().set_close_on_finish()

    def _client_closes(self) -> bool:
        connection: str = self.request.headers.get("CONNECTION", "")
        return bool(self.version != "1.1" or connection.lower() == "close")

    def _wrap(self, arriving: Arriving, start: int, stop: int) -> Iterable[bytes]:
        return () if self.request.command == "HEAD" else ArrivingBody(arriving, start, stop)
