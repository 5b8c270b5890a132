"""Pages of other sites, which make a browser send what it remembers."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pyramid_pypi.errors import Forbidden

__all__ = ["refuse_foreign_page"]


def refuse_foreign_page(environ: Mapping[str, Any], base_url: str | None) -> None:
    """Refuse what a page of another site sends with a browser's credentials. Raises Forbidden.

    Browsers tell the origin of every request that changes something; other clients tell nothing.
    `base_url` is where people see the index, if a web server in front says something else to us.
    """
    if environ.get("HTTP_SEC_FETCH_SITE", "none") in {"cross-site", "same-site"}:
        raise Forbidden("Requests from pages of other sites are refused")
    origin, host = environ.get("HTTP_ORIGIN"), environ.get("HTTP_HOST")
    ours = {f"http://{host}", f"https://{host}"}
    if base_url is not None:
        parts = urlsplit(base_url)
        ours.add(f"{parts.scheme}://{parts.netloc}")
    if origin is not None and origin not in ours:
        raise Forbidden("Requests from pages of other sites are refused")
