"""wrk, and what the server's process tree spent while it ran."""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.process import cpu_microseconds, settle

if TYPE_CHECKING:
    from benchmarks.servers import Server

SCRIPT = """
local targets = {
%s
}
local requests, turn = {}, 0
function init(args)
  for index, target in ipairs(targets) do
    requests[index] = wrk.format("GET", target.path, target.headers)
  end
end
function request()
  turn = turn %% #requests + 1
  return requests[turn]
end
function done(summary, latency, all)
  local e = summary.errors
  io.write(string.format(
    'RESULT {"requests":%%d,"bytes":%%d,"microseconds":%%d,"p50":%%d,"p99":%%d,"failed":%%d}\\n',
    summary.requests, summary.bytes, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Target:
    """One request of a mix, sent again and again."""

    path: str
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """One cell of one round; ``rate`` in the scenario's unit, CPU in µs per request, times in ms."""

    rate: float
    cpu: float | None = None
    p50: float | None = None
    p99: float | None = None
    failed: int = 0
    remark: str = ""


@dataclass(frozen=True, slots=True)
class WrkResult:
    """What wrk counted; ``seconds`` of wall time, latencies in ms, server CPU in µs for the whole run."""

    requests: int
    bytes: int
    seconds: float
    p50: float
    p99: float
    failed: int
    cpu: float

    @property
    def cpu_per_request(self) -> float | None:
        """Server CPU µs per answered request."""
        return self.cpu / self.requests if self.requests else None


def wrk(
    server: Server, targets: list[Target], *, connections: int, seconds: int, wait: bool = True
) -> WrkResult:
    """Load the targets in turn from one wrk thread and charge its process tree for it.

    Without ``wait`` the load begins although the server is busy.
    """
    if wait:
        settle(server.pid)
    with tempfile.TemporaryDirectory() as directory:
        script = Path(directory) / "targets.lua"
        script.write_text(SCRIPT % ",\n".join(map(_lua, targets)))
        options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script)]
        before = cpu_microseconds(server.pid)
        answer = subprocess.run(
            ["wrk", *options, f"http://127.0.0.1:{server.port}/"],
            check=True, capture_output=True, text=True, timeout=seconds + 60,
        )  # fmt: skip
        spent = cpu_microseconds(server.pid) - before
    line = next(line for line in answer.stdout.splitlines() if line.startswith("RESULT "))
    counted = json.loads(line.removeprefix("RESULT "))
    return WrkResult(
        requests=counted["requests"],
        bytes=counted["bytes"],
        seconds=counted["microseconds"] / 1e6,
        p50=counted["p50"] / 1000,
        p99=counted["p99"] / 1000,
        failed=counted["failed"],
        cpu=spent,
    )


def _lua(target: Target) -> str:
    # A JSON string of ASCII text is a Lua string too.
    headers = ", ".join(f"[{json.dumps(name)}] = {json.dumps(value)}" for name, value in target.headers)
    return f"{{ path = {json.dumps(target.path)}, headers = {{ {headers} }} }}"
