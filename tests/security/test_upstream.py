"""An upstream that lies, leads astray or breaks; and people who would use us to reach it."""

import gzip
import html
import json
import logging
import re

import pytest
from webob import Request

from pyramid_pypi.errors import UpstreamUnavailable
from pyramid_pypi.testing.artefacts import make_wheel
from pyramid_pypi.testing.clients import compose_client
from pyramid_pypi.testing.upstreams import FakeUpstream
from tests.following import following_settings
from tests.security.support import JSON, basic, hashed

METADATA_SERVICE = "169.254.169.254"
WHEEL = "holy_grail-1.0-py3-none-any.whl"
CONTENT = make_wheel("holy-grail", "1.0", size=300_000)
QUICK = {
    "pypi.repo.pypi.upstream.connect_timeout": "1",
    "pypi.repo.pypi.upstream.read_timeout": "1",
    "pypi.repo.pypi.upstream.total_timeout": "3",
}


@pytest.fixture
def upstream():
    with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture
def target():
    """Where nobody may be led: another port of the same machine."""
    with FakeUpstream() as target:
        target.add(WHEEL, CONTENT)
        yield target

        assert target.requests == []


@pytest.fixture
def follow(tmp_path, upstream):
    """Compose an index that follows the upstream; changes are settings."""
    clients = []

    def compose(**changes):
        folder = tmp_path / "data"
        changes = {key.replace("__", "."): value for key, value in changes.items()}
        settings = following_settings(folder, upstream.url, {**QUICK, "pypi.access_log": "false", **changes})
        clients.append(compose_client(folder, settings))
        return clients[-1]

    yield compose
    for client in clients:
        client.app.close()


def page(client, name="holy-grail", **options):
    return client.get(f"/simple/{name}/", headers={"Accept": JSON}, **options)


def offer_page(upstream, *files, name="holy-grail", **more):
    """Answer a page with these entries as they are."""
    content = {"meta": {"api-version": "1.1"}, "name": name, "files": list(files), **more}
    upstream.answer(f"/simple/{name}/", 200, {"Content-Type": JSON}, json.dumps(content).encode())


def entry(url, filename=WHEEL, **more):
    return {"filename": filename, "url": url, "hashes": {}, **more}


def stored(tmp_path):
    """Return the files that are kept, and those that are half-written."""
    root = tmp_path / "data" / "cache" / "pypi" / "files"
    return [path.name for path in root.rglob("*") if path.is_file() and path.suffix in {".whl", ".gz"}]


def staged(tmp_path):
    root = tmp_path / "data" / "cache" / "pypi" / "files"
    return [path for path in root.rglob("staging/*") if path.is_file()]


LEADING_ASTRAY = [
    "{origin}/simple/holy-grail/",
    "http://127.0.0.2:{port}/simple/holy-grail/",
    "http://localhost:{port}/",
    f"http://{METADATA_SERVICE}/latest/meta-data/",
    "http://[::ffff:169.254.169.254]/latest/",
    "http://2852039166/latest/",
    "http://0x7f000001:{port}/",
    "http://{own}@127.0.0.1:{port}/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_GET",
    "ftp://127.0.0.1:{port}/",
    "//127.0.0.1:{port}/simple/holy-grail/",
    "http://127.0.0.1:0/",
    "http://",
]


def astray(where, upstream, target):
    return where.format(origin=target.origin, port=target.port, own=f"{upstream.host}:{upstream.port}")


@pytest.mark.parametrize("status", [301, 303, 307, 308])
@pytest.mark.parametrize("where", LEADING_ASTRAY[:1])
def test_no_redirect_leads_to_another_host(where, status, follow, upstream, target):
    upstream.redirect("*", astray(where, upstream, target), status=status)

    assert page(follow(), status=502).json["message"]


@pytest.mark.parametrize("where", LEADING_ASTRAY)
def test_no_redirect_of_a_page_or_a_file_leads_astray(where, follow, upstream, target):
    offered = upstream.add(WHEEL, CONTENT)
    client = follow()
    page(client)
    upstream.redirect("*.whl", astray(where, upstream, target))
    upstream.redirect("*.metadata", astray(where, upstream, target))
    upstream.redirect("/simple/other/", astray(where, upstream, target))

    page(client, "other", status=502)
    client.get(offered.path, status=502)
    client.get(f"{offered.path}.metadata", status=502)


@pytest.mark.parametrize("where", LEADING_ASTRAY[:-1])
@pytest.mark.parametrize("files", ["cache", "redirect"])
def test_no_page_leads_us_or_our_clients_astray(files, where, follow, upstream, target):
    url = astray(where, upstream, target).rstrip("/") + f"/{WHEEL}"
    offer_page(upstream, entry(url, **{"core-metadata": True}))
    client = follow(pypi__repo__pypi__files=files)

    shown = page(client).json["files"]

    for file in shown:
        path = file["url"].removeprefix("../..")
        assert path.startswith("/packages/")
        for suffix in ("", ".metadata"):
            answer = client.get(path + suffix, status="*")
            assert answer.status_int in {404, 502, 504}
            assert "Location" not in answer.headers


def test_a_url_that_says_whose_it_is_gets_no_credentials(follow, upstream, target):
    offer_page(upstream, entry(f"http://ci:s3cret@127.0.0.1:{target.port}/{WHEEL}"))
    client = follow(pypi__repo__pypi__files="redirect")

    (file,) = page(client).json["files"]
    answer = client.get(file["url"].removeprefix("../.."), status=502)

    assert "s3cret" not in answer.text


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)//holy_grail-1.0-py3-none-any.whl",
        "data:text/html,/holy_grail-1.0-py3-none-any.whl",
        "../../../../etc/passwd",
        "../../packages/other_project-1.0-py3-none-any.whl",
        "/packages/holy_grail-1.0-py3-none-any.whl/../../x",
        "/packages/holy_grail-1.0-py3-none-any.whl%0d%0aX-Evil:%201",
        "/packages/\r\nX-Evil: 1/holy_grail-1.0-py3-none-any.whl",
        "/packages/..%2f..%2fholy_grail-1.0-py3-none-any.whl",
        "",
    ],
)
@pytest.mark.parametrize("form", ["json", "html"])
def test_links_that_are_not_files_of_the_project_are_dropped(form, url, follow, upstream):
    if form == "json":
        offer_page(upstream, entry(url, url.rpartition("/")[2]), entry(url))
    else:
        text = f'<a href="{html.escape(url)}">{WHEEL}</a>'
        upstream.answer("/simple/holy-grail/", 200, {"Content-Type": "text/html"}, text.encode())

    assert page(follow()).json["files"] == []


def test_a_page_of_another_project_is_no_page_of_this_one(follow, upstream):
    other = upstream.add("other_project-1.0-py3-none-any.whl", make_wheel("other-project", "1.0"))
    offer_page(upstream, entry(upstream.url_of(other), other.filename), name="holy-grail")
    client = follow()

    assert page(client).json["files"] == []


@pytest.mark.parametrize("packed", [False, True])
def test_a_page_without_end_is_refused(packed, follow, upstream):
    body = b" " * 3_000_000
    headers = {"Content-Type": JSON, **({"Content-Encoding": "gzip"} if packed else {})}
    upstream.answer("/simple/holy-grail/", 200, headers, gzip.compress(body) if packed else body)

    answer = page(follow(**{"pypi.repo.pypi.upstream.max_page": "2 MB"}), status=502)

    assert "more than 2000000 bytes" in answer.json["message"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (JSON, b"{"),
        (JSON, b"[" * 100_000),
        (JSON, b'{"files": 1}'),
        (JSON, b"\xff\xfe"),
        ("text/plain", b"hello"),
        ("application/octet-stream", b"\0" * 1000),
        ("", b""),
    ],
)
def test_garbage_is_neither_an_empty_page_nor_a_missing_one(kind, body, follow, upstream):
    upstream.answer("/simple/holy-grail/", 200, {"Content-Type": kind}, body)

    assert page(follow(), status=502).json["message"]


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 501, 502, 503, 504, 520])
def test_an_error_never_becomes_a_missing_project(status, follow, upstream):
    upstream.fail("/simple/*", status, retry_after=60)
    client = follow()

    for _ in range(2):
        assert page(client, status="*").status_int in {502, 503, 504}
    assert client.get("/-/ready").json == {"status": "ok"}


@pytest.mark.parametrize("files", ["cache", "stream"])
def test_wrong_bytes_are_never_kept_nor_sent_to_their_end(files, follow, upstream, tmp_path):
    offered = upstream.add(WHEEL, CONTENT)
    client = follow(pypi__repo__pypi__files=files)
    upstream.corrupt("*.whl", times=1)

    received = read_until_cut(client, offered.path)

    assert len(received) < len(CONTENT)
    assert stored(tmp_path) == staged(tmp_path) == []
    assert client.get(offered.path).body == CONTENT


def read_until_cut(client, path):
    """Return what a client gets of a file whose bytes fail to come, before or while they are sent."""
    received, told = b"", []
    try:
        for chunk in client.app(Request.blank(path).environ, lambda status, _: told.append(status)):
            received += chunk
    except UpstreamUnavailable:
        return received
    assert told[0].startswith("502")
    return b""


def test_truncated_bytes_are_never_kept(follow, upstream, tmp_path):
    offered = upstream.add(WHEEL, CONTENT)
    client = follow()
    upstream.truncate("*.whl", 1000)

    received = read_until_cut(client, offered.path)

    assert len(received) < len(CONTENT)
    assert stored(tmp_path) == staged(tmp_path) == []
    upstream.clear_faults()
    assert client.get(offered.path).body == CONTENT


def test_a_web_page_instead_of_a_wheel_is_refused(follow, upstream, tmp_path):
    offered = upstream.add(WHEEL, CONTENT)
    client = follow()
    upstream.answer("*.whl", 200, {"Content-Type": "text/html"}, b"<h1>Log in, please</h1>")

    client.get(offered.path, status=502)

    assert stored(tmp_path) == []


def test_a_file_that_has_changed_upstream_does_not_replace_the_kept_one(follow, upstream):
    offered = upstream.add(WHEEL, CONTENT)
    client = follow(**{"pypi.repo.pypi.ttl": "0", "pypi.repo.pypi.stale_while_revalidate": "0"})
    client.get(offered.path)
    evil = make_wheel("holy-grail", "1.0", files={"evil.py": "pass"})
    upstream.answer(offered.path, 200, {}, evil)

    page(client)

    assert client.get(offered.path).body == CONTENT


PATHS = [
    "/simple/..%2f..%2fetc/",
    "/simple/%2e%2e/",
    "/simple/a%3fx/",
    "/simple/a%23x/",
    "/simple/@evil.example/",
    "/simple/a%0d%0aX-Evil:%201/",
    "/simple/a%00b/",
    "/simple/a%5cb/",
    "/simple/https:%2f%2fevil.example/",
    "/simple/%ef%bc%8e%ef%bc%8e/",
    "/simple/%e2%84%aalvin/",
    "/simple/-a/",
    "/simple/a%20b/",
    "/packages/..%2f..%2f/holy_grail-1.0-py3-none-any.whl",
    "/packages/aa/bb/cc/..%2fholy_grail-1.0-py3-none-any.whl%3fx",
    "/packages/http:%2f%2fevil.example%2fholy_grail-1.0.tar.gz",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("repository", ["", "/repository/pypi"])
def test_no_path_steers_the_request(repository, path, follow, upstream):
    answer = follow().get(repository + path, status="*")

    assert answer.status_int in {400, 404}
    assert {one.target for one in upstream.requests} <= {"/simple/holy-grail/"}


SECRETS = {"Authorization": "Basic c2VjcmV0", "Cookie": "session=secret", "X-Forwarded-For": "1.2.3.4"}


@pytest.mark.parametrize("files", ["cache", "stream"])
def test_nothing_that_a_client_sends_is_passed_on(files, follow, upstream):
    offered = upstream.add(WHEEL, CONTENT)
    client = follow(pypi__repo__pypi__files=files)
    sent = {
        **SECRETS,
        "Referer": "https://example.org/secret",
        "X-Api-Key": "secret",
        "User-Agent": "pip/secret",
    }

    for path in ("/simple/holy-grail/?secret=1", "/simple/", f"{offered.path}.metadata", offered.path):
        client.get(path, headers={**sent, "Accept": JSON})
    client.get(offered.path, headers={**sent, "Range": "bytes=0-10"}, status=206)

    assert len(upstream.requests) >= 4
    for request in upstream.requests:
        assert set(request.headers) <= {
            "host",
            "accept",
            "accept-encoding",
            "user-agent",
            "range",
            "if-none-match",
            "if-modified-since",
        }
        assert "secret" not in str(dict(request.headers)) + request.target


@pytest.mark.parametrize(
    "settings",
    [
        {"user": "ci", "password": "s3cr3t-pass"},
        {"token": "s3cr3t-pass"},
        {"url": "s3cr3t-pass"},
    ],
)
def test_our_credentials_are_in_no_answer_and_no_log(settings, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    with FakeUpstream(credentials=("ci", "s3cr3t-pass"), token="s3cr3t-pass") as upstream:
        offered = upstream.add(WHEEL, CONTENT)
        unseen = upstream.add("holy_grail-2.0-py3-none-any.whl", CONTENT)
        with_url = (
            upstream.url.replace("//", f"//ci:{settings['url']}@") if "url" in settings else upstream.url
        )
        stated = {f"pypi.repo.pypi.upstream.{key}": value for key, value in settings.items()}
        changes = {**QUICK, **stated, "pypi.repo.pypi.upstream.url": with_url}
        client = compose_client(tmp_path, following_settings(tmp_path, with_url, changes))
        answers = [client.get(path) for path in ("/simple/holy-grail/", "/simple/", offered.path)]
        upstream.fail("*", 503)
        answers += [client.get(path, status=502) for path in ("/simple/other/", unseen.path)]
        upstream.clear_faults()
        upstream.fail("*", 401)
        answers += [client.get("/simple/third/", status=502)]
        upstream.down()
        answers += [client.get("/simple/fourth/", status=502)]
        answers += [client.get("/-/ready"), client.get("/-/plugins", status="*")]
        client.app.close()

    shown = "\n".join(
        [str(answer.headers) + answer.status + answer.text for answer in map(readable, answers)]
    )
    assert "s3cr3t" not in shown + caplog.text
    assert basic("ci", "s3cr3t-pass") not in shown + caplog.text
    assert b"s3cr3t" not in (tmp_path / "cache" / "pypi" / "cache.db").read_bytes()


def readable(answer):
    answer.charset = "latin-1"
    return answer


def test_strangers_who_may_not_read_cause_no_requests(follow, upstream, tmp_path):
    offered = upstream.add(WHEEL, CONTENT)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "htpasswd").write_text(f"ann:{hashed('pass')}\n")
    closed = {f"pypi.repo.{name}.read": "authenticated" for name in ("private", "pypi", "all")}
    client = follow(**closed, **{"pypi.authenticators": "htpasswd", "pypi.auth.htpasswd.path": "htpasswd"})

    for mount in ("", "/pypi", "/repository/all"):
        for path in ("/simple/holy-grail/", "/simple/", offered.path, f"{offered.path}.metadata"):
            for method in (client.get, client.head):
                method(mount + path, status=401)
    asked = list(upstream.requests)
    client.get(offered.path, headers={"Authorization": basic("ann", "pass")})

    assert asked == []


EVIL = [
    '"><script>alert(1)</script>',
    "\r\nX-Evil: 1\r\n\r\n<script>alert(1)</script>",
    "--><script>alert(1)</script><!--",
    "\u202e\u2066\x00\x1b[31m<img src=x onerror=alert(1)>",
    "]]></style></title><script>",
    "'\"\\\ud800</a>",
]


@pytest.mark.parametrize("evil", EVIL)
def test_no_text_of_the_upstream_breaks_out_of_a_page(evil, follow, upstream):
    file = upstream.add(WHEEL, CONTENT)
    offer_page(
        upstream,
        entry(
            upstream.url_of(file),
            **{
                "requires-python": f">=3.8{evil}",
                "yanked": evil,
                "provenance": f"https://example.org/{evil}",
                "upload-time": evil,
                "_upload-time-source": evil,
                "size": evil,
                "core-metadata": {"sha256": evil},
                "gpg-sig": evil,
            },
        ),
        **{"project-status": {"status": evil, "reason": evil}, "versions": [evil], evil: evil},
    )
    client = follow()

    answer = page(client)
    shown = client.get("/simple/holy-grail/", headers={"Accept": "text/html"})

    (found,) = answer.json["files"]
    assert found["filename"] == WHEEL
    assert [tag.name for tag in shown.html.find_all()] == [
        "html", "head", *["meta"] * (3 + ("status-reason" in shown.text)), "title", "body", "h1", "a", "br"
    ]  # fmt: skip
    assert "x-evil" not in {name.lower() for name in [*answer.headers, *shown.headers]}
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202e\u2066]", shown.text)
    assert [link.get_text() for link in shown.html.find_all("a")] == [WHEEL]


@pytest.mark.parametrize(
    "headers",
    [
        {"ETag": '"a\tb"', "Last-Modified": "yesterday"},
        {"ETag": "x" * 10_000},
        {"Warning": "evil", "Set-Cookie": "a=b", "Refresh": "0; url=//evil.example", "X-PyPI-Stale": "1"},
        {"X-PyPI-Last-Serial": "evil"},
        {"Content-Security-Policy": "none", "Location": "//evil.example"},
    ],
)
def test_no_header_of_the_upstream_is_passed_on(headers, follow, upstream):
    file = upstream.add(WHEEL, CONTENT)
    body = json.dumps({"files": [entry(upstream.url_of(file))]}).encode()
    upstream.answer("/simple/holy-grail/", 200, {"Content-Type": JSON, **headers}, body)
    upstream.answer("*.whl", 200, headers, CONTENT)
    client = follow()

    answers = [page(client), client.get(page(client).json["files"][0]["url"].removeprefix("../.."))]

    for answer in answers:
        text = str(answer.headers)
        assert "evil" not in text
        assert "Set-Cookie" not in answer.headers
        assert "X-PyPI-Stale" not in answer.headers
        assert len(text) < 4000
