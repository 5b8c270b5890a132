"""Everything that can go wrong, as one tree.

Each class knows the HTTP status that it becomes; one exception view translates.
A message is one sentence that names the thing and the way out::

    PypiError                         500
    ├── SettingsError                 (stops the start, never answered to a client)
    ├── PluginError                   (stops the start)
    ├── BadRequest                    400
    │   ├── InvalidUpload             400  the form, the file name or the file itself
    │   │   └── DigestMismatch        400
    │   └── FileConflict              400  "File already exists (…)"
    ├── TooLarge                      413
    ├── Unauthorized                  401  says how to log in
    │   └── InvalidCredentials        401
    ├── Forbidden                     403
    │   └── ProjectClosed             403  archived or quarantined (PEP 792)
    ├── NotFound (LookupError)        404
    │   ├── RepositoryNotFound        404
    │   ├── ProjectNotFound           404
    │   ├── FileMissing               404
    │   │   └── BlobMissing           404
    │   └── FileHidden                404
    ├── MethodNotAllowed              405
    ├── NotAcceptable                 406
    ├── Gone                          410
    ├── TooManyAttempts               429  with Retry-After in seconds
    └── Unavailable                   503
        ├── BackendUnavailable        503  a directory or another authenticator is down
        ├── StorageUnavailable        503
        │   └── StorageFull           507
        ├── CatalogUnavailable        503
        └── UpstreamUnavailable       502  an upstream answers wrongly, or not at all
            ├── UpstreamBusy          503  too many requests wait for it already
            ├── UpstreamDown          502  it cannot be reached, or fails; perhaps just now
            └── UpstreamTimeout       504  it takes too long, or must not be asked (offline)

    BlobExists                        raised by a storage, never shown to a client
"""

__all__ = [
    "BackendUnavailable",
    "BadRequest",
    "BlobExists",
    "BlobMissing",
    "CatalogUnavailable",
    "DigestMismatch",
    "FileConflict",
    "FileHidden",
    "FileMissing",
    "Forbidden",
    "Gone",
    "InvalidCredentials",
    "InvalidUpload",
    "MethodNotAllowed",
    "NotAcceptable",
    "NotFound",
    "PluginError",
    "ProjectClosed",
    "ProjectNotFound",
    "PypiError",
    "RepositoryNotFound",
    "SettingsError",
    "StorageFull",
    "StorageUnavailable",
    "TooLarge",
    "TooManyAttempts",
    "Unauthorized",
    "Unavailable",
    "UpstreamBusy",
    "UpstreamDown",
    "UpstreamTimeout",
    "UpstreamUnavailable",
]


class PypiError(Exception):
    """The root of all errors of this library; the message is meant for a person."""

    status = 500
    title = "Internal Server Error"

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.title)
        self.message = message or self.title


class SettingsError(PypiError):
    """The settings cannot be used; the message lists every problem at once."""


class PluginError(PypiError):
    """A plugin cannot be found, imported or used; the message names it."""


class BadRequest(PypiError):
    """The request cannot be understood."""

    status = 400
    title = "Bad Request"


class InvalidUpload(BadRequest):
    """The form, the file name or the file itself breaks a rule."""


class DigestMismatch(InvalidUpload):
    """A digest in the form is not the digest of the bytes that arrived."""


class FileConflict(BadRequest):
    """The file name is taken by other bytes.

    The message starts with `File already exists`, because upload tools match that text.
    """


class TooLarge(PypiError):
    """The upload, or a field of its form, is larger than allowed."""

    status = 413
    title = "Content Too Large"


class Unauthorized(PypiError):
    """Nobody is logged in and the request needs somebody (RFC 9110 §15.5.2)."""

    status = 401
    title = "Unauthorized"


class InvalidCredentials(Unauthorized):
    """An authenticator knows the name and the password is wrong: ask no other one."""


class Forbidden(PypiError):
    """The identity is known and may not do this."""

    status = 403
    title = "Forbidden"


class ProjectClosed(Forbidden):
    """The project is archived or quarantined and takes no files (PEP 792)."""


class NotFound(PypiError, LookupError):
    """The thing does not exist, or the caller may not know that it does."""

    status = 404
    title = "Not Found"


class RepositoryNotFound(NotFound):
    """No repository has this name."""


class ProjectNotFound(NotFound):
    """The repository has no such project.

    `believed_for` is for how many seconds that counts where it was an upstream that said so; None
    as long as the catalog tells of no change.
    """

    def __init__(self, message: str = "", *, believed_for: float | None = None) -> None:
        super().__init__(message)
        self.believed_for = believed_for


class FileMissing(NotFound):
    """The project has no such file."""


class BlobMissing(FileMissing):
    """A storage has no bytes under this key."""


class FileHidden(NotFound):
    """The file exists and is not offered."""


class MethodNotAllowed(PypiError):
    """The URL exists and does not take this method (RFC 9110 §15.5.6); `allowed` are those that it takes."""

    status = 405
    title = "Method Not Allowed"

    def __init__(self, message: str = "", *, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.allowed = allowed


class NotAcceptable(PypiError):
    """No representation matches the `Accept` header (RFC 9110 §15.5.7)."""

    status = 406
    title = "Not Acceptable"


class Gone(PypiError):
    """A feature of old clients that this index does not offer."""

    status = 410
    title = "Gone"


class TooManyAttempts(PypiError):
    """Slow down; `retry_after` is in whole seconds, as poetry only reads numbers."""

    status = 429
    title = "Too Many Requests"

    def __init__(self, message: str = "", *, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(PypiError):
    """Something that the request needs does not work just now; try again later."""

    status = 503
    title = "Service Unavailable"


class BackendUnavailable(Unavailable):
    """An authenticator cannot reach what it asks."""


class StorageUnavailable(Unavailable):
    """A storage cannot be read or written."""


class StorageFull(StorageUnavailable):
    """A storage has no space left (RFC 4918 §11.5)."""

    status = 507
    title = "Insufficient Storage"


class CatalogUnavailable(Unavailable):
    """The catalog cannot be read or written."""


class UpstreamUnavailable(Unavailable):
    """An upstream cannot be reached, fails, or answers what is not to be trusted.

    `retry_after` is in seconds when the upstream has said how long to leave it alone, else 0.
    """

    status = 502
    title = "Bad Gateway"

    def __init__(self, message: str = "", *, retry_after: int = 0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UpstreamBusy(UpstreamUnavailable):
    """So many requests wait for upstreams that this one must not; installers try a 503 again."""

    status = 503
    title = "Service Unavailable"


class UpstreamDown(UpstreamUnavailable):
    """An upstream cannot be reached or fails, whatever it is asked; it may be up in a moment."""


class UpstreamTimeout(UpstreamUnavailable):
    """An upstream does not answer in time, or may not be asked now (RFC 9111 §5.2.1.7)."""

    status = 504
    title = "Gateway Timeout"


class BlobExists(Exception):
    """The key of an exclusive put is taken."""
