import pytest

from pyramid_pypi.errors import FileMissing
from pyramid_pypi.model import Redirect
from pyramid_pypi.repositories import Repository
from pyramid_pypi.repositories.redirect import Redirecting
from tests.unit.upstream.paged import PagedUpstream, file_of

FILE = file_of("holy-grail")


@pytest.fixture
def upstream():
    return PagedUpstream()


@pytest.fixture
def elsewhere(upstream):
    return Redirecting("elsewhere", upstream=upstream)


def test_it_is_a_repository_and_outside(elsewhere):
    assert isinstance(elsewhere, Repository)
    assert elsewhere.outside


def test_every_project_is_at_the_upstream_which_is_not_asked(elsewhere, upstream):
    assert elsewhere.project("holy-grail") == Redirect("https://upstream.example/simple/holy-grail/")
    assert upstream.asked == []


def test_it_lists_nothing(elsewhere, upstream):
    assert list(elsewhere.projects()) == []
    assert list(elsewhere.own_projects()) == []
    assert upstream.listed == []


@pytest.mark.parametrize("ask", ["open", "metadata", "signature"])
def test_it_has_no_files(elsewhere, ask):
    with pytest.raises(FileMissing, match="offers no files itself"):
        getattr(elsewhere, ask)(FILE)
    with pytest.raises(FileMissing, match="offers no files itself"):
        elsewhere.file(FILE.filename)


def test_nothing_can_fail_and_closing_closes_the_upstream(elsewhere, upstream):
    elsewhere.check()
    elsewhere.close()

    assert upstream.closed == 1
