"""The fake upstream does what its script says, and sees what is asked of it."""

import gzip
import hashlib
import http.client
import json
import re
import socket
import ssl
import subprocess
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from pyramid_pypi.testing.artefacts import make_metadata, make_wheel
from pyramid_pypi.testing.upstreams import FakeUpstream

JSON = "application/vnd.pypi.simple.v1+json"
WHEEL = "holy_grail-1.0-py3-none-any.whl"
PAGE = "/simple/holy-grail/"
LARGE = 8 << 20


@pytest.fixture
def upstream():
    with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture
def wheel(upstream):
    return upstream.add(WHEEL, make_wheel("holy-grail", "1.0"))


def connect(upstream, *, timeout=10) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(upstream.host, upstream.port, timeout=timeout)


def ask(upstream, path, *, method="GET", connection=None, **headers):
    """Return status, headers and body; headers are given with underscores."""
    used = connection or connect(upstream)
    try:
        used.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = used.getresponse()
        return SimpleNamespace(status=answer.status, headers=answer.headers, body=answer.read())
    finally:
        if connection is None:
            used.close()


def page(upstream, path=PAGE):
    return json.loads(ask(upstream, path, accept=JSON).body)


def links(upstream, path=PAGE) -> list[str]:
    return re.findall(r'href="([^"#]*)', ask(upstream, path, accept="text/html").body.decode())


class TestContent:
    """What there is."""

    def test_file_is_at_its_digest(self, upstream, wheel) -> None:
        digest = hashlib.blake2b(wheel.content, digest_size=32).hexdigest()

        assert wheel.path == f"/packages/{digest[:2]}/{digest[2:4]}/{digest[4:]}/{WHEEL}"
        assert ask(upstream, wheel.path).body == wheel.content

    def test_json_says_everything(self, upstream) -> None:
        content = make_wheel("holy-grail", "1.0")
        file = upstream.add(
            WHEEL,
            content,
            requires_python=">=3.9",
            yanked="found by the <French>",
            upload_time=datetime(2026, 5, 6, 7, 8, 9, 10, UTC),
            provenance="https://example.org/provenance",
            gpg_sig=False,
        )
        upstream.set_status("Holy.Grail", "archived", "no more")

        assert page(upstream) == {
            "meta": {"api-version": "1.4", "_last-serial": 2},
            "name": "holy-grail",
            "project-status": {"status": "archived", "reason": "no more"},
            "versions": ["1.0"],
            "files": [
                {
                    "filename": WHEEL,
                    "url": f"{upstream.origin}{file.path}",
                    "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
                    "requires-python": ">=3.9",
                    "core-metadata": {
                        "sha256": hashlib.sha256(make_metadata("holy-grail", "1.0")).hexdigest()
                    },
                    "yanked": "found by the <French>",
                    "size": len(content),
                    "upload-time": "2026-05-06T07:08:09.000010Z",
                    "gpg-sig": False,
                    "provenance": "https://example.org/provenance",
                }
            ],
        }

    def test_html_says_what_html_can_say(self, upstream) -> None:
        file = upstream.add(WHEEL, b"wheel", requires_python=">=3.9", yanked=True, core_metadata="unhashed")
        upstream.set_status("holy-grail", "deprecated", "use <cup>")
        text = ask(upstream, PAGE, accept="text/html").body.decode()

        assert (
            f'<a href="{upstream.origin}{file.path}#sha256={hashlib.sha256(b"wheel").hexdigest()}" '
            'data-requires-python="&gt;=3.9" data-dist-info-metadata="true" data-core-metadata="true" '
            f'data-yanked="">{WHEEL}</a>'
        ) in text
        assert '<meta name="pypi:project-status" content="deprecated">' in text
        assert '<meta name="pypi:project-status-reason" content="use &lt;cup&gt;">' in text

    def test_page_says_no_more_than_told(self, upstream) -> None:
        upstream.add("holy-grail-1.0.tar.gz", b"sdist", hashes=(), size=False)

        assert page(upstream)["files"][0].keys() == {"filename", "url", "hashes", "core-metadata", "yanked"}
        assert page(upstream)["files"][0]["hashes"] == {}

    @pytest.mark.parametrize(("yanked", "shown"), [(True, True), ("", True), ("why", "why"), (False, False)])
    def test_yank_without_reason_is_a_yank(self, upstream, yanked, shown) -> None:
        upstream.add(WHEEL, b"wheel", yanked=yanked)
        text = ask(upstream, PAGE, accept="text/html").body.decode()

        assert page(upstream)["files"][0]["yanked"] == shown
        assert ("data-yanked" in text) == bool(shown)

    def test_hashes_are_those_asked_for(self, upstream) -> None:
        upstream.add(WHEEL, b"wheel", hashes=("md5", "sha512"))
        expected = {name: hashlib.new(name, b"wheel").hexdigest() for name in ("md5", "sha512")}

        assert page(upstream)["files"][0]["hashes"] == expected
        assert f"#md5={expected['md5']}" in ask(upstream, PAGE, accept="text/html").body.decode()

    def test_digest_can_be_wrong(self, upstream) -> None:
        upstream.add(WHEEL, b"wheel", digests={"sha256": "f" * 64})

        assert page(upstream)["files"][0]["hashes"] == {"sha256": "f" * 64}

    @pytest.mark.parametrize(
        ("told", "shown", "status"),
        [
            (True, hashlib.sha256(b"Name: a").hexdigest(), 200),
            ("wrong", "0" * 64, 200),
            ("unhashed", True, 200),
        ],
    )
    def test_metadata_is_offered_as_told(self, upstream, told, shown, status) -> None:
        file = upstream.add(WHEEL, b"wheel", metadata=b"Name: a", core_metadata=told)

        assert page(upstream)["files"][0]["core-metadata"] == (
            {"sha256": shown} if told != "unhashed" else True
        )
        assert ask(upstream, f"{file.path}.metadata").body == b"Name: a"

    @pytest.mark.parametrize("content", [make_wheel("holy-grail", "1.0"), b"no wheel"])
    def test_metadata_is_missing_where_there_is_none(self, upstream, content) -> None:
        file = upstream.add(WHEEL, content, core_metadata=False)

        assert page(upstream)["files"][0]["core-metadata"] is False
        assert ask(upstream, f"{file.path}.metadata").status == 404

    def test_promised_metadata_can_be_missing(self, upstream) -> None:
        file = upstream.add(WHEEL, b"no wheel", core_metadata=True)

        assert page(upstream)["files"][0]["core-metadata"] is True
        assert ask(upstream, f"{file.path}.metadata").status == 404

    def test_file_can_be_linked_anywhere_and_be_of_any_project(self, upstream) -> None:
        upstream.add("strange.exe", b"", project="Holy_Grail", url="file:///etc/passwd")

        assert links(upstream) == ["file:///etc/passwd"]

    def test_file_that_names_no_project_needs_one(self, upstream) -> None:
        with pytest.raises(ValueError, match="give project="):
            upstream.add("strange.exe", b"")

    def test_file_on_disk_is_served_from_there(self, upstream, tmp_path) -> None:
        path = tmp_path / "large"
        content = hashlib.shake_128(b"large").digest(LARGE + 1)
        path.write_bytes(content)
        file = upstream.add_path("large-1.0.tar.gz", path)

        assert file.size == LARGE + 1
        assert ask(upstream, file.path).body == content
        assert ask(upstream, file.path, range="bytes=100-199").body == content[100:200]
        assert upstream.bytes_sent(file.path) == LARGE + 101

    def test_removed_project_is_gone_and_its_bytes_stay(self, upstream, wheel) -> None:
        upstream.remove("Holy.Grail")

        assert ask(upstream, PAGE).status == 404
        assert ask(upstream, wheel.path).status == 200

    def test_removed_file_is_gone(self, upstream, wheel) -> None:
        upstream.remove("holy-grail", WHEEL)

        assert page(upstream)["files"] == []
        assert ask(upstream, wheel.path).status == 404

    def test_file_can_be_replaced(self, upstream, wheel) -> None:
        changed = upstream.add(WHEEL, b"other bytes")

        assert [file["url"] for file in page(upstream)["files"]] == [upstream.url_of(changed)]

    def test_root_lists_projects(self, upstream, wheel) -> None:
        upstream.set_status("Black_Knight", "quarantined")

        assert [project["name"] for project in page(upstream, "/simple/")["projects"]] == [
            "black-knight",
            "holy-grail",
        ]
        assert links(upstream, "/simple/") == ["/simple/black-knight/", "/simple/holy-grail/"]

    @pytest.mark.parametrize("accept", [JSON, "text/html"])
    def test_huge_root_is_made_while_it_is_sent(self, upstream, accept) -> None:
        made = []

        def names():
            for number in range(200_000):
                made.append(number)
                yield f"project-{number}"

        upstream.names = names
        stall = upstream.stall("/simple/", after=1000)
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(ask, upstream, "/simple/", accept=accept)
            stall.wait_until_held()
            early = len(made)
            stall.release()

        assert early < 10_000
        assert asked.result().body.decode().count("project-199999") in {1, 2}

    def test_unknown_paths_are_missing(self, upstream, wheel) -> None:
        paths = ["/", "/simple/black-knight/", "/simple/a/b/", "/packages/x", "/packages/x.metadata"]

        assert [ask(upstream, path).status for path in paths] == [404] * 5

    def test_other_methods_are_refused_and_seen(self, upstream) -> None:
        assert ask(upstream, "/simple/", method="DELETE").status == 405
        assert upstream.count(method="DELETE") == 1

    def test_head_has_no_body(self, upstream, wheel) -> None:
        connection = connect(upstream)
        head = ask(upstream, wheel.path, method="HEAD", connection=connection)
        whole = ask(upstream, wheel.path, connection=connection)
        connection.close()

        assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(wheel.size))
        assert whole.body == wheel.content


class TestHabits:
    """How it answers."""

    @pytest.mark.parametrize(
        ("accept", "expected"),
        [
            ("", "text/html; charset=utf-8"),
            ("*/*", "text/html; charset=utf-8"),
            (JSON, JSON),
            (f"text/html;q=0.1, {JSON}", JSON),
            (f"text/html, {JSON};q=0.2", "text/html; charset=utf-8"),
            ("application/vnd.pypi.simple.v1+html", "application/vnd.pypi.simple.v1+html"),
        ],
    )
    def test_best_format_is_sent(self, upstream, wheel, accept, expected) -> None:
        assert ask(upstream, PAGE, accept=accept).headers["Content-Type"] == expected

    @pytest.mark.parametrize(("form", "accept"), [("html", JSON), ("json", "text/html")])
    def test_only_format_is_sent_to_everyone(self, upstream, wheel, form, accept) -> None:
        upstream.formats = {form}

        assert form in ask(upstream, PAGE, accept=accept).headers["Content-Type"]

    def test_unchanged_page_is_not_sent_again(self, upstream, wheel) -> None:
        first = ask(upstream, PAGE)
        by_etag = ask(upstream, PAGE, if_none_match=first.headers["ETag"])
        by_date = ask(upstream, PAGE, if_modified_since=first.headers["Last-Modified"])
        upstream.set_status("holy-grail", "archived")
        after = [
            ask(upstream, PAGE, if_none_match=first.headers["ETag"]),
            ask(upstream, PAGE, if_modified_since=first.headers["Last-Modified"]),
        ]

        assert [by_etag.status, by_date.status, *(answer.status for answer in after)] == [304, 304, 200, 200]
        assert by_etag.body == b""

    def test_formats_have_different_tags(self, upstream, wheel) -> None:
        tags = {ask(upstream, path, accept=accept).headers["ETag"]
                for path in (PAGE, "/simple/") for accept in (JSON, "text/html")}  # fmt: skip

        assert len(tags) == 4

    def test_validators_can_be_left_out(self, upstream, wheel) -> None:
        upstream.validators = set()
        headers = [ask(upstream, path).headers for path in (PAGE, "/simple/", wheel.path)]

        assert not any("ETag" in one or "Last-Modified" in one for one in headers)

    @pytest.mark.parametrize(
        ("asked", "start", "stop"),
        [
            ("bytes=0-9", 0, 10),
            ("bytes=10-", 10, None),
            ("bytes=-7", -7, None),
            ("bytes=5-99999999", 5, None),
        ],
    )
    def test_range_of_a_file(self, upstream, wheel, asked, start, stop) -> None:
        answer = ask(upstream, wheel.path, range=asked)
        expected = wheel.content[start:stop]
        first = start % wheel.size

        assert (answer.status, answer.body) == (206, expected)
        assert answer.headers["Content-Range"] == f"bytes {first}-{first + len(expected) - 1}/{wheel.size}"

    def test_range_behind_the_end(self, upstream, wheel) -> None:
        answer = ask(upstream, wheel.path, range=f"bytes={wheel.size}-")

        assert (answer.status, answer.headers["Content-Range"]) == (416, f"bytes */{wheel.size}")

    def test_range_of_another_file_is_the_whole_one(self, upstream, wheel) -> None:
        tag = ask(upstream, wheel.path).headers["ETag"]

        assert ask(upstream, wheel.path, range="bytes=0-9", if_range=tag).status == 206
        assert ask(upstream, wheel.path, range="bytes=0-9", if_range='"other"').status == 200

    @pytest.mark.parametrize(("ranges", "promised"), [(False, None), ("ignored", "bytes")])
    def test_ranges_can_be_switched_off(self, upstream, wheel, ranges, promised) -> None:
        upstream.ranges = ranges
        answer = ask(upstream, wheel.path, range="bytes=0-9")

        assert (answer.status, answer.body) == (200, wheel.content)
        assert answer.headers["Accept-Ranges"] == promised

    @pytest.mark.parametrize("path", [PAGE, "/simple/"])
    def test_pages_are_compressed_for_who_wants_it(self, upstream, wheel, path) -> None:
        plain, packed = ask(upstream, path), ask(upstream, path, accept_encoding="gzip")
        upstream.gzip = False
        refused = ask(upstream, path, accept_encoding="gzip")

        assert gzip.decompress(packed.body) == plain.body == refused.body
        assert packed.headers["Content-Encoding"] == "gzip"

    def test_links_can_be_relative(self, upstream, wheel) -> None:
        upstream.links = "relative"

        assert links(upstream) == [f"../..{wheel.path}"]
        assert page(upstream)["files"][0]["url"] == f"../..{wheel.path}"

    def test_links_can_have_a_base(self, upstream, wheel) -> None:
        upstream.links = "base"

        assert links(upstream) == [f"{upstream.origin}/packages/", wheel.path.removeprefix("/packages/")]
        assert page(upstream)["files"][0]["url"] == upstream.url_of(wheel)

    def test_names_are_redirected_to_their_normal_form(self, upstream, wheel) -> None:
        answers = [ask(upstream, path) for path in ("/simple/Holy.Grail/", "/simple/holy-grail")]

        assert [(one.status, one.headers["Location"]) for one in answers] == [
            (301, upstream.origin + PAGE)
        ] * 2

    def test_names_can_be_answered_as_they_are(self, upstream, wheel) -> None:
        upstream.redirect_names = False

        assert page(upstream, "/simple/Holy.Grail/")["name"] == "holy-grail"

    def test_files_can_be_on_another_host(self) -> None:
        with FakeUpstream() as files, FakeUpstream(files=files) as upstream:
            file = upstream.add(WHEEL, b"wheel")
            upstream.links = "relative"

            assert links(upstream) == [files.origin + file.path]
            assert ask(files, file.path).body == b"wheel"
            assert ask(upstream, file.path).status == 404
            assert ask(files, PAGE).status == 404

    @pytest.mark.parametrize(
        ("options", "header"),
        [({"credentials": ("alice", "secret")}, "Basic YWxpY2U6c2VjcmV0"), ({"token": "t"}, "Bearer t")],
    )
    def test_credentials_are_asked_for(self, options, header) -> None:
        with FakeUpstream(**options) as upstream:
            file = upstream.add(WHEEL, b"wheel")
            statuses = [
                ask(upstream, path, **headers).status
                for path in (PAGE, file.path)
                for headers in ({}, {"authorization": "Basic YWxpY2U6"}, {"authorization": header})
            ]

        assert statuses == [401, 401, 200] * 2

    def test_latency_comes_before_the_answer(self, upstream, wheel) -> None:
        upstream.latency = 60.0
        connection = connect(upstream, timeout=0.1)
        with pytest.raises(TimeoutError):
            ask(upstream, PAGE, connection=connection)
        connection.close()

        upstream.wait_until(lambda: upstream.open_transfers == 0)

    def test_keeps_connections(self, upstream, wheel) -> None:
        connection = connect(upstream)
        for path in (PAGE, "/simple/", wheel.path, "/nothing"):
            ask(upstream, path, connection=connection)
        connection.close()

        assert upstream.connections == 1

    def test_old_protocol_gets_no_chunks(self, upstream) -> None:
        with socket.create_connection((upstream.host, upstream.port), timeout=10) as raw:
            raw.sendall(b"GET /simple/ HTTP/1.0\r\n\r\n")
            head, body = b"".join(iter(lambda: raw.recv(65536), b"")).split(b"\r\n\r\n")

        assert b"chunked" not in head
        assert body.startswith(b"<!DOCTYPE html>")

    def test_stands_for_a_proxy_server(self, upstream) -> None:
        with socket.create_connection((upstream.host, upstream.port), timeout=10) as raw:
            raw.sendall(b"GET http://index.example/simple/?a=b HTTP/1.1\r\nHost: index.example\r\n\r\n")
            assert raw.recv(100).startswith(b"HTTP/1.1 200 OK")

        (request,) = upstream.requests
        assert (request.target, request.path) == ("http://index.example/simple/?a=b", "/simple/")

    def test_tls(self, tmp_path) -> None:
        files = tmp_path / "cert.pem", tmp_path / "key.pem"
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
        command += ["-addext", "subjectAltName=IP:127.0.0.1", "-out", files[0], "-keyout", files[1]]
        subprocess.run(command, check=True, capture_output=True)
        context = ssl.create_default_context(cafile=files[0])
        content = hashlib.shake_128(b"large").digest(LARGE)
        path = tmp_path / "large"
        path.write_bytes(content)
        with FakeUpstream(tls=files) as upstream:
            file = upstream.add_path("large-1.0.tar.gz", path)
            connection = http.client.HTTPSConnection(
                upstream.host, upstream.port, context=context, timeout=10
            )
            received = ask(upstream, file.path, connection=connection).body
            stall = upstream.stall("*")
            with ThreadPoolExecutor(1) as pool:
                later = pool.submit(ask, upstream, "/simple/", connection=connection)
                stall.wait_until_held()
                stall.release()
            connection.close()

        assert upstream.url.startswith("https://127.0.0.1:")
        assert received == content
        assert later.result().status == 200

    def test_tls_with_certificates_of_clients(self, tmp_path) -> None:
        files = tmp_path / "cert.pem", tmp_path / "key.pem"
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
        command += ["-addext", "subjectAltName=IP:127.0.0.1", "-out", files[0], "-keyout", files[1]]
        subprocess.run(command, check=True, capture_output=True)
        stranger = ssl.create_default_context(cafile=files[0])
        known = ssl.create_default_context(cafile=files[0])
        known.load_cert_chain(*files)
        with FakeUpstream(tls=(*files, files[0])) as upstream:
            for context in (stranger, known):
                connection = http.client.HTTPSConnection(
                    upstream.host, upstream.port, context=context, timeout=10
                )
                if context is stranger:
                    with pytest.raises(OSError):
                        ask(upstream, "/simple/", connection=connection)
                else:
                    assert ask(upstream, "/simple/", connection=connection).status == 200
                connection.close()

            assert upstream.count() == 1


class TestFaults:
    """What goes wrong."""

    def test_error_for_some_requests(self, upstream, wheel) -> None:
        upstream.fail("/simple/*", 503, retry_after=7, times=2)
        answers = [ask(upstream, PAGE) for _ in range(3)]

        assert [one.status for one in answers] == [503, 503, 200]
        assert answers[0].headers["Retry-After"] == "7"
        assert ask(upstream, wheel.path).status == 200

    def test_answers_for_some_requests_are_given_in_their_order(self, upstream, wheel) -> None:
        upstream.fail("*", 404)
        upstream.fail("*", 500, times=1)
        upstream.fail("*", 502, times=1)
        upstream.fail("*", 410)

        assert [ask(upstream, PAGE).status for _ in range(4)] == [500, 502, 410, 410]

    def test_faults_can_be_forgotten(self, upstream, wheel) -> None:
        upstream.fail("*", 500)
        stall = upstream.stall("*")
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(ask, upstream, PAGE)
            stall.wait_until_held()
            upstream.clear_faults()

        assert asked.result().status == 500
        assert ask(upstream, PAGE).status == 200

    def test_redirect_goes_where_it_is_told(self, upstream, wheel) -> None:
        upstream.redirect(PAGE, "http://169.254.169.254/", status=307)
        answer = ask(upstream, PAGE)

        assert (answer.status, answer.headers["Location"]) == (307, "http://169.254.169.254/")

    def test_any_answer_can_be_given(self, upstream) -> None:
        upstream.answer(PAGE, 299, {"Content-Type": "text/x", "X-Odd": "yes"}, b"garbage")
        answer = ask(upstream, PAGE)

        assert (answer.status, answer.headers["X-Odd"], answer.body) == (299, "yes", b"garbage")

    def test_endless_answer_is_made_while_it_is_read(self, upstream) -> None:
        def bomb():
            squeeze = zlib.compressobj(wbits=31)
            while True:
                yield squeeze.compress(bytes(1 << 20))

        upstream.answer(PAGE, 200, {"Content-Encoding": "gzip"}, bomb)
        for _ in range(2):
            connection = connect(upstream)
            connection.request("GET", PAGE)
            assert len(connection.getresponse().read(100_000)) == 100_000
            connection.close()

        upstream.wait_until(lambda: upstream.open_transfers == 0)

    def test_announced_length_can_be_wrong(self, upstream) -> None:
        upstream.answer(PAGE, 200, {"Content-Length": "100"}, b"short")

        with pytest.raises(http.client.IncompleteRead):
            ask(upstream, PAGE)

    def test_held_answer_goes_on_when_it_may(self, upstream, wheel) -> None:
        stall = upstream.stall(PAGE)
        with ThreadPoolExecutor(2) as pool:
            asked = [pool.submit(ask, upstream, PAGE) for _ in range(2)]
            stall.wait_until_held(2)
            during = [one.done() for one in asked], ask(upstream, wheel.path).status, upstream.open_transfers
            stall.release()

        assert during[0] == [False, False]
        assert during[1] == 200
        assert [one.result().status for one in asked] == [200, 200]
        assert stall.held == 0

    def test_body_passes_as_far_as_it_may(self, upstream, wheel) -> None:
        stall = upstream.stall(wheel.path, after=10)
        connection = connect(upstream)
        connection.request("GET", wheel.path)
        answer = connection.getresponse()
        begin = answer.read(10)
        stall.wait_until_held()
        sent = upstream.bytes_sent(wheel.path)
        stall.let(5)
        begin += answer.read(5)
        stall.wait_until_held()
        stall.release()
        rest = answer.read()
        connection.close()

        assert sent == 10
        assert begin + rest == wheel.content
        assert len(begin) == 15

    def test_head_comes_before_a_body_that_is_held(self, upstream, wheel) -> None:
        upstream.stall(wheel.path, after=0)
        connection = connect(upstream)
        connection.request("GET", wheel.path)

        assert connection.getresponse().status == 200
        connection.close()

    def test_held_answer_ends_when_the_client_leaves(self, upstream, wheel) -> None:
        stall = upstream.stall(PAGE)
        connection = connect(upstream)
        connection.request("GET", PAGE)
        stall.wait_until_held()
        connection.close()

        upstream.wait_until(lambda: upstream.open_transfers == 0)
        assert stall.held == 0

    def test_waiting_in_vain_is_an_error(self, upstream) -> None:
        with pytest.raises(TimeoutError, match="0 answers are held instead of 1"):
            upstream.stall("*").wait_until_held(timeout=0.01)
        with pytest.raises(TimeoutError, match=r"0 requests for \*\.whl arrived instead of 1"):
            upstream.wait_for("*.whl", timeout=0.01)
        with pytest.raises(TimeoutError):
            upstream.wait_until(lambda: False, timeout=0.01)

    def test_slow_body_comes_in_pieces(self, upstream) -> None:
        upstream.add("a-1.tar.gz", bytes(1000))
        upstream.slow("*.tar.gz", 10_000)
        url = page(upstream, "/simple/a/")["files"][0]["url"].removeprefix(upstream.origin)
        before = upstream.requests[-1].at
        body = ask(upstream, url).body
        ask(upstream, "/simple/")

        assert body == bytes(1000)
        assert upstream.requests[-1].at - before >= 0.09

    def test_dripping_body_comes_byte_by_byte(self, upstream, wheel) -> None:
        upstream.drip(PAGE)
        connection = connect(upstream)
        connection.request("GET", PAGE)
        answer = connection.getresponse()

        assert len(answer.read1(65536)) < 50
        connection.close()

    def test_body_can_end_too_early(self, upstream, wheel) -> None:
        upstream.truncate(wheel.path, 100)
        with pytest.raises(http.client.IncompleteRead) as caught:
            ask(upstream, wheel.path)

        assert caught.value.partial == wheel.content[:100]

    def test_list_can_end_too_early(self, upstream) -> None:
        upstream.truncate("/simple/", 0)

        with pytest.raises(http.client.IncompleteRead):
            ask(upstream, "/simple/")

    def test_bytes_can_be_others(self, upstream, wheel, tmp_path) -> None:
        path = tmp_path / "large"
        path.write_bytes(wheel.content)
        copy = upstream.add_path("large-1.0.tar.gz", path)
        upstream.corrupt("/packages/*")
        bodies = {ask(upstream, file.path).body for file in (wheel, copy)}
        part = ask(upstream, wheel.path, range="bytes=10-19").body

        (body,) = bodies
        assert len(body) == wheel.size
        assert not any(right == wrong for right, wrong in zip(wheel.content, body, strict=True))
        assert part == body[10:20]

    def test_connection_can_be_reset(self, upstream, wheel) -> None:
        upstream.reset(PAGE)
        upstream.reset(wheel.path, after=100)

        with pytest.raises(ConnectionResetError):
            ask(upstream, PAGE)
        with pytest.raises(ConnectionResetError):
            ask(upstream, wheel.path)

    def test_several_faults_meet(self, upstream, wheel) -> None:
        upstream.answer(PAGE, 200, {}, b"0123456789")
        upstream.corrupt(PAGE)
        upstream.truncate(PAGE, 4)
        stall = upstream.stall(PAGE, after=2)
        connection = connect(upstream)
        connection.request("GET", PAGE)
        answer = connection.getresponse()
        begin = answer.read(2)
        stall.release()
        with pytest.raises(http.client.IncompleteRead) as caught:
            answer.read()
        connection.close()

        assert begin + caught.value.partial == bytes(255 - byte for byte in b"0123")

    def test_down_refuses_and_up_answers_on_the_same_port(self, upstream, wheel) -> None:
        url = upstream.url
        connection = connect(upstream)
        ask(upstream, PAGE, connection=connection)
        for _ in range(3):
            upstream.down()
            with pytest.raises(ConnectionRefusedError):
                ask(upstream, PAGE)
            upstream.up()
            assert ask(upstream, PAGE).status == 200

        assert upstream.url == url
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            ask(upstream, PAGE, connection=connection)
        connection.close()

    def test_down_cuts_what_is_under_way(self, upstream, wheel) -> None:
        stall = upstream.stall(wheel.path, after=10)
        connection = connect(upstream)
        connection.request("GET", wheel.path)
        answer = connection.getresponse()
        stall.wait_until_held()
        upstream.down()

        with pytest.raises((ConnectionError, http.client.IncompleteRead)):
            answer.read()
        connection.close()

    def test_stop_leaves_no_thread(self) -> None:
        before = set(threading.enumerate())
        with FakeUpstream() as upstream:
            file = upstream.add("a-1.tar.gz", bytes(LARGE * 4))
            stalls = [upstream.stall("/simple/"), upstream.stall("/simple/a/", after=1)]
            upstream.drip("/drip", interval=60)
            upstream.answer("/drip", 200, {}, b"drip")
            connections = [connect(upstream) for _ in range(5)]
            paths = ["/simple/", "/simple/a/", "/drip", file.path]
            for connection, path in zip(connections[1:], paths, strict=True):
                connection.request("GET", path)
            connections[0].connect()
            for stall in stalls:
                stall.wait_until_held()
            upstream.wait_for("/drip")
            upstream.wait_for(file.path)
        for connection in connections:
            connection.close()

        assert set(threading.enumerate()) == before


class TestObservation:
    """What tests can find out."""

    def test_requests_are_kept_in_their_order(self, upstream, wheel) -> None:
        ask(upstream, PAGE, accept=JSON, x_odd="yes")
        ask(upstream, wheel.path, method="HEAD")
        first, second = upstream.requests

        assert (first.method, first.path, first.headers["x-odd"]) == ("GET", PAGE, "yes")
        assert (second.method, second.path) == ("HEAD", wheel.path)
        assert first.at < second.at

    def test_requests_are_counted_by_pattern(self, upstream, wheel) -> None:
        for path in (PAGE, PAGE, wheel.path):
            ask(upstream, path)
        counts = [upstream.count(), upstream.count(PAGE), upstream.count("*.whl"), upstream.count("/x")]
        upstream.forget()

        assert counts == [3, 2, 1, 0]
        assert upstream.count() == upstream.connections == upstream.bytes_sent() == 0

    def test_arrival_can_be_waited_for(self, upstream, wheel) -> None:
        stall = upstream.stall("*")
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(ask, upstream, PAGE)
            upstream.wait_for(PAGE)
            arrived = upstream.open_transfers
            stall.release()

        assert arrived == 1
        assert asked.result().status == 200
        upstream.wait_until(lambda: upstream.open_transfers == 0)

    def test_bytes_are_counted_by_path(self, upstream, wheel) -> None:
        for _ in range(2):
            ask(upstream, wheel.path)
        ask(upstream, wheel.path, range="bytes=0-9")
        ask(upstream, wheel.path, method="HEAD")

        assert upstream.bytes_sent("*.whl") == wheel.size * 2 + 10
        assert upstream.bytes_sent("/simple/*") == 0

    def test_client_that_leaves_stops_the_bytes(self, upstream) -> None:
        file = upstream.add("a-1.tar.gz", bytes(LARGE * 4))
        connection = connect(upstream)
        connection.request("GET", file.path)
        connection.getresponse().read(10)
        connection.close()
        upstream.wait_until(lambda: upstream.open_transfers == 0)

        assert 0 < upstream.bytes_sent(file.path) < file.size

    def test_threads_are_all_answered(self, upstream, wheel) -> None:
        with ThreadPoolExecutor(16) as pool:
            bodies = list(pool.map(lambda _: ask(upstream, wheel.path).body, range(200)))

        assert set(bodies) == {wheel.content}
        assert upstream.count(wheel.path) == 200

    def test_there_is_no_address_before_the_start(self) -> None:
        with pytest.raises(RuntimeError, match="before it is started"):
            _ = FakeUpstream().url

    def test_fixture_gives_one(self, pypi_upstream) -> None:
        assert ask(pypi_upstream, "/simple/").status == 200
