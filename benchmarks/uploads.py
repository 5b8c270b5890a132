"""Uploads as twine sends them, by one or several keep-alive clients, timed one by one."""

from __future__ import annotations

import hashlib
import http.client
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.client import Client
from benchmarks.wheels import REQUIRES_PYTHON, small_wheel, wheel_filename

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.servers import Server

BOUNDARY = "----benchmark-boundary-7f9a2c"
VERSIONS_PER_PROJECT = 10


@dataclass(slots=True)
class UploadLog:
    """What the clients of one cell saw; ``latencies`` in milliseconds."""

    latencies: list[float] = field(default_factory=list)
    failed: int = 0


def form(name: str, version: str, wheel: bytes) -> tuple[bytes, str]:
    """Return the body and content type of the legacy upload API's ``file_upload``."""
    fields = {
        ":action": "file_upload",
        "protocol_version": "1",
        "metadata_version": "2.1",
        "name": name,
        "version": version,
        "summary": "A wheel of the benchmark corpus",
        "requires_python": REQUIRES_PYTHON,
        "filetype": "bdist_wheel",
        "pyversion": "py3",
        "sha256_digest": hashlib.sha256(wheel).hexdigest(),
        "md5_digest": hashlib.md5(wheel, usedforsecurity=False).hexdigest(),
    }
    parts = [_part(f'name="{key}"', value.encode()) for key, value in fields.items()]
    disposition = f'name="content"; filename="{wheel_filename(name, version)}"'
    parts.append(_part(disposition, wheel, "Content-Type: application/octet-stream\r\n"))
    body = b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
    return body, f"multipart/form-data; boundary={BOUNDARY}"


def forms(prefix: str, count: int) -> list[tuple[bytes, str]]:
    """Return ``count`` uploads to new projects, ten versions each."""
    releases = (
        (f"{prefix}-{n // VERSIONS_PER_PROJECT}", f"1.{n % VERSIONS_PER_PROJECT}") for n in range(count)
    )
    return [form(name, version, small_wheel(name, version)) for name, version in releases]


def upload(
    server: Server, batches: Sequence[list[tuple[bytes, str]]], seconds: float
) -> tuple[UploadLog, float]:
    """Send each batch by a client of its own, for at most ``seconds``; the log and the wall time."""
    log = UploadLog()
    credentials = server.upload_credentials()
    began = time.perf_counter()
    deadline = began + seconds
    clients = [
        threading.Thread(target=_send, args=(server, batch, credentials, deadline, log), daemon=True)
        for batch in batches
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return log, time.perf_counter() - began


def _part(disposition: str, content: bytes, more: str = "") -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n{more}\r\n"
    return head.encode() + content + b"\r\n"


def _send(
    server: Server,
    batch: list[tuple[bytes, str]],
    credentials: dict[str, str],
    deadline: float,
    log: UploadLog,
) -> None:
    client = Client(server.port)
    for body, content_type in batch:
        began = time.perf_counter()
        if began > deadline:
            break
        try:
            headers = {**credentials, "Content-Type": content_type}
            status = client.request("POST", server.upload_path or "/", headers, body).status
        except (OSError, http.client.HTTPException):
            status = 0
        if status == 200:
            log.latencies.append((time.perf_counter() - began) * 1000)
        else:
            log.failed += 1
    client.close()
