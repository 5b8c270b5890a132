"""Read an instance of a kind that a plugin offers: `<slot> = <kind>`, `<slot>.<option> = <value>`."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyramid_pypi.errors import PluginError, SettingsError
from pyramid_pypi.options import options_of
from pyramid_pypi.settings import casts
from pyramid_pypi.settings.model import Instance
from pyramid_pypi.settings.reader import Reader

__all__ = ["Kinds", "read_instance", "read_options"]


@dataclass(frozen=True, slots=True)
class Kinds:
    """Classes by the name that the ini uses, and a noun for what they are."""

    noun: str
    classes: Mapping[str, type]


def read_instance(reader: Reader, key: str, name: str, kinds: Kinds, *, default: str = "") -> Instance:
    """Return the instance at `key`, which may be left out when `default` is one of the kinds.

    Raises PluginError when an option of the kind has a type that no option can have.
    """
    if default in kinds.classes and not reader.has(key):
        kind = default
    else:
        allowed = tuple(kinds.classes)
        cast = casts.choice(*allowed, what=f"a kind of {kinds.noun} that a plugin in pypi.plugins has")
        kind = reader.require(key, cast, "", allowed=allowed)
    if not kind:
        reader.skip(key)
        return Instance(name, kind, object, None)
    factory = kinds.classes[kind]
    return Instance(name, kind, factory, read_options(reader, key, factory))


def read_options(reader: Reader, key: str, factory: type) -> object:
    """Return the options of a kind, from keys below `key`; None when it takes none or some are refused.

    Raises PluginError when one has a type that no option can have.
    """
    declared = getattr(factory, "Options", None)
    before = len(reader.problems)
    values: dict[str, object] = {}
    for option in options_of(factory):
        try:
            cast = casts.for_annotation(option.annotation, reader.environ)
        except PluginError as error:
            raise PluginError(
                f"{factory.__module__}.{factory.__qualname__}.{option.name}: {error}"
            ) from error
        at = f"{key}.{option.name}"
        if option.required:
            values[option.name] = reader.require(at, cast, None, hint=option.help)
        else:
            values[option.name] = reader.take(at, cast, option.default)
    if declared is None or len(reader.problems) > before:
        return None
    try:
        options: object = declared(**values)
    except (ValueError, SettingsError) as error:
        reader.problem(key, str(error))
        return None
    return options
