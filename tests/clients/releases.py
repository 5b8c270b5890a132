"""Releases that the tests publish, and a look at what clients have made of them."""

import subprocess
import sys
from pathlib import Path
from typing import Unpack

from pyramid_pypi.distribution import normalise
from pyramid_pypi.testing.artefacts import WheelOptions, make_wheel
from tests.clients.people import ANN
from tests.live import LiveServer, post_file

__all__ = ["installed", "put", "put_for_team", "put_wheel", "save", "wheel_name"]

_IMPORT = """
import importlib, sys
sys.path.insert(0, sys.argv[1])
print(importlib.import_module(sys.argv[2]).__version__)
"""


def wheel_name(name: str, version: str) -> str:
    """Return the file name of a wheel for any machine."""
    return f"{normalise(name).replace('-', '_')}-{version}-py3-none-any.whl"


def put(server: LiveServer, filename: str, content: bytes) -> None:
    """Publish a file in `private`."""
    assert post_file(f"{server.url}/", filename, content) == (200, "")


def put_wheel(server: LiveServer, name: str, version: str, **options: Unpack[WheelOptions]) -> bytes:
    """Publish a small wheel in `private`; return its bytes."""
    content = make_wheel(name, version, **options)
    put(server, wheel_name(name, version), content)
    return content


def put_for_team(server: LiveServer, name: str, version: str) -> None:
    """Publish a small wheel in `team`."""
    url = server.at("/repository/team/", *ANN)
    assert post_file(url, wheel_name(name, version), make_wheel(name, version)) == (200, "")


def save(folder: Path, name: str, version: str, **options: Unpack[WheelOptions]) -> Path:
    """Write a small wheel into `folder`, for a client to upload."""
    folder.mkdir(exist_ok=True, parents=True)
    path = folder / wheel_name(name, version)
    path.write_bytes(make_wheel(name, version, **options))
    return path


def installed(folder: Path, package: str) -> str:
    """Import `package` from `folder` in a new process; return its version, or why it has none."""
    # Without bytecode, which would outlive a file of the same size and time from another wheel.
    command = [sys.executable, "-I", "-S", "-B", "-c", _IMPORT, str(folder), package]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=60
    )
    return done.stdout.strip()
