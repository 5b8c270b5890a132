"""Text of the ini to values, strictly: what is not understood is refused, never guessed."""

import os
import re
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeAlias, TypeVar, Union, get_args, get_origin

from pyramid_pypi._nearest import nearest
from pyramid_pypi.errors import PluginError
from pyramid_pypi.model import AUTHENTICATED, EVERYONE
from pyramid_pypi.options import Principals, Seconds, Secret, Size

__all__ = [
    "Cast",
    "Refused",
    "at_least",
    "boolean",
    "choice",
    "for_annotation",
    "integer",
    "path",
    "principals",
    "seconds",
    "secret",
    "size",
    "text",
    "words",
]

T = TypeVar("T")
Cast: TypeAlias = Callable[[str], T]

NOBODY = "nobody"
_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True}
_BOOLEANS |= {"false": False, "no": False, "off": False, "0": False}
_AMOUNT = re.compile(r"([0-9]{1,18})\s*([a-z]*)", re.IGNORECASE)
_BYTES = {"": 1, "B": 1}
_BYTES |= {f"{letter}B": 1000**power for power, letter in enumerate(("k", "M", "G", "T"), start=1)}
_BYTES |= {f"{letter}iB": 1024**power for power, letter in enumerate(("K", "M", "G", "T"), start=1)}
_DURATIONS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_WHO = (EVERYONE, AUTHENTICATED, "user:NAME", "group:NAME", NOBODY)


class Refused(ValueError):
    """A text is not a value: the reason, what is allowed, and what may have been meant."""

    def __init__(self, reason: str, *, allowed: tuple[str, ...] = (), nearest: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.allowed = allowed
        self.nearest = nearest


def text(value: str) -> str:
    """Return the text without white space around it."""
    return value.strip()


def boolean(value: str) -> bool:
    """Return what one of eight words means. Raises Refused for all others."""
    word = value.strip().lower()
    if word not in _BOOLEANS:
        raise Refused(
            f"{value!r} is neither true nor false", allowed=tuple(_BOOLEANS), nearest=nearest(word, _BOOLEANS)
        )
    return _BOOLEANS[word]


def integer(value: str) -> int:
    """Return a decimal number. Raises Refused."""
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", value.strip()):
        raise Refused(f"{value!r} is not a whole number")
    return int(value)


def at_least(minimum: int) -> Cast[int]:
    """Return a cast to a whole number that is not below `minimum`."""

    def cast(value: str) -> int:
        number = integer(value)
        if number < minimum:
            raise Refused(f"{number} is too small, the least is {minimum}")
        return number

    return cast


def size(value: str) -> int:
    """Return a number of bytes. Raises Refused."""
    return _amount(value, _BYTES, "a size", ("512", "100 MB", "4 GiB"))


def seconds(value: str) -> int:
    """Return a duration in seconds. Raises Refused."""
    return _amount(value, _DURATIONS, "a duration", ("90", "90s", "15m", "24h", "7d"))


def _amount(value: str, units: Mapping[str, int], what: str, examples: tuple[str, ...]) -> int:
    matched = _AMOUNT.fullmatch(value.strip())
    if not matched:
        raise Refused(f"{value!r} is not {what}", allowed=examples)
    number, unit = matched.groups()
    for known, factor in units.items():
        if known.lower() == unit.lower():
            return int(number) * factor
    guess = nearest(unit, filter(None, units))
    raise Refused(
        f"{value!r} is not {what}: {unit!r} is not a unit",
        allowed=tuple(filter(None, units)),
        nearest=f"{number} {guess}" if guess else None,
    )


def words(value: str) -> tuple[str, ...]:
    """Return the words between white space. Raises Refused for a word with a comma in it."""
    found = tuple(value.split())
    for word in found:
        if "," in word:
            raise Refused(
                f"{word!r} has a comma in it; separate the words by white space alone",
                nearest=" ".join(value.replace(",", " ").split()),
            )
    return found


def choice(*allowed: str, what: str = "allowed") -> Cast[str]:
    """Return a cast that takes exactly one of `allowed` and says of others that they are not `what`."""

    def cast(value: str) -> str:
        word = value.strip()
        if word not in allowed:
            raise Refused(f"{word!r} is not {what}", allowed=allowed, nearest=nearest(word, allowed))
        return word

    return cast


def path(value: str) -> Path:
    """Return a path. Raises Refused for the empty text, which would mean the working directory."""
    if not value.strip():
        raise Refused("a path is needed, this is empty")
    if "\0" in value:
        raise Refused("a path has no NUL character")
    return Path(value.strip())


def principals(value: str) -> frozenset[str]:
    """Return who is meant; empty text and `nobody` mean nobody. Raises Refused."""
    names = words(value)
    if names == (NOBODY,):
        return frozenset()
    for name in names:
        if name == NOBODY:
            raise Refused(f"{NOBODY!r} stands alone, nobody else is listed with it")
        kind, _, rest = name.partition(":")
        if name not in (EVERYONE, AUTHENTICATED) and (kind not in ("user", "group") or not rest):
            raise Refused(f"{name!r} names nobody", allowed=_WHO, nearest=_nearest_principal(name))
    return frozenset(names)


def _nearest_principal(name: str) -> str | None:
    kind, colon, rest = name.partition(":")
    if colon:
        guess = nearest(kind, ("user", "group"))
        return f"{guess}:{rest}" if guess and rest else None
    return nearest(name.removeprefix("system."), (EVERYONE, AUTHENTICATED, NOBODY)) or f"user:{name}"


def secret(environ: Mapping[str, str]) -> Cast[Secret]:
    """Return a cast that looks `env:NAME` up in `environ` and reads `file:/path`.

    Raises Refused, with a reason that never shows the secret, when there is none, when it is
    empty, and when everyone on the machine could read the file.
    """

    def cast(value: str) -> Secret:
        source, colon, rest = value.partition(":")
        found = value
        if colon and source == "env":
            found = _from_environment(rest.strip(), environ)
        elif colon and source == "file":
            found = _from_file(rest.strip())
        if not found:
            raise Refused("a secret is needed, this is empty")
        return Secret(found)

    return cast


def _from_environment(name: str, environ: Mapping[str, str]) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise Refused(
            "after env: comes the name of an environment variable", allowed=("env:NAME", "file:/path")
        )
    if name not in environ:
        raise Refused(f"the environment variable {name} is not set")
    return environ[name]


def _from_file(name: str) -> str:
    if not name.startswith("/"):
        raise Refused("after file: comes an absolute path", allowed=("env:NAME", "file:/path"))
    try:
        with Path(name).open(encoding="utf-8", newline="") as stream:
            mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
            if mode & 0o007:
                raise Refused(f"everyone may use the file {name} (mode {mode:04o}); run chmod o= on it")
            return stream.read().removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise Refused(f"the file {name} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError:
        # The cause would show bytes of the secret.
        raise Refused(f"the file {name} is not UTF-8 text") from None


def for_annotation(annotation: Any, environ: Mapping[str, str]) -> Cast[object]:
    """Return the cast for a type that `pyramid_pypi.options` allows. Raises PluginError."""
    plain: dict[Any, Cast[object]] = {
        str: text,
        int: integer,
        bool: boolean,
        Path: path,
        Size: size,
        Seconds: seconds,
        Principals: principals,
        Secret: secret(environ),
        tuple[str, ...]: words,
    }
    if annotation in plain:
        return plain[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal and all(isinstance(argument, str) for argument in arguments):
        return choice(*arguments)
    if origin is tuple and len(arguments) == 2 and arguments[1] is ...:
        if get_origin(arguments[0]) is Literal:
            return _each(for_annotation(arguments[0], environ))
    elif origin in (Union, UnionType) and len(arguments) == 2 and NoneType in arguments:
        (other,) = (argument for argument in arguments if argument is not NoneType)
        return _or_none(for_annotation(other, environ))
    raise PluginError(
        f"an option cannot have the type {annotation}; see pyramid_pypi.options for those that it can"
    )


def _each(cast: Cast[object]) -> Cast[object]:
    return lambda value: tuple(cast(word) for word in words(value))


def _or_none(cast: Cast[object]) -> Cast[object]:
    return lambda value: cast(value) if value.strip() else None
