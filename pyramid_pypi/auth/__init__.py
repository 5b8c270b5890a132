"""Who asks: reading the `Authorization` header, checking passwords, remembering what was checked.

`Login` puts the parts together; an `Authenticator` is one place that knows names and passwords.
Nothing here knows Pyramid.
"""

from pyramid_pypi.auth.base import Authenticator
from pyramid_pypi.auth.basic import TOKEN_USER, parse_authorization
from pyramid_pypi.auth.htpasswd import HtpasswdAuthenticator
from pyramid_pypi.auth.login import Login
from pyramid_pypi.auth.throttle import Throttle
from pyramid_pypi.auth.verified import VerifiedCredentials

__all__ = [
    "TOKEN_USER",
    "Authenticator",
    "HtpasswdAuthenticator",
    "Login",
    "Throttle",
    "VerifiedCredentials",
    "parse_authorization",
]
