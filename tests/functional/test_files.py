import hashlib
import io
import zipfile

import pytest
from webtest import Upload

from pyramid_pypi.testing.artefacts import make_sdist, make_wheel
from tests.functional.support import OPEN, upload_fields

BIG = {"files": {"blob.bin": bytes(range(256)) * 400}, "compression": zipfile.ZIP_STORED}


@pytest.fixture(params=["small", "big"])
def published(request, client):
    """A file that is kept ready in memory, and one that is read from the disk."""
    options = BIG if request.param == "big" else {}
    filename, content = client.publish("holy-grail", "1.0", **options)
    return client, client.url("holy-grail", filename), content


def test_a_file_comes_whole_with_its_headers(published):
    client, url, content = published

    answer = client.web.get(url)

    assert answer.body == content
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Length"] == str(len(content))
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["ETag"] == f'"{hashlib.sha256(content).hexdigest()}"'
    assert answer.headers["Cache-Control"] == "max-age=365000000, immutable, public"
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_head_gives_the_length_and_no_body(published):
    client, url, content = published

    for _ in ("cold", "hot"):
        answer = client.web.head(url)
        assert answer.headers["Content-Length"] == str(len(content))
        assert answer.body == b""


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=10-", 10, None),
        ("bytes=-10", -10, None),
        ("bytes=5-999999999", 5, None),
        ("bytes=-999999999", 0, None),
    ],
)
def test_one_range_is_206(published, header, start, stop):
    client, url, content = published

    answer = client.web.get(url, headers={"Range": header}, status=206)

    expected = content[start:stop]
    first = len(content) + start if start < 0 else start
    assert answer.body == expected
    assert answer.headers["Content-Range"] == f"bytes {first}-{first + len(expected) - 1}/{len(content)}"
    assert answer.headers["Content-Length"] == str(len(expected))


@pytest.mark.parametrize(
    "header", ["bytes=0-1,3-4", "bytes=9-5", "lines=1-2", "bytes=-", "bytes=a-b", "bytes=" + "0-0," * 1000]
)
def test_ranges_that_are_not_one_range_give_the_whole_file(published, header):
    client, url, content = published

    assert client.web.get(url, headers={"Range": header}, status=200).body == content


@pytest.mark.parametrize("header", ["bytes=99999999-", "bytes=-0"])
def test_a_range_behind_the_end_is_416(published, header):
    client, url, content = published

    answer = client.web.get(url, headers={"Range": header}, status=416)

    assert answer.headers["Content-Range"] == f"bytes */{len(content)}"


def test_if_range_with_the_right_tag_gives_the_range(published):
    client, url, content = published
    tag = client.web.get(url).headers["ETag"]

    part = client.web.get(url, headers={"Range": "bytes=4-", "If-Range": tag}, status=206)
    whole = client.web.get(url, headers={"Range": "bytes=4-", "If-Range": '"stale"'}, status=200)

    assert part.body == content[4:]
    assert whole.body == content


def test_an_unchanged_file_is_304(published):
    client, url, _content = published
    headers = client.web.get(url).headers

    client.web.get(url, headers={"If-None-Match": headers["ETag"]}, status=304)
    client.web.get(url, headers={"If-Modified-Since": headers["Last-Modified"]}, status=304)
    client.web.get(url, headers={"If-Modified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"}, status=200)
    client.web.get(url, headers={"If-Modified-Since": "yesterday"}, status=200)


def test_metadata_is_that_of_the_wheel_byte_for_byte(client):
    filename, content = client.publish("Holy-Grail", "1.0", requires_dist=["shrubbery>=2 ; extra == 'ni'"])
    with zipfile.ZipFile(io.BytesIO(content)) as wheel:
        metadata = wheel.read("holy_grail-1.0.dist-info/METADATA")

    url = client.url("holy-grail", filename)
    answer = client.web.get(f"{url}.metadata")

    promised = client.page("holy-grail")["files"][0]["core-metadata"]["sha256"]
    assert answer.body == metadata
    assert hashlib.sha256(answer.body).hexdigest() == promised
    assert "immutable" in answer.headers["Cache-Control"]
    assert client.web.get(f"{url}.metadata", headers={"Range": "bytes=-4"}, status=206).body == metadata[-4:]


def test_an_sdist_promises_no_metadata_and_is_never_encoded(client):
    content = make_sdist("holy-grail", "1.0")
    client.upload("holy_grail-1.0.tar.gz", content)

    (file,) = client.page("holy-grail")["files"]
    answer = client.web.get(
        client.url("holy-grail", "holy_grail-1.0.tar.gz"), headers={"Accept-Encoding": "gzip"}
    )

    assert file["core-metadata"] is False
    assert answer.body == content
    assert "Content-Encoding" not in answer.headers


def test_a_signature_is_served_beside_its_file(client):
    content = make_wheel("holy-grail", "1.0")
    form = upload_fields("holy_grail-1.0-py3-none-any.whl", content)
    form.append(("gpg_signature", Upload("holy_grail-1.0-py3-none-any.whl.asc", b"-----BEGIN", "text/plain")))
    client.web.post("/", form)

    url = client.url("holy-grail", "holy_grail-1.0-py3-none-any.whl")

    assert client.page("holy-grail")["files"][0]["gpg-sig"] is True
    assert client.web.get(f"{url}.asc").body == b"-----BEGIN"


def test_a_file_without_a_signature_has_no_asc(client):
    filename, _ = client.publish()

    client.web.get(client.url("holy-grail", filename) + ".asc", status=404)


@pytest.mark.parametrize("change", [("a", "b"), ("packages/", "packages/00/"), (".whl", ".WHL")])
def test_only_the_right_path_leads_to_a_file(client, change):
    filename, _ = client.publish()
    url = client.url("holy-grail", filename)
    digest_start = url.index("/packages/") + len("/packages/")
    wrong = (
        url[:digest_start] + "zz" + url[digest_start + 2 :] if change == ("a", "b") else url.replace(*change)
    )

    client.web.get(wrong, status=404)


def test_the_place_in_the_tree_is_a_path_too(client):
    filename, content = client.publish()

    assert client.web.get(f"/packages/holy-grail/{filename}").body == content


@pytest.mark.parametrize(
    ("handoff", "prefix", "header", "value"),
    [
        ("x-accel-redirect", "/protected/", "X-Accel-Redirect", "/protected/holy-grail/{}"),
        ("x-sendfile", "/", "X-Sendfile", "{}/packages/holy-grail/{}"),
    ],
)
def test_a_web_server_in_front_may_send_the_bytes(build, tmp_path, handoff, prefix, header, value):
    storage = "pypi.repo.private.storage"
    client = build(**OPEN, **{f"{storage}.handoff": handoff, f"{storage}.handoff_prefix": prefix})
    filename, _ = client.publish()

    answer = client.web.get(client.url("holy-grail", filename))

    expected = value.format(tmp_path, filename) if header == "X-Sendfile" else value.format(filename)
    assert answer.headers[header] == expected
    assert answer.body == b""


def test_a_file_that_disappeared_is_404_and_not_500(client, tmp_path):
    filename, _ = client.publish(**BIG)
    url = client.url("holy-grail", filename)
    (tmp_path / "packages" / "holy-grail" / filename).unlink()

    answer = client.web.get(url, status=404)

    assert "disappeared" in answer.text
