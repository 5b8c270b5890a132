"""Core metadata: fields that count are checked, the bytes stay as they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyramid_pypi.distribution import LENIENT, PRIVATE, STRICT, AcceptProfile, CoreMetadata, parse_metadata
from pyramid_pypi.errors import InvalidUpload
from pyramid_pypi.testing.artefacts import make_metadata

BASE = b"Metadata-Version: 2.1\nName: Holy.Grail\nVersion: 1.0\n"


def test_all_fields_are_read() -> None:
    raw = make_metadata(
        "Holy.Grail",
        "01.0",
        metadata_version="2.4",
        requires_python=">=3.9,\n  !=3.10.*",
        summary="It's only\n  a model",
        metadata_lines=["License-File: LICENSE", "License-File: doc/AUTHORS", "", "A = description"],
    )

    assert parse_metadata(raw, STRICT) == CoreMetadata(
        name="Holy.Grail",
        version="1.0",
        metadata_version="2.4",
        requires_python=">=3.9, !=3.10.*",
        summary="It's only a model",
        license_files=("LICENSE", "doc/AUTHORS"),
        raw=raw,
    )


def test_fields_in_the_description_do_not_count() -> None:
    raw = BASE + b"\nName: other\nRequires-Python: <2\n\0"[:-1]
    crlf = raw.replace(b"\n", b"\r\n")

    assert parse_metadata(raw, PRIVATE).requires_python is None
    assert parse_metadata(crlf, PRIVATE).name == "Holy.Grail"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n",
        b"\xff\xfe\x00",
        b"Metadata-Version: 2.1\nVersion: 1.0\n",
        b"Metadata-Version: 2.1\nName: a\n",
        b"Metadata-Version: 2.1\nName: \xe2\x84\xaa\nVersion: 1.0\n",
        b"Metadata-Version: 2.1\nName: a\n b\nVersion: 1.0\n",
        b"Metadata-Version: 2.1\nName: ../a\nVersion: 1.0\n",
        b"Metadata-Version: 2.1\nName: a\nVersion: one\n",
        b"Metadata-Version: 2.1\nName: a\nVersion: " + b"9" * 5000 + b"\n",
        BASE + b"Name: Holy.Grail\n",
        BASE + b"version: 2.0\n",
        BASE + b"Metadata-Version: 2.2\n",
        BASE + b"Summary: \xff\n",
        BASE + b"Summary: \0\n",
        BASE + b"Requires-Python: >=3.8\nRequires-Python: <3\n",
        BASE + b"Requires-Python: snake\n",
        BASE + b"Requires-Python: >=" + b"3" * 5000 + b"\n",
        BASE + b"Requires-Python: >=\xd9\xa3\n",
        BASE + b"Classifier: a\n" * 20_001,
        BASE + b"".join(b"X-%d: a\n" % number for number in range(101)),
        BASE + b"Description: a\n" + b" b\n" * 1_000_000,
        BASE + b"\n" + b"a" * (8 * 1024 * 1024),
    ],
)
def test_unusable_metadata_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidUpload):
        parse_metadata(raw, PRIVATE)


@pytest.mark.parametrize(
    ("version", "profile", "taken"),
    [
        ("1.0", STRICT, True),
        ("2.5", STRICT, True),
        ("2.0", STRICT, False),
        ("9.9", STRICT, False),
        ("2.0", PRIVATE, True),
        ("9.9", PRIVATE, True),
        ("9.9", LENIENT, True),
    ],
)
def test_unknown_metadata_versions_are_a_matter_of_the_profile(
    version: str, profile: AcceptProfile, taken: bool
) -> None:
    raw = make_metadata("a", "1.0", metadata_version=version)
    if taken:
        assert parse_metadata(raw, profile).metadata_version == version
        return
    with pytest.raises(InvalidUpload, match=version):
        parse_metadata(raw, profile)


def test_the_lenient_profile_drops_an_invalid_requires_python() -> None:
    raw = make_metadata("a", "1.0", requires_python="snake")

    assert parse_metadata(raw, LENIENT).requires_python is None


def test_the_lenient_profile_reads_old_encodings() -> None:
    assert parse_metadata(BASE + b"Author: J\xf6rg\n", LENIENT).name == "Holy.Grail"


def test_unknown_is_no_summary() -> None:
    assert parse_metadata(BASE + b"Summary: UNKNOWN\n", PRIVATE).summary == ""


@given(st.binary(max_size=200))
def test_no_bytes_make_the_parser_fail_otherwise(data: bytes) -> None:
    for raw in (data, BASE + data):
        try:
            assert parse_metadata(raw, LENIENT).raw == raw
        except InvalidUpload as error:
            assert error.message
