"""Uploads by somebody who may upload and means harm: names, forms, digests, replacements."""

import hashlib
import itertools
import time

import pytest

from pyramid_pypi.testing.artefacts import make_sdist, make_wheel
from tests.security.support import form

pytestmark = pytest.mark.alone

WHEEL = "holy_grail-1.0-py3-none-any.whl"
GOOD = make_wheel("holy-grail", "1.0")
numbers = itertools.count(1)

REFUSED = {400, 403, 409, 413, 415, 422}


@pytest.fixture
def refused(server, uploader):
    """Check that nothing has appeared and that the next upload works."""
    before = server.stored()
    yield uploader
    assert server.stored() == before
    answer, *_ = uploader.publish(f"next-{next(numbers)}")
    assert answer.status == 200


@pytest.mark.parametrize(
    "filename",
    [
        "../../holy_grail-1.0-py3-none-any.whl",
        "/tmp/holy_grail-1.0-py3-none-any.whl",
        "..\\holy_grail-1.0-py3-none-any.whl",
        "sub/holy_grail-1.0-py3-none-any.whl",
        "%2e%2e%2fholy_grail-1.0-py3-none-any.whl",
        "%252e%252e%252fholy_grail-1.0-py3-none-any.whl",
        "．．／holy_grail-1.0-py3-none-any.whl",
        "holy_grail-1.0-py3-none-any.whl\u202e",
        "holy_grail-1.0-py3-none-any.whl\t",
        "holy_grail-1.0-py3-none-any.whl\x1b[0m",
        "holy_grail-1.0-py3-none-any.whl\x7f",
        "holy_grail-1.0-py3-none-any.whl ",
        "holy_grail-1.0-py3-none-any.whl.",
        "holy_grail-1.0-py3-none-any.whl:ads",
        "holy_grail-1.0-py3-none-any.whl\r\nX-Injected: yes",
        "holy_grail-1.0-py3-none-any.whl\nX-Injected: yes",
        b"holy_grail-1.0-py3-none-any.whl\xff\xfe",
        "\u212aoly_grail-1.0-py3-none-any.whl",
        "holy_grail-1.0-py3-none-any\u017f.whl",
        "Holy_Grail-1.0-py3-none-any.whl/",
        "-holy_grail-1.0-py3-none-any.whl",
        ".holy_grail-1.0-py3-none-any.whl",
        "holy_grail-1.0-" + ".".join(f"t{n}" for n in range(40)) + "-" + ".".join("ab") * 20 + "-any.whl",
        "holy_grail-" + "9" * 5000 + "-py3-none-any.whl",
        "holy_grail-" + "9" * 200 + "-py3-none-any.whl",
        "\"; filename*=UTF-8''..%2f..%2fevil-1.0-py3-none-any.whl; x=\"",
    ],
)
def test_no_hostile_file_name_is_taken(refused, filename):
    started = time.monotonic()

    answer = refused.upload(filename, GOOD)

    assert answer.status in REFUSED
    assert "x-injected" not in answer.headers
    assert time.monotonic() - started < 2


def test_one_project_has_one_name_however_it_is_spelled(uploader, server):
    uploader.publish("spelled-name")

    for spelling in ("Spelled_Name", "spelled.name", "SPELLED-NAME"):
        assert uploader.get(f"/simple/{spelling}/").headers["location"].endswith("spelled-name/")
    other = uploader.upload(
        "Spelled_Name-1.0-py3-none-any.whl", make_wheel("Spelled-Name", "1.0", summary="other")
    )

    assert other.status in {400, 409}
    assert list(uploader.files("spelled-name")) == ["spelled_name-1.0-py3-none-any.whl"]
    assert [path for path in server.stored() if "pelled" in path] == [
        "spelled-name/spelled_name-1.0-py3-none-any.whl"
    ]


def test_a_published_file_never_changes(uploader):
    answer, filename, content = uploader.publish("constant")
    other = make_wheel("constant", "1.0", summary="other")

    again = uploader.upload(filename, content)
    changed = uploader.upload(filename, other)

    assert (answer.status, again.status) == (200, 200)
    assert changed.status in {400, 409}
    assert "already exists" in changed.text
    file = uploader.files("constant")[filename]
    assert file["hashes"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert uploader.get(file["url"].replace("../..", "", 1)).body == content


def test_the_name_of_a_deleted_file_stays_reserved(server, uploader, address):
    _, filename, content = uploader.publish("deleted")
    owner = server.client("owner", source=address)

    removed = owner.post(
        b'--b\r\nContent-Disposition: form-data; name=":action"\r\n\r\nremove_pkg\r\n'
        b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\ndeleted\r\n'
        b'--b\r\nContent-Disposition: form-data; name="version"\r\n\r\n1.0\r\n--b--\r\n',
        "multipart/form-data; boundary=b",
    )
    changed = uploader.upload(filename, make_wheel("deleted", "1.0", summary="other"))
    upper = uploader.upload("DELETED-1.0-py3-none-any.whl", make_wheel("DELETED", "1.0", summary="other"))

    assert removed.status == 200
    assert changed.status in {400, 409}
    assert upper.status in {400, 409}
    assert uploader.files("deleted") == {}


@pytest.mark.parametrize(
    "fields",
    [
        [("name", "other")],
        [("version", "2.0")],
        [("filetype", "sdist")],
        [("sha256_digest", "0" * 64)],
        [("sha256_digest", hashlib.sha256(GOOD).hexdigest()), ("md5_digest", "0" * 32)],
        [("blake2_256_digest", "zz" * 32)],
        [("md5_digest", "\u0660" * 32)],
        [("name", "holy-grail"), ("name", "other")],
        [(":action", "\u1234")],
        [("name", "holy-grail\u0000")],
    ],
)
def test_a_form_that_does_not_fit_its_file_is_refused(refused, fields):
    assert refused.upload(WHEEL, GOOD, fields=fields).status in REFUSED


def test_metadata_of_another_project_is_refused(refused):
    assert refused.upload(WHEEL, make_wheel("other", "1.0")).status == 400
    assert refused.upload("holy_grail-1.0.tar.gz", make_sdist("holy-grail", "2.0")).status == 400


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        'multipart/form-data; boundary="\\"',
        "multipart/form-data; boundary=" + "b" * 5000,
        "multipart/form-data; boundary=b\u00e9",
        "multipart/form-data; boundary=other",
        "multipart/form-data; boundary=b; charset=utf-7",
        "multipart/form-data; boundary=b; charset=nope",
        "multipart/mixed; boundary=b",
        "application/x-www-form-urlencoded",
        "text/plain; charset=utf-7",
        "; ; ;",
        "\u00ff",
        "multipart/form-data; " + "a=b; " * 5000 + "boundary=c",
        "multipart/form-data; boundary*0=b; boundary*1=c",
        "multipart/form-data; boundary*=utf-7''b",
    ],
)
def test_every_content_type_gets_an_answer(server, uploader, content_type):
    _, body = form(WHEEL, GOOD, boundary="b")

    answer = uploader.post(body[:-7], content_type)

    assert answer.status in REFUSED


@pytest.mark.parametrize(
    "head",
    [
        b'Content-Disposition: form-data; name="\xff"; filename="x"',
        b"Content-Disposition: form-data",
        b'Content-Disposition: attachment; name="content"; filename="x"',
        b'Content-Disposition: form-data; name="content"; filename="x"\r\nContent-Length: 3',
        b'Content-Disposition: form-data; name="content"; filename="x"\r\nContent-Type: multipart/mixed; boundary=c',
        b'Content-Disposition: form-data; name="content"; filename="x"\r\nContent-Transfer-Encoding: base64',
        b"Content-Disposition: form-data; name=\"content\"; filename*=utf-7''x",
        b"Content-Disposition: form-data; name=\"content\"; filename*=nope''x",
        b"X: " + b"y" * 100_000,
        b"\0\0\0",
        b"",
        b": x",
        b'Content-Disposition: form-data; name="content"\r\nContent-Disposition: form-data; name="x"',
    ],
)
def test_every_part_gets_an_answer(refused, head):
    body = b"--b\r\n" + head + b"\r\n\r\nabcdef\r\n--b--\r\n"

    assert refused.post(body, "multipart/form-data; boundary=b").status in REFUSED


@pytest.mark.parametrize("cut", [3, 4, 7, 20, 300])
def test_a_form_that_is_cut_off_stores_nothing(refused, cut):
    content_type, body = form(WHEEL, GOOD)

    assert refused.post(body[:-cut], content_type).status == 400


def test_bombs_of_form_data_end_soon_for_everybody(server, uploader, address):
    head = b'--b\r\nContent-Disposition: form-data; name="x"\r\n'
    bombs = [
        head + b"\r\n" + b"\n" * 20_000_000 + b"\r\n--b--\r\n",
        head + b"".join(b"X-%d: y\r\n" % n for n in range(300_000)) + b"\r\n\r\n--b--\r\n",
        (head + b"\r\n\r\n") * 100_000 + b"--b--\r\n",
        head + b"\r\n" + b"\r\n--" * 5_000_000 + b"\r\n--b--\r\n",
        b"x" * 20_000_000,
        b"\r\n" * 10_000_000,
    ]
    stranger = server.client(source=address)
    for bomb in bombs:
        started = time.monotonic()
        assert uploader.post(bomb, "multipart/form-data; boundary=b").status in REFUSED
        assert time.monotonic() - started < 3
        started = time.monotonic()
        assert stranger.post(bomb, "multipart/form-data; boundary=b").status == 401
        assert time.monotonic() - started < 2


def test_one_field_of_64_mib_is_refused_without_taking_memory(server, uploader):
    server.peak_from_now()
    before = server.rss()

    answer = uploader.upload(WHEEL, GOOD, fields=[("description", "x" * (64 << 20))])

    assert answer.status in {400, 413}
    assert server.peak() - before < 30 << 20


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Origin": "http://[::1"},
        {"Origin": "http://\u2100"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_pages_of_other_sites_cannot_upload_with_a_browsers_password(refused, headers):
    content_type, body = form(WHEEL, GOOD)

    answer = refused.post(body, content_type, **{name: value.encode() for name, value in headers.items()})

    assert answer.status in {400, 403}


def test_a_refused_upload_leaves_no_signature_behind(server, uploader):
    folder = server.data / "packages" / "signed"
    folder.mkdir()
    (folder / "signed-1.0-py3-none-any.whl").write_bytes(b"not a wheel, put here by hand")
    content_type, body = form("signed-1.0-py3-none-any.whl", make_wheel("signed", "1.0"))
    boundary = content_type.rpartition("=")[2].encode()
    head = (
        b'--%s\r\nContent-Disposition: form-data; name="gpg_signature"; filename="x.asc"\r\n\r\n' % boundary
    )

    answer = uploader.post(head + b"first signature\r\n" + body, content_type)

    assert answer.status in {400, 409}
    assert [path.name for path in folder.iterdir()] == ["signed-1.0-py3-none-any.whl"]
    (folder / "signed-1.0-py3-none-any.whl").unlink()
