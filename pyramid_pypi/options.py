"""The types that the options of a kind may have, and how the options of a kind are found.

A kind is a class that a plugin offers under a name of the ini. Its frozen dataclass `Options`
says what it takes, and calling the class with an instance of that builds what the ini asks for::

    class BucketStorage:
        @dataclass(frozen=True, slots=True)
        class Options:
            url: str = field(metadata={"help": "where the bucket is"})
            key: Secret
            timeout: Seconds = 30

        def __init__(self, options: Options) -> None: ...

A kind without `Options` takes none and is called without arguments.
An option without a default is required. These are the types and the text that each accepts:

=========================  =====================================================================
`str`                      anything; surrounding white space is dropped
`int`                      decimal digits with an optional sign
`bool`                     `true false yes no on off 1 0`, nothing else
`pathlib.Path`             a path, relative to the working directory
`tuple[str, ...]`          words separated by white space, no commas
`Literal["a", "b"]`        exactly one of the words
`tuple[Literal[…], ...]`   such words, separated by white space
`Size`                     bytes: `512`, `100 MB` (10**6), `4GiB` (2**30)
`Seconds`                  `90`, `90s`, `15m`, `24h`, `7d`
`Secret`                   the text itself, `env:NAME` or `file:/path`
`Principals`               `everyone`, `authenticated`, `user:NAME`, `group:NAME`, or `nobody`
`X | None`                 as `X`; the empty text is None
=========================  =====================================================================
"""

import hmac
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Annotated, Any, NoReturn, TypeAlias, final, get_type_hints

from pyramid_pypi.errors import PluginError

__all__ = ["Option", "Principals", "Seconds", "Secret", "Size", "options_of"]

Size: TypeAlias = Annotated[int, "bytes"]
"""A number of bytes."""

Seconds: TypeAlias = Annotated[int, "seconds"]
"""A duration in whole seconds."""

Principals: TypeAlias = Annotated[frozenset[str], "principals"]
"""Who is meant; the empty set is nobody."""


@final
class Secret:
    """A text that neither `repr`, `str` nor formatting shows; `reveal()` returns it.

    It is no dataclass, so that `dataclasses.asdict` cannot take it apart.
    """

    __slots__ = ("_text",)
    _text: str

    def __init__(self, text: str) -> None:
        object.__setattr__(self, "_text", text)

    def reveal(self) -> str:
        """Return the text."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a secret cannot be changed, so {name} is not set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a secret cannot be changed, so {name} is not deleted")

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "Secret":
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled, because the pickle would show it")


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a kind: its name, its type and, where it is not required, its default."""

    name: str
    annotation: Any
    required: bool
    default: Any = None
    help: str = ""


def options_of(kind: type) -> tuple[Option, ...]:
    """Return the options of a kind, in the order of its `Options`.

    Raises PluginError when `Options` is not a frozen dataclass or when one of its annotations
    cannot be resolved.
    """
    declared = getattr(kind, "Options", None)
    if declared is None:
        return ()
    name = f"{kind.__module__}.{kind.__qualname__}.Options"
    if not (isinstance(declared, type) and is_dataclass(declared) and _is_frozen(declared)):
        raise PluginError(f"{name} is not a frozen dataclass; write @dataclass(frozen=True) above it")
    try:
        hints = get_type_hints(declared, include_extras=True)
    except (NameError, TypeError) as error:
        raise PluginError(
            f"{name} has an annotation that is unknown at run time: {error}; "
            "import its type outside of TYPE_CHECKING"
        ) from error
    return _options(declared, hints)


def _is_frozen(declared: type) -> bool:
    return bool(getattr(declared, "__dataclass_params__").frozen)  # noqa: B009 - not in the type stubs


def _options(declared: type, hints: Mapping[str, Any]) -> tuple[Option, ...]:
    found = []
    for item in fields(declared):
        if not item.init:
            continue
        default = item.default_factory() if item.default_factory is not MISSING else item.default
        required = default is MISSING
        found.append(
            Option(
                item.name,
                hints[item.name],
                required=required,
                default=None if required else default,
                help=str(item.metadata.get("help", "")),
            )
        )
    return tuple(found)
