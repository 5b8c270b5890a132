import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyramid_pypi.errors import PypiError, StorageFull, TooLarge
from pyramid_pypi.publish.receive import receive
from pyramid_pypi.storage import StagedFile
from pyramid_pypi.storage.reading import hash_blob

TYPE = "multipart/form-data; boundary=b"


def part(name, content, extra=""):
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'.encode()
    return head + content + b"\r\n"


def take(folder, body, *, content_type=TYPE, limit=10**6):
    with StagedFile.create(folder) as staged:
        form = receive(io.BytesIO(body).read, content_type, staged=staged, limit=limit)
        staged.finish()
        return form, staged.path.read_bytes()


def test_fields_file_and_signature_are_taken_in_any_order(tmp_path):
    body = (
        part("content", b"the file", '; filename="x.whl"')
        + part("name", "näme".encode())
        + part("gpg_signature", b"sig", '; filename="x.whl.asc"')
        + part("description", b"long" * 1000)
        + b"--b--\r\n"
    )

    form, written = take(tmp_path, body)

    assert form.fields == {"name": "näme"}
    assert (form.content.filename, form.content.size) == ("x.whl", 8)
    assert form.content.hashes == hash_blob([b"the file"])
    assert form.signature == b"sig"
    assert written == b"the file"


def test_unknown_is_nothing(tmp_path):
    form, _ = take(tmp_path, part("version", b"UNKNOWN") + b"--b--\r\n")

    assert form.get("version") == ""
    assert form.get("absent") == ""


def test_repeated_equal_fields_are_one(tmp_path):
    form, _ = take(tmp_path, part("name", b"x") * 2 + b"--b--\r\n")

    assert form.get("name") == "x"


def test_a_file_over_the_limit_stops_the_reading(tmp_path):
    read = []
    body = io.BytesIO(part("content", b"x" * 10**7, '; filename="x.whl"'))

    def reading(size):
        read.append(size)
        return body.read(size)

    with StagedFile.create(tmp_path) as staged, pytest.raises(TooLarge):
        receive(reading, TYPE, staged=staged, limit=1000)

    assert sum(read) < 10**6
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told(tmp_path):
    class Full:
        def write(self, chunk):
            raise OSError(28, "No space left on device")

        def close(self):
            pass

    staged = StagedFile(tmp_path / "x", Full())

    with pytest.raises(StorageFull, match="No space left"):
        receive(
            io.BytesIO(part("content", b"x", '; filename="x"') + b"--b--").read, TYPE, staged=staged, limit=10
        )


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 200), st.text(max_size=30))
def test_damaged_forms_never_raise_anything_else(tmp_path_factory, noise, at, boundary):
    folder = tmp_path_factory.mktemp("staging")
    good = part("name", b"x") + part("content", b"y" * 50, '; filename="x.whl"') + b"--b--\r\n"
    for body in (noise, good[:at] + noise + good[at:], good[:at]):
        for content_type in (TYPE, f"multipart/form-data; boundary={boundary}"):
            try:
                take(folder, body, content_type=content_type)
            except PypiError as error:
                assert 400 <= error.status < 500
    assert list(folder.iterdir()) == []
