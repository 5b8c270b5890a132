"""Promoting what an upstream has."""

import pytest

from pyramid_pypi.errors import BadRequest, ProjectClosed
from pyramid_pypi.model import Identity
from pyramid_pypi.publish.promoting import promote
from pyramid_pypi.testing.artefacts import make_sdist, make_wheel
from tests.following import following_settings
from tests.functional.support import Client
from pyramid_pypi import main

WHEEL = "holy_grail-1.0-py3-none-any.whl"
SDIST = "holy_grail-1.0.tar.gz"


class Operator:
    """Somebody who may do everything."""

    identity = Identity.operator("root")

    def require(self, permission, project):
        """Agree."""


@pytest.fixture
def open_index(tmp_path, pypi_upstream):
    pypi_upstream.add(WHEEL, make_wheel("holy-grail", "1.0"))
    pypi_upstream.add(SDIST, make_sdist("holy-grail", "1.0"), yanked="not now")
    opened = []

    def open_one(**changes):
        client = Client(main({}, **following_settings(tmp_path, pypi_upstream.url, changes)))
        client.index.catalog.mark_scanned("private")
        opened.append(client)
        return client.index

    yield open_one
    for client in opened:
        client.application.close()


@pytest.mark.parametrize("source", ["pypi", "all"])
def test_what_an_upstream_has_becomes_our_own(open_index, source):
    index = open_index()

    found = promote(index.served(source), index.published("all"), "holy-grail", "1.0", Operator())

    page = index.served("private").repository.project("holy-grail")
    assert {file.filename for file in found} == {file.filename for file in page.files} == {WHEEL, SDIST}
    assert [(file.uploaded_by, file.yanked) for file in page.files] == [("root", None)] * 2


def test_bytes_of_the_wrong_sort_never_arrive(open_index, pypi_upstream):
    pypi_upstream.add("holy_grail-2.0-py3-none-any.whl", b"this is no wheel")
    index = open_index()

    with pytest.raises(BadRequest):
        promote(index.served("pypi"), index.served("private"), "holy-grail", "2.0", Operator())
    assert index.served("private").repository.own_projects() == []


def test_what_is_only_pointed_at_has_no_bytes_to_promote(open_index):
    index = open_index(
        **{"pypi.repositories": "private pypi all away", "pypi.repo.away": "redirect"},
        **{"pypi.repo.away.upstream": "simple", "pypi.repo.away.upstream.url": "https://pypi.org/simple/"},
        **{"pypi.repo.away.read": "everyone"},
    )

    with pytest.raises(BadRequest, match="only sends clients to"):
        promote(index.served("away"), index.served("private"), "holy-grail", "1.0", Operator())


def test_what_the_upstream_has_quarantined_is_not_promoted(open_index, pypi_upstream):
    pypi_upstream.set_status("holy-grail", "quarantined", "malware")
    index = open_index()

    with pytest.raises(ProjectClosed, match="quarantined"):
        promote(index.served("pypi"), index.served("private"), "holy-grail", "1.0", Operator())
