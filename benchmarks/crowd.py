"""Many clients that ask for the same file at the same moment, in one process of their own.

``python -m benchmarks.crowd PORT PATH CLIENTS`` prints a `Crowd` as JSON. The bytes are counted and
thrown away.
"""

from __future__ import annotations

import json
import selectors
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

BUFFER = 1 << 18
LIMIT = 300.0


@dataclass(slots=True)
class Client:
    """One connection; times are on the machine's monotonic clock, which all processes share."""

    connection: socket.socket
    head: bytes = b""
    left: int = -1
    status: int = 0
    first: float = 0.0
    end: float = 0.0


@dataclass(frozen=True, slots=True)
class Crowd:
    """What the clients saw; `began`, `firsts` and `ends` in seconds of the monotonic clock.

    A client that did not get the whole file has no end.
    """

    began: float
    firsts: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    failed: int = 0

    @property
    def spread(self) -> float:
        """How many times as long the last one took as the first one."""
        return (max(self.ends) - self.began) / (min(self.ends) - self.began)

    @property
    def seconds(self) -> float:
        """From the requests to the end of the last client."""
        return max(self.ends) - self.began


def ask(port: int, path: str, count: int) -> Crowd:
    """Send all requests, then read all answers."""
    clients = [Client(socket.create_connection(("127.0.0.1", port))) for _ in range(count)]
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    buffer = bytearray(BUFFER)
    began = time.monotonic()
    with selectors.DefaultSelector() as selector:
        for client in clients:
            client.connection.sendall(request.encode())
            client.connection.setblocking(False)
            selector.register(client.connection, selectors.EVENT_READ, client)
        while selector.get_map() and time.monotonic() < began + LIMIT:
            for key, _ in selector.select(1.0):
                if not _read(key.data, buffer):
                    selector.unregister(key.fileobj)
                    key.data.connection.close()
    done = [client for client in clients if client.end and client.status == 200]
    return Crowd(began, [client.first for client in done], [client.end for client in done], count - len(done))


def start(port: int, path: str, count: int) -> subprocess.Popen[str]:
    """Run `ask` in a new process."""
    argv = [sys.executable, "-m", "benchmarks.crowd", str(port), path, str(count)]
    return subprocess.Popen(argv, cwd=Path(__file__).parent.parent, stdout=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> Crowd:
    """Return what the process saw."""
    return Crowd(**json.loads(process.communicate(timeout=LIMIT + 30)[0]))


def _read(client: Client, buffer: bytearray) -> bool:
    """Read what is there; return whether there is more to come."""
    try:
        count = client.connection.recv_into(buffer)
    except BlockingIOError:
        return True
    except OSError:
        return False
    if client.left < 0:
        client.head += buffer[:count]
        head, separator, body = client.head.partition(b"\r\n\r\n")
        if not separator:
            return count > 0
        lines = head.decode("latin-1").lower().split("\r\n")
        client.status = int(lines[0].split()[1])
        lengths = [line.partition(":")[2] for line in lines if line.startswith("content-length:")]
        client.left = int(lengths[0]) if lengths else 0
        count = len(body)
        if not count and client.left:
            return True
    if not client.first:
        client.first = time.monotonic()
    client.left -= count
    if client.left <= 0:
        client.end = time.monotonic()
    return count > 0 and client.left > 0


if __name__ == "__main__":
    print(json.dumps(asdict(ask(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))))
