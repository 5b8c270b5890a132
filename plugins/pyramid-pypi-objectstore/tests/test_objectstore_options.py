"""What the settings may say, what errors say, and that nothing is asked before it has to be."""

import json
import re
from pathlib import Path

import pytest
from obstore.exceptions import GenericError, PermissionDeniedError

from pyramid_pypi.errors import StorageFull, StorageUnavailable
from pyramid_pypi.options import Secret, options_of
from pyramid_pypi_objectstore import pypi_storage_backends
from pyramid_pypi_objectstore.azure import AzureStorage
from pyramid_pypi_objectstore.failures import Unreachable, explain
from pyramid_pypi_objectstore.gcs import GcsStorage
from pyramid_pypi_objectstore.options import BucketOptions
from pyramid_pypi_objectstore.s3 import S3Storage

S3 = {"bucket": "packages"}
AZURE = {"account": "acme", "container": "packages"}
KEY = Secret("hunter2")
WRONG = [
    (S3Storage, {**S3, "bucket": ""}, "bucket is empty"),
    (S3Storage, {**S3, "prefix": "a/../b"}, "has an empty part"),
    (S3Storage, {**S3, "prefix": "a//b"}, "has an empty part"),
    (S3Storage, {**S3, "part_size": 1 << 20}, "at least 5 MiB"),
    (S3Storage, {**S3, "redirect_expires": 8 * 86400}, "seven days"),
    (S3Storage, {**S3, "redirect_expires": 0}, "seven days"),
    (S3Storage, {**S3, "timeout": 0}, "at least one second"),
    (S3Storage, {**S3, "ca": Path("missing.pem")}, "is not a file"),
    (S3Storage, {**S3, "endpoint": "s3.example.org"}, "is not https://HOST"),
    (S3Storage, {**S3, "access_key_id": KEY}, "belong together"),
    (S3Storage, {**S3, "encryption": "sse-c"}, "customer_key belongs"),
    (S3Storage, {**S3, "customer_key": KEY}, "customer_key belongs"),
    (S3Storage, {**S3, "encryption": "sse-c", "customer_key": KEY, "serve": "redirect"}, "cannot decrypt"),
    (S3Storage, {**S3, "kms_key_id": "x", "encryption": "AES256"}, "kms_key_id belongs"),
    (GcsStorage, {"bucket": ""}, "bucket is empty"),
    (GcsStorage, {**S3, "endpoint": "x"}, "is not https://HOST"),
    (GcsStorage, {**S3, "service_account": Path("a"), "service_account_key": KEY}, "not both"),
    (GcsStorage, {**S3, "service_account": Path("a"), "endpoint": "http://x"}, "without accounts"),
    (AzureStorage, {**AZURE, "account": ""}, "are not empty"),
    (AzureStorage, {**AZURE, "endpoint": "x"}, "is not https://HOST"),
    (AzureStorage, {**AZURE, "account_key": KEY, "sas_token": KEY}, "set one of"),
    (AzureStorage, {**AZURE, "client_secret": KEY}, "needs tenant_id"),
    (AzureStorage, {**AZURE, "sas_token": KEY, "serve": "redirect"}, "needs to sign"),
    (AzureStorage, {**AZURE, "encryption_key": KEY, "serve": "redirect"}, "cannot decrypt"),
]


@pytest.mark.parametrize(("kind", "options", "reason"), WRONG, ids=lambda value: str(value)[:50])
def test_settings_that_cannot_work_are_refused(kind, options, reason):
    with pytest.raises(ValueError, match=re.escape(reason)) as caught:
        kind.Options(**options)

    assert KEY.reveal() not in str(caught.value)


def test_every_option_is_in_the_readme_and_says_what_it_is():
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    tables = {
        name.strip(): re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
        for name, _, text in (part.partition("\n") for part in readme.split("\n### ")[1:])
    }
    common = list(BucketOptions.__dataclass_fields__)

    assert tables["All kinds"] == common
    for name, kind in pypi_storage_backends().items():
        options = options_of(kind)
        assert tables[name] == [option.name for option in options if option.name not in common]
        assert [option.name for option in options if not option.help] == []


@pytest.mark.parametrize(("prefix", "folder"), [("", ""), ("a", "a/"), ("/a/b/", "a/b/"), ("/", "")])
def test_prefix_is_a_folder(prefix, folder):
    assert S3Storage.Options(**S3, prefix=prefix).folder == folder


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (GcsStorage, {**S3, "service_account": Path("missing.json")}),
        (GcsStorage, {**S3, "service_account_key": Secret("no JSON")}),
        (AzureStorage, {**AZURE, "account_key": Secret("not base64 !")}),
    ],
)
def test_unusable_credentials_are_no_matter_until_they_are_needed(kind, options):
    storage = kind(kind.Options(**options))

    with pytest.raises(StorageUnavailable, match="'packages' cannot be used") as caught:
        storage.check()
    assert "not base64" not in caught.value.message


def no_token(status, error, description):
    """What a service says that gives out tokens (RFC 6749 §5.2)."""
    body = json.dumps({"error": error, "error_description": description})
    return GenericError(f"Error performing token request: non-2xx status code: {status} X: {body}\n\nDebug")


def answer(status, code="", detail=""):
    body = f"<Error><Code>{code}</Code><Message>secret</Message>{detail}</Error>"
    return GenericError(f"Server returned non-2xx status code: {status} X: {body}\n\nDebug source: …")


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (answer(403, "SignatureDoesNotMatch"), StorageUnavailable, "does not accept the credentials"),
        (answer(403, "AuthenticationFailed"), StorageUnavailable, "does not accept the credentials"),
        (answer(400, "ExpiredToken"), StorageUnavailable, "expired; give new ones"),
        (answer(403, "RequestTimeTooSkewed"), StorageUnavailable, "clock of this machine is wrong"),
        (
            answer(403, "AuthenticationFailed", "date header too old: 'x'"),
            StorageUnavailable,
            "wrong; set it",
        ),
        (
            answer(403, "AuthenticationFailed", "Signature not valid in the specified time frame: Start"),
            StorageUnavailable,
            "expired; give new ones",
        ),
        (no_token(401, "invalid_client", "AADSTS7000222: …"), StorageUnavailable, "have expired"),
        (no_token(401, "invalid_client", "AADSTS7000215: secret"), StorageUnavailable, "check the keys"),
        (
            no_token(400, "invalid_grant", "Check your iat and exp values"),
            StorageUnavailable,
            "set it by NTP",
        ),
        (no_token(400, "invalid_grant", "expired or revoked."), StorageUnavailable, "have expired"),
        (no_token(400, "invalid_grant", "secret"), StorageUnavailable, "check the keys"),
        (answer(404, "NoSuchBucket"), StorageUnavailable, "does not exist; create it"),
        (answer(404, "ContainerNotFound"), StorageUnavailable, "does not exist; create it"),
        (answer(301, "PermanentRedirect"), StorageUnavailable, "in another region"),
        (answer(503, "SlowDown"), StorageUnavailable, "asked too often"),
        (answer(429), StorageUnavailable, "asked too often"),
        (answer(507), StorageFull, "no space left"),
        (answer(403, "QuotaExceeded"), StorageFull, "no space left"),
        (answer(500, "InternalError"), StorageUnavailable, "status 500 (InternalError)"),
        (PermissionDeniedError("non-2xx status code: 403 Forbidden: "), StorageUnavailable, "does not allow"),
        (GenericError("HTTP error: error sending request kind: Timeout"), Unreachable, "in time"),
        (GenericError("HTTP error: error sending request"), Unreachable, "cannot be reached"),
        (
            GenericError("PUT http://169.254.169.254/latest/api/token"),
            Unreachable,
            "no credentials are given",
        ),
        (ValueError("secret"), StorageUnavailable, "cannot be used (ValueError)"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_errors_are_told_in_one_sentence(error, kind, words):
    told = explain(error, "The bucket 'packages'")

    assert type(told) is kind
    assert told.message.startswith("The bucket 'packages' ")
    assert words in told.message
    assert "secret" not in told.message
    assert "\n" not in told.message
