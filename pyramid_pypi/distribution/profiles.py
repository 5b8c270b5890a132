"""How much an index asks of a file before it takes it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

__all__ = ["LENIENT", "PRIVATE", "PROFILES", "STRICT", "AcceptProfile"]


@dataclass(frozen=True, slots=True)
class AcceptProfile:
    """A named set of rules for uploads; safety of the archive is never one of the choices.

    - `local_versions`: versions such as `1.0+acme.1` are taken (PEP 440).
    - `platform_tags`: `pypi` takes the platforms that PyPI takes, `any` also `linux_x86_64`.
    - `zip_sdists`: a source distribution may be a `.zip` (PEP 625 knows only `.tar.gz`).
    - `legacy_names`: file names may be written as old tools did, such as `Foo.Bar-1.0.tar.gz`.
    - `eggs`: `.egg` files are taken.
    - `missing_metadata`: a wheel without METADATA or an sdist without PKG-INFO is taken.
    - `record`: what a RECORD that does not fit its wheel does, refuse the file or warn.
    - `data_descriptors`: zip files written to a pipe, with the sizes behind the data, are taken.
    - `late_files`: files may be added to a release long after its first one.
    - `several_sdists`: a release may have more than one source distribution.
    - `license_files`: each License-File of metadata 2.4 must be in the archive (PEP 639).
    - `unknown_metadata`: metadata versions that are not known yet are taken.
    - `invalid_requires_python`: an unusable Requires-Python is refused, or left out.
    """

    name: str
    local_versions: bool = True
    platform_tags: Literal["any", "pypi"] = "any"
    zip_sdists: bool = True
    legacy_names: bool = True
    eggs: bool = False
    missing_metadata: bool = False
    record: Literal["refuse", "warn"] = "refuse"
    data_descriptors: bool = False
    late_files: bool = True
    several_sdists: bool = True
    license_files: bool = False
    unknown_metadata: bool = True
    invalid_requires_python: Literal["refuse", "drop"] = "refuse"


PRIVATE = AcceptProfile("private")

STRICT = AcceptProfile(
    "strict",
    local_versions=False,
    platform_tags="pypi",
    zip_sdists=False,
    legacy_names=False,
    late_files=False,
    several_sdists=False,
    license_files=True,
    unknown_metadata=False,
)

LENIENT = replace(
    PRIVATE,
    name="lenient",
    eggs=True,
    missing_metadata=True,
    record="warn",
    data_descriptors=True,
    invalid_requires_python="drop",
)

PROFILES: Mapping[str, AcceptProfile] = MappingProxyType(
    {profile.name: profile for profile in (STRICT, PRIVATE, LENIENT)}
)
