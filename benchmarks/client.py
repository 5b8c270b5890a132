"""A small keep-alive client for checking servers, timing starts and finding links."""

from __future__ import annotations

import html
import http.client
import re
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

HREF = re.compile(r'<a\s[^>]*?href="([^"]+)"', re.IGNORECASE)
TIMEOUT = 20.0


@dataclass(frozen=True, slots=True)
class Response:
    """Status, content type, entity tag and body of one answer."""

    status: int
    content_type: str
    etag: str
    location: str
    body: bytes


class Client:
    """One connection to a server on 127.0.0.1, reopened when the server closes it."""

    def __init__(self, port: int, *, timeout: float = TIMEOUT) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def request(self, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> Response:
        """Send one request; raises ``OSError`` or ``http.client.HTTPException`` if that fails twice."""
        try:
            return self._exchange(method, path, headers, body)
        except (ConnectionError, http.client.BadStatusLine):
            self._connection.close()
            return self._exchange(method, path, headers, body)

    def get(self, path: str, headers: dict[str, str]) -> Response:
        """GET ``path``."""
        return self.request("GET", path, headers)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _exchange(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> Response:
        self._connection.request(method, path, body=body, headers=headers)
        answer = self._connection.getresponse()
        content = answer.read()
        return Response(
            status=answer.status,
            content_type=answer.getheader("Content-Type", "").partition(";")[0].strip(),
            etag=answer.getheader("ETag", ""),
            location=answer.getheader("Location", ""),
            body=content,
        )


def links(page_path: str, body: bytes) -> list[str]:
    """Return the absolute paths, without fragments, of the anchors of a project page."""
    hrefs = (html.unescape(href) for href in HREF.findall(body.decode()))
    return [urlsplit(urljoin(page_path, href)).path for href in hrefs]
