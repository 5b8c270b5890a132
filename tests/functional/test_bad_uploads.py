"""Whatever a client sends: a sentence, the narrowest status, nothing stored, and the server goes on."""

import io
import os
import tarfile
import zipfile

import pytest
from webtest import Upload

from pyramid_pypi.testing.artefacts import make_sdist, make_wheel
from tests.functional.support import stored, upload_fields

WHEEL = "holy_grail-1.0-py3-none-any.whl"
GOOD = make_wheel("holy-grail", "1.0")


@pytest.fixture
def refused(client, tmp_path):
    """Check after the test that nothing was stored and that the next upload works."""
    yield client
    assert stored(tmp_path) == []
    assert client.web.get("/simple/", headers={"Accept": "application/json"}).json["projects"] == []
    client.upload(WHEEL, GOOD)


def says(answer, *words):
    sentence = answer.text.strip()
    for word in words:
        assert word in sentence
    assert "\n" not in sentence
    assert answer.status.partition(" ")[2]


@pytest.mark.parametrize(
    "filename",
    [
        "../../holy_grail-1.0-py3-none-any.whl",
        "/tmp/holy_grail-1.0-py3-none-any.whl",
        "..\\holy_grail-1.0-py3-none-any.whl",
        "C:\\dist\\holy_grail-1.0-py3-none-any.whl",
        "sub/holy_grail-1.0-py3-none-any.whl",
        "%2e%2e%2fholy_grail-1.0-py3-none-any.whl",
        "．．／holy_grail-1.0-py3-none-any.whl",
        "holy_grail-1.0-py3-none-any.whl\u202e",
        "holy_grail-1.0-py3-none-any.whl ",
        "holy_grail-1.0-py3-none-any.whl.",
        "holy_grail-1.0-py3-none-any.whl:ads",
        ".holy_grail-1.0-py3-none-any.whl",
        "\u212aholy_grail-1.0-py3-none-any.whl",
        "holy_grail-1.0-py3-none-any.exe",
        "holy_grail.whl",
        "holy_grail-1.0-py3-none-any.whl\x00.txt",
        "h" * 300 + "-1.0-py3-none-any.whl",
        "holy_grail-" + "9" * 5000 + "-py3-none-any.whl",
        f"holy_grail-1.0-{'.'.join(['py3'] * 20)}-{'.'.join(['none'] * 20)}-{'.'.join(['any'] * 20)}.whl",
        "",
    ],
)
def test_file_names_that_are_not_of_distributions(refused, filename):
    body = (
        f'--b\r\nContent-Disposition: form-data; name="content"; filename="{filename}"\r\n\r\n'.encode()
        + GOOD
        + b"\r\n--b--\r\n"
    )

    answer = refused.post_body(body, status=400)

    says(answer)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "other", "other"),
        ("name", "holy grail", "holy grail"),
        ("name", "\u212aoly-grail", "name"),
        ("version", "1.1", "1.1"),
        ("version", "9" * 5000, "version"),
        ("version", "one", "one"),
        ("filetype", "sdist", "sdist"),
        ("protocol_version", "2", "protocol"),
        ("sha256_digest", "0" * 64, "digest"),
        ("sha256_digest", "xyz", "digest"),
        ("md5_digest", "0" * 32, "digest"),
        ("blake2_256_digest", "0" * 64, "digest"),
    ],
)
def test_fields_that_disagree_with_the_file(refused, field, value, words):
    form = upload_fields(WHEEL, GOOD)
    form = [(name, old) for name, old in form if name != field]
    form.insert(0, (field, value))

    answer = refused.web.post("/", form, status=400)

    says(answer, words)


def test_a_field_that_comes_twice_with_different_values(refused):
    form = upload_fields(WHEEL, GOOD, name=["holy-grail", "other"])

    says(refused.web.post("/", form, status=400), "twice")


def test_two_files_in_one_form(refused):
    form = [*upload_fields(WHEEL, GOOD), ("content", Upload(WHEEL, GOOD))]

    says(refused.web.post("/", form, status=400), "two files")


def test_a_file_that_is_text_and_text_that_is_a_file(refused):
    says(refused.web.post("/", [("content", "text"), ("x", Upload("x", b""))], status=400), "content")
    form = [*upload_fields(WHEEL, GOOD), ("name", Upload("name.txt", b"holy-grail"))]
    says(refused.web.post("/", form, status=400), "name")


def test_no_file_and_an_empty_file(refused):
    says(refused.web.post("/", [(":action", "file_upload"), ("x", Upload("x", b""))], status=400), "no file")
    says(refused.upload(WHEEL, b"", status=400), "no file")


def test_a_form_that_is_not_utf8(refused):
    body = b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\n\xff\xfe\r\n--b--\r\n'

    says(refused.post_body(body, status=400), "UTF-8")


def test_a_field_that_is_too_large(refused):
    answer = refused.upload(WHEEL, GOOD, status=413, name="x" * 100_000)

    says(answer, "name")


def test_text_that_is_too_large_altogether(refused):
    form = [("description", "x" * (33 * 2**20)), *upload_fields(WHEEL, GOOD)]

    says(refused.web.post("/", form, status=413), "text fields")


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; charset=utf-7",
    ],
)
def test_bodies_that_are_no_forms(refused, content_type):
    answer = refused.web.post("/", b"x" * 100, content_type=content_type or None, status=400)

    says(answer)


@pytest.mark.parametrize("cut", [4, 10, 100, 400])
def test_a_body_without_its_end(refused, cut):
    content_type, body = refused.web.encode_multipart(
        [(":action", "file_upload")], [("content", WHEEL, GOOD)]
    )

    answer = refused.post_body(body[:-cut], content_type, status=400)

    says(answer, "form")


def test_parts_with_endless_headers_and_endless_parts_end_soon(refused):
    head = b'--b\r\nContent-Disposition: form-data; name="x"\r\n'
    many = head + b"".join(b"X-%d: y\r\n" % n for n in range(100_000)) + b"\r\n\r\n--b--\r\n"
    parts = (head + b"\r\n\r\n") * 100_000 + b"--b--\r\n"
    newlines = head + b"\r\n" + b"\n" * 20_000_000 + b"\r\n--b--\r\n"

    for body in (many, parts, newlines):
        answer = refused.post_body(body, status=[400, 413])
        says(answer)


def test_a_declared_size_over_the_limit(build, tmp_path):
    client = build(**{"pypi.repo.private.upload": "everyone", "pypi.repo.private.max_upload_size": "1 KiB"})

    says(client.upload(WHEEL, GOOD + os.urandom(2000), status=413), "1024 bytes")

    assert stored(tmp_path) == []


def zipped(members, **options):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", **options) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return data.getvalue()


def tarred(*members):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return data.getvalue()


INFO = "holy_grail-1.0.dist-info"
METADATA = b"Metadata-Version: 2.1\nName: holy-grail\nVersion: 1.0\n"


@pytest.mark.parametrize(
    "content",
    [
        b"not a zip",
        make_sdist("holy-grail", "1.0"),
        GOOD + b"trailing",
        b"leading" + GOOD,
        GOOD[:-1],
        GOOD + GOOD,
        zipped([("x.py", b"")]),
        zipped([(f"{INFO}/METADATA", METADATA)]),
        make_wheel("other", "1.0"),
        make_wheel("holy-grail", "2.0"),
        make_wheel("holy-grail", "1.0", files={"../evil.py": b""}),
        make_wheel("holy-grail", "1.0", files={"/etc/evil.py": b""}),
        make_wheel("holy-grail", "1.0", files={"C:/evil.py": b""}),
        make_wheel("holy-grail", "1.0", files={"..\\evil.py": b""}),
        make_wheel("holy-grail", "1.0", requires_python="three"),
        make_wheel("holy-grail", "1.0", files={"zeros": b"\0" * 80 * 2**20}),
    ],
    ids=range(16),
)
def test_wheels_that_are_none(refused, content):
    says(refused.upload(WHEEL, content, status=[400, 413]))


def test_a_wheel_whose_metadata_is_huge_costs_no_memory(refused):
    content = make_wheel("holy-grail", "1.0", metadata_lines=[f"Keywords: {'x' * 40 * 2**20}"])

    says(refused.upload(WHEEL, content, status=[400, 413]))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_sdists_with_members_that_lead_out(refused, kind):
    info = tarfile.TarInfo("holy_grail-1.0/evil")
    info.type, info.linkname = kind, "../../../etc/passwd"
    pkg_info = tarfile.TarInfo("holy_grail-1.0/PKG-INFO")

    says(refused.upload("holy_grail-1.0.tar.gz", tarred((pkg_info, METADATA), (info, b"")), status=400))


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "holy_grail-1.0/../../evil"])
def test_sdists_with_paths_that_lead_out(refused, name):
    pkg_info = tarfile.TarInfo("holy_grail-1.0/PKG-INFO")

    says(
        refused.upload(
            "holy_grail-1.0.tar.gz", tarred((pkg_info, METADATA), (tarfile.TarInfo(name), b"x")), status=400
        )
    )


def test_an_sdist_without_metadata(refused):
    content = tarred((tarfile.TarInfo("holy_grail-1.0/setup.py"), b""))

    says(refused.upload("holy_grail-1.0.tar.gz", content, status=400), "PKG-INFO")


def test_a_form_of_another_site_in_a_browser(refused):
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        says(refused.upload(WHEEL, GOOD, status=403, headers=headers), "other sites")


def test_a_full_disk_is_507_and_leaves_nothing(client, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        answer = client.upload(WHEEL, GOOD, status=507)

    assert "No space left" in answer.text
    assert stored(tmp_path) == []
    client.upload(WHEEL, GOOD)


def test_a_reason_is_one_line_of_latin_1(refused):
    body = '--b\r\nContent-Disposition: form-data; name=":action"\r\n\r\nfl\u1234y\r\n\u00e9\r\n--b--\r\n'.encode()

    answer = refused.post_body(body, status=400)

    answer.status.encode("latin-1")
