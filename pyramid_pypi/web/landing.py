"""The first page that a person sees: what is here, and how to use it."""

import base64
import hashlib
import re
from html import escape
from urllib.parse import quote

from pyramid.request import Request

from pyramid_pypi.model import Identity
from pyramid_pypi.web.answers import Answer
from pyramid_pypi.web.context import RepositoryContext
from pyramid_pypi.web.pages import vary
from pyramid_pypi.web.places import here, up

__all__ = ["address_of", "landing_page"]

_STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem;
       color: #1b1f24; background: #fff }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem }
pre { background: #f3f4f6; padding: .75rem 1rem; overflow-x: auto; border-radius: .4rem }
ul { columns: 14rem; padding-left: 1.2rem } a { color: #0b57d0 }
@media (prefers-color-scheme: dark) {
  body { color: #e6e6e6; background: #16181c } pre { background: #22252b } a { color: #8ab4f8 }
}
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_MOST = 500
_HOST = re.compile(r"[A-Za-z0-9.\-]+(:\d+)?|\[[0-9a-fA-F:]+\](:\d+)?", re.ASCII)


def landing_page(context: RepositoryContext, request: Request, identity: Identity) -> Answer:
    """Return the page; it lists the projects that `identity` may read."""
    served = context.served
    projects = list(served.visible(identity, served.repository.own_projects()))
    url = address_of(request)
    links = "".join(
        f'<li><a href="simple/{p.name}/">{escape(p.display)}</a></li>\n' for p in projects[:_MOST]
    )
    listing = f"<ul>\n{links}</ul>" if projects else "<p>Nothing has been published here yet.</p>"
    if len(projects) > _MOST:
        listing += '<p><a href="simple/">All of them</a></p>'
    about = f"<p>{escape(served.description)}</p>" if served.description else ""
    body = _PAGE.format(
        name=escape(served.name),
        style=_STYLE,
        account=_account(context, request, identity),
        about=about,
        url=escape(url),
        publish=_PUBLISH.format(url=escape(url)) if served.publisher or served.publish else "",
        elsewhere=_ELSEWHERE if served.repository.outside else "",
        count=len(projects),
        plural="" if len(projects) == 1 else "s",
        listing=listing,
    ).encode()
    headers = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "private, no-cache"),
        ("Vary", f"{vary(served)}, Cookie"),
        ("Content-Security-Policy", _POLICY),
        ("Referrer-Policy", "same-origin"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    return Answer(status="200 OK", headerlist=headers, app_iter=[body])


def _account(context: RepositoryContext, request: Request, identity: Identity) -> str:
    """Return the way to the account or to the login page, where this index has them."""
    settings = context.index.settings
    if settings.security == "host":
        return ""
    if not identity.is_anonymous:
        return f'<p><a href="{up(request)}account">Account of {escape(identity.name)}</a></p>\n'
    if not settings.knows_passwords and not context.index.plugins.links("login"):
        return ""
    return f'<p><a href="{up(request)}login?next={quote(here(request), safe="")}">Log in</a></p>\n'


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}: a Python package index</title>
<style>{style}</style>
</head>
<body>
{account}<h1>{name}</h1>
{about}
<h2>Install from here</h2>
<pre>pip install --index-url {url}simple/ PROJECT
uv pip install --index-url {url}simple/ PROJECT</pre>
{publish}
<h2>{count} project{plural} of our own</h2>
{listing}
{elsewhere}
</body>
</html>
"""

_PUBLISH = """<h2>Publish here</h2>
<pre>twine upload --repository-url {url} dist/*
uv publish --publish-url {url} dist/*</pre>
"""

_ELSEWHERE = """<p>Everything else comes from the index behind this one, under the same address.
<a href="simple/">All names</a> may be a very long list.</p>
"""


def address_of(request: Request) -> str:
    """Return the address of this page as the reader's tools can use it."""
    environ = request.environ
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    base: str | None = request.registry["pyramid_pypi.index"].settings.base_url
    if base is not None:
        return f"{base}{environ.get('PATH_INFO', '')}"
    host = environ.get("HTTP_HOST", "")
    # The header is the client's; what is not a host does not get onto the page.
    if not _HOST.fullmatch(host):
        host = "localhost"
    return f"{environ.get('wsgi.url_scheme', 'http')}://{host}{path}"
