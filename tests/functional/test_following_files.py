"""Files of an index that follows another one: kept, passed on, or left to the client to fetch."""

import hashlib
import threading
import time
from datetime import UTC, datetime

import pytest

from pyramid_pypi.testing.artefacts import make_sdist, make_wheel
from pyramid_pypi.testing.upstreams import FakeUpstream
from tests.functional.following import entry, proxy, wheel_of
from tests.functional.support import JSON

MODES = ["cache", "redirect", "stream"]
UPLOADED = datetime(2024, 2, 29, 12, 30, 15, tzinfo=UTC)
# More than what is held back of a file until its digest is known.
BIG = 300_000


@pytest.fixture
def upstream():
    with FakeUpstream() as upstream:
        yield upstream


def add(upstream, name="holy-grail", version="1.0", *, size=BIG, **options):
    content = make_wheel(name, version, size=size)
    return upstream.add(wheel_of(name, version), content, **options)


def until(condition):
    """Return when threads behind the requests have come to `condition`."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("files", ["cache", "stream"])
@pytest.mark.parametrize("size", [0, BIG])
@pytest.mark.parametrize("repository", ["", "/repository/all", "/pypi"])
def test_a_file_has_the_bytes_and_the_headers_that_clients_need(repository, size, files, build, upstream):
    offered = add(upstream, size=size, upload_time=UPLOADED)
    client = build(**proxy(upstream, files=files))

    answer = client.web.get(f"{repository}{offered.path}")

    digest = hashlib.sha256(offered.content).hexdigest()
    assert answer.body == offered.content
    assert {
        name: answer.headers.get(name)
        for name in ("Content-Type", "Content-Length", "ETag", "Last-Modified", "Accept-Ranges")
    } == {
        "Content-Type": "application/octet-stream",
        "Content-Length": str(len(offered.content)),
        "ETag": f'"{digest}"',
        "Last-Modified": "Thu, 29 Feb 2024 12:30:15 GMT",
        "Accept-Ranges": "bytes",
    }
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["X-PyPI-Repository"] == "pypi"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")
    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize(("files", "downloads"), [("cache", 1), ("stream", 3)])
def test_a_kept_file_is_fetched_once_and_one_that_is_passed_on_each_time(files, downloads, build, upstream):
    offered = add(upstream)
    client = build(**proxy(upstream, files=files))

    bodies = {client.web.get(offered.path).body for _ in range(3)}

    assert bodies == {offered.content}
    assert upstream.count("*.whl") == downloads


def test_redirected_files_are_fetched_by_the_client(build, upstream):
    offered = add(upstream)
    client = build(**proxy(upstream, files="redirect"))

    answer = client.web.get(offered.path, status=302)

    assert answer.headers["Location"] == upstream.url_of(offered)
    assert answer.headers["Cache-Control"] == "no-store"
    assert upstream.count("*.whl") == 0
    assert entry(client, "holy-grail")["url"] == f"../..{offered.path}"


@pytest.mark.parametrize("files", MODES)
def test_metadata_comes_from_here_in_every_mode(files, build, upstream):
    offered = add(upstream)
    client = build(**proxy(upstream, files=files))
    promised = entry(client, "holy-grail")["core-metadata"]["sha256"]

    found = [client.web.get(f"{offered.path}.metadata").body for _ in range(2)]

    assert hashlib.sha256(found[0]).hexdigest() == promised
    assert found[0] == found[1]
    assert upstream.count("*.metadata") == 1
    assert upstream.count("*.whl") == 0


def test_an_sdist_has_no_metadata_beside_it(build, upstream):
    offered = upstream.add("holy_grail-1.0.tar.gz", make_sdist("holy-grail", "1.0"))
    client = build(**proxy(upstream))

    client.web.get(f"{offered.path}.metadata", status=404)

    assert upstream.count("*.metadata") == 0


@pytest.mark.parametrize("files", MODES)
def test_nobody_has_signatures(files, build, upstream):
    offered = add(upstream, gpg_sig=True)
    client = build(**proxy(upstream, files=files))

    client.web.get(f"{offered.path}.asc", status=404)

    assert upstream.count("*.asc") == 0


def test_the_metadata_of_a_kept_wheel_is_there_when_the_upstream_is_not(build, upstream):
    offered = add(upstream)
    client = build(**proxy(upstream))
    client.web.get(offered.path)
    upstream.down()

    assert client.web.get(f"{offered.path}.metadata").body == offered.metadata


@pytest.mark.parametrize("files", ["cache", "stream"])
def test_head_tells_the_length_without_a_download(files, build, upstream):
    offered = add(upstream)
    client = build(**proxy(upstream, files=files))

    answer = client.web.head(offered.path)

    assert answer.headers["Content-Length"] == str(len(offered.content))
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert upstream.count(offered.path) == 0


def test_head_leads_to_the_upstream_where_files_are_redirected(build, upstream):
    offered = add(upstream)
    client = build(**proxy(upstream, files="redirect"))

    assert client.web.head(offered.path, status=302).headers["Location"] == upstream.url_of(offered)


RANGES = [
    ("bytes=0-9", lambda body: body[:10]),
    ("bytes=100000-199999", lambda body: body[100_000:200_000]),
    ("bytes=-1000", lambda body: body[-1000:]),
    ("bytes=299000-", lambda body: body[299_000:]),
]


@pytest.mark.parametrize("files", ["cache", "stream"])
@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize(("asked", "expected"), RANGES)
def test_parts_are_right_before_and_after_the_first_download(asked, expected, kept, files, build, upstream):
    offered = add(upstream)
    client = build(**proxy(upstream, files=files))
    if kept:
        client.web.get(offered.path)

    answer = client.web.get(offered.path, headers={"Range": asked}, status=206)

    assert answer.body == expected(offered.content)
    assert answer.headers["Content-Range"].endswith(f"/{len(offered.content)}")
    assert answer.headers["Content-Length"] == str(len(answer.body))


def test_a_part_does_not_fetch_the_whole_file(build, upstream):
    offered = add(upstream, size=5_000_000)
    client = build(**proxy(upstream))

    client.web.get(offered.path, headers={"Range": "bytes=-2000"}, status=206)

    assert upstream.bytes_sent("*.whl") < 100_000


def test_a_part_is_answered_during_the_first_download(build, upstream):
    offered = add(upstream, size=1_000_000)
    client = build(**proxy(upstream))
    client.page("holy-grail")
    stall = upstream.stall(offered.path, after=500_000)
    bodies = []
    reader = threading.Thread(target=lambda: bodies.append(client.web.get(offered.path).body))
    reader.start()
    stall.wait_until_held()
    try:
        answer = client.web.get(offered.path, headers={"Range": "bytes=1000-200999"}, status=206)
    finally:
        stall.release()
        reader.join()

    assert answer.body == offered.content[1000:201_000]
    assert bodies == [offered.content]
    assert upstream.count(offered.path) == 1


@pytest.mark.parametrize("asked", ["bytes=999999999-", "bytes=400000-400001"])
@pytest.mark.parametrize("files", ["cache", "stream"])
def test_a_part_that_is_not_there_is_refused(files, asked, build, upstream):
    offered = add(upstream)
    client = build(**proxy(upstream, files=files))

    answer = client.web.get(offered.path, headers={"Range": asked}, status=416)

    assert answer.headers["Content-Range"] == f"bytes */{len(offered.content)}"


def test_a_file_that_is_known_is_not_sent_again(build, upstream):
    offered = add(upstream)
    client = build(**proxy(upstream))
    etag = client.web.get(offered.path).headers["ETag"]

    assert client.web.get(offered.path, headers={"If-None-Match": etag}, status=304).body == b""


@pytest.mark.parametrize(
    "path",
    [
        "/packages/aa/bb/cc/holy_grail-1.0-py3-none-any.whl",
        "/packages/holy_grail-9.9-py3-none-any.whl",
        "/packages/py3/h/holy-grail/holy_grail-1.0-py3-none-any.whl",
    ],
)
def test_only_the_path_of_the_page_leads_to_the_file(path, build, upstream):
    add(upstream)
    client = build(**proxy(upstream))

    client.web.get(path, status=404)

    assert upstream.count("*.whl") == 0


def test_a_release_that_the_upstream_has_removed_is_still_installed_from_a_lock(build, upstream):
    offered = add(upstream)
    add(upstream, version="2.0")
    client = build(**proxy(upstream, ttl="0", stale_while_revalidate="0"))
    client.web.get(offered.path)
    upstream.remove("holy-grail", offered.filename)

    page = client.page("holy-grail")

    assert page["versions"] == ["2.0"]
    assert client.web.get(offered.path).body == offered.content


@pytest.mark.parametrize(("withdrawn", "status"), [("keep", 200), ("remove", 404)])
def test_kept_files_of_a_deleted_project_stay_or_go_as_the_settings_say(withdrawn, status, build, upstream):
    offered = add(upstream)
    client = build(
        **proxy(upstream, ttl="0", stale_while_revalidate="0", negative_ttl="0", withdrawn=withdrawn)
    )
    client.web.get(offered.path)
    upstream.remove("holy-grail")
    client.web.get("/simple/holy-grail/", status=404)

    client.web.get(offered.path, status=status)


@pytest.mark.parametrize("files", ["cache", "stream"])
@pytest.mark.parametrize(("status", "answered"), [(503, 502), (404, 404), (403, 502)])
def test_a_file_that_the_upstream_does_not_give_is_an_error_with_a_reason(
    status, answered, files, build, upstream
):
    offered = add(upstream)
    upstream.fail("*.whl", status, retry_after=60)
    client = build(**proxy(upstream, files=files))

    answer = client.web.get(offered.path, headers={"Accept": JSON}, status=answered)

    assert answer.json["message"]
    assert "immutable" not in answer.headers["Cache-Control"]


def test_a_file_without_a_size_gets_one_from_here(build, upstream):
    offered = add(upstream, size=1000)
    offered = upstream.add(offered.filename, offered.content, **{"size": False, "upload_time": None})
    client = build(**proxy(upstream, ttl="600"))
    before = entry(client, "holy-grail")

    client.web.get(offered.path)
    body = client.web.get(offered.path, headers={"Range": "bytes=5-9"}, status=206).body

    assert "size" not in before
    assert body == offered.content[5:10]


def test_a_wheel_of_bare_html_gets_metadata_size_and_time_from_here(build, upstream):
    upstream.formats = {"html"}
    offered = add(upstream, core_metadata=False)
    client = build(**proxy(upstream))
    first = entry(client, "holy-grail")
    until(lambda: entry(client, "holy-grail")["core-metadata"])

    second = entry(client, "holy-grail")

    metadata = client.web.get(f"{offered.path}.metadata").body
    assert first["core-metadata"] is False
    assert second["core-metadata"] == {"sha256": hashlib.sha256(metadata).hexdigest()}
    assert second["size"] == len(offered.content)
    assert second["_upload-time-source"] == "last-modified"
    assert second["upload-time"].startswith("2020-01-01T00:00:00")
