"""The rule `stable` keeps the contract, and hides pre-releases in an index."""

import pytest

from pyramid_pypi.model import File
from pyramid_pypi.testing.rules import AT, RuleContract, make_file, page_of
from pyramid_pypi_example.stable import StableRule

JSON = "application/vnd.pypi.simple.v1+json"


class TestStableRule(RuleContract):
    """Pre-releases."""

    @pytest.fixture
    def rule(self) -> StableRule:
        return StableRule(StableRule.Options(exempt=("Acme.Next",)))

    @pytest.fixture
    def hidden(self) -> File:
        return make_file("holy_grail-2.0rc1-py3-none-any.whl")

    @pytest.fixture
    def shown(self) -> File:
        return make_file("holy_grail-1.0-py3-none-any.whl")

    def test_exempt_project_has_pre_releases(self, rule: StableRule) -> None:
        file = make_file("acme_next-2.0rc1-py3-none-any.whl")

        assert rule.decide(file, page_of(file), AT) is None


def test_index_shows_releases_and_tells_why_not_others(pypi_index, pypi_wheel, pypi_publish):
    index = pypi_index(plugins=["example"], settings={"pypi.repo.private.rules": "stable"})
    for version in ("1.0", "2.0rc1"):
        pypi_publish(index, pypi_wheel("holy-grail", version))
    files = index.get("/simple/holy-grail/", headers={"Accept": JSON}).json["files"]
    first, second = index.get("/-/why/holy-grail").json["files"]

    assert [file["filename"] for file in files] == ["holy_grail-1.0-py3-none-any.whl"]
    assert first["rules"] == []
    assert second["rules"][0]["reason"] == "2.0rc1 is a pre-release"
