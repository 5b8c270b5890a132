"""A way to a server of this machine that takes as long as one to another machine.

    python -m benchmarks.relay PORT SECONDS

listens at a port of 127.0.0.1, which it prints, and passes what comes there on to PORT, so much later.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK = 64 * 1024


@contextmanager
def relay(port: int, seconds: float) -> Iterator[str]:
    """Yield a URL through which each request comes `seconds` later to the server at `port`."""
    command = [sys.executable, "-m", "benchmarks.relay", str(port), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


async def serve(port: int, seconds: float) -> None:
    """Relay until the process ends."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, before = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pass_on(reader, before, seconds), pass_on(behind, writer, 0))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Write what is read, each chunk so many seconds later, until there is no more."""
    with suppress(ConnectionError):
        while chunk := await reader.read(CHUNK):
            if seconds:
                await asyncio.sleep(seconds)
            writer.write(chunk)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
