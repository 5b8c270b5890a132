"""The list of all projects of a repository that is not all our own: an upstream's may be very long."""

import zlib
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING

from pyramid_pypi.model import Identity, ProjectName
from pyramid_pypi.web import rendering
from pyramid_pypi.web.answers import Answer, answer_ready
from pyramid_pypi.web.context import RepositoryContext
from pyramid_pypi.web.hot import Page
from pyramid_pypi.web.observe import offer_hot
from pyramid_pypi.web.pages import Kind, page_headers, short_list

if TYPE_CHECKING:
    from pyramid.request import Request

__all__ = ["streamed_list"]

_AT_ONCE = 1000
_SHORT = 10_000
_LOOK_AGAIN = 5.0


def streamed_list(context: RepositoryContext, identity: Identity, kind: Kind, request: "Request") -> Answer:
    """Return the list as it is being read, or for a while from memory if it is short.

    Raises Unavailable when there is none to be had.
    """
    served, pages = context.served, context.index.pages
    up, form, packed = kind
    group = (served.name, "")
    same_for_all = served.shows_all_to(identity)
    if same_for_all:
        offer_hot(request, group, Page(up))
    ready = pages.get(group, kind) if same_for_all else None
    if ready is not None:
        return answer_ready(ready, request)
    token = pages.token()
    projects = iter(served.visible(identity, served.repository.projects()))
    # Reading the first ones tells whether there is a list at all, while the status can say so.
    first = list(islice(projects, _SHORT))
    if len(first) < _SHORT:
        ready = short_list(served, first, kind, fresh_for=_LOOK_AGAIN)
        if same_for_all:
            pages.put(group, kind, ready, token)
        return answer_ready(ready, request)
    projects = chain(first, projects)
    headers = page_headers(served, form, context.index.catalog.last_serial())
    if request.method == "HEAD":
        return Answer(status="200 OK", headerlist=headers, app_iter=[])
    render = rendering.json_parts if form == "v1+json" else rendering.html_parts
    body = render(_batches(projects), context.index.catalog.last_serial())
    if packed:
        headers.append(("Content-Encoding", "gzip"))
        body = _compressed(body)
    return Answer(status="200 OK", headerlist=headers, app_iter=body)


def _batches(projects: Iterator[ProjectName]) -> Iterator[list[ProjectName]]:
    while batch := list(islice(projects, _AT_ONCE)):
        yield batch


def _compressed(parts: Iterable[bytes]) -> Iterator[bytes]:
    # 16 more than the window's size stands for gzip's frame.
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS + 16)
    for part in parts:
        if packed := packer.compress(part):
            yield packed
    yield packer.flush()
