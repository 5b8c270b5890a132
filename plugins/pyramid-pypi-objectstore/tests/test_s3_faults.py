"""What goes wrong on the way to a bucket, or in it: nothing is lost, half there, or hangs."""

import time
from datetime import timedelta

import obstore
import pytest

from pyramid_pypi.errors import BlobExists, BlobMissing, StorageFull, StorageUnavailable
from pyramid_pypi.options import Secret
from pyramid_pypi.storage.reading import read_blob
from pyramid_pypi_objectstore.testing import ADMIN, SECRET_KEY

KEY = "holy-grail/holy_grail-1.0.tar.gz"
SECRETS = ("AKIDINDEX", SECRET_KEY, "StringToSign", "Signature=")


def put(storage, data, key=KEY):
    with storage.stage() as staged:
        staged.write(data)
        storage.put(key, staged)


def read(storage, key=KEY):
    return b"".join(read_blob(storage.open(key)))


def listed(storage):
    return [blob.key for blob in storage.keys()]


@pytest.fixture
def direct(s3):
    """The storage, by the way on which nothing fails."""
    return s3()


@pytest.fixture
def storage(s3, proxy):
    """The same storage, by the way on which things may fail, after its first upload."""
    storage = s3(endpoint=proxy.url, timeout=1, retry_timeout=1)
    put(storage, b"", "first/first-1.0.zip")
    storage.delete("first/first-1.0.zip")
    proxy.seen.clear()
    return storage


@pytest.fixture
def leased(s3, proxy, catalog):
    """As `storage`, with leases of the catalog."""
    storage = s3(endpoint=proxy.url, timeout=1, retry_timeout=1, exclusive="catalog")
    storage.use_catalog(catalog)
    return storage


@pytest.mark.parametrize("kind", ["busy", "doubt"])
def test_request_is_repeated_after_a_moment(storage, direct, proxy, kind):
    proxy.fail(kind, method="PUT", times=1)
    put(storage, b"data")

    assert read(direct) == b"data"
    assert len([one for one in proxy.seen if one.startswith("PUT")]) == 2


@pytest.mark.parametrize("kind", ["lost", "late"])
def test_lost_answer_to_a_write_is_found_out(storage, direct, proxy, kind):
    proxy.fail(kind, method="PUT", times=1)
    put(storage, b"data")

    assert read(direct) == b"data"
    with pytest.raises(BlobExists):
        put(storage, b"other")


@pytest.mark.parametrize("kind", ["lost", "late", "doubt"])
def test_lost_answer_does_not_make_the_blob_of_another_ours(storage, direct, proxy, kind):
    put(direct, b"first")
    proxy.fail(kind, method="PUT", times=1)

    with pytest.raises(BlobExists):
        put(storage, b"other")
    assert read(direct) == b"first"


@pytest.mark.parametrize("kind", ["busy", "reset", "stall"])
def test_write_that_does_not_arrive_is_unavailable_and_free_again(storage, direct, proxy, kind):
    proxy.fail(kind, method="PUT")
    with pytest.raises(StorageUnavailable):
        put(storage, b"data")
    during = listed(direct)
    proxy.heal()
    put(direct, b"again")

    assert during == []
    assert read(direct) == b"again"


def test_write_is_unknown_while_nobody_can_look(storage, direct, proxy):
    proxy.fail("lost", method="PUT", times=1)
    proxy.fail("reset", method="HEAD")
    with pytest.raises(StorageUnavailable):
        put(storage, b"data")
    proxy.heal()

    # The same upload again finds the bytes and compares them.
    with pytest.raises(BlobExists):
        put(direct, b"data")
    assert read(direct) == b"data"


@pytest.mark.parametrize(
    ("part", "kind"),
    [("uploads", "reset"), ("partNumber=1", "busy"), ("partNumber=2", "reset"), ("?uploadId", "lost")],
)
def test_large_file_is_whole_or_not_there(storage, direct, proxy, part, kind):
    data = bytes(range(256)) * ((9 << 20) // 256)
    proxy.fail(kind, part=part, times=1)
    try:
        put(storage, data)
    except StorageUnavailable:
        assert listed(direct) == []
        proxy.heal()
        put(direct, data)

    assert read(direct) == data
    assert listed(direct) == [KEY]


def test_parts_of_a_large_file_leave_nothing_behind(storage, direct, proxy):
    proxy.fail("denied", method="POST", part=KEY)
    with pytest.raises(StorageUnavailable):
        put(storage, bytes(9 << 20))

    assert list(direct._bucket.list(f"{direct._own}staging/")) == []
    assert listed(direct) == []


def test_download_that_is_cut_goes_on(storage, direct, proxy):
    data = bytes(range(256)) * ((9 << 20) // 256)
    put(direct, data)
    proxy.fail("cut", method="GET", times=2)

    assert read(storage) == data


def test_blob_that_changes_during_a_download_is_not_mixed(storage, direct):
    put(direct, bytes(9 << 20))
    chunks = iter(read_blob(storage.open(KEY)))
    next(chunks)
    direct.delete(KEY)
    put(direct, b"x" * (9 << 20))

    with pytest.raises(BlobMissing):
        list(chunks)


@pytest.mark.parametrize("kind", ["stall", "reset", "busy"])
def test_service_that_does_not_answer_costs_little_time(storage, proxy, kind):
    proxy.fail(kind)
    began = time.monotonic()
    for call in (storage.check, lambda: storage.open(KEY), lambda: listed(storage)):
        with pytest.raises(StorageUnavailable, match="The bucket 'packages'"):
            call()

    assert time.monotonic() - began < 10


def test_service_that_did_not_answer_is_left_alone_for_a_moment(storage, direct, proxy, monkeypatch):
    proxy.fail("stall")
    with pytest.raises(StorageUnavailable, match="does not answer in time"):
        storage.check()
    proxy.heal()
    asked = len(proxy.seen)
    with pytest.raises(StorageUnavailable, match="does not answer in time"):
        storage.check()
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 3)

    assert len(proxy.seen) == asked
    storage.check()


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("busy", "is asked too often"),
        ("denied", "does not allow this"),
        ("expired", "have expired"),
        ("skewed", "clock of this machine"),
    ],
)
def test_refusal_is_one_sentence_with_the_cure(storage, proxy, kind, words):
    proxy.fail(kind)
    with pytest.raises(StorageUnavailable) as caught:
        list(storage.keys())

    message = caught.value.message
    assert message.startswith("The bucket 'packages' ")
    assert words in message
    assert "\n" not in message
    assert not [secret for secret in SECRETS if secret in message]
    assert caught.value.__suppress_context__


def test_full_service_is_full(storage, proxy):
    proxy.fail("full", method="PUT")
    with pytest.raises(StorageFull, match="no space left"):
        put(storage, b"data")


@pytest.mark.parametrize(
    "wrong", [{"access_key_id": Secret("AKIDNOBODY")}, {"secret_access_key": Secret("x")}]
)
@pytest.mark.parametrize("call", ["check", "open", "put"])
def test_wrong_key_is_named_and_not_shown(s3, wrong, call):
    storage = s3(**wrong)
    calls = {"check": storage.check, "open": lambda: storage.open(KEY), "put": lambda: put(storage, b"data")}
    with pytest.raises(StorageUnavailable, match="does not accept the credentials") as caught:
        calls[call]()

    assert "AKID" not in caught.value.message


def test_missing_bucket_is_not_a_missing_file(s3):
    key, secret = map(Secret, ADMIN)
    storage = s3(bucket="nowhere", access_key_id=key, secret_access_key=secret)
    for call in (
        storage.check,
        lambda: storage.open(KEY),
        lambda: storage.record(KEY),
        lambda: listed(storage),
    ):
        with pytest.raises(StorageUnavailable, match="The bucket 'nowhere' does not exist; create it"):
            call()


@pytest.fixture
def deaf(monkeypatch):
    """Services that write over what is there, whatever a request says."""
    heeding = obstore.put
    monkeypatch.setattr(obstore, "put", lambda *given, mode=None, **options: heeding(*given, **options))


@pytest.mark.usefixtures("deaf")
def test_service_that_ignores_conditions_is_not_written_to(s3, direct):
    with pytest.raises(StorageUnavailable, match="exclusive = catalog"):
        put(s3(), b"data")

    assert listed(direct) == []


@pytest.mark.usefixtures("deaf")
def test_leases_make_up_for_a_service_that_ignores_conditions(leased, direct):
    put(leased, b"first")
    with pytest.raises(BlobExists):
        put(leased, b"second")

    assert read(direct) == b"first"


def test_lease_of_a_write_that_may_come_late_is_kept(leased, direct, proxy):
    proxy.fail("stall", method="PUT")
    with pytest.raises(StorageUnavailable, match="does not answer in time"):
        put(leased, b"data")
    proxy.heal()
    leased._bucket._resting = (0.0, "")

    with pytest.raises(StorageUnavailable, match="being uploaded by somebody else"):
        put(leased, b"other")
    assert listed(direct) == []


def test_lease_of_a_write_that_was_refused_is_given_back(leased, direct, proxy):
    proxy.fail("denied", method="PUT", times=1)
    with pytest.raises(StorageUnavailable, match="does not allow this"):
        put(leased, b"data")
    put(leased, b"other")

    assert read(direct) == b"other"


def test_lost_answer_under_a_lease_is_found_out(leased, direct, proxy):
    proxy.fail("lost", method="PUT")
    put(leased, b"data")

    assert read(direct) == b"data"


def test_lease_needs_a_catalog(s3):
    with pytest.raises(StorageUnavailable, match="exclusive = catalog"):
        put(s3(exclusive="catalog"), b"data")


def test_left_over_parts_are_removed_a_day_later(direct, s3, monkeypatch):
    direct._bucket.create(f"{direct._own}staging/old", b"parts", "")
    put(s3(), b"data")
    young = [found.path for found in direct._bucket.list(f"{direct._own}staging/")]
    monkeypatch.setattr("pyramid_pypi_objectstore.putting._ABANDONED_AFTER", timedelta(days=-1))
    put(s3(), b"data", "holy-grail/holy_grail-2.0.tar.gz")

    assert young == [f"{direct._own}staging/old"]
    assert list(direct._bucket.list(f"{direct._own}staging/")) == []
