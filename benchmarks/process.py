"""Server processes: start them apart, read their CPU time and memory, end them by their ids."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
MICROSECONDS_PER_TICK = 1_000_000 / TICKS_PER_SECOND


class ServerFailed(Exception):
    """A server under test ended or did not answer; the message names its log."""


@dataclass(frozen=True, slots=True)
class Command:
    """What to execute; ``environment`` is added to ours."""

    argv: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on at the moment."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def clean_environment() -> dict[str, str]:
    """Return our environment without what would let one program's packages into another's."""
    return {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}


def spawn(command: Command, directory: Path) -> subprocess.Popen[bytes]:
    """Start the command in a session of its own, its output appended to ``output.log``.

    ``directory`` is its home as well: control sockets and caches stay out of the person's.
    """
    with (directory / "output.log").open("ab") as log:
        return subprocess.Popen(
            command.argv,
            cwd=directory,
            env={**clean_environment(), "HOME": str(directory), **command.environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def run(command: Command, directory: Path, *, limit: float = 900.0) -> None:
    """Run a command to its end in ``directory``; what it prints goes to standard error.

    Raises CalledProcessError, and TimeoutExpired after ``limit`` seconds.
    """
    environment = {**clean_environment(), **command.environment}
    subprocess.run(
        command.argv, cwd=directory, env=environment, check=True, timeout=limit, stdout=sys.stderr.fileno()
    )


def terminate(process: subprocess.Popen[bytes], *, patience: float = 15.0) -> None:
    """End the process and its descendants: politely, then after ``patience`` seconds for good."""
    family = list(tree(process.pid))
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pid in family[1:]:
        _kill_orphan(pid, session=process.pid)


def _kill_orphan(pid: int, *, session: int) -> None:
    # The id may have been given to a stranger meanwhile; its session tells.
    try:
        if os.getsid(pid) == session:
            os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def tree(root: int) -> Iterator[int]:
    """Yield the ids of a process and of all its living descendants."""
    yield root
    try:
        tasks = list(Path(f"/proc/{root}/task").iterdir())
    except FileNotFoundError:
        return
    for task in tasks:
        try:
            children = (task / "children").read_text().split()
        except OSError:
            continue
        for child in children:
            yield from tree(int(child))


def cpu_microseconds(root: int) -> float:
    """Return the user and system time that the tree has used, ended children included (proc(5), stat)."""
    ticks = 0
    for pid in tree(root):
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            continue
        # The second field is the program's name in parentheses and may hold spaces.
        fields = stat.rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))
    return ticks * MICROSECONDS_PER_TICK


def memory_megabytes(root: int) -> tuple[float, float]:
    """Return the resident and proportional set size of the tree, in MB (proc(5), smaps_rollup)."""
    totals = {"Rss:": 0, "Pss:": 0}
    for pid in tree(root):
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        for line in rollup.splitlines():
            words = line.split()
            if words[0] in totals:
                totals[words[0]] += int(words[1])
    return totals["Rss:"] / 1024, totals["Pss:"] / 1024


def reset_peak(pid: int) -> float:
    """Let the peak of a process begin at what it has now, in MB (proc(5), clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return peak_megabytes(pid)


def peak_megabytes(pid: int) -> float:
    """Return the most resident memory that a process had since the last reset, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def settle(root: int, *, patience: float = 20.0) -> None:
    """Wait until the tree is idle, so that work left in its queue is not charged to the next cell."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        before = cpu_microseconds(root)
        time.sleep(0.1)
        if cpu_microseconds(root) - before <= MICROSECONDS_PER_TICK:
            return
