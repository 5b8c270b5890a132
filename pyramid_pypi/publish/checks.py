"""What must agree before a file is taken: the form, the file name and the file itself."""

import base64
import binascii
import hmac
import re
from datetime import UTC, datetime, timedelta

from packaging.version import Version

from pyramid_pypi.distribution import (
    AcceptProfile,
    Filename,
    canonical_version,
    is_valid_name,
    normalise,
)
from pyramid_pypi.errors import DigestMismatch, InvalidUpload
from pyramid_pypi.model import File, Hashes
from pyramid_pypi.publish.receive import ReceivedForm

__all__ = ["check_digests", "check_form", "check_release", "same_version"]

_DIGESTS = {
    "md5_digest": ("md5", 32),
    "sha256_digest": ("sha256", 64),
    "blake2_256_digest": ("blake2b_256", 64),
}
_HEX = re.compile(r"[0-9a-f]+", re.ASCII)
_LATE = timedelta(days=14)


def check_form(form: ReceivedForm, filename: Filename) -> None:
    """Compare what the form says about the file with the file name. Raises InvalidUpload."""
    if form.get("protocol_version") not in {"", "1"}:
        raise InvalidUpload("Unknown protocol version: use 1")
    filetype = form.get("filetype")
    if filetype and filetype != filename.packagetype:
        raise InvalidUpload(
            f"The form says {filetype!r}, but {filename.filename!r} is a {filename.packagetype}"
        )
    name = form.get("name")
    if name and (not is_valid_name(name) or normalise(name) != filename.project):
        raise InvalidUpload(
            f"The form says the project {name!r}, but the file name says {filename.project!r}"
        )
    version = form.get("version")
    if version and not same_version(canonical_version(version), filename.version):
        raise InvalidUpload(f"The form says version {version!r}, but the file name says {filename.version!r}")


def same_version(one: str, other: str) -> bool:
    """Tell whether two canonical versions are equal, as 1.0 and 1.0.0 are (PEP 440)."""
    return Version(one) == Version(other)


def check_digests(form: ReceivedForm, hashes: Hashes) -> None:
    """Compare every digest that was sent with the bytes that came. Raises DigestMismatch."""
    for field, (algorithm, length) in _DIGESTS.items():
        if sent := form.get(field):
            digest = _hexadecimal(sent, length)
            if digest is None:
                raise InvalidUpload(f"The field {field!r} is not a digest in hexadecimal")
            if not hmac.compare_digest(digest, getattr(hashes, algorithm)):
                raise DigestMismatch(
                    f"The digest in {field!r} does not match a digest calculated from the "
                    "uploaded file; build and upload it again"
                )


def check_release(profile: AcceptProfile, filename: Filename, others: tuple[File, ...]) -> None:
    """Apply the rules of the profile about the other files of the release. Raises InvalidUpload."""
    release = [file for file in others if same_version(file.version, filename.version)]
    if not profile.several_sdists and filename.packagetype == "sdist":
        sdists = [file for file in release if file.packagetype == "sdist"]
        if any(file.filename != filename.filename for file in sdists):
            raise InvalidUpload(f"The release already has the sdist {sdists[0].filename!r}; one is allowed")
    if not profile.late_files and release:
        first = min(file.time for file in release)
        if datetime.now(UTC) - first > _LATE and filename.filename not in {f.filename for f in release}:
            raise InvalidUpload("The release is older than 14 days and takes no more files")


def _hexadecimal(sent: str, length: int) -> str | None:
    text = sent.strip().lower()
    if len(text) == length and _HEX.fullmatch(text):
        return text
    # PyPI's documentation asks for MD5 in URL-safe base64 without padding.
    if length == 32 and len(sent) == 22:
        try:
            return base64.urlsafe_b64decode(f"{sent}==").hex()
        except (binascii.Error, ValueError):
            return None
    return None
