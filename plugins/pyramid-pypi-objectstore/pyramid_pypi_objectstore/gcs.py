"""`storage = gcs`: Google Cloud Storage."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from obstore.store import GCSStore

from pyramid_pypi.options import Secret
from pyramid_pypi_objectstore.bucket import client_options, retry_options
from pyramid_pypi_objectstore.options import BucketOptions, about, endpoint_problem, revealed
from pyramid_pypi_objectstore.storage import BucketStorage

__all__ = ["GcsStorage"]


class GcsStorage(BucketStorage):
    """Keeps blobs in a bucket of Google Cloud Storage."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options(BucketOptions):
        """What `storage = gcs` takes."""

        bucket: str = field(metadata=about("the name of the bucket, which must exist"))
        service_account: Path | None = field(
            default=None, metadata=about("the JSON file of an account; else the machine's own is used")
        )
        service_account_key: Secret | None = field(default=None, metadata=about("the same JSON as a text"))
        endpoint: str = field(default="", metadata=about("the address of another server, without logging in"))

        def problems(self) -> Iterator[str]:
            """Yield what is wrong."""
            yield from BucketOptions.problems(self)
            if not self.bucket:
                yield "bucket is empty"
            if problem := endpoint_problem(self.endpoint):
                yield problem
            if self.service_account is not None and self.service_account_key is not None:
                yield "set service_account or service_account_key, not both"
            if self.endpoint and (self.service_account or self.service_account_key):
                yield "endpoint is for servers without accounts"

    options: Options

    def _name(self) -> str:
        return f"The bucket {self.options.bucket!r}"

    def _connect(self, timeout: int) -> GCSStore:
        options = self.options
        account = options.service_account
        config: dict[str, Any] = revealed(
            service_account="" if account is None else str(account),
            service_account_key=options.service_account_key,
        )
        if options.endpoint:
            # An account that does not log in is the one way to name another server.
            nobody = {"disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}
            config["service_account_key"] = json.dumps({"gcs_base_url": options.endpoint, **nobody})
        return GCSStore(
            options.bucket,
            config=config,  # type: ignore[arg-type]  # its keys are those of GCSConfig
            client_options=client_options(options, timeout),
            retry_config=retry_options(options),
        )
