"""The core as a plugin of itself: the kinds that are always there.

The imports are inside the functions, so that a kind costs nothing until somebody lists the kinds
and so that the modules of the kinds may import everything.
"""

from pyramid_pypi.hookspecs import hookimpl

__all__ = ["pypi_auth_backends", "pypi_rules", "pypi_storage_backends", "pypi_upstream_backends"]


@hookimpl
def pypi_storage_backends() -> dict[str, type]:
    """Offer `filesystem`: a directory."""
    from pyramid_pypi.storage.filesystem import FilesystemStorage  # noqa: PLC0415 - see above

    return {"filesystem": FilesystemStorage}


@hookimpl
def pypi_auth_backends() -> dict[str, type]:
    """Offer `htpasswd`, a file of names and password hashes, and `tokens`."""
    from pyramid_pypi.auth.htpasswd import HtpasswdAuthenticator  # noqa: PLC0415 - see above
    from pyramid_pypi.auth.tokens import TokenAuthenticator  # noqa: PLC0415 - see above

    return {"htpasswd": HtpasswdAuthenticator, "tokens": TokenAuthenticator}


@hookimpl
def pypi_upstream_backends() -> dict[str, type]:
    """Offer `simple`: an index that speaks the simple repository API."""
    from pyramid_pypi.upstream.simple import SimpleUpstream  # noqa: PLC0415 - see above

    return {"simple": SimpleUpstream}


@hookimpl
def pypi_rules() -> dict[str, type]:
    """Offer `allow` and `deny`, by lists, and `cooldown`, by time."""
    from pyramid_pypi.rules.allow import Allow  # noqa: PLC0415 - see above
    from pyramid_pypi.rules.cooldown import Cooldown  # noqa: PLC0415 - see above
    from pyramid_pypi.rules.deny import Deny  # noqa: PLC0415 - see above

    return {"allow": Allow, "cooldown": Cooldown, "deny": Deny}
