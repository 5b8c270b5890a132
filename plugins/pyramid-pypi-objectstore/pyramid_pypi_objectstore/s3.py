"""`storage = s3`: Amazon S3, and services that speak its protocol."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from obstore.store import S3Store

from pyramid_pypi.options import Secret
from pyramid_pypi_objectstore.bucket import client_options, retry_options
from pyramid_pypi_objectstore.options import BucketOptions, about, endpoint_problem, revealed
from pyramid_pypi_objectstore.storage import BucketStorage

__all__ = ["S3Storage"]


class S3Storage(BucketStorage):
    """Keeps blobs in a bucket of S3."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options(BucketOptions):
        """What `storage = s3` takes."""

        bucket: str = field(metadata=about("the name of the bucket, which must exist"))
        region: str = field(default="", metadata=about("the region; else AWS_REGION, else us-east-1"))
        endpoint: str = field(default="", metadata=about("the address of a service that is not Amazon's"))
        addressing: Literal["path", "virtual"] = field(
            default="path", metadata=about("`virtual`: the bucket is a part of the host's name")
        )
        access_key_id: Secret | None = field(
            default=None, metadata=about("without it, the environment's or the machine's own account is used")
        )
        secret_access_key: Secret | None = field(default=None, metadata=about("belongs to access_key_id"))
        session_token: Secret | None = field(default=None, metadata=about("for keys that expire"))
        encryption: Literal["bucket", "AES256", "aws:kms", "aws:kms:dsse", "sse-c"] = field(
            default="bucket", metadata=about("how the service encrypts; `bucket`: as the bucket says")
        )
        kms_key_id: str = field(default="", metadata=about("the key for aws:kms and aws:kms:dsse"))
        customer_key: Secret | None = field(
            default=None, metadata=about("the key for sse-c: 32 bytes in base64")
        )

        def problems(self) -> Iterator[str]:
            """Yield what is wrong."""
            yield from BucketOptions.problems(self)
            if not self.bucket:
                yield "bucket is empty"
            if problem := endpoint_problem(self.endpoint):
                yield problem
            if bool(self.access_key_id) != bool(self.secret_access_key):
                yield "access_key_id and secret_access_key belong together"
            if (self.encryption == "sse-c") != (self.customer_key is not None):
                yield "customer_key belongs to encryption = sse-c"
            if self.customer_key is not None and self.serve == "redirect":
                yield "serve = redirect sends clients to what they cannot decrypt without customer_key"
            if self.kms_key_id and not self.encryption.startswith("aws:kms"):
                yield "kms_key_id belongs to encryption = aws:kms or aws:kms:dsse"

    options: Options

    def _name(self) -> str:
        return f"The bucket {self.options.bucket!r}"

    def _connect(self, timeout: int) -> S3Store:
        options = self.options
        config: dict[str, Any] = revealed(
            region=options.region,
            endpoint=options.endpoint,
            # A variable of the environment has this name, and would be heard instead.
            aws_endpoint_url_s3=options.endpoint,
            access_key_id=options.access_key_id,
            secret_access_key=options.secret_access_key,
            session_token=options.session_token,
            server_side_encryption="" if options.encryption == "bucket" else options.encryption,
            sse_kms_key_id=options.kms_key_id,
            sse_customer_key_base64=options.customer_key,
        )
        config |= {
            "virtual_hosted_style_request": options.addressing == "virtual",
            # Few services but Amazon's delete several objects with one request.
            "disable_bulk_delete": True,
            "copy_if_not_exists": "multipart",
            "conditional_put": "etag",
        }
        return S3Store(
            options.bucket,
            config=config,  # type: ignore[arg-type]  # its keys are those of S3Config
            client_options=client_options(options, timeout),
            retry_config=retry_options(options),
        )
