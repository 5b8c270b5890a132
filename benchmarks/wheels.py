"""Wheels for the corpus and for uploads, from the same builder as the test suite's."""

from __future__ import annotations

import io
import zipfile

from pyramid_pypi.testing.artefacts import make_wheel

REQUIRES_PYTHON = ">=3.8"


def small_wheel(name: str, version: str) -> bytes:
    """Return a valid, installable pure-Python wheel of about 1.5 KB."""
    return make_wheel(name, version, requires_python=REQUIRES_PYTHON)


def big_wheel(name: str, version: str, size: int) -> bytes:
    """Return the same with ``size`` bytes of stored payload, for downloads; it is never installed."""
    buffer = io.BytesIO(small_wheel(name, version))
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr("payload.bin", bytes(size))
    return buffer.getvalue()


def wheel_filename(name: str, version: str) -> str:
    """Return the file name that the binary distribution format gives to such a wheel."""
    return f"{name.replace('-', '_')}-{version}-py3-none-any.whl"


def metadata_of(wheel: bytes) -> bytes:
    """Return the ``METADATA`` member, which PEP 658 publishes beside the wheel."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        member = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return archive.read(member)
