"""`serve = redirect`: clients fetch from the service, everybody else reads through the storage."""

import urllib.error
import urllib.parse
import urllib.request

import pytest

from pyramid_pypi.errors import BlobMissing
from pyramid_pypi.model import Redirect
from pyramid_pypi.storage.reading import read_blob

NAMES = ("holy_grail-1.0.zip", "holy_grail-1.0+a.1.zip", "holy_grail-1.0%2Ba.zip", "höly grail-1.0.zip")


def put(storage, data, name):
    with storage.stage() as staged:
        staged.write(data)
        storage.put(storage.key("holy-grail", name), staged)
    return storage.open(storage.key("holy-grail", name))


@pytest.mark.parametrize("name", NAMES)
def test_url_leads_to_the_bytes(s3, name):
    blob = put(s3(serve="redirect"), name.encode(), name)

    assert isinstance(blob, Redirect)
    with urllib.request.urlopen(blob.url, timeout=20) as answer:
        assert answer.read() == name.encode()
    assert b"".join(read_blob(blob)) == name.encode()


def test_url_takes_ranges(s3):
    blob = put(s3(serve="redirect"), b"0123456789", NAMES[0])
    request = urllib.request.Request(blob.url, headers={"Range": "bytes=2-4"})

    with urllib.request.urlopen(request, timeout=20) as answer:
        assert (answer.status, answer.read()) == (206, b"234")


def test_url_is_good_for_one_file_and_for_a_while(s3):
    blob = put(s3(serve="redirect", redirect_expires=77), b"data", NAMES[0])
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(blob.url).query)

    assert query["X-Amz-Expires"] == ["77"]
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(blob.url.replace("holy_grail", "holy_grael"), timeout=20)
    assert caught.value.status == 403
    caught.value.close()


def test_missing_file_is_missing_here(s3):
    with pytest.raises(BlobMissing):
        s3(serve="redirect").open("holy-grail/holy_grail-9.0.zip")


def test_settings_count_more_than_the_environment(s3, monkeypatch):
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT", "AWS_ENDPOINT_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDNOBODY")
    monkeypatch.setenv("AWS_BUCKET", "nowhere")

    s3().check()
