"""What counts as a download, for whom, and what happens to the counts."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from pyramid_pypi.browse.downloads import DownloadCounter, downloads
from pyramid_pypi.browse.facts import DayFacts
from pyramid_pypi.browse.viewer import Viewer
from pyramid_pypi.catalog import Catalog
from pyramid_pypi.catalog.downloads import Downloaded
from pyramid_pypi.errors import BadRequest, CatalogUnavailable, ProjectNotFound
from pyramid_pypi.model import ANONYMOUS, Redirect
from pyramid_pypi.testing.artefacts import make_wheel
from pyramid_pypi.testing.upstreams import FakeUpstream
from tests.functional.following import proxy, wheel_of
from tests.functional.support import ENGINES, OPEN

GRAIL = Downloaded("private", "holy-grail", "holy_grail-1.0-py3-none-any.whl", 20_000)


def facts(client, project="holy-grail", *, repository="", **options):
    """Return what is told of the downloads until now."""
    client.application.flush()
    served = client.index.served(repository or client.index.settings.default)
    return downloads(Viewer(client.index, served, ANONYMOUS), project, **options)


def total(client, project="holy-grail", **options):
    return facts(client, project, **options).total


@ENGINES
def test_every_download_counts_whether_it_is_ready_or_not(engine, client):
    filename, content = client.publish()
    url = client.url("holy-grail", filename)

    bodies = [client.web.get(url).body for _ in range(3)]

    assert bodies == [content] * 3
    found = facts(client, days=2)
    today = datetime.now(UTC).date()
    assert (found.repository, found.project, found.total) == ("private", "holy-grail", 3)
    assert found.days == (DayFacts(today - timedelta(days=1), 0), DayFacts(today, 3))
    assert found.files == ((filename, 3),)


def test_what_is_not_the_whole_file_does_not_count(client):
    filename, content = client.publish()
    url = client.url("holy-grail", filename)
    etag = client.web.head(url).headers["ETag"]
    client.web.get(f"{url}.metadata")
    client.web.get(f"{url}.metadata")
    client.web.get(url, headers={"Range": "bytes=0-9"}, status=206)
    client.web.get(url, headers={"If-None-Match": etag}, status=304)
    client.web.get(f"{url}.asc", status=404)
    client.web.get("/simple/holy-grail/")
    client.web.get(f"/-/why/holy-grail/{filename}")
    assert total(client) == 0

    client.web.get(url, headers={"Range": "bytes=0-"}, status=206)
    assert total(client) == 0

    client.web.get(url)
    assert total(client) == 1
    assert len(content) > 10


def test_files_are_told_apart_and_the_largest_count_comes_first(client):
    one, _ = client.publish(version="1.0")
    two, _ = client.publish(version="2.0")
    client.web.get(client.url("holy-grail", one))
    for _ in range(2):
        client.web.get(client.url("holy-grail", two))

    assert facts(client).files == ((two, 2), (one, 1))


def test_a_download_from_a_group_counts_where_the_file_is(build):
    with FakeUpstream() as upstream:
        upstream.add(wheel_of("spam"), make_wheel("spam", "1.0"))
        client = build(**proxy(upstream))
        filename, _ = client.publish()
        for _ in range(2):
            client.web.get(client.url("holy-grail", filename))
            client.web.get(client.url("spam", wheel_of("spam")))
        client.web.get(f"/repository/pypi{client.url('spam', wheel_of('spam'))}")

        assert (facts(client).repository, total(client)) == ("private", 2)
        assert total(client, repository="private") == 2
        assert (facts(client, "spam").repository, total(client, "spam")) == ("pypi", 3)
        with pytest.raises(ProjectNotFound):
            facts(client, "spam", repository="private")


def test_a_client_that_is_sent_to_the_bytes_has_downloaded_the_file(client, monkeypatch):
    filename, _ = client.publish()
    storage = client.index.default.hosted.storage
    monkeypatch.setattr(storage, "open", lambda _key: Redirect("https://bucket.example.org/file"))

    answer = client.web.get(client.url("holy-grail", filename), status=302)

    assert answer.headers["X-PyPI-Repository"] == "private"
    assert total(client) == 1


def test_nothing_is_counted_where_that_is_switched_off(build):
    client = build(**OPEN, **{"pypi.downloads": "false"})
    filename, _ = client.publish()
    client.web.get(client.url("holy-grail", filename))

    assert facts(client) is None


def test_a_hidden_project_has_no_downloads_for_strangers(build):
    client = build(**OPEN, **{"pypi.repo.private.project.holy-*.read": "user:ann"})
    client.publish()

    with pytest.raises(ProjectNotFound):
        facts(client)


@pytest.mark.parametrize("days", [0, -1, 1001, 10**12])
def test_the_time_that_is_shown_has_bounds(client, days):
    client.publish()

    with pytest.raises(BadRequest, match="between 1 and 1000"):
        facts(client, days=days)


def test_an_old_day_counts_in_all_and_is_not_shown(client):
    client.publish()
    counter = DownloadCounter(client.index.catalog)
    counter.count([GRAIL])
    counter.flush()

    found = facts(client)

    assert (found.total, sum(day.downloads for day in found.days), len(found.days)) == (1, 0, 90)


def test_a_project_without_files_keeps_its_counts(client):
    filename, _ = client.publish()
    client.web.get(client.url("holy-grail", filename))
    hosted = client.index.default.hosted
    hosted.delete(hosted.file(filename), ANONYMOUS)

    assert total(client) == 1


def test_two_processes_that_count_add_up(catalog_url):
    catalogs = [Catalog(catalog_url) for _ in range(2)]
    start = threading.Barrier(2)

    def count(counter):
        start.wait()
        for _ in range(5):
            counter.count([GRAIL, GRAIL])
            counter.flush()

    counters = [DownloadCounter(catalog) for catalog in catalogs]
    threads = [threading.Thread(target=count, args=(counter,)) for counter in counters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert counts(catalogs[0]) == [(GRAIL.filename, 20)]
    for catalog in catalogs:
        catalog.close()


def counts(catalog):
    from pyramid_pypi.catalog import downloads as rows

    with catalog.reading() as connection:
        return rows.by_file(connection, ["private"], "holy-grail")


def test_counts_are_written_soon_without_being_told(tmp_path):
    catalog = Catalog(f"sqlite:///{tmp_path}/catalog.db")
    written = threading.Event()
    counter = DownloadCounter(catalog, every=0.01)
    flush = counter.flush
    counter.flush = lambda: (flush(), written.set())

    counter.count([GRAIL])

    assert written.wait(10)
    assert counts(catalog) == [(GRAIL.filename, 1)]
    catalog.close()


def test_a_catalog_that_is_away_loses_no_count(tmp_path, monkeypatch, caplog):
    catalog = Catalog(f"sqlite:///{tmp_path}/catalog.db")
    counter = DownloadCounter(catalog, every=3600)

    def refuse():
        raise CatalogUnavailable("The catalog is away")

    with monkeypatch.context() as context:
        context.setattr(catalog, "writing", refuse)
        for _ in range(3):
            counter.count([GRAIL])
            counter.flush()
    assert caplog.text.count("The catalog is away") == 1

    counter.flush()

    assert counts(catalog) == [(GRAIL.filename, 3)]
    catalog.close()


def test_counts_that_wait_have_bounds(tmp_path, monkeypatch):
    monkeypatch.setattr("pyramid_pypi.browse.downloads._MOST", 1)
    catalog = Catalog(f"sqlite:///{tmp_path}/catalog.db")
    counter = DownloadCounter(catalog, every=3600)

    counter.count([GRAIL, Downloaded("private", "spam", "spam-1.0.tar.gz", 1), GRAIL])
    counter.flush()

    assert counts(catalog) == [(GRAIL.filename, 2)]
    catalog.close()


def test_the_counts_of_an_index_are_written_when_it_closes(build, tmp_path):
    client = build(**OPEN, **{"pypi.catalog": "sqlite:///kept.db"})
    filename, _ = client.publish()
    client.web.get(client.url("holy-grail", filename))

    client.application._observer.close()

    catalog = Catalog(f"sqlite:///{tmp_path}/kept.db")
    assert counts(catalog) == [(filename, 1)]
    catalog.close()


def test_a_day_ends_at_midnight_in_utc(client, monkeypatch):
    filename, _ = client.publish()
    url = client.url("holy-grail", filename)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    for moment in (midnight - 1, midnight):
        monkeypatch.setattr(time, "time", lambda moment=moment: moment)
        client.web.get(url)
    monkeypatch.undo()

    assert [day.downloads for day in facts(client, days=2).days] == [1, 1]
