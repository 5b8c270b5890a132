"""The contract of repositories as tests.

Subclass `RepositoryContract`, or `WritableContract` where files can be added, and give their
fixtures::

    class TestMyRepository(WritableContract):
        @pytest.fixture
        def repository(self, tmp_path):
            return MyRepository("private", folder=tmp_path)

        @pytest.fixture
        def offered(self, repository):
            return offer_files(partial(publish_file, repository))

A repository that follows an index can follow a `FakeUpstream`: `offer_files(pypi_upstream.add)`.
"""

from pyramid_pypi.testing._repository_contract import RepositoryContract
from pyramid_pypi.testing._repository_offer import PUBLISHER, Offered, offer_files, publish_file
from pyramid_pypi.testing._writable_contract import WritableContract

__all__ = [
    "PUBLISHER",
    "Offered",
    "RepositoryContract",
    "WritableContract",
    "offer_files",
    "publish_file",
]
