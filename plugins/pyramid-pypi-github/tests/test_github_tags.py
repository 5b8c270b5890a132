"""Names of tags."""

import subprocess

import pytest

from pyramid_pypi.testing.storages import ODD_FILENAMES
from pyramid_pypi_github.tags import RECORDS, record_tag, tag_of

HARD = (
    ".hidden",
    "-option",
    "a..b",
    "a...b",
    "ends.",
    "a.lock",
    "a.lock.lock",
    "a@{b",
    "~^:?*[\\",
    "a b\tc",
    "@",
    "x/y",
    "=2E",
    "\x7f",
)


@pytest.mark.parametrize("name", [*ODD_FILENAMES, *HARD])
def test_git_takes_every_tag(name):
    for tag in (tag_of(name), record_tag(name)):
        assert subprocess.run(["git", "check-ref-format", f"refs/tags/{tag}"], check=False).returncode == 0
        assert tag.isascii()


def test_different_names_have_different_tags():
    names = [*ODD_FILENAMES, *HARD, "=2E=2E", "..", "a=2Elock", "a=2E.lock"]

    assert len({tag_of(name) for name in names}) == len(set(names))
    assert not any(tag_of(name).startswith(RECORDS) for name in [*names, "=record=x", "record"])


@pytest.mark.parametrize("name", ["holy_grail-1!2.0+acme.1-py3-none-any.whl", "A.b_c-1.0.tar.gz"])
def test_names_of_packages_are_their_own_tags(name):
    assert tag_of(name) == name
