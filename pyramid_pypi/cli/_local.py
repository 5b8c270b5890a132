"""The API of an index on this machine, in this process, for whoever may open its ini."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from pyramid.config import Configurator
from webob import Request

from pyramid_pypi.api.routes import add_api
from pyramid_pypi.app import PackageIndex
from pyramid_pypi.auth.policy import SecurityPolicy
from pyramid_pypi.cli._index import Reply
from pyramid_pypi.cli._opening import opened, operator
from pyramid_pypi.cli.load import log_like_server
from pyramid_pypi.web.context import INDEX
from pyramid_pypi.web.failures import add_failures, not_found
from pyramid_pypi.web.observe import IDENTITY

__all__ = ["open_local"]


@dataclass(frozen=True, slots=True)
class _Local:
    """Asks the views of the API as the operator, who may do everything."""

    ini: str
    application: Any

    def send(self, method: str, path: str, body: bytes | None) -> Reply:
        """See `Transport`."""
        if method != "GET":
            # Whoever only looks need not be able to write the log.
            log_like_server(self.ini)
        request = Request.blank(path, method=method, headers={"Accept": "application/json"})
        request.environ[IDENTITY] = operator()
        if body is not None:
            request.body = body
            request.content_type = "application/json"
        answer = request.get_response(self.application)
        return Reply(answer.status_int, answer.headers.get("Content-Type", ""), answer.body)


@contextmanager
def open_local(ini: str) -> Iterator[_Local]:
    """Open the index of an ini, without its threads. Raises ClickException and PypiError."""
    with opened(ini) as index:
        yield _Local(ini, _application(index))


def _application(index: PackageIndex) -> Any:
    """Return an application that has the API and nothing else."""
    config = Configurator()
    # The policy of a host application is not here, and it is not what decides about the operator.
    settings = replace(index.settings, security="pyramid_pypi")
    config.registry[INDEX] = replace(index, settings=settings)
    config.set_security_policy(SecurityPolicy())
    add_failures(config)
    config.add_notfound_view(not_found)
    add_api(config, settings)
    return config.make_wsgi_app()
