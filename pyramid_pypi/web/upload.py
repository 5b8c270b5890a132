"""The upload view: the legacy API that every upload tool speaks, at every URL they use."""

from collections.abc import Callable
from urllib.parse import parse_qs

from pyramid.request import Request

from pyramid_pypi.auth.policy import identity_of
from pyramid_pypi.distribution import canonical_version, is_valid_name, normalise
from pyramid_pypi.errors import BadRequest, Forbidden, Gone, TooLarge, Unauthorized
from pyramid_pypi.publish.receive import ReceivedForm, receive
from pyramid_pypi.storage import StagedFile
from pyramid_pypi.web import xmlrpc
from pyramid_pypi.web.answers import Answer, answer_text
from pyramid_pypi.web.context import RepositoryContext, WebCaller
from pyramid_pypi.web.foreign import refuse_foreign_page
from pyramid_pypi.web.observe import note

__all__ = ["upload"]

_FORM_OVERHEAD = 64 * 1024 * 1024


def upload(context: RepositoryContext, request: Request) -> Answer:
    """Take a file, or one of the other actions of the legacy API; or a call of XML-RPC."""
    if xmlrpc.is_call(request):
        return xmlrpc.call(context, request)
    note(request, context.served.name)
    publisher = context.served.takes
    caller = WebCaller(request, context, identity_of(request))
    refuse_foreign_page(request.environ, context.index.settings.base_url)
    _require_some_right(caller)
    read = _reader(request, context.served.max_upload_size + _FORM_OVERHEAD)
    content_type = request.environ.get("CONTENT_TYPE", "")
    with publisher.repository.stage() as staged:
        form = receive(read, content_type, staged=staged, limit=context.served.max_upload_size)
        return _act(caller, form, staged)


def _act(caller: WebCaller, form: ReceivedForm, staged: StagedFile) -> Answer:
    query = parse_qs(caller.request.environ.get("QUERY_STRING", ""))
    action = form.get(":action") or query.get(":action", ["file_upload"])[0]
    match action:
        case "file_upload":
            return _publish(caller, form, staged)
        case "submit" | "submit_pkg_info" | "verify":
            # Registering a project before its first file is a thing of the past.
            return answer_text("200 OK", "")
        case "doc_upload":
            raise Gone("This index does not host documentation")
        case "remove_pkg":
            return _remove(caller, form)
        case _:
            raise BadRequest(f"Unknown action {action[:50]!r}: use file_upload")


def _publish(caller: WebCaller, form: ReceivedForm, staged: StagedFile) -> Answer:
    served = caller.context.served
    file, _created = served.takes.publish(form, staged, caller)
    note(caller.request, served.name, file.project, file.filename)
    return answer_text("200 OK", "")


def _remove(caller: WebCaller, form: ReceivedForm) -> Answer:
    served = caller.context.served
    name, version = form.get("name"), form.get("version")
    if not is_valid_name(name) or not version:
        raise BadRequest("To remove a release, send its 'name' and 'version'")
    removed = served.takes.delete_release(normalise(name), canonical_version(version), caller)
    note(caller.request, served.name, normalise(name))
    return answer_text("200 OK", "\n".join(file.filename for file in removed))


def _require_some_right(caller: WebCaller) -> None:
    """Refuse before the body is read if there is nothing that the caller could do with it."""
    request, context = caller.request, caller.context
    if any(request.has_permission(permission, context) for permission in ("upload", "delete")):
        return
    if caller.identity.is_anonymous:
        raise Unauthorized(f"Log in to upload to {context.served.name!r}")
    raise Forbidden(f"{caller.identity.label} isn't allowed to upload to {context.served.name!r}")


def _reader(request: Request, limit: int) -> Callable[[int], bytes]:
    """Return a bounded `read`: a server need not put an end to the stream itself."""
    environ = request.environ
    length = environ.get("CONTENT_LENGTH", "")
    stream = environ["wsgi.input"]
    if not length.isdecimal():
        if environ.get("wsgi.input_terminated"):
            read: Callable[[int], bytes] = stream.read
            return read
        raise BadRequest("The request has no Content-Length")
    left = int(length)
    if left > limit:
        raise TooLarge(f"The upload is larger than {limit - _FORM_OVERHEAD} bytes, the limit of this index")

    def read_some(size: int) -> bytes:
        nonlocal left
        chunk: bytes = stream.read(min(size, left))
        left -= len(chunk)
        return chunk

    return read_some
