"""What has to be done once so that a repository can keep packages."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from pyramid_pypi.errors import StorageUnavailable
from pyramid_pypi_github.client import Call, Client, Refused
from pyramid_pypi_github.releases import Release, read_note
from pyramid_pypi_github.repository import Releases

__all__ = ["Preparation"]

_ABANDONED_AFTER: Final = timedelta(days=1)

_README: Final = """# Packages

The releases of this repository are the packages of a private index, one release for each file.
They are written by pyramid_pypi; whoever edits them by hand changes what the index serves.
"""


class Preparation:
    """Makes or completes the repository that `client` is about. Nothing is changed when `dry`."""

    def __init__(self, client: Client, *, private: bool, dry: bool) -> None:
        self._client = client
        self._private = private
        self._dry = dry
        self._path = f"repos/{client.options.name}"

    def run(self) -> Iterator[str]:
        """Do what is missing, and say each step. Raises StorageUnavailable."""
        try:
            is_there = self._is_there(self._path)
            if not is_there:
                yield self._told(f"create the {'private' if self._private else 'public'} repository")
                self._create()
            # A release needs a commit for its tag.
            if not (is_there and self._is_there(f"{self._path}/contents/README.md")):
                yield self._told("write README.md")
                self._write_readme()
            if is_there:
                yield from self._remove_abandoned()
        except Refused as refused:
            raise StorageUnavailable(
                f"GitHub does not prepare {self._client.options.name}: {refused.status} {refused.message}"
            ) from refused

    def _told(self, what: str) -> str:
        return f"would {what}" if self._dry else what

    def _is_there(self, path: str) -> bool:
        try:
            self._client.call(Call("GET", path))
        except Refused as refused:
            if refused.missing:
                return False
            raise
        return True

    def _create(self) -> None:
        options = self._client.options
        body = {"name": options.repo, "private": self._private, "description": "Packages of a private index"}
        login = str(self._client.call(Call("GET", "user")).data["login"])
        owned = login.lower() == options.owner.lower()
        if not self._dry:
            self._client.call(Call("POST", "user/repos" if owned else f"orgs/{options.owner}/repos", body))

    def _write_readme(self) -> None:
        content = base64.b64encode(_README.encode()).decode()
        body = {"message": "Begin with a README", "content": content}
        if not self._dry:
            self._client.call(Call("PUT", f"{self._path}/contents/README.md", body))

    def _remove_abandoned(self) -> Iterator[str]:
        releases = Releases(self._client)
        oldest = datetime.now(UTC) - _ABANDONED_AFTER
        for release in [each for each in releases.all() if _is_abandoned(each, oldest)]:
            yield self._told(f"remove the upload of {release.tag} that was cut off")
            if not self._dry:
                releases.remove(release)


def _is_abandoned(release: Release, oldest: datetime) -> bool:
    if not release.draft or release.created_at > oldest:
        return False
    note = read_note(release.body, release.tag)
    # The drafts of other programs are theirs.
    return note is not None and not note.foreign
