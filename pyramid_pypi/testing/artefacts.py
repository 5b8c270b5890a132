"""Small distributions for tests, real enough for an installer: wheels and sdists as bytes."""

import base64
import csv
import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from typing import TypedDict, Unpack, cast

from pyramid_pypi.distribution import canonical_version, normalise

__all__ = [
    "MetadataOptions",
    "SdistOptions",
    "WheelOptions",
    "make_metadata",
    "make_sdist",
    "make_wheel",
    "make_zip_sdist",
    "record_of",
]

_EPOCH = (1980, 1, 1, 0, 0, 0)

_PYPROJECT = """\
[build-system]
requires = []
build-backend = "intree_backend"
backend-path = ["."]
"""

_BACKEND = '''\
"""Builds the wheel of this sdist from its own PKG-INFO with nothing but the standard library."""

import base64
import hashlib
import pathlib
import zipfile

STEM = "{stem}"
PACKAGE = "{package}"


def _files():
    info = STEM + ".dist-info/"
    yield PACKAGE + ".py", pathlib.Path(PACKAGE + ".py").read_bytes()
    yield info + "METADATA", pathlib.Path("PKG-INFO").read_bytes()
    yield info + "WHEEL", b"Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = STEM + "-py3-none-any.whl"
    record = []
    with zipfile.ZipFile(pathlib.Path(wheel_directory, name), "w") as wheel:
        for path, data in _files():
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record.append(f"{{path}},sha256={{digest}},{{len(data)}}\\n")
            wheel.writestr(path, data)
        record.append(STEM + ".dist-info/RECORD,,\\n")
        wheel.writestr(STEM + ".dist-info/RECORD", "".join(record))
    return name


def build_sdist(sdist_directory, config_settings=None):
    raise NotImplementedError("this sdist only builds wheels")
'''


class MetadataOptions(TypedDict, total=False):
    """What can be said about the core metadata; `metadata_lines` are added as they are."""

    metadata_lines: Iterable[str]
    requires_python: str | None
    requires_dist: Iterable[str]
    provides_extra: Iterable[str]
    metadata_version: str
    summary: str


class SdistOptions(MetadataOptions, total=False):
    """Options of an sdist; `files` are added below its top directory, `size` as for a wheel."""

    files: Mapping[str, str | bytes] | None
    size: int


class WheelOptions(SdistOptions, total=False):
    """Options of a wheel.

    - `tag`: the last three parts of its name.
    - `files`: content by name, added to the wheel and its RECORD.
    - `size`: pads the file with one member of so many bytes that cannot be compressed.
    - `with_record`: False leaves RECORD out.
    - `compression`: as in `zipfile`.
    """

    tag: str
    with_record: bool
    compression: int


def make_metadata(name: str, version: str, **options: Unpack[MetadataOptions]) -> bytes:
    """Return core metadata that says `name` and `version` as they are given."""
    lines = [
        f"Metadata-Version: {options.get('metadata_version', '2.1')}",
        f"Name: {name}",
        f"Version: {version}",
        f"Summary: {options.get('summary', f'The {name} of the tests')}",
    ]
    if requires_python := options.get("requires_python"):
        lines.append(f"Requires-Python: {requires_python}")
    lines += [f"Provides-Extra: {extra}" for extra in options.get("provides_extra", ())]
    lines += [f"Requires-Dist: {requirement}" for requirement in options.get("requires_dist", ())]
    lines += options.get("metadata_lines", ())
    return ("\n".join(lines) + "\n").encode()


def record_of(files: Mapping[str, bytes], record: str) -> bytes:
    """Return the RECORD of `files`, which lists itself as `record`."""
    output = io.StringIO(newline="")
    rows = csv.writer(output, lineterminator="\n")
    for path, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
        rows.writerow((path, f"sha256={digest}", len(data)))
    rows.writerow((record, "", ""))
    return output.getvalue().encode()


def make_wheel(name: str, version: str, **options: Unpack[WheelOptions]) -> bytes:
    """Return a wheel that pip can install; it has one module, named like the project."""
    stem = _stem(name, version)
    tag = options.get("tag", "py3-none-any")
    info = f"{stem}.dist-info"
    files = _content(name, version, options)
    files[f"{info}/METADATA"] = make_metadata(name, version, **_metadata_options(options))
    files[f"{info}/WHEEL"] = _wheel_file(tag)
    if options.get("with_record", True):
        files[f"{info}/RECORD"] = record_of(files, f"{info}/RECORD")
    return _zip(files, options.get("compression", zipfile.ZIP_DEFLATED))


def make_sdist(name: str, version: str, **options: Unpack[SdistOptions]) -> bytes:
    """Return a `.tar.gz` sdist that pip can build without a network (PEP 517, PEP 625)."""
    output = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=output, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path, data in _source(name, version, options).items():
            member = tarfile.TarInfo(path)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return output.getvalue()


def make_zip_sdist(name: str, version: str, **options: Unpack[SdistOptions]) -> bytes:
    """Return the same sdist as a `.zip`, as old setuptools could write it."""
    return _zip(_source(name, version, options), zipfile.ZIP_DEFLATED)


def _stem(name: str, version: str) -> str:
    return f"{_package(name)}-{canonical_version(version)}"


def _package(name: str) -> str:
    return normalise(name).replace("-", "_")


def _content(name: str, version: str, options: SdistOptions) -> dict[str, bytes]:
    package = _package(name)
    files = {f"{package}.py": f'"""A module of the tests."""\n\n__version__ = "{version}"\n'.encode()}
    for path, data in (options.get("files") or {}).items():
        files[path] = data.encode() if isinstance(data, str) else data
    if size := options.get("size", 0):
        files[f"{package}_data.bin"] = hashlib.shake_128(f"{name} {version}".encode()).digest(size)
    return files


def _source(name: str, version: str, options: SdistOptions) -> dict[str, bytes]:
    stem = _stem(name, version)
    files = {
        "PKG-INFO": make_metadata(name, version, **_metadata_options(options)),
        "pyproject.toml": _PYPROJECT.encode(),
        "intree_backend.py": _BACKEND.format(stem=stem, package=_package(name)).encode(),
        **_content(name, version, options),
    }
    return {f"{stem}/{path}": data for path, data in files.items()}


def _metadata_options(options: SdistOptions) -> MetadataOptions:
    wanted = {key: value for key, value in options.items() if key in MetadataOptions.__annotations__}
    return cast("MetadataOptions", wanted)


def _wheel_file(tag: str) -> bytes:
    python, abi, platform = tag.split("-")[-3:]
    lines = ["Wheel-Version: 1.0", "Generator: pyramid_pypi.testing"]
    lines.append(f"Root-Is-Purelib: {'true' if platform == 'any' else 'false'}")
    for one in python.split("."):
        for two in abi.split("."):
            lines += [f"Tag: {one}-{two}-{three}" for three in platform.split(".")]
    return ("\n".join(lines) + "\n").encode()


def _zip(files: Mapping[str, bytes], compression: int) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as archive:
        for path, data in files.items():
            member = zipfile.ZipInfo(path, _EPOCH)
            member.external_attr = 0o100644 << 16
            member.compress_type = compression
            archive.writestr(member, data)
    return output.getvalue()
