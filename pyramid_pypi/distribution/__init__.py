"""Reading wheels and sdists: names, metadata and the safety of archives, as pure functions."""

from pyramid_pypi.distribution.artefact import Artefact, inspect
from pyramid_pypi.distribution.filenames import (
    Filename,
    canonical_version,
    check_filename,
    guess_filename,
    is_valid_name,
    normalise,
    parse_filename,
)
from pyramid_pypi.distribution.metadata import CoreMetadata, parse_metadata
from pyramid_pypi.distribution.profiles import LENIENT, PRIVATE, PROFILES, STRICT, AcceptProfile
from pyramid_pypi.distribution.tars import SdistArchive, read_sdist_tar
from pyramid_pypi.distribution.zips import ZipMember, check_zip, iter_member, read_member

__all__ = [
    "LENIENT",
    "PRIVATE",
    "PROFILES",
    "STRICT",
    "AcceptProfile",
    "Artefact",
    "CoreMetadata",
    "Filename",
    "SdistArchive",
    "ZipMember",
    "canonical_version",
    "check_filename",
    "check_zip",
    "guess_filename",
    "inspect",
    "is_valid_name",
    "iter_member",
    "normalise",
    "parse_filename",
    "parse_metadata",
    "read_member",
    "read_sdist_tar",
]
