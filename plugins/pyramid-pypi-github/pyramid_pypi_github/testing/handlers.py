"""What each operation of the fake GitHub does."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from pyramid_pypi_github.testing.answers import Describer
from pyramid_pypi_github.testing.faults import Fault
from pyramid_pypi_github.testing.state import Asset, Release, Repository, State, stamp

__all__ = ["HANDLERS", "Asked", "Reply"]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: JSON, or the place of bytes."""

    status: int
    data: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and what it is about."""

    state: State
    say: Describer
    values: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    data: bytes
    accept: str
    url: str
    fault: Fault | None

    @property
    def repository(self) -> Repository | None:
        """The repository, None where there is none."""
        return self.state.repositories.get(f"{self.values.get('owner')}/{self.values.get('repo')}")

    def refuse(self, status: int, message: str, **errors: str) -> Reply:
        """Return an answer that says no."""
        return Reply(status, self.say.error(message, [errors] if errors else None))

    def missing(self) -> Reply:
        """Return that there is no such thing."""
        return self.refuse(404, "Not Found")


Handler = Callable[[Asked, Repository], Reply]


def get_user(asked: Asked, _: Repository) -> Reply:
    return Reply(200, asked.say.user(asked.state))


def post_repository(asked: Asked, _: Repository) -> Reply:
    owner = asked.values.get("org", asked.state.login)
    if "org" in asked.values and owner not in asked.state.orgs:
        return asked.missing()
    made = asked.state.repository(f"{owner}/{asked.body['name']}", ready=bool(asked.body.get("auto_init")))
    made.private, made.description = asked.body["private"], asked.body["description"]
    return Reply(201, asked.say.repository(made))


def post_token(asked: Asked, _: Repository) -> Reply:
    expires = stamp(asked.state.now() + timedelta(hours=1))
    return Reply(201, asked.say.token("ghs_installation", expires))


def get_repository(asked: Asked, repository: Repository) -> Reply:
    return Reply(200, asked.say.repository(repository))


def get_contents(asked: Asked, repository: Repository) -> Reply:
    path = asked.values["path"]
    if repository.head is None or path not in repository.files(repository.branch):
        return asked.missing()
    return Reply(200, asked.say.content(path))


def put_contents(asked: Asked, repository: Repository) -> Reply:
    text = base64.b64decode(asked.body["content"]).decode()
    branch = asked.body.get("branch", repository.branch)
    commit = repository.write(branch, asked.values["path"], text)
    return Reply(201, asked.say.file_commit(asked.values["path"], commit))


def get_ref(asked: Asked, repository: Repository) -> Reply:
    name = asked.values["ref"]
    if not repository.refs:
        return asked.refuse(409, "Git Repository is empty.")
    return (
        Reply(200, asked.say.ref(name, repository.refs[name])) if name in repository.refs else asked.missing()
    )


def post_ref(asked: Asked, repository: Repository) -> Reply:
    name = asked.body["ref"].removeprefix("refs/")
    if name in repository.refs:
        return asked.refuse(422, "Reference already exists")
    repository.refs[name] = asked.body["sha"]
    return Reply(201, asked.say.ref(name, asked.body["sha"]))


def patch_ref(asked: Asked, repository: Repository) -> Reply:
    name, commit = asked.values["ref"], repository.commits[asked.body["sha"]]
    if name not in repository.refs:
        return asked.refuse(422, "Reference does not exist")
    if not asked.body.get("force") and repository.refs[name] not in commit.parents:
        return asked.refuse(422, "Update is not a fast forward")
    repository.refs[name] = commit.sha
    return Reply(200, asked.say.ref(name, commit.sha))


def delete_ref(asked: Asked, repository: Repository) -> Reply:
    name = asked.values["ref"]
    if repository.refs.pop(name, None) is None:
        return asked.refuse(422, "Reference does not exist")
    release = repository.published(name.removeprefix("tags/"))
    if release is not None:
        release.draft = True
    return Reply(204)


def get_commit(asked: Asked, repository: Repository) -> Reply:
    commit = repository.commits.get(asked.values["commit_sha"])
    return Reply(200, asked.say.commit(commit)) if commit else asked.missing()


def post_commit(asked: Asked, repository: Repository) -> Reply:
    body = asked.body
    commit = repository.add_commit(body["tree"], tuple(body.get("parents", ())), body["message"])
    return Reply(201, asked.say.commit(commit))


def post_tree(asked: Asked, repository: Repository) -> Reply:
    if repository.head is None:
        return asked.refuse(409, "Git Repository is empty.")
    base = repository.trees[asked.body["base_tree"]] if "base_tree" in asked.body else {}
    files = {**base, **{each["path"]: each["content"] for each in asked.body["tree"]}}
    return Reply(201, asked.say.tree(repository.add_tree(files)))


def get_releases(asked: Asked, repository: Repository) -> Reply:
    size, page = int(asked.query.get("per_page", 30)), int(asked.query.get("page", 1))
    newest = sorted(repository.releases.values(), key=lambda one: -one.id)
    shown = newest[size * (page - 1) : size * page]
    headers = {}
    if size * page < len(newest):
        headers["Link"] = f'<{asked.url}?per_page={size}&page={page + 1}>; rel="next"'
    return Reply(200, [asked.say.release(repository, one) for one in shown], headers)


def post_release(asked: Asked, repository: Repository) -> Reply:
    body, state = asked.body, asked.state
    made = Release(
        state.new_id(), body["tag_name"], body.get("name") or "", body.get("body") or "", True, state.now()
    )
    if not body.get("draft") and (problem := _publish(asked, repository, made)):
        return problem
    repository.releases[made.id] = made
    return Reply(201, asked.say.release(repository, made))


def get_tagged(asked: Asked, repository: Repository) -> Reply:
    found = repository.published(asked.values["tag"])
    return Reply(200, asked.say.release(repository, found)) if found else asked.missing()


def patch_release(asked: Asked, repository: Repository) -> Reply:
    found = repository.releases.get(int(asked.values["release_id"]))
    if found is None:
        return asked.missing()
    if asked.body.get("draft") is False and found.draft and (problem := _publish(asked, repository, found)):
        return problem
    found.body, found.name = asked.body.get("body", found.body), asked.body.get("name", found.name)
    return Reply(200, asked.say.release(repository, found))


def delete_release(asked: Asked, repository: Repository) -> Reply:
    gone = repository.releases.pop(int(asked.values["release_id"]), None)
    return Reply(204) if gone else asked.missing()


def get_assets(asked: Asked, repository: Repository) -> Reply:
    found = repository.releases.get(int(asked.values["release_id"]))
    if found is None:
        return asked.missing()
    return Reply(200, [asked.say.asset(repository, found, each) for each in found.assets.values()])


def post_asset(asked: Asked, repository: Repository) -> Reply:
    release = repository.releases.get(int(asked.values["release_id"]))
    if release is None:
        return asked.missing()
    name, kind = asked.say.stored_name(asked.query["name"]), asked.fault.kind if asked.fault else ""
    if any(each.name == name for each in release.assets.values()):
        return asked.refuse(
            422, "Validation Failed", resource="ReleaseAsset", code="already_exists", field="name"
        )
    if not asked.data:
        return asked.refuse(422, "Validation Failed", resource="ReleaseAsset", code="custom", field="size")
    made = Asset(asked.state.new_id(), name, asked.data, asked.state.now())
    if kind == "starter":
        made.state, made.data = "starter", b""
    elif kind == "rename":
        made.name = "default." + name.rpartition(".")[2]
    elif kind == "damage":
        made.data = made.data[:-1] + b"?"
    made.digest = f"sha256:{hashlib.sha256(made.data).hexdigest()}" if made.state == "uploaded" else None
    release.assets[made.id] = made
    return Reply(201, asked.say.asset(repository, release, made))


def get_asset(asked: Asked, repository: Repository) -> Reply:
    number = int(asked.values["asset_id"])
    for release in repository.releases.values():
        if number in release.assets:
            if asked.accept == "application/octet-stream":
                return Reply(302, None, {"Location": f"/signed/{number}?signature=hush"})
            return Reply(200, asked.say.asset(repository, release, release.assets[number]))
    return asked.missing()


def delete_asset(asked: Asked, repository: Repository) -> Reply:
    number = int(asked.values["asset_id"])
    gone = [one.assets.pop(number) for one in repository.releases.values() if number in one.assets]
    return Reply(204) if gone else asked.missing()


def _publish(asked: Asked, repository: Repository, release: Release) -> Reply | None:
    if repository.head is None:
        return asked.refuse(422, "Repository is empty.")
    if repository.published(release.tag):
        return asked.refuse(
            422, "Validation Failed", resource="Release", code="already_exists", field="tag_name"
        )
    repository.refs.setdefault(f"tags/{release.tag}", repository.head)
    release.draft, release.published_at = False, asked.state.now()
    return None


_REPO: Final = "/repos/{owner}/{repo}"

HANDLERS: Final[Mapping[tuple[str, str], Handler]] = {
    ("GET", "/user"): get_user,
    ("POST", "/user/repos"): post_repository,
    ("POST", "/orgs/{org}/repos"): post_repository,
    ("POST", "/app/installations/{installation_id}/access_tokens"): post_token,
    ("GET", _REPO): get_repository,
    ("GET", f"{_REPO}/contents/{{path}}"): get_contents,
    ("PUT", f"{_REPO}/contents/{{path}}"): put_contents,
    ("GET", f"{_REPO}/git/ref/{{ref}}"): get_ref,
    ("POST", f"{_REPO}/git/refs"): post_ref,
    ("PATCH", f"{_REPO}/git/refs/{{ref}}"): patch_ref,
    ("DELETE", f"{_REPO}/git/refs/{{ref}}"): delete_ref,
    ("GET", f"{_REPO}/git/commits/{{commit_sha}}"): get_commit,
    ("POST", f"{_REPO}/git/commits"): post_commit,
    ("POST", f"{_REPO}/git/trees"): post_tree,
    ("GET", f"{_REPO}/releases"): get_releases,
    ("POST", f"{_REPO}/releases"): post_release,
    ("GET", f"{_REPO}/releases/tags/{{tag}}"): get_tagged,
    ("PATCH", f"{_REPO}/releases/{{release_id}}"): patch_release,
    ("DELETE", f"{_REPO}/releases/{{release_id}}"): delete_release,
    ("GET", f"{_REPO}/releases/{{release_id}}/assets"): get_assets,
    ("POST", f"{_REPO}/releases/{{release_id}}/assets"): post_asset,
    ("GET", f"{_REPO}/releases/assets/{{asset_id}}"): get_asset,
    ("DELETE", f"{_REPO}/releases/assets/{{asset_id}}"): delete_asset,
}
"""By method and path of the description."""
