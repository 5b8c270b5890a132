"""What the tests of logins share."""

import pytest

from pyramid_pypi.testing.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock that stands still."""
    return FakeClock()
