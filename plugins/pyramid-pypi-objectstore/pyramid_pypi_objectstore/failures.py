"""What a service, or the way to it, has said: as one sentence with the way out, and no secret in it.

The texts of obstore's errors have URLs in them, which may be signed, and what the service sent, which
may be anything. Nothing of that is passed on but the code of the error.
"""

import re

from pyramid_pypi.errors import StorageFull, StorageUnavailable

__all__ = ["Unreachable", "explain", "is_about_bucket"]

_CODE = re.compile(r"<Code>\s*(\w{1,60})\s*</Code>")
_STATUS = re.compile(r"non-2xx status code: (\d{3})")

_LOGIN = "does not accept the credentials; check the keys, or the account that this machine has"
_DENIED = "does not allow this; the account has to be allowed to list, read, write and delete here"
_EXPIRED = "says that the credentials have expired; give new ones, or none so that the cloud's own are used"
_CLOCK = "says that the clock of this machine is wrong; set it by NTP"
_ABSENT = "does not exist; create it, or correct its name"
_REGION = "is in another region; correct `region` or `endpoint`"
_BUSY = "is asked too often, or is overloaded; try again in a moment"
_FULL = "has no space left; nothing was stored, raise the quota or delete something"

_CODES = {
    **dict.fromkeys(("InvalidAccessKeyId", "SignatureDoesNotMatch", "AuthorizationFailure"), _LOGIN),
    **dict.fromkeys(("AuthenticationFailed", "InvalidAuthenticationInfo", "InvalidToken"), _LOGIN),
    **dict.fromkeys(("NoAuthenticationInformation", "InvalidClientTokenId", "InvalidSecurity"), _LOGIN),
    **dict.fromkeys(("AccessDenied", "AuthorizationPermissionMismatch", "AllAccessDisabled"), _DENIED),
    **dict.fromkeys(("InsufficientAccountPermissions", "AccountProblem", "AccountIsDisabled"), _DENIED),
    **dict.fromkeys(("ExpiredToken", "TokenRefreshRequired", "ExpiredTokenException"), _EXPIRED),
    **dict.fromkeys(("RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"), _CLOCK),
    **dict.fromkeys(("NoSuchBucket", "ContainerNotFound", "InvalidBucketName", "NoSuchContainer"), _ABSENT),
    **dict.fromkeys(("InvalidResourceName", "ContainerBeingDeleted", "ContainerDisabled"), _ABSENT),
    **dict.fromkeys(("PermanentRedirect", "AuthorizationHeaderMalformed", "TemporaryRedirect"), _REGION),
    **dict.fromkeys(("IllegalLocationConstraintException", "InvalidRegionName"), _REGION),
    **dict.fromkeys(("SlowDown", "ServerBusy", "RequestLimitExceeded", "TooManyRequests"), _BUSY),
    **dict.fromkeys(("OperationTimedOut", "RequestTimeout"), _BUSY),
    **dict.fromkeys(("QuotaExceeded", "XMinioStorageFull", "InsufficientStorage"), _FULL),
    **dict.fromkeys(("XMinioAdminBucketQuotaExceeded", "StorageFull", "InsufficientCapacity"), _FULL),
}
# What Azure and the services that give out tokens say beside a code or a status of many meanings.
_DETAILS = (
    (re.compile(r"date header too old|iat and exp"), _CLOCK),
    (re.compile(r"in the specified time frame|token is expired|expired or revoked|AADSTS7000222"), _EXPIRED),
)
_NO_TOKEN = re.compile(r'"error":\s*"(invalid_client|invalid_grant|unauthorized_client)"')
_STATUSES = {
    "301": _REGION,
    "307": _REGION,
    "401": _LOGIN,
    # The answer to a HEAD has no code, and a wrong key is a 403 as well.
    "403": f"{_LOGIN}. If they are right, it {_DENIED}",
    "429": _BUSY,
    "503": _BUSY,
    "507": _FULL,
}
_IDENTITY = ("169.254.16", "169.254.170", "metadata.google.internal", "oauth2/", "token request", "sts.")
_NO_IDENTITY = "cannot be used: no credentials are given, and this machine gets none from its cloud"


class Unreachable(StorageUnavailable):
    """The service did not answer at all, so the next request would wait for it in vain as well."""


def explain(error: BaseException, name: str) -> StorageUnavailable:
    """Return the error to raise for what went wrong with the bucket called `name`."""
    text = str(error)
    # What follows the first line is the same again, as a dump of the library's values.
    code, status = _found(_CODE, text), _found(_STATUS, text)
    sentence = _detail(text) or _CODES.get(code) or _STATUSES.get(status)
    if sentence is not None:
        kind = StorageFull if sentence is _FULL else StorageUnavailable
        return kind(f"{name} {sentence}")
    if status:
        return StorageUnavailable(f"{name} answers with status {status}{_in_brackets(code)}; try again later")
    if any(mark in text for mark in _IDENTITY):
        return Unreachable(f"{name} {_NO_IDENTITY}")
    if "kind: Timeout" in text or "TimedOut" in text:
        return Unreachable(f"{name} does not answer in time; try again later")
    if "HTTP error" in text:
        return Unreachable(f"{name} cannot be reached; try again later")
    return StorageUnavailable(f"{name} cannot be used ({type(error).__name__}); check its options")


def is_about_bucket(error: BaseException) -> bool:
    """Tell whether what is missing is the bucket rather than an object in it."""
    return _CODES.get(_found(_CODE, str(error))) is _ABSENT


def _detail(text: str) -> str | None:
    for pattern, sentence in _DETAILS:
        if pattern.search(text):
            return sentence
    return _LOGIN if _NO_TOKEN.search(text) else None


def _found(pattern: re.Pattern[str], text: str) -> str:
    matched = pattern.search(text)
    return matched[1] if matched else ""


def _in_brackets(code: str) -> str:
    return f" ({code})" if code else ""
