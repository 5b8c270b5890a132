"""Kinds of publishers: which jobs are meant, by what their tokens say."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from pyramid_pypi.settings.values import patterns
from pyramid_pypi_oidc.verify import Claims

__all__ = ["PUBLISHERS", "PublisherOptions", "Rule", "echo"]

_MOST_SHOWN: Final = 200
_WORKFLOW: Final = re.compile(r"[A-Za-z0-9._-]+\.ya?ml")
_GITHUB_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_GITLAB_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+")
_DIGITS: Final = re.compile(r"[0-9]{1,20}")


def _help(text: str) -> dict[str, str]:
    return {"help": text}


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherOptions:
    """What every publisher has: whose tokens count, and what may be published where."""

    issuer: str = field(default="", metadata=_help("the name of the issuer, else the kind"))
    to: str = field(metadata=_help("the hosted repository that is published to"))
    projects: tuple[str, ...] = field(metadata=_help("patterns of normalised names of projects"))

    def __post_init__(self) -> None:
        if not self.projects:
            raise ValueError("projects: name a project or a pattern")
        patterns(" ".join(self.projects))
        if problems := list(self.problems()):
            raise ValueError("; ".join(problems))

    def problems(self) -> Iterator[str]:
        """Yield what is wrong with the options of a kind."""
        yield from ()


class Rule(Protocol):
    """Tells which tokens are those of a publisher."""

    options: Any
    decides: tuple[str, ...]

    @property
    def summary(self) -> str:
        """What is meant, in a few words."""
        ...

    def refusal(self, claims: Claims) -> str | None:
        """Return why the token is not meant, None when it is."""
        ...

    def owner(self, claims: Claims) -> tuple[str, str]:
        """Return the name of the owner that the publisher counts on, and the owner's number.

        Both are empty where there is no such thing, or where the options have the number.
        """
        ...


class GithubPublisher:
    """A workflow of a repository at GitHub."""

    decides = (
        *("repository", "repository_owner", "repository_owner_id", "job_workflow_ref"),
        *("environment", "event_name"),
    )

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options(PublisherOptions):
        """The workflow."""

        repository: str = field(metadata=_help("as in acme/widgets"))
        workflow: str = field(metadata=_help("the file in .github/workflows, as in release.yml"))
        environment: str = field(default="", metadata=_help("the environment that the job has to run in"))
        owner_id: str = field(
            default="", metadata=_help("the number of the owner; else that of the first use")
        )

        def problems(self) -> Iterator[str]:
            if not _GITHUB_NAME.fullmatch(self.repository):
                yield f"repository: {self.repository!r} is not like acme/widgets"
            if not _WORKFLOW.fullmatch(self.workflow):
                yield f"workflow: {self.workflow!r} is not the name of a file like release.yml"
            if self.owner_id and not _DIGITS.fullmatch(self.owner_id):
                yield "owner_id: this is not a number"

    def __init__(self, options: Options) -> None:
        self.options = options

    @property
    def summary(self) -> str:
        options = self.options
        where = f" in {options.environment}" if options.environment else ""
        return f"{options.workflow} of {options.repository}{where}"

    def refusal(self, claims: Claims) -> str | None:
        wanted, options = self.options.repository.lower(), self.options
        if claims.get("event_name") == "pull_request_target":
            return (
                "a workflow that runs for pull_request_target has the code of strangers and the rights of "
                "the repository, so it never publishes"
            )
        if _text(claims, "repository").lower() != wanted:
            return f"the repository is not {options.repository}"
        owner_id = _text(claims, "repository_owner_id")
        is_owner = _text(claims, "repository_owner").lower() == wanted.partition("/")[0]
        if not is_owner or options.owner_id not in {"", owner_id}:
            return f"the owner of the repository is not {options.owner_id or 'the one of its name'}"
        path, _, _ = _text(claims, "job_workflow_ref").partition("@")
        tail = f"/.github/workflows/{options.workflow}"
        if not path.endswith(tail) or path.removesuffix(tail).lower() != wanted:
            return f"the workflow is not {options.workflow} of {options.repository}"
        if options.environment and _text(claims, "environment").lower() != options.environment.lower():
            return f"the environment is not {options.environment}"
        return None

    def owner(self, claims: Claims) -> tuple[str, str]:
        if self.options.owner_id:
            return "", ""
        return self.options.repository.lower().partition("/")[0], _text(claims, "repository_owner_id")


class GitlabPublisher:
    """A project at GitLab."""

    decides = (
        *("project_path", "namespace_id", "project_id", "ci_config_ref_uri"),
        *("ref", "ref_protected", "environment"),
    )

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options(PublisherOptions):
        """The project, and what its pipelines have to be."""

        project: str = field(metadata=_help("as in acme/tools/widgets"))
        workflow: str = field(default="", metadata=_help("the file of the pipeline, as in .gitlab-ci.yml"))
        ref: str = field(default="", metadata=_help("the branch or tag"))
        ref_protected: bool = field(default=False, metadata=_help("only protected branches and tags"))
        environment: str = field(default="", metadata=_help("the environment that the job has to run in"))
        namespace_id: str = field(
            default="", metadata=_help("the number of the group; else that of the first use")
        )
        project_id: str = field(default="", metadata=_help("the number of the project"))

        def problems(self) -> Iterator[str]:
            if not _GITLAB_NAME.fullmatch(self.project):
                yield f"project: {self.project!r} is not like acme/tools/widgets"
            for name in ("namespace_id", "project_id"):
                if (number := getattr(self, name)) and not _DIGITS.fullmatch(number):
                    yield f"{name}: this is not a number"

    def __init__(self, options: Options) -> None:
        self.options = options

    @property
    def summary(self) -> str:
        options = self.options
        parts = (options.workflow, options.ref, options.environment)
        return " ".join([options.project, *filter(None, parts), *(["protected"] * options.ref_protected)])

    def refusal(self, claims: Claims) -> str | None:
        options = self.options
        if _text(claims, "project_path").lower() != options.project.lower():
            return f"the project is not {options.project}"
        for name in ("namespace_id", "project_id", "ref", "environment"):
            wanted = getattr(options, name)
            if wanted and _text(claims, name) != wanted:
                return f"{name} is not {wanted}"
        if options.ref_protected and _text(claims, "ref_protected") != "true":
            return "the branch or tag is not protected"
        # The host of the URI is GitLab's own, which is what has issued the token.
        path, _, _ = _text(claims, "ci_config_ref_uri").partition("/")[2].partition("@")
        if options.workflow and path.lower() != f"{options.project}//{options.workflow}".lower():
            return f"the pipeline is not {options.workflow} of {options.project}"
        return None

    def owner(self, claims: Claims) -> tuple[str, str]:
        if self.options.namespace_id:
            return "", ""
        return self.options.project.lower().rpartition("/")[0], _text(claims, "namespace_id")


class ClaimsPublisher:
    """Whatever the claims of a token say."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options(PublisherOptions):
        """The rules."""

        claims: str = field(metadata=_help("lines of `name = value`, where * is any run of characters"))

        def problems(self) -> Iterator[str]:
            rules = self.rules()
            if not rules or not all(rules.values()) or not all(rules):
                yield "claims: write lines of `name = value`"
            elif not any(value.strip("*") for value in rules.values()):
                yield "claims: with these rules everybody could publish who has a token of the issuer"

        def rules(self) -> Mapping[str, str]:
            """Return the wanted values by the names of claims."""
            lines = (line.partition("=") for line in self.claims.splitlines() if line.strip())
            return {name.strip(): value.strip() for name, _, value in lines}

    def __init__(self, options: Options) -> None:
        self.options = options
        self._rules = {name: _pattern(value) for name, value in options.rules().items()}
        self.decides = tuple(self._rules)

    @property
    def summary(self) -> str:
        return " ".join(f"{name}={value}" for name, value in self.options.rules().items())

    def refusal(self, claims: Claims) -> str | None:
        for name, pattern in self._rules.items():
            found = claims.get(name)
            values = found if isinstance(found, list) else [found]
            if not any(pattern.fullmatch(_as_text(value)) for value in values if value is not None):
                return f"{name} is not {self.options.rules()[name]}"
        return None

    def owner(self, claims: Claims) -> tuple[str, str]:
        del claims
        return "", ""


PUBLISHERS: Mapping[str, type] = {
    "github": GithubPublisher,
    "gitlab": GitlabPublisher,
    "claims": ClaimsPublisher,
}


def echo(claims: Claims, names: tuple[str, ...]) -> str:
    """Return what a token says, for who has to mend a publisher; shortened and on one line."""
    shown = dict.fromkeys(("sub", *names))
    return ", ".join(
        f"{name}={ascii(_as_text(claims[name]))[:_MOST_SHOWN]}" for name in shown if name in claims
    )


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, text.split("*"))), re.DOTALL)


def _text(claims: Claims, name: str) -> str:
    return _as_text(claims.get(name, ""))


def _as_text(value: object) -> str:
    """Return a claim as text; GitLab has made some numbers of texts and back."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else ""
