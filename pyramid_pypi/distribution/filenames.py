"""File names of distributions: the one place where a name from outside becomes a safe one."""

import re
from dataclasses import dataclass

from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename
from packaging.version import Version

from pyramid_pypi.distribution.profiles import LENIENT, AcceptProfile
from pyramid_pypi.errors import InvalidUpload
from pyramid_pypi.model import PackageType

__all__ = [
    "Filename",
    "canonical_version",
    "check_filename",
    "guess_filename",
    "is_valid_name",
    "normalise",
    "parse_filename",
]

_MAX_TAGS = 512
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,250}\Z")
_NAME = re.compile(r"(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9])\Z")
_VERSION = re.compile(r"[A-Za-z0-9.!+_-]{1,128}\Z")
_TAG = re.compile(r"[A-Za-z0-9_]+\Z")
_EGG = re.compile(r"([A-Za-z0-9._+!]+)-([A-Za-z0-9._+!]+)-py(\d+(?:\.\d+)?)(?:-([A-Za-z0-9._-]+))?\.egg\Z")
_ARCH = r"(?:x86_64|i686|aarch64|armv7l|ppc64|ppc64le|s390x|riscv64|loongarch64)"
_PYPI_PLATFORM = re.compile(
    r"any|win32|win_(?:amd64|arm64|ia64)|linux_armv[67]l"
    rf"|manylinux(?:1|2010|2014|_\d+_\d+)_{_ARCH}|musllinux_\d+_\d+_{_ARCH}"
    r"|macosx_\d+_\d+_(?:arm64|x86_64|i386|intel|fat|fat3|fat32|fat64|ppc|ppc64|universal|universal2)"
    r"|ios_\d+_\d+_(?:arm64|x86_64)_iphone(?:os|simulator)"
    r"|android_\d+_(?:armeabi_v7a|arm64_v8a|x86|x86_64)"
    r"|py(?:odide|emscripten)_\d+_\d+_wasm32"
)


@dataclass(frozen=True, slots=True)
class Filename:
    """A file name that was understood.

    `project` is normalised (PEP 503) and `version` canonical (PEP 440). `python_version` is the
    Python tag of a wheel, such as `py2.py3`, the plain version of an egg, such as `3.8`, and
    `source` for an sdist. `build` is empty unless a wheel has a build tag.
    """

    filename: str
    project: str
    version: str
    packagetype: PackageType
    python_version: str = "source"
    build: str = ""
    platforms: tuple[str, ...] = ()

    @property
    def display(self) -> str:
        """The name of the project as the file name spells it."""
        if self.packagetype == "sdist":
            return self.filename.rpartition("-")[0]
        return self.filename.partition("-")[0]

    @property
    def stem(self) -> str:
        """The file name without its ending."""
        return re.sub(r"\.(?:tar\.gz|zip|whl|egg)\Z", "", self.filename)


def normalise(name: str) -> str:
    """Return the normalised form of a project's name (PEP 503)."""
    return canonicalize_name(name)


def is_valid_name(name: str) -> bool:
    """Whether `name` can be the name of a project: ASCII only, see the names specification."""
    return len(name) <= 250 and _NAME.match(name) is not None


def canonical_version(text: str) -> str:
    """Return the canonical form of a version (PEP 440). Raises InvalidUpload."""
    if _VERSION.match(text):
        try:
            return str(Version(text))
        except ValueError:
            pass  # A run of thousands of digits is a plain ValueError and no InvalidVersion.
    raise InvalidUpload(f"{text[:80]!a} is not a version; see PEP 440 for what one looks like.")


def check_filename(raw: str) -> str:
    """Return `raw` when it is safe in a path, a link and a header. Raises InvalidUpload.

    This runs before any parser: those let through separators, controls and letters such as the
    Kelvin sign, which lower-case to ASCII.
    """
    if not _SAFE.match(raw):
        message = (
            f"{raw[:80]!a} cannot be a file name here; use at most 251 ASCII letters, digits and "
            "any of '.', '_', '+', '!' and '-', and start with a letter or a digit."
        )
        raise InvalidUpload(message)
    return raw


def parse_filename(raw: str, profile: AcceptProfile) -> Filename:
    """Return what `raw` says about its file. Raises InvalidUpload when `profile` does not take it."""
    check_filename(raw)
    try:
        if raw.endswith(".whl"):
            filename = _wheel(raw)
        elif raw.endswith((".tar.gz", ".zip")):
            filename = _sdist(raw)
        elif raw.endswith(".egg") and profile.eggs:
            filename = _egg(raw)
        else:
            raise InvalidUpload(f"{raw!r} has an unknown ending; use .whl or .tar.gz.")
    except ValueError as error:
        raise InvalidUpload(f"Invalid filename {raw!r}: {error}") from error
    if not is_valid_name(filename.display):
        raise InvalidUpload(f"{raw!r} does not start with the name of a project.")
    _check_profile(filename, profile)
    return filename


def guess_filename(name: str) -> Filename | None:
    """Return the most tolerant reading of a file that is already there, or None."""
    try:
        return parse_filename(name, LENIENT)
    except InvalidUpload:
        return None


def _wheel(raw: str) -> Filename:
    parts = raw.removesuffix(".whl").split("-")
    if len(parts) not in {5, 6}:
        message = f"{raw!r} is not named like a wheel: name-version(-build)-python-abi-platform.whl."
        raise InvalidUpload(message)
    tags = [part.lower().split(".") for part in parts[-3:]]
    if len(tags[0]) * len(tags[1]) * len(tags[2]) > _MAX_TAGS:
        raise InvalidUpload(f"{raw!r} has more than {_MAX_TAGS} tags.")
    if not all(_TAG.match(tag) for group in tags for tag in group):
        raise InvalidUpload(f"{raw!r} has an invalid tag.")
    version = canonical_version(parts[1].replace("_", "-"))
    project = parse_wheel_filename(raw)[0]
    build = parts[2] if len(parts) == 6 else ""
    return Filename(raw, project, version, "bdist_wheel", ".".join(tags[0]), build, tuple(tags[2]))


def _sdist(raw: str) -> Filename:
    version = raw.removesuffix(".tar.gz").removesuffix(".zip").rpartition("-")[2]
    canonical = canonical_version(version)
    return Filename(raw, parse_sdist_filename(raw)[0], canonical, "sdist")


def _egg(raw: str) -> Filename:
    match = _EGG.match(raw)
    if not match:
        raise InvalidUpload(f"{raw!r} is not named like an egg: name-version-py3.8.egg.")
    name, version, python, platform = match.groups()
    canonical = canonical_version(version.replace("_", "-"))
    return Filename(raw, normalise(name), canonical, "bdist_egg", python, "", (platform or "any",))


def _check_profile(filename: Filename, profile: AcceptProfile) -> None:
    raw = filename.filename
    if raw.endswith(".zip") and not profile.zip_sdists:
        raise InvalidUpload(f"{raw!r} is a zip; build a .tar.gz sdist instead (PEP 625).")
    if "+" in filename.version and not profile.local_versions:
        raise InvalidUpload(f"The use of local versions in {filename.version!r} is not allowed.")
    wanted = f"{filename.project.replace('-', '_')}-{filename.version}"
    if not profile.legacy_names and filename.stem != wanted and not raw.startswith(f"{wanted}-"):
        raise InvalidUpload(f"Filename {raw!r} is invalid, it should start with {wanted!r}.")
    if profile.platform_tags == "pypi":
        for platform in filename.platforms:
            if not _PYPI_PLATFORM.fullmatch(platform):
                raise InvalidUpload(f"Binary wheel {raw!r} has an unsupported platform tag {platform!r}.")
