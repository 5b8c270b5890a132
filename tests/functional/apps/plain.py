"""A host that knows nothing of security: one view, and the index below /pypi."""

from pyramid.config import Configurator
from pyramid.response import Response

from pyramid_pypi.auth.policy import SecurityPolicy


def hello(request):
    return Response("hello from the host")


def make_app(settings):
    config = Configurator(settings=settings)
    config.set_security_policy(SecurityPolicy())
    config.add_route("home", "/")
    config.add_view(hello, route_name="home")
    config.include("pyramid_pypi", route_prefix="pypi")
    return config.make_wsgi_app()
