"""One client that downloads the same file again and again at a limited rate, in a process of its own.

``python -m benchmarks.download PORT PATH BYTES_PER_SECOND SECONDS`` prints the number of bytes received.
"""

from __future__ import annotations

import http.client
import subprocess
import sys
import time
from pathlib import Path

CHUNK = 256 * 1024


def main(port: int, path: str, rate: float, seconds: float) -> int:
    """Download for ``seconds`` at no more than ``rate`` bytes a second; the bytes received."""
    buffer = memoryview(bytearray(CHUNK))
    began = time.perf_counter()
    received = 0
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    while time.perf_counter() - began < seconds:
        connection.request("GET", path)
        answer = connection.getresponse()
        if answer.status != 200:
            break
        while count := answer.readinto(buffer):
            received += count
            elapsed = time.perf_counter() - began
            if elapsed > seconds:
                connection.close()
                break
            time.sleep(max(0.0, received / rate - elapsed))
    connection.close()
    return received


def start(port: int, path: str, rate: float, seconds: float) -> subprocess.Popen[str]:
    """Run ``main`` in a new process; its standard output is the number of bytes."""
    argv = [sys.executable, "-m", "benchmarks.download", str(port), path, str(rate), str(seconds)]
    root = Path(__file__).parent.parent
    return subprocess.Popen(argv, cwd=root, stdout=subprocess.PIPE, text=True)


if __name__ == "__main__":
    print(main(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), float(sys.argv[4])))
