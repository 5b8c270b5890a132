"""Feeds: what is new, in valid RSS, for those who may read it."""

from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest

from pyramid_pypi.model import Identity
from pyramid_pypi.testing.artefacts import make_wheel
from tests.functional.support import OPEN
from tests.functional.test_rights import as_user, filled, team

__all__ = ["filled", "team"]

TOM = Identity.user("tom")
PACKAGES, UPDATES = "/rss/packages.xml", "/rss/updates.xml"
OF_GRAIL = "/rss/project/holy-grail/releases.xml"
FEEDS = (PACKAGES, UPDATES, OF_GRAIL)
PLACES = ("", "/private", "/repository/private")
HASHES = "0" * 64


def channel_of(answer):
    """Return the channel of a feed after a look at what RSS 2.0 requires of it."""
    assert answer.headers["Content-Type"] == "application/rss+xml; charset=utf-8"
    rss = ElementTree.fromstring(answer.body)
    assert (rss.tag, rss.get("version")) == ("rss", "2.0")
    (channel,) = rss
    for tag in ("title", "link", "description"):
        assert channel.findtext(tag)
    for item in channel.iter("item"):
        assert item.findtext("title")
        assert urlsplit(item.findtext("link")).scheme == "http"
        assert parsedate_to_datetime(item.findtext("pubDate")).utcoffset().total_seconds() == 0
    guids = [item.findtext("guid") for item in channel.iter("item")]
    assert len(set(guids)) == len(guids)
    return channel


def items(client, url, **options):
    return list(channel_of(client.web.get(url, **options)).iter("item"))


def titles(client, url, **options):
    return [item.findtext("title") for item in items(client, url, **options)]


def age(client, **days):
    """Move the uploads of projects into the past, by days."""
    with client.index.catalog.writing() as connection:
        for name, count in days.items():
            connection.exec_driver_sql(
                f"UPDATE files SET uploaded_at = uploaded_at - {count * 86_400_000_000} "
                f"WHERE filename LIKE '{name}%'"
            )


@pytest.fixture
def stocked(client):
    client.publish("Holy-Grail", "1.0", summary="A cup")
    client.publish("coconut", "2.0", summary="Two halves")
    client.publish("Holy-Grail", "1.1", summary="A cup of gold")
    return client


def test_the_newest_projects_come_first(stocked):
    first = items(stocked, PACKAGES)

    assert [item.findtext("title") for item in first] == [
        "coconut added to private",
        "Holy-Grail added to private",
    ]
    assert first[1].findtext("link") == "http://localhost:80/project/holy-grail/"
    assert first[1].findtext("description") == "A cup of gold"
    assert first[1].findtext("guid") == "private/holy-grail"


def test_the_newest_releases_come_first(stocked):
    first = items(stocked, UPDATES)

    assert [item.findtext("title") for item in first] == ["Holy-Grail 1.1", "coconut 2.0", "Holy-Grail 1.0"]
    assert first[0].findtext("link") == "http://localhost:80/project/holy-grail/1.1/"
    assert first[0].findtext("guid") == "private/holy-grail/1.1"


def test_a_project_has_a_feed_of_its_releases(stocked):
    assert titles(stocked, OF_GRAIL) == ["Holy-Grail 1.1", "Holy-Grail 1.0"]
    assert channel_of(stocked.web.get(OF_GRAIL)).findtext("link") == "http://localhost:80/project/holy-grail/"


def test_releases_are_by_the_time_of_their_newest_file(stocked):
    stocked.publish("holy-grail", "1.0", tag="py2-none-any")
    age(stocked, coconut=3)
    stocked.publish("swallow", "1.0")

    assert titles(stocked, UPDATES) == ["swallow 1.0", "Holy-Grail 1.0", "Holy-Grail 1.1", "coconut 2.0"]
    assert titles(stocked, OF_GRAIL) == ["Holy-Grail 1.0", "Holy-Grail 1.1"]
    assert titles(stocked, PACKAGES)[-1] == "coconut added to private"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("url", FEEDS)
def test_every_place_of_a_repository_has_feeds_with_its_own_links(stocked, place, url):
    channel = channel_of(stocked.web.get(place + url))

    atom = channel.find("{http://www.w3.org/2005/Atom}link")
    assert atom.get("href") == f"http://localhost:80{place}{url}"
    for item in channel.iter("item"):
        assert item.findtext("link").startswith(f"http://localhost:80{place}/project/")


def test_links_have_the_address_that_the_index_is_seen_under(build):
    client = build(**OPEN, **{"pypi.base_url": "http://index.example.org/pypi"})
    client.publish()

    (item,) = items(client, UPDATES)

    assert item.findtext("link") == "http://index.example.org/pypi/project/holy-grail/1.0/"


def test_an_unnormalised_name_is_moved(stocked):
    answer = stocked.web.get("/rss/project/Holy_Grail/releases.xml", status=301)

    assert answer.headers["Location"] == "../holy-grail/releases.xml"
    assert titles(stocked, OF_GRAIL) == ["Holy-Grail 1.1", "Holy-Grail 1.0"]


def test_a_project_that_is_not_there_has_no_feed(stocked):
    assert "no project 'nothing'" in stocked.web.get("/rss/project/nothing/releases.xml", status=404).text
    stocked.web.get("/rss/other.xml", status=404)


@pytest.mark.parametrize("url", FEEDS)
def test_what_has_not_changed_is_not_sent_again(stocked, url):
    etag = stocked.web.get(url).headers["ETag"]

    assert stocked.web.get(url, headers={"If-None-Match": etag}, status=304).body == b""
    stocked.publish("holy-grail", "1.2")
    assert stocked.web.get(url, headers={"If-None-Match": etag}).headers["ETag"] != etag or url == PACKAGES


@pytest.mark.parametrize("url", FEEDS)
def test_a_new_release_is_there_at_once(stocked, url):
    before = titles(stocked, url)

    stocked.publish("swallow", "1.0")
    stocked.publish("holy-grail", "1.2")

    assert len(titles(stocked, url)) > len(before)


def test_an_empty_repository_has_empty_feeds(client):
    assert titles(client, PACKAGES) == []
    assert titles(client, UPDATES) == []


def test_deleted_releases_are_gone(stocked):
    catalog = stocked.index.catalog
    served = stocked.index.served("private")
    for file in catalog.page("private", "coconut").files:
        served.hosted.delete(file, TOM)

    assert "coconut" not in " ".join(titles(stocked, PACKAGES) + titles(stocked, UPDATES))


def test_quarantined_projects_are_not_news(stocked):
    catalog = stocked.index.catalog
    catalog.set_status(catalog.page("private", "coconut"), "quarantined", "", TOM)

    assert "coconut" not in " ".join(titles(stocked, PACKAGES) + titles(stocked, UPDATES))


def test_what_a_rule_hides_is_not_news(build):
    client = build(
        **OPEN, **{"pypi.repo.private.rules": "deny", "pypi.repo.private.rule.deny.projects": "coconut"}
    )
    client.publish("coconut", "2.0")
    client.publish("holy-grail", "1.0")

    assert titles(client, UPDATES) == ["holy-grail 1.0"]
    assert titles(client, PACKAGES) == ["holy-grail added to private"]


def test_hidden_projects_are_in_no_feed_of_those_who_may_not_read_them(filled):
    ann, carol = as_user("ann"), as_user("carol")

    def both(headers):
        return sorted(titles(filled, UPDATES, headers=headers) + titles(filled, PACKAGES, headers=headers))

    for _ in range(2):
        assert both(ann) == [
            "holy-grail 1.0",
            "holy-grail added to private",
            "secret-sauce 1.0",
            "secret-sauce added to private",
        ]
        assert both(carol) == ["holy-grail 1.0", "holy-grail added to private"]
    filled.web.get("/rss/project/secret-sauce/releases.xml", headers=carol, status=404)
    for url in FEEDS:
        filled.web.get(url, status=401)
        filled.web.get(url, headers=as_user("dave"), status=403)


def test_many_hidden_releases_do_not_crowd_out_the_others(filled):
    ann = as_user("ann")
    for number in range(1200):
        row = {"name": f"secret_{number}-1.0.tar.gz", "at": 9_000_000_000_000_000 + number}
        with filled.index.catalog.writing() as connection:
            connection.exec_driver_sql(
                "INSERT INTO files (project_id, repository, filename, filename_key, version, packagetype, "
                "python_version, size, sha256, blake2b_256, md5, uploaded_at, uploaded_by, storage_key, "
                "signed, comment) SELECT id, repository, "
                f"'{row['name']}', '{row['name']}', '2.{number}', 'sdist', 'source', 1, '{HASHES}', "
                f"'{HASHES}', '', {row['at']}, '', 'x', FALSE, '' FROM projects WHERE name = 'secret-sauce'"
            )

    assert len(titles(filled, UPDATES, headers=ann)) == 100
    assert titles(filled, UPDATES, headers=as_user("carol")) == ["holy-grail 1.0"]


def test_a_feed_of_everyone_is_not_that_of_somebody_else(filled):
    headers = filled.web.get(UPDATES, headers=as_user("ann")).headers

    assert headers["Cache-Control"] == "private, no-cache"
    assert "Authorization" in headers["Vary"]


def test_a_feed_has_forty_projects_and_a_hundred_releases(client):
    for number in range(45):
        client.publish(f"project-{number}", "1.0")
        client.publish(f"project-{number}", "2.0")
        client.publish(f"project-{number}", "3.0")

    assert len(titles(client, PACKAGES)) == 40
    assert len(titles(client, UPDATES)) == 100


def test_a_feed_of_a_project_has_forty_releases_with_the_newest(client):
    for number in range(43):
        client.publish("holy-grail", f"1.{number}")

    found = titles(client, OF_GRAIL)

    assert (len(found), found[0], found[-1]) == (40, "holy-grail 1.42", "holy-grail 1.3")


def test_texts_are_text(client):
    client.publish("tag", "1.0", summary="<script>alert(1)</script> &amp; \x07 ]]>")

    answer = client.web.get(UPDATES)

    (item,) = channel_of(answer).iter("item")
    assert item.findtext("description") == "<script>alert(1)</script> &amp; \ufffd ]]>"
    assert "<script" not in answer.text


def test_a_group_has_the_news_of_its_hosted_members(build):
    client = build(
        **{
            **OPEN,
            "pypi.repositories": "all private other",
            "pypi.repo.all": "group",
            "pypi.repo.all.members": "private other",
            "pypi.repo.all.read": "everyone",
            "pypi.repo.other": "hosted",
            "pypi.repo.other.storage": "filesystem",
            "pypi.repo.other.storage.path": "other",
            "pypi.repo.other.read": "everyone",
            "pypi.repo.other.upload": "everyone",
        }
    )
    for place, name in (("private", "holy-grail"), ("other", "coconut"), ("other", "holy-grail")):
        version = "1.0" if place == "private" else "9.0"
        filename = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
        client.upload(filename, make_wheel(name, version), url=f"/{place}/")

    # The first member that knows a project answers for it.
    assert titles(client, UPDATES) == ["coconut 9.0", "holy-grail 1.0"]
    assert titles(client, f"/other{UPDATES}") == ["holy-grail 9.0", "coconut 9.0"]


def test_the_head_of_a_feed_has_no_body(stocked):
    answer = stocked.web.head(UPDATES)

    assert answer.body == b""
    assert int(answer.headers["Content-Length"]) > 500


def test_what_is_far_behind_hidden_releases_is_not_looked_for(filled, monkeypatch):
    monkeypatch.setattr("pyramid_pypi.browse.newest._BATCHES", (1, 2))
    for number in range(3):
        name = f"secret_sauce-2.{number}-py3-none-any.whl"
        filled.upload(name, make_wheel("secret-sauce", f"2.{number}"), headers=as_user("ann"))

    assert titles(filled, UPDATES, headers=as_user("carol")) == []
