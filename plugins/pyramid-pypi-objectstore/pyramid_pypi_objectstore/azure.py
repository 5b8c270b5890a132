"""`storage = azure`: Azure Blob Storage."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from obstore.store import AzureStore

from pyramid_pypi.options import Secret
from pyramid_pypi_objectstore.bucket import client_options, retry_options
from pyramid_pypi_objectstore.options import BucketOptions, about, endpoint_problem, revealed
from pyramid_pypi_objectstore.storage import BucketStorage

__all__ = ["AzureStorage"]


class AzureStorage(BucketStorage):
    """Keeps blobs in a container of Azure Blob Storage."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options(BucketOptions):
        """What `storage = azure` takes."""

        account: str = field(metadata=about("the name of the storage account"))
        container: str = field(metadata=about("the name of the container, which must exist"))
        account_key: Secret | None = field(
            default=None, metadata=about("without a credential, the machine's own identity is used")
        )
        sas_token: Secret | None = field(default=None, metadata=about("a shared access signature"))
        tenant_id: str = field(default="", metadata=about("of an application that logs in"))
        client_id: str = field(default="", metadata=about("of it, or of a managed identity"))
        client_secret: Secret | None = field(default=None, metadata=about("the application's password"))
        endpoint: str = field(default="", metadata=about("the address of another server"))
        encryption_key: Secret | None = field(
            default=None, metadata=about("a key of your own: 32 bytes in base64; else Azure's")
        )

        def problems(self) -> Iterator[str]:
            """Yield what is wrong."""
            yield from BucketOptions.problems(self)
            if not (self.account and self.container):
                yield "account and container are not empty"
            if problem := endpoint_problem(self.endpoint):
                yield problem
            given = (self.account_key, self.sas_token, self.client_secret)
            if sum(one is not None for one in given) > 1:
                yield "set one of account_key, sas_token and client_secret"
            if self.client_secret is not None and not (self.tenant_id and self.client_id):
                yield "client_secret needs tenant_id and client_id"
            if self.serve == "redirect" and self.sas_token is not None:
                yield "serve = redirect needs to sign, which a sas_token cannot"
            if self.serve == "redirect" and self.encryption_key is not None:
                yield "serve = redirect sends clients to what they cannot decrypt without encryption_key"

    options: Options

    def _name(self) -> str:
        return f"The container {self.options.container!r}"

    def _connect(self, timeout: int) -> AzureStore:
        options = self.options
        config: dict[str, Any] = revealed(
            account_name=options.account,
            account_key=options.account_key,
            sas_key=options.sas_token,
            tenant_id=options.tenant_id,
            client_id=options.client_id,
            client_secret=options.client_secret,
            endpoint=options.endpoint,
            encryption_key=options.encryption_key,
        )
        return AzureStore(
            options.container,
            config=config,  # type: ignore[arg-type]  # its keys are those of AzureConfig
            client_options=client_options(options, timeout),
            retry_config=retry_options(options),
        )
