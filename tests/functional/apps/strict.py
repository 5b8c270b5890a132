"""A host with everything of its own: root factory, policy, sessions, renderers, permission, CSRF."""

from pyramid.authorization import ACLHelper, Allow, Authenticated
from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPForbidden
from pyramid.response import Response
from pyramid.session import SignedCookieSessionFactory

from pyramid_pypi.auth.policy import SecurityPolicy


class Root:
    __acl__ = [(Allow, Authenticated, "host.enter")]

    def __init__(self, request):
        self.request = request


class HostPolicy:
    """Whoever sends X-Host-User is logged in to the host."""

    def identity(self, request):
        return request.headers.get("X-Host-User")

    def authenticated_userid(self, request):
        return self.identity(request)

    def permits(self, request, context, permission):
        principals = [Authenticated] if self.identity(request) else []
        return ACLHelper().permits(context, principals, permission)

    def remember(self, request, userid, **kw):
        return [("X-Remember", userid)]

    def forget(self, request, **kw):
        return [("X-Forget", "yes")]


def home(context, request):
    return {"user": request.authenticated_userid, "prefix": request.route_path("pypi.health")}


def form(context, request):
    request.session["seen"] = True
    return Response("posted")


def forbidden(request):
    return Response("the host says no", status=403)


def not_found(request):
    return Response("the host has no such page", status=404)


def boom(request):
    raise ValueError("boom")


def failed(error, request):
    return Response("the host failed", status=500)


def make_app(settings):
    config = Configurator(settings=settings, root_factory=Root)
    config.set_session_factory(SignedCookieSessionFactory("a long enough secret of the host"))
    config.set_security_policy(SecurityPolicy(fallback=HostPolicy()))
    config.set_default_permission("host.enter")
    config.set_default_csrf_options(require_csrf=True)
    for name, pattern, view in (("home", "/", home), ("form", "/form", form), ("boom", "/boom", boom)):
        config.add_route(name, pattern)
        config.add_view(view, route_name=name, renderer="json" if view is home else None)
    config.add_forbidden_view(forbidden)
    config.add_notfound_view(not_found)
    config.add_exception_view(failed, context=ValueError)
    config.include("pyramid_pypi", route_prefix="tools/pypi")
    return config.make_wsgi_app()


__all__ = ["HTTPForbidden", "make_app"]
