"""The page that tells those who run the index whether its parts work."""

from typing import TYPE_CHECKING

from pyramid_pypi.auth.policy import identity_of
from pyramid_pypi.browse.status import parts
from pyramid_pypi.errors import Forbidden, Unauthorized
from pyramid_pypi.ui.pages import CORE
from pyramid_pypi.version import __version__
from pyramid_pypi.web.answers import Answer
from pyramid_pypi.web.context import Operation

if TYPE_CHECKING:
    from pyramid.request import Request

__all__ = ["show_status"]


def show_status(context: Operation, request: "Request") -> Answer:
    """Show the parts of the index and the plugins, to whoever manages a repository."""
    identity = identity_of(request)
    if not context.permits(identity, "manage"):
        if identity.is_anonymous:
            raise Unauthorized("Log in to see how the index does")
        raise Forbidden(f"{identity.label} manages no repository, and is not shown how the index does")
    return CORE.show_facts(
        request,
        "status.html",
        parts=parts(context.index),
        plugins=context.index.plugins.describe(),
        version=__version__,
    )
