"""Every hook that a plugin may implement: its signature and its contract, nothing else.

A plugin is a module, or an object, whose functions are marked with `pyramid_pypi.hookimpl`. It may
leave out arguments that it does not need. Hooks are called with keyword arguments and get plain
model objects, never a request; the core comes first, then the plugins in the order of
`pypi.plugins`, unless an implementation says `tryfirst` or `trylast`. Wrappers are refused, because
every plugin is called by itself, so that an error can name it.
"""

# mypy: disable-error-code="empty-body"
# A specification is never called, so it has nothing to return.

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pluggy

from pyramid_pypi.model import Answered, File, Identity, Link

if TYPE_CHECKING:
    import click

    from pyramid_pypi.app import PackageIndex
    from pyramid_pypi.publish.upload import Upload
    from pyramid_pypi.settings.reader import Reader

__all__ = [
    "PROJECT",
    "hookimpl",
    "hookspec",
    "pypi_auth_backends",
    "pypi_authorize_download",
    "pypi_check_upload",
    "pypi_commands",
    "pypi_configure",
    "pypi_file_added",
    "pypi_file_removed",
    "pypi_file_served",
    "pypi_file_yanked",
    "pypi_index_closed",
    "pypi_index_opened",
    "pypi_links",
    "pypi_login_failed",
    "pypi_request_answered",
    "pypi_rules",
    "pypi_settings",
    "pypi_status_changed",
    "pypi_storage_backends",
    "pypi_upstream_backends",
    "pypi_upstream_fetched",
]

PROJECT = "pypi"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def pypi_storage_backends() -> Mapping[str, type]:
    """Return kinds of storage by the name that `pypi.repo.<name>.storage` uses for them.

    Called while the settings are read. Each class takes an instance of its frozen dataclass
    `Options`, see `pyramid_pypi.options`, and builds a `pyramid_pypi.storage.base.Storage`; one
    kind may serve several repositories, each with its own options. Two plugins that offer the
    same name, a value that is not such a mapping, or an exception stop the start.
    """


@hookspec
def pypi_auth_backends() -> Mapping[str, type]:
    """Return kinds of credential check by the name that `pypi.auth.<name>` uses for them.

    Called while the settings are read. Each class takes an instance of its frozen dataclass
    `Options`, see `pyramid_pypi.options`, and builds a `pyramid_pypi.auth.base.Authenticator`.
    They are asked in the order of `pypi.authenticators`, not of registration. Two plugins that
    offer the same name, a value that is not such a mapping, or an exception stop the start.
    """


@hookspec
def pypi_upstream_backends() -> Mapping[str, type]:
    """Return kinds of upstream by the name that `pypi.repo.<name>.upstream` uses for them.

    Called while the settings are read. Each class takes an instance of its frozen dataclass
    `Options`, see `pyramid_pypi.options`, and builds a `pyramid_pypi.upstream.base.Upstream`; one
    kind may serve several repositories, each with its own options. Two plugins that offer the
    same name, a value that is not such a mapping, or an exception stop the start.
    """


@hookspec
def pypi_rules() -> Mapping[str, type]:
    """Return kinds of rule by the name that `pypi.repo.<name>.rule.<rule>` uses for them.

    Called while the settings are read. Each class takes an instance of its frozen dataclass
    `Options`, see `pyramid_pypi.options`, and builds a `pyramid_pypi.rules.Rule`; one kind may
    serve several repositories, each with its own options. Two plugins that offer the same name, a
    value that is not such a mapping, or an exception stop the start.
    """


@hookspec
def pypi_settings(reader: "Reader") -> object | None:
    """Read the keys of the plugin, which begin with `pypi.` and its name, and return what they say.

    Called while the settings are read, after the core's own keys. Every key that is asked for is
    a known one, and what is wrong is reported together with all other problems: see
    `pyramid_pypi.settings.reader.Reader`. What is returned is in `Settings.sections` by the name
    of the plugin, and `Settings.section` finds it by its type. An exception stops the start.
    """


@hookspec
def pypi_configure(config: Any) -> None:
    """Add routes, views or tweens to the application.

    Called once per application, after the core's own configuration and before it is committed.
    `config` is the `pyramid.config.Configurator`. Nothing is returned; an exception stops the
    start.
    """


@hookspec
def pypi_index_opened(index: "PackageIndex") -> None:
    """Learn that an index is open, in a server or in a command that works on it.

    Called once for each index, when its repositories and its catalog are there. A plugin that keeps
    something for its other hooks keeps it by this index; it starts no thread before it has work
    for one. Nothing is returned; an exception stops the start.
    """


@hookspec
def pypi_index_closed(index: "PackageIndex") -> None:
    """Learn that an index is about to be closed: stop threads, and keep what is not kept yet.

    Called once for each index that is closed, while its repositories and its catalog are still
    there. A process that is killed closes none. An exception is logged and stops nothing.
    """


@hookspec
def pypi_commands(cli: "click.Group") -> None:
    """Add commands to `pyramid-pypi`, with `cli.add_command` or `@cli.command()`.

    Called when the command line runs with `--ini` and that ini lists the plugin, or when a command
    has the name of the installed plugin. A name that the core uses is refused. Nothing is returned;
    an exception ends the command line.
    """


@hookspec
def pypi_links() -> Iterable[Link]:
    """Return links to pages of the plugin, for the page where people log in or that of an account.

    Called for each such page. A link on the page for logging in gets `?next=` and the path of the
    page that was asked for. An exception, or a value that is something else, is logged and shows
    no link.
    """


@hookspec
def pypi_check_upload(upload: "Upload", repository: str, identity: Identity) -> str | None:
    """Tell whether a file may be added to the repository named `repository`.

    Called for every upload, after the core's own checks and before anything is stored; the bytes
    are staged and readable through `upload`. Every plugin is asked. Return None to accept and a
    sentence for the uploader to refuse: one refusal is enough. An exception refuses the
    upload with 503 and the name of the plugin.
    """


@hookspec
def pypi_authorize_download(file: File, repository: str, identity: Identity) -> str | None:
    """Tell whether `identity`, who may read the project, may also fetch this file.

    Called for every request for the file or its metadata, so an implementation must be fast.
    `repository` is the name of the repository that was asked. Every plugin is asked. Return None
    to allow and a sentence for the client to refuse: one refusal is enough. An exception refuses
    the download with 503 and the name of the plugin.
    """


@hookspec
def pypi_file_added(file: File, repository: str, identity: Identity) -> None:
    """Learn that a file was added.

    Called after the commit: the file is visible. Repeating an upload with the same bytes adds
    nothing and calls nothing, and neither does a file that somebody put into the storage. An
    exception is logged and undoes nothing.
    """


@hookspec
def pypi_file_removed(file: File, repository: str, identity: Identity) -> None:
    """Learn that a file was removed.

    Called after the commit: the file is gone, and `file` is as it was. Not called for a file that
    somebody took out of the storage. An exception is logged and undoes nothing.
    """


@hookspec
def pypi_file_yanked(file: File, repository: str, identity: Identity) -> None:
    """Learn that a file was yanked, or un-yanked when `file.yanked` is None (PEP 592).

    Called after the commit, once for each file that changed. `file.yanked` may be the empty text:
    yanked without a reason. An exception is logged and undoes nothing.
    """


@hookspec
def pypi_file_served(file: File, repository: str, identity: Identity) -> None:
    """Learn that the bytes of a file are on their way to a client.

    Called when the answer starts; a client may still give up before the end. Not called for
    metadata, for a part of a file, or when the client already has the bytes. It runs for every
    download, so an implementation must be fast. An exception is logged and undoes nothing.
    """


@hookspec
def pypi_status_changed(project: str, repository: str, status: str, reason: str, identity: Identity) -> None:
    """Learn that a project has another status: active, archived, quarantined or deprecated (PEP 792).

    Called after the commit. An exception is logged and undoes nothing.
    """


@hookspec
def pypi_request_answered(request: Answered) -> None:
    """Learn that a request was answered.

    Called for every request, some time later and not by the thread that answered it, so that a
    plugin delays nobody. Requests that nobody could tell of in time are left out. An exception is
    logged and changes nothing.
    """


@hookspec
def pypi_upstream_fetched(file: File, repository: str) -> None:
    """Learn that a file of an upstream is now in the cache of the proxy named `repository`.

    Called once for each download, when size and digest were right and the bytes are kept, however
    many clients have waited for it; `file` has all digests. It runs beside the answers, so it may
    take its time. An exception is logged and undoes nothing.
    """


@hookspec
def pypi_login_failed(username: str, address: str, reason: str) -> None:
    """Learn that somebody failed to log in.

    `username` is what the client sent, so it may be anything; `address` is where it came from;
    `reason` is a sentence for the operator. The password is not passed on. An exception is logged
    and changes nothing.
    """
