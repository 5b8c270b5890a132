"""A receiver, and a queue whose clock tests turn by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from pyramid_pypi.catalog import Catalog
from pyramid_pypi.catalog.notes import Notes
from pyramid_pypi.options import Secret
from pyramid_pypi_webhooks.queue import OWNER, Queue
from pyramid_pypi_webhooks.settings import Webhook
from pyramid_pypi_webhooks.testing import Receiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Clock:
    """A time of day that passes when it is told to."""

    def __init__(self):
        self.now = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def __call__(self):
        return self.now

    def advance(self, seconds):
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/letters.db"


@pytest.fixture
def queue(url, clock):
    catalog = Catalog(url)
    yield Queue(Notes(catalog, OWNER, clock))
    catalog.close()


@pytest.fixture
def webhook():
    """A function of a URL and options that returns the webhook `ci`."""

    def make(url="http://127.0.0.1:9/", **options):
        return Webhook("ci", Webhook.Options(Secret(url), **{"secret": Secret(SECRET), **options}))

    return make


@pytest.fixture
def settings(receiver):
    """The ini of an index with the webhook `ci`."""
    return {
        "pypi.webhooks": "ci",
        "pypi.webhooks.ci.url": receiver.url,
        "pypi.webhooks.ci.secret": SECRET,
        "pypi.webhooks.ci.timeout": "5",
    }
