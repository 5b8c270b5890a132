"""The list of all projects where it is too long to be held in memory, as an upstream's is."""

import zlib
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING

from pyramid_pypi.model import Identity, ProjectName
from pyramid_pypi.web import rendering
from pyramid_pypi.web.answers import Answer
from pyramid_pypi.web.context import RepositoryContext
from pyramid_pypi.web.pages import Kind, page_headers

if TYPE_CHECKING:
    from pyramid.request import Request

__all__ = ["streamed_list"]

_AT_ONCE = 1000


def streamed_list(context: RepositoryContext, identity: Identity, kind: Kind, request: "Request") -> Answer:
    """Return the list as it is being read. Raises Unavailable when there is none to be had."""
    served = context.served
    _up, form, packed = kind
    projects = iter(served.visible(identity, served.repository.projects()))
    # Reading the first ones tells whether there is a list at all, while the status can say so.
    projects = chain(list(islice(projects, _AT_ONCE)), projects)
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
