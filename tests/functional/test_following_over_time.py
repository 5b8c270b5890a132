"""What changes behind a proxy: names that appear, files that vanish or change, going offline."""

import pytest

from pyramid_pypi.testing.artefacts import make_wheel
from pyramid_pypi.testing.upstreams import FakeUpstream
from tests.functional.following import entry, proxy, wheel_of
from tests.functional.support import JSON

AT_ONCE = {"ttl": "0", "stale_while_revalidate": "0", "negative_ttl": "0"}


@pytest.fixture
def upstream():
    with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture
def corp():
    with FakeUpstream() as corp:
        yield corp


def add(upstream, name="holy-grail", version="1.0", **options):
    return upstream.add(wheel_of(name, version), make_wheel(name, version), **options)


def second_proxy(corp, **options):
    found = {
        "pypi.repositories": "private corp pypi all",
        "pypi.repo.corp": "proxy",
        "pypi.repo.corp.upstream": "simple",
        "pypi.repo.corp.upstream.url": corp.url,
        "pypi.repo.corp.upstream.proxy": "none",
        "pypi.repo.corp.read": "everyone",
        "pypi.repo.all.members": "private corp pypi",
    }
    return {**found, **{f"pypi.repo.corp.{key}": value for key, value in options.items()}}


def test_a_name_that_appears_at_an_earlier_proxy_is_taken_from_there(build, upstream, corp):
    add(upstream, version="99.0")
    client = build(**proxy(upstream, **second_proxy(corp, negative_ttl="0")))
    client.publish("other", "1.0")
    before = client.page("holy-grail")["versions"]
    add(corp, version="1.0")

    assert before == ["99.0"]
    assert client.page("holy-grail")["versions"] == ["1.0"]


def test_a_group_is_no_longer_fresh_than_an_absence_in_it(build, upstream, corp):
    add(upstream)
    client = build(**proxy(upstream, **second_proxy(corp, negative_ttl="2")))

    page = client.index.served("all").repository.project("holy-grail")

    assert page.repository == "pypi"
    assert 0 < page.fresh_for <= 2


def test_files_whose_bytes_change_stay_as_they_were(build, upstream, caplog):
    name = wheel_of("holy-grail")
    first = upstream.add(name, make_wheel("holy-grail", "1.0", summary="one"))
    client = build(**proxy(upstream, **AT_ONCE))
    client.web.get(first.path)
    upstream.remove("holy-grail", name)
    second = upstream.add(name, make_wheel("holy-grail", "1.0", summary="two"), yanked="changed")

    found = entry(client, "holy-grail")

    assert found["hashes"] == {"sha256": first.hashes["sha256"]}
    assert found["yanked"] == "changed"
    assert client.web.get(first.path).body == first.content
    client.web.get(second.path, status=404)
    assert "has other bytes for holy_grail-1.0-py3-none-any.whl than it had" in caplog.text


@pytest.mark.parametrize(("withdrawn", "status"), [("keep", 200), ("remove", 404)])
def test_a_single_file_that_is_deleted_is_marked_and_stays_or_goes(withdrawn, status, build, upstream):
    first, _ = add(upstream), add(upstream, version="2.0")
    client = build(**proxy(upstream, withdrawn=withdrawn, **AT_ONCE))
    client.web.get(first.path)
    upstream.remove("holy-grail", first.filename)
    store = client.index.served("pypi").repository.parts.store

    assert client.page("holy-grail")["versions"] == ["2.0"]
    assert [file.withdrawn for file in store.files()] == (["deleted"] if withdrawn == "keep" else [])
    client.web.get(first.path, status=status)


def test_offline_only_what_is_here_is_listed(build, upstream, tmp_path):
    first, _ = add(upstream), add(upstream, version="2.0")
    signal = tmp_path / "offline"
    client = build(**proxy(upstream, offline_file=str(signal), **AT_ONCE))
    client.web.get(first.path)
    online = client.page("holy-grail")["versions"]
    signal.touch()
    asked = len(upstream.requests)

    assert online == ["1.0", "2.0"]
    assert client.page("holy-grail")["versions"] == ["1.0"]
    assert len(upstream.requests) == asked
    signal.unlink()
    # Asked of the repository, because the page itself is repeated for some seconds.
    assert client.index.served("pypi").repository.project("holy-grail").versions == ("1.0", "2.0")


def test_who_has_the_file_already_makes_nobody_fetch_it(build, upstream):
    offered = add(upstream)
    client = build(**proxy(upstream))
    etag = f'"{offered.hashes["sha256"]}"'

    client.web.get(offered.path, headers={"If-None-Match": etag}, status=304)

    assert upstream.count("*.whl") == 0


def test_a_range_of_a_file_of_unknown_size_is_no_reason_to_fetch_all_of_it(build, upstream):
    offered = upstream.add(
        wheel_of("holy-grail"), make_wheel("holy-grail", "1.0", size=500_000), core_metadata=False
    )
    upstream.formats = {"html"}
    client = build(**proxy(upstream, backfill="0"))

    part = client.web.get(offered.path, headers={"Range": "bytes=-1000"}, status=206)

    assert part.body == offered.content[-1000:]
    assert upstream.bytes_sent("*.whl") < 2000


def test_reading_through_a_group_in_a_group_takes_the_right_in_both(build, upstream):
    add(upstream)
    nested = {
        "pypi.repositories": "private pypi team all",
        "pypi.repo.team": "group",
        "pypi.repo.team.members": "pypi",
        "pypi.repo.team.read": "user:ann",
        "pypi.repo.all.members": "private team",
    }
    client = build(**proxy(upstream, **nested))

    client.web.get("/repository/team/simple/holy-grail/", status=401)
    client.web.get("/simple/holy-grail/", status=401)

    assert upstream.requests == []


def test_a_name_reserved_on_one_way_to_a_member_is_reserved_on_all(build, upstream):
    add(upstream, "acme-widget")
    nested = {
        "pypi.repositories": "private pypi team other all",
        **{f"pypi.repo.{name}": "group" for name in ("team", "other")},
        **{f"pypi.repo.{name}.members": "pypi" for name in ("team", "other")},
        **{f"pypi.repo.{name}.read": "everyone" for name in ("team", "other")},
        "pypi.repo.other.reserve": "acme-*",
        "pypi.repo.all.members": "private team other",
    }
    client = build(**proxy(upstream, **nested))

    client.web.get("/simple/acme-widget/", status=404)

    assert upstream.requests == []


def test_hatch_finds_what_it_has_uploaded_also_below_the_url_called_pypi(build, upstream):
    add(upstream, version="99.0")
    client = build(**proxy(upstream))
    client.publish("holy-grail", "1.0")

    page = client.web.get("/pypi/+simple/holy-grail/", headers={"Accept": JSON})

    assert page.headers["X-PyPI-Repository"] == "private"
    assert page.json["versions"] == ["1.0"]
    assert upstream.requests == []


def test_a_failure_is_not_told_to_those_who_asked_for_something_else(build, upstream):
    add(upstream)
    upstream.fail("/simple/secret-plan/", 503, retry_after=600)
    client = build(**proxy(upstream))
    client.web.get("/simple/secret-plan/", status=502)

    answer = client.web.get("/simple/holy-grail/", status=502)

    assert "secret" not in answer.text
    assert 0 < int(answer.headers["Retry-After"]) <= 60
