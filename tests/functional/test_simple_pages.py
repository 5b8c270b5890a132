import gzip
import re
from datetime import datetime

import pytest

from tests.functional.support import JSON, OPEN

LATEST = "application/vnd.pypi.simple.latest+json"
HTML = "text/html; charset=utf-8"
V1_HTML = "application/vnd.pypi.simple.v1+html"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, HTML),
        ("", HTML),
        ("*/*", HTML),
        ("nonsense", HTML),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", HTML),
        (f"{JSON}, {V1_HTML}; q=0.1, text/html; q=0.01", JSON),
        (f"{JSON}, */*;q=0.1", JSON),
        (V1_HTML, V1_HTML),
        (LATEST, JSON),
        ("application/vnd.pypi.simple.latest+html", V1_HTML),
        ("application/json", JSON),
    ],
)
def test_accept_decides_the_format(client, accept, content_type):
    client.publish()

    headers = {} if accept is None else {"Accept": accept}
    answer = client.web.get("/simple/holy-grail/", headers=headers)

    assert answer.headers["Content-Type"] == content_type
    assert answer.headers["Vary"] == "Accept, Accept-Encoding"


def test_accept_of_nothing_that_is_offered_is_406(client):
    client.publish()

    answer = client.web.get("/simple/holy-grail/", headers={"Accept": "image/png"}, status=406)

    assert "application/vnd.pypi.simple.v1+json" in answer.text


@pytest.mark.parametrize("query", ["format=application/vnd.pypi.simple.v1+json", "format=application/json"])
def test_format_in_the_query_overrides_accept(client, query):
    client.publish()

    answer = client.web.get(f"/simple/holy-grail/?{query}", headers={"Accept": "text/html"})

    assert answer.headers["Content-Type"] == JSON


def test_unknown_format_in_the_query_is_400(client):
    client.publish()

    client.web.get("/simple/holy-grail/?format=text/csv", status=400)


def test_json_page_has_every_key_of_api_1_4(client):
    filename, content = client.publish("Holy-Grail", "1.0", requires_python=">=3.9,<4")

    page = client.page("holy-grail")

    serial = page["meta"].pop("_last-serial")
    (file,) = page.pop("files")
    uploaded = file.pop("upload-time")
    metadata = file.pop("core-metadata")
    assert serial == 1
    assert page == {
        "meta": {"api-version": "1.4"},
        "name": "holy-grail",
        "project-status": {"status": "active"},
        "versions": ["1.0"],
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", uploaded)
    assert datetime.fromisoformat(uploaded).tzinfo is not None
    assert re.fullmatch(r"[0-9a-f]{64}", metadata["sha256"])
    assert re.fullmatch(r"[0-9a-f]{64}", file["hashes"]["sha256"])
    assert file.pop("hashes").keys() == {"sha256"}
    assert file.pop("url").endswith(f"/{filename}")
    assert file == {
        "filename": filename,
        "requires-python": ">=3.9,<4",
        "yanked": False,
        "size": len(content),
    }


def test_html_page_escapes_once_and_has_no_other_links(client):
    filename, _ = client.publish("holy-grail", "1.0", requires_python=">=3.9,<4")

    text = client.web.get("/simple/holy-grail/").text

    assert 'data-requires-python="&gt;=3.9,&lt;4"' in text
    assert re.findall(r"<a [^>]+>([^<]+)</a>", text) == [filename]
    assert text.startswith("<!DOCTYPE html>")
    assert '<meta name="pypi:repository-version" content="1.4">' in text
    assert "data-yanked" not in text


def test_yanked_files_say_why_in_both_formats(client):
    first, _ = client.publish("holy-grail", "1.0")
    second, _ = client.publish("holy-grail", "1.1")
    repository = client.index.default.repository
    for filename, reason in ((first, 'broken "sdist"'), (second, "")):
        repository.yank(repository.file(filename), reason, client.index.identify(None, "", write=True))

    yanked = [file["yanked"] for file in client.page("holy-grail")["files"]]
    text = client.web.get("/simple/holy-grail/").text

    assert yanked == ['broken "sdist"', True]
    assert 'data-yanked="broken &quot;sdist&quot;"' in text
    assert 'data-yanked=""' in text


def test_files_are_sorted_by_version(client):
    for version in ("1.10", "1.9", "1.0a1"):
        client.publish("holy-grail", version)

    assert client.page("holy-grail")["versions"] == ["1.0a1", "1.9", "1.10"]


def test_local_versions_are_quoted_in_links_and_found_either_way(client):
    filename, content = client.publish("holy-grail", "1.0+corp.1")

    url = client.url("holy-grail", filename)

    assert "%2B" in url
    assert client.web.get(url).body == content
    assert client.web.get(url.replace("%2B", "+")).body == content


def test_list_of_projects_has_relative_links_and_serials(client):
    client.publish("Holy-Grail", "1.0")
    client.publish("holy-hand-grenade", "1.0")

    text = client.web.get("/simple/").text
    page = client.web.get("/simple/", headers={"Accept": JSON}).json

    assert '<a href="holy-grail/">Holy-Grail</a>' in text
    assert page["meta"] == {"api-version": "1.4", "_last-serial": 2}
    assert page["projects"] == [
        {"name": "Holy-Grail", "_last-serial": 1},
        {"name": "holy-hand-grenade", "_last-serial": 2},
    ]


def test_serial_header_is_the_last_change_of_the_project(client):
    client.publish("holy-grail", "1.0")
    client.publish("other", "1.0")

    assert client.web.get("/simple/holy-grail/").headers["X-PyPI-Last-Serial"] == "1"


@pytest.mark.parametrize(
    "url",
    [
        "/simple/holy-grail/",
        "/simple//holy-grail/",
        "//simple/holy-grail/",
        "/+simple/holy-grail/",
        "/%2Bsimple/holy-grail/",
        "/simple/%2Bsimple/holy-grail/",
        "/private/legacy/+simple/holy-grail/",
        "/private/simple/holy-grail/",
        "/repository/private/simple/holy-grail/",
        "/holy-grail/",
        "/private/holy-grail/",
        "/repository/private/holy-grail/",
    ],
)
def test_every_way_to_a_page_leads_to_the_same_file(client, url):
    filename, content = client.publish()

    page = client.web.get(url, headers={"Accept": JSON})
    file = page.goto(page.json["files"][0]["url"].replace("//", "/"), headers={})

    assert page.json["files"][0]["filename"] == filename
    assert file.body == content


@pytest.mark.parametrize(
    ("url", "status", "location"),
    [
        ("/simple/holy-grail", 302, "holy-grail/"),
        ("/simple", 302, "simple/"),
        ("/repository/private", 302, "private/"),
        ("/holy-grail", 302, "holy-grail/"),
        ("/simple/Holy_Grail/", 301, "../holy-grail/"),
        ("/simple/Holy.Grail", 301, "holy-grail/"),
        ("/simple/holy-grail?format=application/json", 302, "holy-grail/?format=application/json"),
    ],
)
def test_redirects_are_relative_and_keep_the_query(client, url, status, location):
    client.publish()

    answer = client.web.get(url, status=status, headers={"Host": "evil.example"})

    assert answer.headers["Location"] == location
    assert location.split("?")[0] in answer.text


def test_unknown_project_is_404_with_the_type_that_was_asked_for(client):
    text = client.web.get("/simple/nope/", status=404)
    json = client.web.get("/simple/nope/", headers={"Accept": JSON}, status=404)

    assert text.status == "404 'private' has no project 'nope'"
    assert text.content_type == "text/plain"
    assert json.content_type == JSON
    assert json.json["message"] == "'private' has no project 'nope'"


def test_unchanged_page_is_304_in_both_encodings(client):
    client.publish()
    plain = client.web.get("/simple/holy-grail/")
    _, packed, body = client.raw("/simple/holy-grail/", HTTP_ACCEPT_ENCODING="gzip")
    packed = dict(packed)

    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(b"".join(body)) == plain.body
    assert packed["ETag"] != plain.headers["ETag"]
    for tag, coding in ((plain.headers["ETag"], "identity"), (packed["ETag"], "gzip")):
        condition = {"If-None-Match": tag, "Accept-Encoding": coding}
        unchanged = client.web.get("/simple/holy-grail/", headers=condition, status=304)
        assert unchanged.body == b""
        assert "Content-Type" not in unchanged.headers


def test_tag_of_a_page_changes_with_an_upload(client):
    client.publish("holy-grail", "1.0")
    before = client.web.get("/simple/holy-grail/").headers["ETag"]

    client.publish("holy-grail", "1.1")

    after = client.web.get("/simple/holy-grail/", headers={"If-None-Match": before})
    assert after.headers["ETag"] != before


def test_formats_of_a_page_have_different_tags(client):
    client.publish()

    tags = {
        client.web.get("/simple/holy-grail/", headers={"Accept": a}).headers["ETag"]
        for a in (JSON, V1_HTML, "*/*")
    }

    assert len(tags) == 3


def test_gzip_that_is_refused_is_not_sent(client):
    client.publish()

    answer = client.web.get("/simple/holy-grail/", headers={"Accept-Encoding": "gzip;q=0, identity"})

    assert "Content-Encoding" not in answer.headers


def test_head_has_the_headers_of_get(client):
    client.publish()
    get = client.web.get("/simple/holy-grail/")

    for _ in ("cold", "hot"):
        head = client.web.head("/simple/holy-grail/")
        assert head.body == b""
        assert dict(head.headers) == dict(get.headers)


def test_hot_and_cold_answers_are_the_same_bytes(client):
    client.publish()
    for headers in ({}, {"Accept": JSON}, {"Accept": JSON, "Accept-Encoding": "gzip"}):
        client.index.pages.clear()
        cold = client.web.get("/simple/holy-grail/", headers=headers)
        hot = client.web.get("/simple/holy-grail/", headers=headers)
        assert (cold.status, dict(cold.headers), cold.body) == (hot.status, dict(hot.headers), hot.body)


def test_a_hit_asks_neither_the_router_nor_the_catalog(client, monkeypatch):
    client.publish()
    client.web.get("/simple/holy-grail/")
    monkeypatch.setattr(client.index.catalog, "reading", None)
    monkeypatch.setattr(client.application.registry, "queryUtility", None)

    assert client.web.get("/simple/holy-grail/").status_int == 200


def test_pages_of_other_sites_may_read(client):
    client.publish()

    page = client.web.get("/simple/holy-grail/")
    preflight = client.web.options("/simple/holy-grail/")

    for answer in (page, preflight):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        exposed = answer.headers["Access-Control-Expose-Headers"]
        assert exposed == "X-PyPI-Last-Serial, X-PyPI-Repository, X-PyPI-Stale"


def test_statuses_are_told_and_quarantine_hides_files(client):
    filename, _ = client.publish()
    url = client.url("holy-grail", filename)
    nobody = client.index.identify(None, "", write=True)
    repository = client.index.default.repository

    repository.set_status("holy-grail", "deprecated", "use <ng>", nobody)
    deprecated = client.page("holy-grail")
    text = client.web.get("/simple/holy-grail/").text
    repository.set_status("holy-grail", "quarantined", "", nobody)

    assert deprecated["project-status"] == {"status": "deprecated", "reason": "use <ng>"}
    assert '<meta name="pypi:project-status-reason" content="use &lt;ng&gt;">' in text
    assert client.page("holy-grail")["files"] == []
    client.web.get(url, status=404)
    client.web.get(f"{url}.metadata", status=404)


def test_browser_gets_a_page_with_commands_for_this_host(client):
    client.publish()

    answer = client.web.get("/", headers={"Accept": "text/html,*/*;q=0.8", "Host": "pypi.example:81"})

    assert "pip install --index-url http://pypi.example:81/simple/" in answer.text
    assert '<a href="project/holy-grail/">holy-grail</a>' in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_a_host_header_that_is_not_a_host_stays_off_the_page(client):
    answer = client.web.get("/", headers={"Accept": "text/html", "Host": 'x"><script>alert(1)</script>'})

    assert "alert(1)" not in answer.text


def test_tools_get_the_list_at_the_root(client):
    client.publish()

    assert '<a href="holy-grail/">' in client.web.get("/").text
    assert client.web.get("/", headers={"Accept": JSON}).json["projects"][0]["name"] == "holy-grail"


def test_pages_of_a_private_repository_are_private(build):
    client = build(**{**OPEN, "pypi.repo.private.project.secret-*.read": "user:ann"})
    client.publish()

    headers = client.web.get("/simple/holy-grail/").headers

    assert headers["Cache-Control"] == "private, no-cache"
    assert headers["Vary"] == "Accept, Accept-Encoding, Authorization"


@pytest.mark.parametrize("path", ["/simple/%ff/", "/simple/a%00b/", "/simple/a%0d%0aX:y/", "/simple/a%5cb/"])
def test_paths_that_no_client_sends_are_400(client, path):
    assert client.web.get(path, status=400).content_type == "text/plain"


@pytest.mark.parametrize(
    "path", ["/simple/../", "/simple/%2e%2e/", "/packages/../../etc/passwd", "/nope/nope/nope", "/-/nope"]
)
def test_unknown_paths_are_404_in_plain_text(client, path):
    assert client.web.get(path, status=404).content_type == "text/plain"


def test_other_methods_are_405(client):
    client.web.put("/simple/holy-grail/", status=405)
    client.web.delete("/simple/", status=405)


def test_foreign_hosts_are_421_where_hosts_are_listed(build):
    client = build(**OPEN, **{"pypi.allowed_hosts": "pypi.example *.corp.example"})

    for host in ("pypi.example", "pypi.example:6543", "a.corp.example"):
        client.web.get("/simple/", headers={"Host": host})
    client.web.get("/simple/", headers={"Host": "evil.example"}, status=421)
