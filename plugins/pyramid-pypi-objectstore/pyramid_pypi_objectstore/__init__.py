"""The plugin `objectstore`: files are kept in S3, in Google Cloud Storage or in Azure Blob Storage."""

from pyramid_pypi import hookimpl

__all__ = ["pypi_storage_backends"]


@hookimpl
def pypi_storage_backends() -> dict[str, type]:
    """Offer `s3`, `gcs` and `azure`: `pypi.repo.<name>.storage = s3`."""
    # Their library is loaded by those who use it.
    from pyramid_pypi_objectstore.azure import AzureStorage  # noqa: PLC0415
    from pyramid_pypi_objectstore.gcs import GcsStorage  # noqa: PLC0415
    from pyramid_pypi_objectstore.s3 import S3Storage  # noqa: PLC0415

    return {"s3": S3Storage, "gcs": GcsStorage, "azure": AzureStorage}
