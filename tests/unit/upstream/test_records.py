import json
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from pyramid_pypi.model import File, Hashes
from pyramid_pypi.upstream.base import UpstreamPage, Validator
from pyramid_pypi.upstream.records import file_from_bytes, file_to_bytes, page_from_bytes, page_to_bytes
from tests.unit.upstream.paged import file_of

TEXT = st.text(max_size=20)
HASHES = st.builds(Hashes, TEXT, TEXT, TEXT, st.lists(st.tuples(TEXT, TEXT), max_size=3).map(tuple))
FILES = st.builds(
    File,
    project=TEXT,
    filename=TEXT,
    version=TEXT,
    packagetype=st.sampled_from(["bdist_wheel", "sdist", "bdist_egg"]),
    size=st.none() | st.integers(0, 2**40),
    hashes=HASHES,
    uploaded_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    uploaded_by=TEXT,
    key=st.just(""),
    requires_python=st.none() | TEXT,
    yanked=st.none() | TEXT,
    metadata_sha256=st.none() | TEXT,
    signed=st.booleans(),
    python_version=TEXT,
    comment=TEXT,
    url=TEXT,
    place=TEXT,
    provenance=TEXT,
    time_source=TEXT,
    repository=st.just(""),
)
PAGES = st.builds(
    UpstreamPage,
    TEXT,
    st.lists(FILES, max_size=3).map(tuple),
    st.builds(Validator, TEXT, TEXT),
    st.sampled_from(["active", "archived", "quarantined", "deprecated"]),
    TEXT,
    st.integers(0, 2**40),
)


@given(FILES)
def test_a_file_is_read_as_it_was_written(file):
    assert file_from_bytes(file_to_bytes(file)) == file


@given(PAGES)
def test_a_page_is_read_as_it_was_written(page):
    assert page_from_bytes(page_to_bytes(page), page.validator) == page


def test_key_and_repository_are_not_written():
    file = file_of("holy-grail", uploaded_at=datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC))
    seen = replace(file, key="aa/bb", repository="pypi")

    assert file_from_bytes(file_to_bytes(seen)) == file


def test_a_record_says_only_what_is_not_usual():
    file = File("holy-grail", "holy_grail-1.0.tar.gz", "1.0", "sdist", None, Hashes("ab" * 32), None, "", "")
    page = UpstreamPage("holy-grail", (file,))
    said = {
        "filename": "holy_grail-1.0.tar.gz",
        "version": "1.0",
        "packagetype": "sdist",
        "hashes": "ab" * 32,
    }

    assert json.loads(page_to_bytes(page))["files"] == [said]
    assert json.loads(file_to_bytes(file)) == {"project": "holy-grail", **said}
