"""Pages of other sites, which make a browser send what it remembers."""

from collections.abc import Mapping
from typing import Any

from pyramid_pypi.errors import Forbidden

__all__ = ["refuse_foreign_page"]


def refuse_foreign_page(environ: Mapping[str, Any]) -> None:
    """Refuse what a page of another site sends with a browser's credentials. Raises Forbidden.

    Browsers tell the origin of every request that changes something; other clients tell nothing.
    """
    if environ.get("HTTP_SEC_FETCH_SITE", "none") in {"cross-site", "same-site"}:
        raise Forbidden("Requests from pages of other sites are refused")
    origin, host = environ.get("HTTP_ORIGIN"), environ.get("HTTP_HOST")
    if origin is not None and origin not in {f"http://{host}", f"https://{host}"}:
        raise Forbidden("Requests from pages of other sites are refused")
