"""XML-RPC, which `pip search` and older mirrors speak, at every URL that takes uploads.

Only who sends it pays for the parser and the methods: they are imported here when they are needed.
"""

from typing import TYPE_CHECKING

from pyramid.request import Request

from pyramid_pypi.auth.policy import identity_of
from pyramid_pypi.errors import BadRequest, Forbidden, Unauthorized
from pyramid_pypi.model import Identity
from pyramid_pypi.web.answers import Answer
from pyramid_pypi.web.bodies import read_body
from pyramid_pypi.web.context import RepositoryContext, index_of
from pyramid_pypi.web.foreign import refuse_foreign_page
from pyramid_pypi.web.observe import note
from pyramid_pypi.web.places import address_of

if TYPE_CHECKING:
    from pyramid_pypi.web.xmlrpc_methods import Asked

__all__ = ["call", "is_call"]

_TYPES = {"text/xml", "application/xml"}


def is_call(request: Request) -> bool:
    """Tell whether a request is XML-RPC by its content type, and no upload."""
    content_type: str = request.environ.get("CONTENT_TYPE", "")
    return content_type.partition(";")[0].strip().lower() in _TYPES


def call(context: object, request: Request) -> Answer:  # noqa: ARG001 - that of POST takes the uploads
    """Call a method. What goes wrong in it is told as XML-RPC does, in an answer with status 200."""
    if not is_call(request):
        raise BadRequest("Send XML-RPC here, as text/xml")
    index = index_of(request)
    refuse_foreign_page(request.environ, index.settings.base_url)
    served = index.served(request.matchdict.get("repository") or index.settings.default)
    note(request, served.name)
    identity = _reader(RepositoryContext(index, served), request)
    body = read_body(request)
    from pyramid_pypi.browse.viewer import Viewer  # noqa: PLC0415
    from pyramid_pypi.web.xmlrpc_methods import Asked  # noqa: PLC0415

    pages = index.settings.security == "pyramid_pypi"
    return _answer(_respond(Asked(Viewer(index, served, identity), _root(request), pages), body))


def _respond(asked: "Asked", body: bytes) -> str:
    from pyramid_pypi.web.xmlrpc_methods import run  # noqa: PLC0415
    from pyramid_pypi.web.xmlrpc_wire import CallFault, read_call, write_fault, write_result  # noqa: PLC0415

    try:
        method, parameters = read_call(body)
        return write_result(run(asked, method, parameters))
    except CallFault as fault:
        return write_fault(fault)


def _reader(context: RepositoryContext, request: Request) -> Identity:
    """Return who asks. Raises Unauthorized, Forbidden."""
    identity = identity_of(request)
    if request.has_permission("read", context):
        return identity
    if identity.is_anonymous:
        raise Unauthorized(f"Log in to see {context.served.name!r}")
    raise Forbidden(f"{identity.label} isn't allowed to see {context.served.name!r}")


def _root(request: Request) -> str:
    """Return the absolute URL of the repository, with a slash at its end."""
    address = address_of(request).rstrip("/")
    # Below the repository it is one segment, whichever, or it is the repository itself.
    name: str = request.matched_route.name
    below = "api" in request.matchdict or name == "pypi.upload" or name.endswith(".rpc")
    return f"{address.rpartition('/')[0] if below else address}/"


def _answer(text: str) -> Answer:
    body = text.encode()
    headers = [
        ("Content-Type", "text/xml; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    return Answer(status="200 OK", headerlist=headers, app_iter=[body])
