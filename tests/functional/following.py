"""An index in this process that follows fake upstreams, and what its answers say."""

import json

from tests.functional.support import JSON, OPEN

__all__ = ["HTML", "REDIRECTED", "entry", "names", "proxy", "wheel_of"]

HTML = {"Accept": "text/html"}


def proxy(upstream, **changes):
    """Return settings of `private`, of `pypi` that follows `upstream`, and of `all`, the default.

    `changes` are options of `pypi`, with one underscore for each dot; other keys have dots already.
    """
    options = {
        "": "proxy",
        "upstream": "simple",
        "upstream.url": upstream.url,
        "upstream.proxy": "none",
        "read": "everyone",
        **{key.replace("__", "."): value for key, value in changes.items() if not key.startswith("pypi.")},
    }
    others = {key: value for key, value in changes.items() if key.startswith("pypi.")}
    return {
        **OPEN,
        "pypi.repositories": "private pypi all",
        "pypi.default": "all",
        **{f"pypi.repo.pypi.{key}".rstrip("."): value for key, value in options.items()},
        "pypi.repo.all": "group",
        "pypi.repo.all.members": "private pypi",
        "pypi.repo.all.publish": "private",
        "pypi.repo.all.read": "everyone",
        **others,
    }


# The same project elsewhere, without a byte through this host.
REDIRECTED = {"pypi.repo.pypi": "redirect"}


def entry(client, project, *, repository=""):
    """Return the only file of a project as JSON describes it."""
    (found,) = client.page(project, repository=repository)["files"]
    return found


def names(client, path="/simple/", accept=JSON):
    """Return the names in a list of projects."""
    answer = client.web.get(path, headers={"Accept": accept})
    return [project["name"] for project in json.loads(answer.body)["projects"]]


def wheel_of(name, version="1.0"):
    return f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
