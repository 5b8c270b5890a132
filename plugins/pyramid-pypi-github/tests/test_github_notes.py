"""What is written in the body of a release, and read again."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyramid_pypi_github.releases import Asset, Note, Release, entry_of, read_note
from pyramid_pypi_github.tags import record_tag, tag_of

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"))
NOW = datetime(2026, 1, 1, tzinfo=UTC)
DIGEST = "ab" * 32
THEIRS = f'distrib = "x"\nsha256 = "{DIGEST}"\nsummary = "# pyramid_pypi no"\n'


def release(body, **changes):
    asset = Asset(1, "x-1.0.zip", 4, "uploaded", f"sha256:{DIGEST}", NOW, "https://example.org/x-1.0.zip")
    values = {"id": 1, "tag": "x-1.0.zip", "draft": False, "body": body, "upload_url": "", "assets": (asset,)}
    return Release(**{**values, "created_at": NOW, "published_at": NOW, **changes})


@given(st.text(min_size=1).filter(lambda key: key.isprintable()), st.integers(0), st.none() | TEXT)
def test_a_note_is_read_as_it_was_written(key, size, record):
    note = Note(key, size, DIGEST, record)

    assert read_note(note.text(), tag_of(key)) == note


@given(TEXT)
def test_a_record_beside_the_words_of_others_is_read_as_it_was_written(record):
    note = Note("x-1.0.zip", -1, DIGEST, record, foreign=THEIRS.rstrip())

    assert read_note(note.text(), "x-1.0.zip") == note


@given(st.text())
def test_whatever_people_write_does_no_harm(body):
    assert entry_of(release(body)) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"draft": True},
        {"tag": "y-1.0.zip"},
        {"tag": record_tag("x-1.0.zip")},
        {"assets": ()},
        {"body": Note("x-1.0.zip", 5, DIGEST).text()},
        {"body": Note("x-1.0.zip", 4, "cd" * 32).text()},
        {"body": '<!-- pyramid_pypi {"key": "x-1.0.zip"} -->'},
        {"body": THEIRS.replace(DIGEST, "cd" * 32)},
    ],
    ids=str,
)
def test_a_release_that_is_not_as_it_says_is_no_file(changes):
    assert entry_of(release(Note("x-1.0.zip", 4, DIGEST).text())) is not None
    assert entry_of(release(**{"body": Note("x-1.0.zip", 4, DIGEST).text(), **changes})) is None


def test_an_empty_file_needs_no_asset():
    entry = entry_of(release(Note("x-1.0.zip", 0, DIGEST).text(), assets=()))

    assert entry is not None
    assert entry.size == 0
