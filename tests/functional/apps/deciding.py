"""A host whose own policy decides about the index too: `pypi.security = host`."""

from pyramid.authorization import ACLHelper, Authenticated, Everyone
from pyramid.config import Configurator


class HostPolicy:
    """Reads the access control lists that the index offers."""

    def identity(self, request):
        return request.headers.get("X-Host-User")

    def authenticated_userid(self, request):
        return self.identity(request)

    def permits(self, request, context, permission):
        user = self.identity(request)
        principals = [Everyone, *([Authenticated, f"user:{user}"] if user else [])]
        return ACLHelper().permits(context, principals, permission)


def make_app(settings):
    config = Configurator(settings={**settings, "pypi.security": "host"})
    config.set_security_policy(HostPolicy())
    config.include("pyramid_pypi", route_prefix="pypi")
    return config.make_wsgi_app()
