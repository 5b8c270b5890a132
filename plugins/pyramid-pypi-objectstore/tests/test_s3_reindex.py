"""A bucket that others have filled is listed with few requests, and nothing that is gone or changed."""

import obstore
import pytest

from pyramid_pypi.errors import BlobMissing
from pyramid_pypi.repositories import Hosted
from pyramid_pypi.storage.reading import read_blob
from pyramid_pypi.testing.artefacts import make_wheel
from pyramid_pypi.upkeep.reindexing import Reindexing

KEYS = [f"spam/spam-1.{number}-py3-none-any.whl" for number in range(4)]


@pytest.fixture
def direct(s3):
    """The bucket as other tools see it, with wheels in it."""
    storage = s3()
    for number, key in enumerate(KEYS):
        bring(storage, key, make_wheel("spam", f"1.{number}"))
    return storage


@pytest.fixture
def hosted(s3, proxy, direct, catalog):
    """A repository of the same bucket, whose requests are counted."""
    return Hosted("private", storage=s3(endpoint=proxy.url), catalog=catalog)


def bring(storage, key, content):
    obstore.put(storage._connect(20), storage._folder + key, content)


def test_a_new_file_costs_two_requests(hosted, proxy):
    """One for its bytes and one for its record."""
    list(Reindexing(hosted).run())

    about = [seen for seen in proxy.seen if "spam-1.2" in str(seen)]
    assert len(about) == 2
    assert sorted(file.key for file in hosted.catalog.files("private")) == KEYS


def test_signatures_are_known_from_the_listing(hosted, direct):
    bring(direct, f"{KEYS[1]}.asc", b"signature")

    list(Reindexing(hosted).run())

    assert [file.key for file in hosted.catalog.files("private") if file.signed] == [KEYS[1]]


def test_what_was_listed_is_opened_as_it_was(direct):
    blob = next(blob for blob in direct.keys() if blob.key == KEYS[0])

    opened = direct.open_listed(blob)

    assert b"".join(read_blob(opened)) == make_wheel("spam", "1.0")
    assert (opened.size, opened.modified_at) == (blob.size, blob.modified_at)


def test_what_has_changed_since_it_was_listed_is_missing(direct):
    blobs = {blob.key: blob for blob in direct.keys()}
    bring(direct, KEYS[0], make_wheel("spam", "1.0", files={"other.py": ""}))
    direct.delete(KEYS[1])

    for key in KEYS[:2]:
        with pytest.raises(BlobMissing):
            b"".join(read_blob(direct.open_listed(blobs[key])))
