"""How GitHub describes what it has, in the words of its own examples."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from pyramid_pypi_github.testing.description import Description
from pyramid_pypi_github.testing.state import Asset, Commit, Release, Repository, State, stamp

__all__ = ["Describer"]


class Describer:
    """Fills in the examples of the description; `url` is where the API is."""

    def __init__(self, description: Description, url: str) -> None:
        self._url = url
        self._user = description.example("release")["author"]
        self._release = description.example("release")
        self._repository = description.example("full-repository")
        self._commit = description.example("git-commit")
        self._file_commit = description.example("file-commit-example-for-creating-a-file")
        self._content = description.example("content-file-response-if-content-is-a-file")
        self._token = description.example("installation-token")
        self._tree = description.example("git-tree")
        self._me = description.example("private-user-response-with-public-and-private-profile-information")

    def user(self, state: State) -> dict[str, Any]:
        """Return who asks."""
        return {**self._me, "login": state.login, "user_view_type": "private"}

    def token(self, token: str, expires_at: str) -> dict[str, Any]:
        """Return a token of an installation."""
        return {**self._token, "token": token, "expires_at": expires_at}

    def repository(self, one: Repository) -> dict[str, Any]:
        """Return a repository."""
        full = f"{one.owner}/{one.name}"
        return {
            **self._repository,
            "name": one.name,
            "full_name": full,
            "html_url": f"{self._url}/{full}",
            "private": one.private,
            "archived": one.archived,
            "description": one.description,
            # The example forgets what the description requires.
            "has_discussions": False,
            "default_branch": one.branch,
            "permissions": {"admin": False, "push": one.pushable, "pull": True},
        }

    def release(self, repository: Repository, one: Release) -> dict[str, Any]:
        """Return a release with its assets."""
        base = f"{self._url}/repos/{repository.owner}/{repository.name}/releases/{one.id}"
        return {
            **self._release,
            "url": base,
            "assets_url": f"{base}/assets",
            "upload_url": f"{base}/assets{{?name,label}}",
            "html_url": f"{self._url}/{repository.owner}/{repository.name}/releases/{quote(one.tag)}",
            "id": one.id,
            "tag_name": one.tag,
            "target_commitish": repository.branch,
            "name": one.name,
            "body": one.body,
            "draft": one.draft,
            "created_at": stamp(one.created_at),
            "published_at": stamp(one.published_at) if one.published_at else None,
            "assets": [self.asset(repository, one, each) for each in one.assets.values()],
        }

    def asset(self, repository: Repository, release: Release, one: Asset) -> dict[str, Any]:
        """Return an asset."""
        there = f"{repository.owner}/{repository.name}"
        place = f"{there}/releases/download/{quote(release.tag, safe='')}/{quote(one.name, safe='')}"
        return {
            **self._release["assets"][0],
            "url": f"{self._url}/repos/{there}/releases/assets/{one.id}",
            "browser_download_url": f"{self._url}/{place}",
            "id": one.id,
            "name": one.name,
            "state": one.state,
            "size": len(one.data),
            "digest": one.digest,
            "created_at": stamp(one.created_at),
            "updated_at": stamp(one.created_at),
            "content_type": "application/octet-stream",
        }

    def commit(self, one: Commit) -> dict[str, Any]:
        """Return a commit of the git database."""
        parents = [{**self._commit["parents"][0], "sha": sha} for sha in one.parents]
        tree = {**self._commit["tree"], "sha": one.tree}
        return {**self._commit, "sha": one.sha, "message": one.message, "tree": tree, "parents": parents}

    def tree(self, sha: str) -> dict[str, Any]:
        """Return a tree, without what is in it."""
        return {**self._tree, "sha": sha, "tree": []}

    def ref(self, name: str, sha: str) -> dict[str, Any]:
        """Return a reference."""
        there = {"type": "commit", "sha": sha, "url": f"{self._url}/git/commits/{sha}"}
        return {"ref": f"refs/{name}", "node_id": "x", "url": f"{self._url}/git/refs/{name}", "object": there}

    def content(self, path: str) -> dict[str, Any]:
        """Return a file of a branch."""
        return {**self._content, "path": path, "name": path.rpartition("/")[2]}

    def file_commit(self, path: str, commit: Commit) -> dict[str, Any]:
        """Return what was committed."""
        said = {**self._file_commit["commit"], "sha": commit.sha, "message": commit.message}
        return {
            **self._file_commit,
            "content": {**self._file_commit["content"], "path": path},
            "commit": said,
        }

    def error(self, message: str, errors: list[Mapping[str, str]] | None = None) -> dict[str, Any]:
        """Return an answer that refuses."""
        said = {"message": message, "documentation_url": "https://docs.github.com/rest", "status": "400"}
        return said if errors is None else {**said, "errors": errors}

    @staticmethod
    def stored_name(name: str) -> str:
        """Return the name that GitHub gives to an asset: letters that it does not like become points."""
        return re.sub(r"[^A-Za-z0-9._+-]", ".", name).strip(".")
