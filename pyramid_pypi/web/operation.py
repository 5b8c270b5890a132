"""Views for those who run the index."""

from pyramid.request import Request

from pyramid_pypi.errors import PypiError
from pyramid_pypi.version import __version__
from pyramid_pypi.web.answers import Answer, answer_json
from pyramid_pypi.web.context import Operation

__all__ = ["health", "plugins", "ready"]


def health(context: Operation, request: Request) -> Answer:  # noqa: ARG001
    """Tell that the process answers."""
    return answer_json({"status": "ok"})


def ready(context: Operation, request: Request) -> Answer:  # noqa: ARG001
    """Tell whether the catalog and every storage can be used, and which cannot."""
    checks = {"catalog": context.index.catalog.check}
    for name, served in context.index.repositories.items():
        checks[f"storage of {name}"] = served.repository.check
    problems = []
    for what, check in checks.items():
        try:
            check()
        except PypiError:
            # The reason names paths of the server, which is nothing for strangers.
            problems.append(what)
    if problems:
        content = {"status": "unavailable", "unavailable": problems}
        return answer_json(content, "503 Service Unavailable")
    return answer_json({"status": "ok"})


def plugins(context: Operation, request: Request) -> Answer:  # noqa: ARG001
    """List the active plugins, their versions and the hooks that they implement."""
    found = [
        {"name": one.name, "module": one.module, "version": one.version, "hooks": list(one.hooks)}
        for one in context.index.plugins.describe()
    ]
    return answer_json({"version": __version__, "plugins": found})
