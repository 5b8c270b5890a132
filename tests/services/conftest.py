"""A server and what it serves."""

import pytest

from tests.services.running import CONTENT, Application, Running
from tests.unit.server.fakes import FakeArriving


@pytest.fixture
def application(tmp_path):
    return Application(tmp_path)


@pytest.fixture
def running(application):
    server = Running(application)
    yield server
    server.stop()


@pytest.fixture
def arriving(application):
    application.arriving["x"] = FakeArriving(CONTENT)
    return application.arriving["x"]
