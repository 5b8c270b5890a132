"""Read keys one by one, remember which are known, and collect what is wrong."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pyramid_pypi._nearest import nearest
from pyramid_pypi.settings.casts import Cast, Refused
from pyramid_pypi.settings.problems import Problem

__all__ = ["PREFIX", "Reader", "variable"]

PREFIX = "pypi."
T = TypeVar("T")


def variable(key: str) -> str:
    """Return the name of the environment variable that overrides `key`."""
    return key.upper().replace(".", "_").replace("-", "_")


class Reader:
    """Takes keys from the environment, then from the settings.

    A problem never stops the reading: the caller gets a default or a placeholder and goes on, and
    `finish` returns every problem at once. Relative paths are below `data`.
    """

    def __init__(self, settings: Mapping[str, str], environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.data = Path()
        self._settings = {key: value for key, value in settings.items() if key.startswith(PREFIX)}
        self._problems: list[Problem] = []
        self._known: dict[str, None] = {}
        self._variables: dict[str, str] = {}
        self._skipped: set[str] = set()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong so far, without the keys that nobody has taken yet."""
        return tuple(self._problems)

    def take(self, key: str, cast: Cast[T], default: T) -> T:
        """Return the value of `key`; `default` where it is not set or is refused."""
        value = self._text(key)
        return default if value is None else self._cast(key, value, cast, default)

    def require(
        self, key: str, cast: Cast[T], placeholder: T, *, allowed: tuple[str, ...] = (), hint: str = ""
    ) -> T:
        """Return the value of `key`; a problem and `placeholder` where it is missing, empty or refused."""
        value = self._text(key)
        if value is None or not value.strip():
            state = "is required and missing" if value is None else "is required and empty"
            self.problem(key, f"{state}: {hint}" if hint else state, allowed=allowed)
            return placeholder
        return self._cast(key, value, cast, placeholder)

    def has(self, key: str) -> bool:
        """Tell whether `key`, which is a known one, is set in the environment or the settings."""
        self._known[key] = None
        return variable(key) in self.environ or key in self._settings

    def below(self, prefix: str) -> tuple[str, ...]:
        """Return the keys of the settings that begin with `prefix`, in their order."""
        return tuple(key for key in self._settings if key.startswith(prefix))

    def skip(self, key: str) -> None:
        """Let `key` and what is below it be, because a problem has been reported for it."""
        self._skipped.add(key)

    def orphans(self, parent: str, listed: tuple[str, ...], *, reason: str) -> None:
        """Report names below `parent` that are not `listed`, each once."""
        heads = (key.removeprefix(f"{parent}.").partition(".")[0] for key in self.below(f"{parent}."))
        for name in dict.fromkeys(heads):
            if name not in listed:
                guess = nearest(name, listed)
                self.problem(
                    f"{parent}.{name}",
                    reason,
                    allowed=tuple(f"{parent}.{one}" for one in listed),
                    nearest=f"{parent}.{guess}" if guess else None,
                )
                self.skip(f"{parent}.{name}")

    def problem(
        self, key: str, reason: str, *, allowed: tuple[str, ...] = (), nearest: str | None = None
    ) -> None:
        """Add a problem."""
        self._problems.append(Problem(key, reason, allowed, nearest))

    def finish(self) -> tuple[Problem, ...]:
        """Return all problems; a key that nobody took is one."""
        for key in self._settings:
            if key not in self._known and not self._is_skipped(key):
                reason = "is not a key that anything reads"
                self.problem(key, reason, allowed=self._siblings(key), nearest=self._nearest(key))
        return self.problems

    def _is_skipped(self, key: str) -> bool:
        return any(f"{key}.".startswith(f"{skipped}.") for skipped in self._skipped)

    def _text(self, key: str) -> str | None:
        self._known[key] = None
        name = variable(key)
        if name in self.environ:
            other = self._variables.setdefault(name, key)
            if other != key:
                self.problem(
                    key, f"the environment variable {name} means {other} as well; set both in the ini"
                )
            return self.environ[name]
        value: object = self._settings.get(key)
        if value is None or isinstance(value, str):
            return value
        self.problem(key, f"is a {type(value).__name__}; write settings as text")
        return None

    def _cast(self, key: str, value: str, cast: Cast[T], fallback: T) -> T:
        try:
            found = cast(value)
        except Refused as refused:
            name = variable(key)
            source = f" (from the environment variable {name})" if name in self.environ else ""
            self.problem(key, refused.reason + source, allowed=refused.allowed, nearest=refused.nearest)
            return fallback
        below: Any = self.data / found if isinstance(found, Path) else found
        typed: T = below
        return typed

    def _siblings(self, key: str) -> tuple[str, ...]:
        """Return what may stand beside `key`: known keys below the nearest parent that has any."""
        parent = key
        while "." in parent:
            parent = parent.rpartition(".")[0]
            below = [known for known in self._known if known.startswith(f"{parent}.")]
            if below:
                heads = (known[len(parent) + 1 :].partition(".") for known in below)
                return tuple(dict.fromkeys(f"{parent}.{head}{'.*' if dot else ''}" for head, dot, _ in heads))
        return ()

    def _nearest(self, key: str) -> str | None:
        """Return the known key that may have been meant: the same letters, a sibling, a very similar one."""
        for known in self._known:
            if variable(known) == variable(key):
                return known
        parent, _, word = key.rpartition(".")
        beside = [known for known in self._known if known.rpartition(".")[0] == parent]
        guess = nearest(word, (known.rpartition(".")[2] for known in beside))
        # Long common parents make any two keys look alike, so siblings are compared without them.
        return f"{parent}.{guess}" if guess else nearest(key, set(self._known) - set(beside), cutoff=0.9)
