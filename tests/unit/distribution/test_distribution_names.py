"""File names, project names and versions: what is understood and what is refused."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from pyramid_pypi.distribution import (
    LENIENT,
    PRIVATE,
    PROFILES,
    STRICT,
    Filename,
    canonical_version,
    check_filename,
    guess_filename,
    is_valid_name,
    normalise,
    parse_filename,
)
from pyramid_pypi.errors import InvalidUpload

UNSAFE = [
    "",
    "../../x.whl",
    "/tmp/x.whl",
    "..\\x.whl",
    "sub/x-1.0.tar.gz",
    "%2e%2e%2fx-1.0.tar.gz",
    "\uff0e\uff0e\uff0fx-1.0.tar.gz",
    "x-1.0\u202e.tar.gz",
    "x\t-1.0.tar.gz",
    "x\x1b-1.0.tar.gz",
    "x\x7f-1.0.tar.gz",
    "x-1.0.tar.gz ",
    " x-1.0.tar.gz",
    "x-1.0.tar.gz\n",
    "x-1.0.tar.gz\r\nSet-Cookie: a=b",
    "x-1.0.tar.gz:ads",
    ".x-1.0.tar.gz",
    "x-1.0\0.tar.gz",
    "\u212a-1.0-py3-none-any.whl",
    "\u017fpam-1.0-py3-none-any.whl",
    "x-1.0-\u212a-none-any.whl",
    "x-1.0-py3-none-any/x.whl",
    f"{'x' * 250}-1.0.tar.gz",
]


@pytest.mark.parametrize("raw", UNSAFE)
def test_unsafe_file_names_are_refused_by_every_profile(raw: str) -> None:
    with pytest.raises(InvalidUpload):
        check_filename(raw)
    for profile in PROFILES.values():
        with pytest.raises(InvalidUpload):
            parse_filename(raw, profile)

    assert guess_filename(raw) is None


@given(st.text())
def test_no_text_makes_the_parser_fail_otherwise(text: str) -> None:
    for ending in ("", ".whl", ".tar.gz", ".zip", ".egg"):
        guessed = guess_filename(text + ending)

        assert guessed is None or guessed.filename == text + ending


@given(
    st.from_regex(r"[A-Za-z0-9._+!-]{1,40}-[0-9a-z.+!-]{1,20}(-py3-none-any\.whl|\.tar\.gz)", fullmatch=True)
)
def test_what_is_understood_starts_with_its_project(raw: str) -> None:
    guessed = guess_filename(raw)

    if guessed is not None:
        assert normalise(guessed.display) == guessed.project
        assert raw.startswith(guessed.display)
        assert canonical_version(guessed.version) == guessed.version


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (
            "holy_grail-1.0-py2.py3-none-any.whl",
            Filename(
                "holy_grail-1.0-py2.py3-none-any.whl",
                "holy-grail",
                "1.0",
                "bdist_wheel",
                "py2.py3",
                platforms=("any",),
            ),
        ),
        (
            "a-1.0+acme.1-2b-cp312-abi3-manylinux_2_17_x86_64.linux_x86_64.whl",
            Filename(
                "a-1.0+acme.1-2b-cp312-abi3-manylinux_2_17_x86_64.linux_x86_64.whl",
                "a",
                "1.0+acme.1",
                "bdist_wheel",
                "cp312",
                "2b",
                ("manylinux_2_17_x86_64", "linux_x86_64"),
            ),
        ),
        ("Foo.Bar-1.0.tar.gz", Filename("Foo.Bar-1.0.tar.gz", "foo-bar", "1.0", "sdist")),
        ("my-pkg-1.0.zip", Filename("my-pkg-1.0.zip", "my-pkg", "1.0", "sdist")),
        ("a-1.0rc1.tar.gz", Filename("a-1.0rc1.tar.gz", "a", "1.0rc1", "sdist")),
        ("a-v01.0-beta.tar.gz", None),
        ("a-1.0.egg", None),
        ("a-1.0.tgz", None),
        ("a-1.0.exe", None),
        ("a-1.0-py3-none.whl", None),
        ("a-1.0-x-py3-none-any.whl", None),
        ("a-1.0-py3--any.whl", None),
        ("a-1.0-py3-none-any-more-more.whl", None),
        ("a_-1.0-py3-none-any.whl", None),
        ("a.-1.0.tar.gz", None),
        ("-1.0.tar.gz", None),
        ("1.0.tar.gz", None),
        ("a-nope.tar.gz", None),
    ],
)
def test_the_default_profile_understands(raw: str, expected: Filename | None) -> None:
    if expected is not None:
        assert parse_filename(raw, PRIVATE) == expected
        return
    with pytest.raises(InvalidUpload):
        parse_filename(raw, PRIVATE)


def test_eggs_are_understood_only_by_the_lenient_profile() -> None:
    raw = "Foo.Bar-1.0_1-py3.8-linux-x86_64.egg"

    assert parse_filename(raw, LENIENT) == Filename(
        raw, "foo-bar", "1.0.post1", "bdist_egg", "3.8", platforms=("linux-x86_64",)
    )
    with pytest.raises(InvalidUpload):
        parse_filename(raw, PRIVATE)


@pytest.mark.parametrize(
    "raw",
    [
        "Foo.Bar-1.0.tar.gz",
        "foo-bar-1.0.tar.gz",
        "foo_bar-1.0.zip",
        "foo_bar-01.0.tar.gz",
        "foo_bar-1.0+acme.tar.gz",
        "Foo_bar-1.0-py3-none-any.whl",
        "foo_bar-1.0.0a-py3-none-any.whl",
        "foo_bar-1.0-cp312-cp312-linux_x86_64.whl",
        "foo_bar-1.0-cp312-cp312-manylinux1_vax.whl",
    ],
)
def test_the_strict_profile_refuses_what_pypi_refuses(raw: str) -> None:
    parse_filename(raw, PRIVATE)

    with pytest.raises(InvalidUpload):
        parse_filename(raw, STRICT)


@pytest.mark.parametrize(
    "raw",
    [
        "foo_bar-1.0.tar.gz",
        "foo_bar-1.0-1-py3-none-any.whl",
        "foo_bar-1.0-cp312-cp312-win_amd64.whl",
        "foo_bar-1.0-cp312-cp312-macosx_11_0_universal2.whl",
        "foo_bar-1.0-cp312-cp312-musllinux_1_2_aarch64.whl",
        "foo_bar-1.0-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    ],
)
def test_the_strict_profile_takes_what_pypi_takes(raw: str) -> None:
    assert parse_filename(raw, STRICT).project == "foo-bar"


def test_many_tags_are_refused_before_they_are_multiplied() -> None:
    many = ".".join(f"a{number}" for number in range(20))
    started = time.perf_counter()

    with pytest.raises(InvalidUpload, match="tags"):
        parse_filename(f"a-1.0-{many}-{many}-{many}.whl", PRIVATE)

    assert time.perf_counter() - started < 3


@pytest.mark.parametrize(
    "text", ["", " 1.0", "1.0 ", "1.0\n", "9" * 5000, "9" * 129, "one", "1.0/2", "\u0661.0"]
)
def test_texts_that_are_no_versions_are_refused(text: str) -> None:
    with pytest.raises(InvalidUpload):
        canonical_version(text)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [("1.0", "1.0"), ("v1.0-BETA2", "1.0b2"), ("1.0-1", "1.0.post1"), ("01.0+A_b", "1.0+a.b")],
)
def test_versions_are_written_in_one_way(text: str, canonical: str) -> None:
    assert canonical_version(text) == canonical


@pytest.mark.parametrize("name", ["a", "A1", "Foo.Bar", "f-o__o", "0"])
def test_valid_names(name: str) -> None:
    assert is_valid_name(name)


@pytest.mark.parametrize("name", ["", "a\n", "-a", "a_", "\u212a", "\u017fpam", "a b", "a/b", "a" * 251])
def test_invalid_names(name: str) -> None:
    assert not is_valid_name(name)


@given(st.text(alphabet="aB1-_.", min_size=1, max_size=30))
def test_names_are_normalised_as_installers_do_it_and_only_once(name: str) -> None:
    assert normalise(name) == canonicalize_name(name)
    assert normalise(normalise(name)) == normalise(name)
