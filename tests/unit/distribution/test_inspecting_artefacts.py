"""Whole files: what is inside has to fit the name, the list of files and the profile."""

import base64
import gzip
import hashlib
import io
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pyramid_pypi.distribution import LENIENT, PRIVATE, STRICT, Artefact, inspect, parse_filename
from pyramid_pypi.errors import InvalidUpload
from pyramid_pypi.testing.artefacts import (
    make_metadata,
    make_sdist,
    make_wheel,
    make_zip_sdist,
    record_of,
)

Inspect = Callable[..., Artefact]
WHEEL = "holy_grail-1.0-py3-none-any.whl"
INFO = "holy_grail-1.0.dist-info"
FILES = {
    "holy_grail.py": b"x = 1\n",
    f"{INFO}/METADATA": make_metadata("Holy.Grail", "1.0"),
    f"{INFO}/WHEEL": b"Wheel-Version: 1.0\n",
}


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return a zip file."""
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return output.getvalue()


def wheel(files: Mapping[str, bytes] = FILES, record: bytes | None = None) -> bytes:
    """Return a wheel of `files` with a right RECORD, or with another one."""
    path = f"{INFO}/RECORD"
    return pack({**files, path: record_of(files, path) if record is None else record})


@pytest.mark.parametrize("profile", [STRICT, PRIVATE, LENIENT])
def test_a_wheel_is_read(inspect_bytes: Inspect, profile: object) -> None:
    options = {"requires_python": ">=3.9", "requires_dist": ["coconut"], "size": 70_000}
    data = make_wheel("Holy.Grail", "1.0", **options)  # type: ignore[arg-type]
    metadata = make_metadata("Holy.Grail", "1.0", requires_python=">=3.9", requires_dist=["coconut"])

    assert inspect_bytes(WHEEL, data, profile) == Artefact(
        "Holy.Grail", "1.0", ">=3.9", metadata, "The Holy.Grail of the tests"
    )


@pytest.mark.parametrize("profile", [STRICT, PRIVATE, LENIENT])
def test_an_sdist_is_read(inspect_bytes: Inspect, profile: object) -> None:
    data = make_sdist("Holy.Grail", "1.0", requires_python=">=3.9")
    metadata = make_metadata("Holy.Grail", "1.0", requires_python=">=3.9")

    assert inspect_bytes("holy_grail-1.0.tar.gz", data, profile) == Artefact(
        "Holy.Grail", "1.0", ">=3.9", metadata, "The Holy.Grail of the tests"
    )


def test_a_zip_sdist_is_read(inspect_bytes: Inspect) -> None:
    data = make_zip_sdist("Holy.Grail", "1.0")

    assert inspect_bytes("Holy.Grail-1.0.zip", data).core_metadata == make_metadata("Holy.Grail", "1.0")


def test_a_zip_sdist_without_pkg_info_is_for_the_lenient_profile(inspect_bytes: Inspect) -> None:
    data = pack({"a-1.0/setup.py": b""})

    assert inspect_bytes("a-1.0.zip", data, LENIENT) == Artefact("a", "1.0", None, None, "")
    with pytest.raises(InvalidUpload, match="PKG-INFO not found"):
        inspect_bytes("a-1.0.zip", data)


def test_an_egg_is_read(inspect_bytes: Inspect) -> None:
    metadata = make_metadata("Holy.Grail", "1.0")
    name = "Holy.Grail-1.0-py3.8.egg"

    assert inspect_bytes(name, pack({"EGG-INFO/PKG-INFO": metadata}), LENIENT).core_metadata == metadata
    assert inspect_bytes(name, pack({"x.py": b""}), LENIENT).core_metadata is None


def without(name: str) -> bytes:
    """Return a wheel that lacks a file, in its RECORD too."""
    return wheel({key: value for key, value in FILES.items() if key != f"{INFO}/{name}"})


def with_file(name: str, data: bytes) -> bytes:
    """Return a wheel with one more file."""
    return wheel({**FILES, name: data})


def moved(folder: str) -> bytes:
    """Return a wheel with another dist-info directory."""
    files = {name.replace(INFO, folder): data for name, data in FILES.items()}
    return pack({**files, f"{folder}/RECORD": record_of(files, f"{folder}/RECORD")})


def scripts(text: str) -> bytes:
    """Return a wheel with an entry_points.txt."""
    return with_file(f"{INFO}/entry_points.txt", text.encode())


def record(*changes: tuple[bytes, bytes]) -> bytes:
    """Return a wheel whose RECORD was changed."""
    text = record_of(FILES, f"{INFO}/RECORD")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return wheel(record=text)


DIGEST = base64.urlsafe_b64encode(hashlib.sha256(b"x = 1\n").digest()).rstrip(b"=")
MD5 = base64.urlsafe_b64encode(hashlib.md5(b"x = 1\n").digest()).rstrip(b"=")  # noqa: S324 - has to be refused
ROW = b"holy_grail.py,sha256=" + DIGEST + b",6\n"

BAD_RECORDS = {
    "file not listed": record((ROW, b"")),
    "file only listed": record((ROW, ROW + b"ghost.py,sha256=" + DIGEST + b",6\n")),
    "other path": record((ROW, b"./" + ROW)),
    "other digest": record((DIGEST, DIGEST[::-1])),
    "no digest": record((b"sha256=" + DIGEST, b"")),
    "weak digest": record((b"sha256=" + DIGEST, b"md5=" + MD5)),
    "other size": record((b",6\n", b",7\n")),
    "two columns": record((b",6\n", b"\n")),
    "two digests": record((ROW, ROW + ROW.replace(DIGEST, DIGEST[::-1]))),
    "digest of itself": record((b"RECORD,,", b"RECORD,sha256=" + DIGEST + b",")),
    "not utf-8": wheel(record=b"\xff,,\n"),
    "open quote": wheel(record=b'"a,,\n'),
    "empty": wheel(record=b""),
}

BAD_WHEELS = {
    "not a zip": b"not a zip",
    "empty": b"",
    "a tar": gzip.decompress(make_sdist("holy-grail", "1.0")),
    "a tar.gz": make_sdist("holy-grail", "1.0"),
    "no METADATA": without("METADATA"),
    "no WHEEL": without("WHEEL"),
    "no RECORD": pack(FILES),
    "no dist-info": pack({"holy_grail.py": b""}),
    "two dist-infos": with_file("other-1.0.dist-info/METADATA", b""),
    "dist-info of another project": moved("other-1.0.dist-info"),
    "dist-info of another version": moved("holy_grail-2.0.dist-info"),
    "dist-info without version": moved("holy_grail.dist-info"),
    "member outside": with_file("../x.py", b""),
    "metadata of another project": with_file(f"{INFO}/METADATA", make_metadata("other", "1.0")),
    "metadata of another version": with_file(f"{INFO}/METADATA", make_metadata("holy-grail", "2.0")),
    "metadata not utf-8": with_file(f"{INFO}/METADATA", b"Name: \xff\n"),
    "metadata bomb": with_file(f"{INFO}/METADATA", FILES[f"{INFO}/METADATA"] + bytes(9 * 2**20)),
    "script outside": scripts("[console_scripts]\n../../bin/sh = a:b\n"),
    "script outside, indented": scripts("[console_scripts]\nsafe = a:b\n  ../../bin/sh = a:b\n"),
    "script of dots": scripts("[gui_scripts]\n.. = a:b\n"),
    "script with a space": scripts("[console_scripts]\na b = a:b\n"),
    "script without target": scripts("[ console_scripts ]\na\n"),
    "open section": scripts("[console_scripts\n../x = a:b\n"),
    "entry points not utf-8": with_file(f"{INFO}/entry_points.txt", b"\xff"),
}


@pytest.mark.parametrize(
    "data", [*BAD_RECORDS.values(), *BAD_WHEELS.values()], ids=[*BAD_RECORDS, *BAD_WHEELS]
)
def test_an_unsound_wheel_is_refused(inspect_bytes: Inspect, data: bytes) -> None:
    for profile in (STRICT, PRIVATE):
        with pytest.raises(InvalidUpload, match="Invalid distribution file"):
            inspect_bytes(WHEEL, data, profile)


@pytest.mark.parametrize("data", BAD_RECORDS.values(), ids=BAD_RECORDS)
def test_the_lenient_profile_warns_of_a_record_that_does_not_fit(inspect_bytes: Inspect, data: bytes) -> None:
    artefact = inspect_bytes(WHEEL, data, LENIENT)

    assert artefact.name == "Holy.Grail"
    assert 0 < len(artefact.warnings) <= 3


@pytest.mark.parametrize("case", sorted(BAD_WHEELS.keys() - {"no METADATA"}))
def test_the_lenient_profile_is_no_less_safe(inspect_bytes: Inspect, case: str) -> None:
    with pytest.raises(InvalidUpload):
        inspect_bytes(WHEEL, BAD_WHEELS[case], LENIENT)


def test_a_wheel_without_metadata_goes_by_its_file_name(inspect_bytes: Inspect) -> None:
    name = WHEEL.replace("holy_grail", "Holy_Grail")

    assert inspect_bytes(name, without("METADATA"), LENIENT) == Artefact("Holy_Grail", "1.0", None, None, "")


@pytest.mark.parametrize(
    "data",
    [
        record((b",6\n", b",\n")),
        record((DIGEST, hashlib.sha256(b"x = 1\n").hexdigest().encode())),
        record((ROW, ROW * 2)),
        record((b"\n", b"\r\n")),
        wheel({**FILES, "a, b.txt": b"quoted"}),
        with_file("vendored/other-1.0.dist-info/METADATA", b"Name: other"),
        moved("Holy.Grail-1.0.0.dist-info".replace("1.0.0", "01.0")),
        scripts("; x\n[console_scripts]\n# y\nrun.me-1 = a:b [extra]\n[other.group]\nmaterial/blog = x\n"),
    ],
)
def test_what_real_wheels_do_is_taken(inspect_bytes: Inspect, data: bytes) -> None:
    assert inspect_bytes(WHEEL, data).warnings == ()


def test_directories_are_not_listed_in_record(inspect_bytes: Inspect, tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(wheel())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("empty/", b"")

    assert inspect_bytes(WHEEL, path.read_bytes()).name == "Holy.Grail"


def test_license_files_have_to_exist_for_the_strict_profile(inspect_bytes: Inspect) -> None:
    says = {"metadata_version": "2.4", "metadata_lines": ("License-File: LICENSE",)}
    with_license = make_wheel("holy-grail", "1.0", files={f"{INFO}/licenses/LICENSE": "free"}, **says)  # type: ignore[arg-type]
    bare = make_wheel("holy-grail", "1.0", **says)  # type: ignore[arg-type]
    sdist = make_sdist("holy-grail", "1.0", **says)  # type: ignore[arg-type]

    assert inspect_bytes(WHEEL, with_license, STRICT).warnings == ()
    assert inspect_bytes(WHEEL, bare, PRIVATE).warnings == ()
    for name, data in ((WHEEL, bare), ("holy_grail-1.0.tar.gz", sdist)):
        with pytest.raises(InvalidUpload, match="License-File LICENSE does not exist"):
            inspect_bytes(name, data, STRICT)


def test_license_files_of_older_metadata_may_lie_elsewhere(inspect_bytes: Inspect) -> None:
    data = make_wheel("holy-grail", "1.0", metadata_lines=("License-File: LICENSE",))

    assert inspect_bytes(WHEEL, data, STRICT).name == "holy-grail"


def test_the_top_directory_of_an_sdist_is_checked_by_the_strict_profile(inspect_bytes: Inspect) -> None:
    output = io.BytesIO()
    metadata = make_metadata("holy-grail", "1.0")
    with tarfile.open(fileobj=output, mode="w:gz") as archive:
        member = tarfile.TarInfo("holy-grail-1.0/PKG-INFO")
        member.size = len(metadata)
        archive.addfile(member, io.BytesIO(metadata))
    old = output.getvalue()

    assert inspect_bytes("holy_grail-1.0.tar.gz", old).name == "holy-grail"
    with pytest.raises(InvalidUpload, match="top directory"):
        inspect_bytes("holy_grail-1.0.tar.gz", old, STRICT)


@pytest.mark.parametrize("name", ["other-1.0.tar.gz", "holy_grail-1.1.tar.gz"])
def test_an_sdist_of_another_name_or_version_is_refused(inspect_bytes: Inspect, name: str) -> None:
    with pytest.raises(InvalidUpload, match="the file name of"):
        inspect_bytes(name, make_sdist("holy-grail", "1.0"))


def test_a_wheel_too_large_to_be_hashed_is_checked_by_its_lists(inspect_bytes: Inspect) -> None:
    large = {**FILES, "large.bin": bytes(257 * 2**20)}
    path = f"{INFO}/RECORD"
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as archive:
        for name, data in {**large, path: record_of(large, path)}.items():
            archive.writestr(name, data)
    data = output.getvalue()
    del large
    started = time.perf_counter()

    assert inspect_bytes(WHEEL, data).warnings == ()
    assert time.perf_counter() - started < 3


def test_disk_errors_pass_through(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        inspect(tmp_path / "none", parse_filename(WHEEL, PRIVATE), PRIVATE)


def test_a_small_wheel_is_inspected_in_less_than_a_millisecond(tmp_path: Path) -> None:
    path = tmp_path / WHEEL
    path.write_bytes(make_wheel("holy-grail", "1.0"))
    times = []
    for _ in range(50):
        started = time.perf_counter()
        inspect(path, parse_filename(WHEEL, PRIVATE), PRIVATE)
        times.append(time.perf_counter() - started)

    assert min(times) < 0.001


@pytest.mark.parametrize(
    ("name", "data"),
    [
        (WHEEL, make_wheel("Holy.Grail", "1.0")),
        ("holy_grail-1.0.tar.gz", make_sdist("Holy.Grail", "1.0")),
        ("holy_grail-1.0.zip", make_zip_sdist("Holy.Grail", "1.0")),
    ],
)
def test_pip_installs_what_the_builders_make(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    options = ("--no-index", "--no-deps", "--no-cache-dir", "--disable-pip-version-check", "--quiet")
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(tmp_path / "site"), name]
    subprocess.run(command, cwd=tmp_path, check=True)  # noqa: S603 - every argument is ours

    assert (tmp_path / "site" / "holy_grail.py").read_text().endswith('__version__ = "1.0"\n')
