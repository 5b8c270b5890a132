"""A GitHub that fails: uploads that are lost, limits, silence, and downloads that break off."""

import logging
import traceback

import pytest

from pyramid_pypi.errors import BlobMissing, StorageUnavailable
from pyramid_pypi_github.testing import Fault, reset_at

NAME = "holy_grail-1.0.tar.gz"
ASSETS = "/assets"


def unharmed(hub):
    """Tell that there is one release with all its bytes, and no draft."""
    (release,) = hub.repository.releases.values()
    (asset,) = release.assets.values()
    return not release.draft and asset.data == b"data" and asset.state == "uploaded"


@pytest.mark.parametrize(
    "fault",
    [
        Fault("POST", ASSETS, status=502, kind="starter"),
        Fault("POST", ASSETS, times=2, kind="starter"),
        Fault("POST", ASSETS, status=502, obeyed=True),
        Fault("POST", ASSETS, kind="reset", obeyed=True),
        Fault("POST", ASSETS, kind="damage"),
        Fault("POST", ASSETS, kind="rename"),
        Fault("PATCH", "/releases/", kind="reset", obeyed=True),
        Fault("PATCH", "/releases/", status=502, obeyed=True),
        Fault("PATCH", "/releases/", kind="reset"),
        Fault("GET", "/releases/tags/", times=2, status=503),
        Fault("GET", "/releases/tags/", kind="reset"),
        Fault("POST", "/releases", status=403, message="secondary rate limit", headers={"Retry-After": "3"}),
    ],
    ids=lambda fault: f"{fault.method}-{fault.kind}-{fault.status}-{fault.obeyed}-{fault.times}",
)
def test_a_failure_that_passes_is_not_noticed(storage, hub, put, read, fault):
    hub.fail(fault)
    put(storage)

    assert unharmed(hub)
    assert read(storage) == b"data"


def test_bytes_that_have_arrived_are_not_sent_again(storage, hub, put):
    hub.fail(Fault("POST", ASSETS, status=502, obeyed=True))
    put(storage)

    assert hub.count("POST", ASSETS) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault("POST", ASSETS, times=9, kind="starter"),
        Fault("POST", ASSETS, times=9, kind="damage"),
        Fault("POST", ASSETS, times=9, kind="reset"),
        Fault("POST", "/releases", status=500, times=9),
        Fault("POST", "/releases", kind="reset"),
        Fault("PATCH", "/releases/", times=9, status=500),
        Fault("POST", "/releases", kind="html", status=200),
        Fault("GET", "/releases/tags/", kind="html", status=200),
    ],
    ids=lambda fault: f"{fault.method}-{fault.path}-{fault.kind}-{fault.status}",
)
def test_a_failure_that_stays_leaves_nothing(storage, hub, put, fault):
    hub.fail(fault)
    with pytest.raises(StorageUnavailable) as caught:
        put(storage)

    assert "GitHub" in caught.value.message
    assert hub.repository.releases == {}
    hub.faults.clear()
    put(storage)
    assert unharmed(hub)


def test_a_draft_that_cannot_be_removed_is_told_of_and_in_nobodys_way(storage, hub, put, read, caplog):
    hub.fail(Fault("PATCH", "/releases/", times=9, status=500))
    hub.fail(Fault("DELETE", "/releases/", times=9, status=500))
    with pytest.raises(StorageUnavailable):
        put(storage)
    hub.faults.clear()

    assert "the draft of holy_grail-1.0.tar.gz could not be removed" in caplog.text
    assert list(storage.keys()) == []
    put(storage)
    assert read(storage) == b"data"


def test_pauses_double_and_end(storage, hub, clock):
    hub.fail(Fault("GET", times=99, status=502))
    with pytest.raises(StorageUnavailable, match=r"fails \(502\)"):
        storage.check()

    assert len(clock.slept) == 3
    assert all(
        0.8 <= slept / expected <= 1.2 for slept, expected in zip(clock.slept, (0.5, 1, 2), strict=True)
    )


@pytest.mark.parametrize("status", [403, 429])
def test_a_limit_that_ends_soon_is_waited_for(storage, hub, clock, status):
    hub.fail(Fault("GET", status=status, headers={"Retry-After": "7"}))
    storage.check()

    assert clock.slept == [7]


def test_a_primary_limit_is_waited_for_until_it_is_reset(storage, hub, clock):
    hub.fail(Fault("GET", status=403, message="API rate limit exceeded", headers=reset_at(9)))
    storage.check()

    assert 7 <= clock.slept[0] <= 9


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [(403, reset_at(1800), 1790), (429, {}, 60), (403, {"Retry-After": "120"}, 120), (403, {}, 60)],
)
def test_a_limit_that_lasts_is_told_and_nobody_asks_again(storage, hub, clock, status, headers, seconds):
    message = "You have exceeded a secondary rate limit"
    hub.fail(Fault("GET", status=status, headers=headers, message=message))
    for _ in range(3):
        with pytest.raises(StorageUnavailable, match="rate limit is used up; .* again in [0-9]+ seconds"):
            storage.open(NAME)

    assert hub.count() == 1
    assert clock.slept == []
    clock.now += seconds + 20
    with pytest.raises(BlobMissing):
        storage.open(NAME)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault("GET", status=401, message="Bad credentials"), "does not accept the credentials .*new token"),
        (
            Fault("GET", status=403, message="Resource not accessible"),
            "forbids this .Resource not accessible",
        ),
        (Fault("GET", status=301), "has moved acme/packages; set owner and repo"),
        (Fault("GET", status=200, kind="html"), "answers with something that is no JSON"),
        (Fault("GET", status=422, message="Not this"), "refuses acme/packages: 422 Not this"),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Fault) else "",
)
def test_the_reason_is_told(storage, hub, fault, told):
    hub.fail(fault)

    with pytest.raises(StorageUnavailable, match=told):
        storage.open(NAME)


def test_a_page_of_somebody_else_is_not_taken_for_a_repository(storage, hub):
    hub.fail(Fault("GET", status=200, kind="html"))

    with pytest.raises(StorageUnavailable, match="no JSON"):
        storage.check()


def test_silence_is_not_waited_for_longer_than_said(make, hub):
    hub.fail(Fault("GET", kind="hang"))

    with pytest.raises(StorageUnavailable, match="does not answer within 1 seconds"):
        make(timeout=1, max_wait=0).check()
    hub.released.set()


@pytest.mark.parametrize(
    "fault",
    [
        Fault("GET", "/signed/", kind="reset", after=100_000),
        Fault("GET", "/signed/", kind="reset", times=2),
        Fault("GET", "/signed/", status=403),
        Fault("GET", "/signed/", obeyed=True),
    ],
    ids=["cut", "reset", "expired", "no ranges"],
)
@pytest.mark.parametrize(("start", "stop"), [(0, None), (1000, 250_000)])
def test_a_download_that_breaks_off_goes_on(storage, hub, put, read, fault, start, stop):
    data = bytes(range(256)) * 1200
    put(storage, data)
    hub.fail(fault)

    assert read(storage, start=start, stop=stop) == data[start:stop]


def test_a_download_that_fails_for_good_says_so(storage, hub, put, read):
    put(storage)
    hub.fail(Fault("GET", "/signed/", status=403, times=9))

    with pytest.raises(StorageUnavailable, match="storage answers 403"):
        read(storage)


def test_neither_logs_nor_errors_show_the_token(storage, hub, put, read, caplog):
    caplog.set_level(logging.DEBUG)
    put(storage)
    read(storage)
    told = []
    for fault in (Fault("GET", status=401), Fault("GET", kind="reset", times=9), Fault("GET", status=403)):
        hub.faults[:] = [fault]
        with pytest.raises(StorageUnavailable) as caught:
            storage.open(NAME)
        told += traceback.format_exception(caught.value)
    caught_up = caplog.text + "".join(told) + repr(storage.options)

    assert hub.token not in caught_up
    assert "HTTP Request: GET" in caught_up
    signed = [each.getMessage() for each in caplog.records if each.name == "httpx"]
    assert not any("hush" in each for each in signed)
    assert any("/signed/" in each for each in signed)
