"""That names are read part by part as they are read whole."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pyramid_pypi.distribution.filenames import Filename, guess_filename
from pyramid_pypi.upstream.filenames import read_filename

PROJECTS = [
    "holy_grail",
    "Holy.Grail",
    "holy-grail",
    "holy__grail",
    "_x",
    "x_",
    "x.",
    "x",
    "",
    "a-0.zip",
    "9",
    "é",
    "K",
    "x" * 230,
]
VERSIONS = [
    "1.0", "1.0rc1", "1.0.post1", "1.0_1", "1_0", "1.0+corp.2", "1!2", "v1", "01.0", "1.0-1", "1.0.zip", "1.0.tar.gz",
    "", "x", "1..0", "9" * 5000, "1+", "1.0\n", "1.0+a_b",
]  # fmt: skip
TAGS = [
    "py3-none-any", "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64", "1-py2.py3-none-any", "1a-CP39-abi3-win32",
    "a-b-c", "py3-none", "1-2-py3-none-any", "b-py3-none-any", "py3..py2-none-any", ".".join("ab" * 300) + "-a-b", "",
    "py3-none-any.whl", "3-none-any", "9999999-py3-none-any", "py3-none-any\n",
]  # fmt: skip
ENDINGS = [".whl", ".tar.gz", ".zip", ".egg", ".exe", "", ".tar.gz.zip", ".zip.tar.gz", ".WHL", ".whl\n"]
PARTS = st.sampled_from(PROJECTS), st.sampled_from(VERSIONS), st.sampled_from(TAGS)
WHEELS = st.tuples(*PARTS).map("-".join)
OTHERS = st.tuples(*PARTS[:2]).map("-".join)
NAMES = st.tuples(WHEELS | OTHERS, st.sampled_from(ENDINGS)).map("".join)
NAMES |= st.text(alphabet="ab1.-_+!y", max_size=30).flatmap(
    lambda text: st.sampled_from([f"{text}.whl", f"{text}.tar.gz"])
)


@given(NAMES)
@example(f"{'x' * 236}-1-a-b-c.whl")
@example(f"{'x' * 237}-1-a-b-c.whl")
@example(f"{'x' * 238}-1-a-b-c.whl")
@example(f"x-1.0+{'a' * 123}-py3-none-any.whl")
@settings(deadline=None, max_examples=500)
def test_a_name_is_read_as_guessed(name):
    assert read_filename(name) == guess_filename(name)


@pytest.mark.parametrize("project", PROJECTS)
@pytest.mark.parametrize("version", VERSIONS)
def test_every_release_is_read_as_guessed(project, version):
    for ending in (".tar.gz", *(f"-{tags}.whl" for tags in TAGS)):
        name = f"{project}-{version}{ending}"
        assert read_filename(name) == guess_filename(name)


def test_a_build_and_the_platforms_are_kept():
    assert read_filename("Holy.Grail-1.0.0RC1-2b-cp39.cp310-abi3-win32.win_amd64.whl") == Filename(
        "Holy.Grail-1.0.0RC1-2b-cp39.cp310-abi3-win32.win_amd64.whl",
        "holy-grail",
        "1.0.0rc1",
        "bdist_wheel",
        "cp39.cp310",
        "2b",
        ("win32", "win_amd64"),
    )
