"""Pages of an index that follows another one."""

import gzip
import json
import re
import time
from datetime import UTC, datetime

import pytest

from pyramid_pypi.testing.artefacts import make_sdist, make_wheel
from pyramid_pypi.testing.upstreams import FakeUpstream
from tests.functional.following import HTML, entry, proxy, wheel_of
from tests.functional.support import JSON

UPLOADED = datetime(2024, 2, 29, 12, 30, 15, 250000, UTC)
NEVER_REPEATED = {"ttl": "0", "stale_while_revalidate": "0"}


@pytest.fixture
def upstream():
    with FakeUpstream() as upstream:
        yield upstream


def add(upstream, name="holy-grail", version="1.0", **options):
    """Offer a wheel; return its bytes."""
    content = make_wheel(name, version)
    upstream.add(wheel_of(name, version), content, **options)
    return content


@pytest.mark.parametrize("form", ["json", "html"])
def test_what_the_upstream_says_of_a_file_is_passed_on(form, build, upstream):
    upstream.formats = {form}
    content = add(
        upstream,
        requires_python=">=3.8",
        yanked="broken & <b>bad</b>",
        upload_time=UPLOADED,
        provenance="https://example.org/provenance/1",
    )
    client = build(**proxy(upstream, backfill="0"))

    found = entry(client, "holy-grail")

    assert found["requires-python"] == ">=3.8"
    assert found["yanked"] == "broken & <b>bad</b>"
    assert found["provenance"] == "https://example.org/provenance/1"
    assert set(found["core-metadata"]) == {"sha256"}
    assert set(found["hashes"]) == {"sha256"}
    if form == "json":
        assert found["size"] == len(content)
        assert found["upload-time"] == "2024-02-29T12:30:15.250000Z"
    else:
        # PEP 503 has no words for these.
        assert "size" not in found
        assert "upload-time" not in found


@pytest.mark.parametrize("form", ["json", "html"])
def test_the_same_is_in_html(form, build, upstream):
    upstream.formats = {form}
    add(upstream, requires_python=">=3.8", yanked='"quoted" <i>', provenance="https://example.org/p?a=1&b=2")
    client = build(**proxy(upstream, backfill="0"))

    page = client.web.get("/simple/holy-grail/", headers=HTML)
    (link,) = page.html.find_all("a")

    assert link["data-requires-python"] == ">=3.8"
    assert link["data-yanked"] == '"quoted" <i>'
    assert link["data-provenance"] == "https://example.org/p?a=1&b=2"
    assert link["data-core-metadata"] == link["data-dist-info-metadata"]
    assert re.fullmatch(
        r"\.\./\.\./packages/../../\w{60}/holy_grail-1\.0-py3-none-any\.whl#sha256=\w{64}", link["href"]
    )
    assert page.html.find_all("i") == []


@pytest.mark.parametrize("form", ["json", "html"])
@pytest.mark.parametrize("status", ["active", "archived", "deprecated"])
def test_the_status_of_a_project_is_passed_on(status, form, build, upstream):
    upstream.formats = {form}
    add(upstream)
    upstream.set_status("holy-grail", status, "we moved & left")
    client = build(**proxy(upstream))

    page = client.page("holy-grail")
    html = client.web.get("/simple/holy-grail/", headers=HTML)

    assert page["project-status"] == {"status": status, "reason": "we moved & left"}
    assert len(page["files"]) == 1
    assert f'<meta name="pypi:project-status" content="{status}">' in html
    assert 'content="we moved &amp; left"' in html


@pytest.mark.parametrize("form", ["json", "html"])
@pytest.mark.parametrize("files", ["cache", "redirect", "stream"])
def test_a_quarantined_project_offers_no_files(files, form, build, upstream):
    upstream.formats = {form}
    offered = upstream.add(wheel_of("holy-grail"), make_wheel("holy-grail", "1.0"))
    upstream.set_status("holy-grail", "quarantined", "malware")
    client = build(**proxy(upstream, files=files))

    page = client.page("holy-grail")

    assert page["project-status"] == {"status": "quarantined", "reason": "malware"}
    assert page["files"] == []
    client.web.get(offered.path, status=404)
    assert upstream.count("*.whl") == 0


def test_a_project_that_is_quarantined_later_takes_its_kept_files_away(build, upstream):
    offered = upstream.add(wheel_of("holy-grail"), make_wheel("holy-grail", "1.0"))
    client = build(**proxy(upstream, **NEVER_REPEATED))
    client.web.get(offered.path)
    upstream.set_status("holy-grail", "quarantined", "malware")

    files = client.page("holy-grail")["files"]

    assert files == []
    client.web.get(offered.path, status=404)


def test_paths_of_pypi_stay_as_they_are(build, upstream):
    offered = upstream.add(wheel_of("holy-grail"), make_wheel("holy-grail", "1.0"))
    client = build(**proxy(upstream))

    assert client.url("holy-grail", offered.filename) == offered.path


@pytest.mark.parametrize("spelling", ["Holy-Grail", "holy_grail", "HOLY..grail", "holy--grail"])
@pytest.mark.parametrize("repository", ["", "/repository/pypi", "/pypi"])
def test_a_name_that_is_not_normalised_is_redirected_before_anybody_is_asked(
    repository, spelling, build, upstream
):
    add(upstream)
    client = build(**proxy(upstream))

    answer = client.web.get(f"{repository}/simple/{spelling}/", status=301)

    assert answer.headers["Location"] == "../holy-grail/"
    assert upstream.requests == []


def test_an_upstream_that_spells_otherwise_is_understood(build, upstream):
    upstream.redirect_names = False
    upstream.add("Holy_Grail-1.0-py3-none-any.whl", make_wheel("Holy.Grail", "1.0"))
    client = build(**proxy(upstream))

    assert entry(client, "holy-grail")["filename"] == "Holy_Grail-1.0-py3-none-any.whl"


def test_a_project_that_the_upstream_does_not_know_is_not_found(build, upstream):
    client = build(**proxy(upstream))

    said = client.web.get("/simple/holy-grail/", status=404)
    client.web.get("/simple/holy-grail/", status=404)

    assert "holy-grail" in said.text
    assert upstream.count("/simple/holy-grail/") == 1


def test_repeated_pages_ask_the_upstream_once(build, upstream):
    add(upstream)
    client = build(**proxy(upstream))

    for accept in (JSON, "text/html", "application/vnd.pypi.simple.v1+html"):
        for mount in ("", "/repository/all", "/pypi"):
            client.web.get(f"{mount}/simple/holy-grail/", headers={"Accept": accept})

    assert upstream.count("/simple/holy-grail/") == 1


def test_pages_say_where_they_are_from_and_are_not_to_be_kept(build, upstream):
    add(upstream)
    client = build(**proxy(upstream))

    alone = client.web.get("/repository/pypi/simple/holy-grail/", headers={"Accept": JSON})
    grouped = client.web.get("/simple/holy-grail/", headers={"Accept": JSON})

    assert alone.headers["X-PyPI-Repository"] == grouped.headers["X-PyPI-Repository"] == "pypi"
    # Somebody may publish the name privately at any moment.
    assert alone.headers["Cache-Control"] == grouped.headers["Cache-Control"] == "no-cache"
    for answer in (alone, grouped):
        assert answer.headers["Content-Type"] == JSON
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "X-PyPI-Stale" not in answer.headers
        assert "Warning" not in answer.headers


def test_a_page_that_has_not_changed_is_not_sent_again(build, upstream):
    add(upstream)
    client = build(**proxy(upstream))
    first = client.web.get("/simple/holy-grail/", headers={"Accept": JSON})

    again = client.web.get(
        "/simple/holy-grail/", headers={"Accept": JSON, "If-None-Match": first.headers["ETag"]}, status=304
    )

    assert again.body == b""


@pytest.mark.parametrize("path", ["/simple/holy-grail/", "/simple/", "/repository/pypi/simple/"])
def test_head_has_the_headers_of_a_page_and_no_body(path, build, upstream):
    add(upstream)
    client = build(**proxy(upstream))
    whole = client.web.get(path, headers={"Accept": JSON})

    answer = client.web.head(path, headers={"Accept": JSON})

    assert answer.body == b""
    assert answer.headers["Content-Type"] == whole.headers["Content-Type"]


def test_pages_are_compressed_for_who_takes_that(build, upstream):
    for number in range(50):
        add(upstream, version=f"1.{number}")
    client = build(**proxy(upstream))

    status, headers, body = client.raw("/simple/holy-grail/", HTTP_ACCEPT_ENCODING="gzip", HTTP_ACCEPT=JSON)

    assert status == "200 OK"
    assert dict(headers)["Content-Encoding"] == "gzip"
    assert len(json.loads(gzip.decompress(b"".join(body)))["files"]) == 50


def test_an_unchanged_page_is_confirmed_and_not_fetched(build, upstream):
    add(upstream)
    client = build(**proxy(upstream, **NEVER_REPEATED))
    client.page("holy-grail")
    sent = upstream.bytes_sent("/simple/*")

    found = entry(client, "holy-grail")

    assert found["filename"] == wheel_of("holy-grail")
    assert upstream.count("/simple/holy-grail/") == 2
    assert upstream.bytes_sent("/simple/*") == sent


@pytest.mark.parametrize("path", ["/repository/pypi/simple/holy-grail/", "/simple/holy-grail/"])
def test_ready_bytes_are_not_served_longer_than_the_page_is_fresh(path, build, upstream):
    add(upstream)
    client = build(**proxy(upstream, ttl="1", stale_while_revalidate="0"))
    ask = lambda: client.web.get(path, headers={"Accept": JSON}).json["versions"]  # noqa: E731
    begin = time.monotonic()
    first = ask()
    add(upstream, version="2.0")

    while (found := ask()) == ["1.0"]:
        asked = upstream.count("/simple/holy-grail/")
        assert time.monotonic() < begin + 10

    assert first == ["1.0"]
    assert found == ["1.0", "2.0"]
    assert asked == 1
    assert time.monotonic() > begin + 0.9


@pytest.mark.parametrize("status", [500, 502, 503, 429, 401, 403])
def test_a_failing_upstream_is_neither_an_empty_page_nor_a_missing_one(status, build, upstream):
    add(upstream)
    upstream.fail("/simple/*", status)
    client = build(**proxy(upstream))

    for path in ("/simple/holy-grail/", "/repository/pypi/simple/holy-grail/", "/repository/pypi/simple/"):
        answer = client.web.get(path, headers={"Accept": JSON}, status=502)
        assert str(status) in answer.json["message"]
        assert answer.headers["Content-Type"] == JSON
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.headers["Cache-Control"] == "no-cache"


def test_a_failing_upstream_leaves_stale_pages_that_say_so(build, upstream):
    add(upstream)
    client = build(**proxy(upstream, **NEVER_REPEATED))
    client.page("holy-grail")
    upstream.fail("/simple/*", 503)

    answer = client.web.get("/repository/pypi/simple/holy-grail/", headers={"Accept": JSON})

    assert len(answer.json["files"]) == 1
    assert answer.headers["Warning"] == '110 - "Response is Stale"'
    assert int(answer.headers["X-PyPI-Stale"]) >= 1
    assert answer.headers["Cache-Control"] == "no-cache"


def test_a_page_that_is_too_old_is_an_error(build, upstream):
    add(upstream)
    client = build(**proxy(upstream, **NEVER_REPEATED, stale_if_error="0"))
    client.page("holy-grail")
    upstream.fail("/simple/*", 503)

    client.web.get("/simple/holy-grail/", status=502)


def test_the_index_is_ready_while_the_upstream_is_down(build, upstream):
    client = build(**proxy(upstream))
    upstream.down()

    client.web.get("/simple/holy-grail/", status=502)

    assert client.web.get("/-/ready").json == {"status": "ok"}


def test_an_sdist_and_its_wheel_are_both_there(build, upstream):
    add(upstream)
    upstream.add("holy_grail-1.0.tar.gz", make_sdist("holy-grail", "1.0"))
    client = build(**proxy(upstream))

    assert [file["core-metadata"] is False for file in client.page("holy-grail")["files"]] == [False, True]
