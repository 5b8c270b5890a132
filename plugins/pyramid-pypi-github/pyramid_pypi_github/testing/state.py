"""What a GitHub remembers: repositories with releases, tags, commits and branches."""

import hashlib
import json
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

__all__ = ["Asset", "Commit", "Release", "Repository", "State", "stamp"]


def stamp(moment: datetime) -> str:
    """Return a time as GitHub writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(slots=True)
class Asset:
    """Bytes of a release; `starter` is what an upload that went wrong leaves."""

    id: int
    name: str
    data: bytes
    created_at: datetime
    state: str = "uploaded"
    digest: str | None = None


@dataclass(slots=True)
class Release:
    """A release; its tag is made when it is published."""

    id: int
    tag: str
    name: str
    body: str
    draft: bool
    created_at: datetime
    published_at: datetime | None = None
    assets: dict[int, Asset] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: all files by path, the commits before it, and what was said."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    message: str


@dataclass(slots=True)
class Repository:
    """A repository. A new one has no commit, and then no release can be published in it."""

    owner: str
    name: str
    private: bool = True
    archived: bool = False
    description: str = ""
    releases: dict[int, Release] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    trees: dict[str, dict[str, str]] = field(default_factory=dict)
    pushable: bool = True
    branch: str = "main"

    @property
    def head(self) -> str | None:
        """The last commit of the main branch."""
        return self.refs.get(f"heads/{self.branch}")

    def published(self, tag: str) -> Release | None:
        """Return the release that the public sees under a tag."""
        found = (each for each in self.releases.values() if each.tag == tag and not each.draft)
        return next(found, None)

    def add_tree(self, files: dict[str, str]) -> str:
        """Keep files and return the name of the tree, which is the same for the same files."""
        sha = hashlib.sha1(json.dumps(files, sort_keys=True).encode(), usedforsecurity=False).hexdigest()
        self.trees[sha] = dict(files)
        return sha

    def add_commit(self, tree: str, parents: tuple[str, ...], message: str) -> Commit:
        """Keep a commit."""
        text = json.dumps([tree, parents, message, len(self.commits)])
        sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        self.commits[sha] = Commit(sha, tree, parents, message)
        return self.commits[sha]

    def files(self, branch: str) -> dict[str, str]:
        """Return the files of a branch by path."""
        return self.trees[self.commits[self.refs[f"heads/{branch}"]].tree]

    def write(self, branch: str, path: str, text: str) -> Commit:
        """Commit one file."""
        before = self.refs.get(f"heads/{branch}")
        files = {**(self.files(branch) if before else {}), path: text}
        commit = self.add_commit(self.add_tree(files), (before,) if before else (), f"Write {path}")
        self.refs[f"heads/{branch}"] = commit.sha
        return commit


class State:
    """Everything, behind one lock. `login` is the user, who is in the organizations `orgs`."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.login = "ann"
        self.orgs = {"acme"}
        self.repositories: dict[str, Repository] = {}
        self.age = timedelta()
        self._ids = count(1)

    def repository(self, name: str, *, ready: bool = True) -> Repository:
        """Make a repository, `ready` with a first commit, and return it."""
        owner, _, repo = name.partition("/")
        made = self.repositories[name] = Repository(owner, repo)
        if ready:
            made.write(made.branch, "README.md", "Hello\n")
        return made

    def new_id(self) -> int:
        """Return a number that nothing has."""
        return next(self._ids)

    def now(self) -> datetime:
        """Return the time, `age` ago."""
        return datetime.now(UTC) - self.age

    def add_release(
        self, name: str, tag: str, body: str, *, files: dict[str, bytes], draft: bool = False
    ) -> Release:
        """Make a release with assets, as another program would have done."""
        with self.lock:
            repository = self.repositories[name]
            release = Release(self.new_id(), tag, tag, body, draft, self.now())
            for file, data in files.items():
                asset = Asset(self.new_id(), file, data, self.now())
                asset.digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
                release.assets[asset.id] = asset
            repository.releases[release.id] = release
            if not draft:
                release.published_at = self.now()
                repository.refs[f"tags/{tag}"] = repository.head or ""
            return release
