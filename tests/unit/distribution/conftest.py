"""What the tests of distributions share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pyramid_pypi.distribution import PRIVATE, AcceptProfile, Artefact, inspect, parse_filename

Inspect = Callable[..., Artefact]


@pytest.fixture
def inspect_bytes(tmp_path: Path) -> Inspect:
    """Return a function that inspects bytes as if they had been uploaded under a name."""

    def run(name: str, data: bytes, profile: AcceptProfile = PRIVATE) -> Artefact:
        path = tmp_path / "staged"
        path.write_bytes(data)
        return inspect(path, parse_filename(name, profile), profile)

    return run
