"""A real nginx for tests, in a folder of the test."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.clients.toolbox import Toolbox

__all__ = ["nginx"]

_SECONDS = 10
_KINDS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
_CONFIG = """\
daemon off;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    {places}
    {sites}
}}
"""


@contextmanager
def nginx(folder: Path, sites: str) -> Iterator[None]:
    """Run nginx with what belongs into its `http` block. Raises AssertionError with what it said."""
    places = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in _KINDS)
    user = "user root;" if os.geteuid() == 0 else ""
    config, log, mark = folder / "nginx.conf", folder / "error.log", folder / "nginx.pid"
    config.write_text(_CONFIG.format(user=user, folder=folder, places=places, sites=sites))
    path = f"{os.environ['PATH']}:/usr/sbin"
    program = Toolbox().program("nginx", path=path)
    process = subprocess.Popen([program, "-p", folder, "-c", config, "-e", log])
    try:
        deadline = time.monotonic() + _SECONDS
        while not mark.exists():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(_SECONDS)
