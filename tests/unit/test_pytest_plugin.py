"""The pytest plugin costs other test runs nothing and gives authors of plugins an index."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pyramid_pypi.errors import SettingsError

pytest_plugins = ["pytester"]

GUIDE = Path(__file__).parents[2] / "plugins" / "README.md"
HEAVY = "alembic", "pyramid", "sqlalchemy", "webob", "webtest"


def test_loading_it_imports_no_application() -> None:
    """It is loaded by every run of pytest in the environment."""
    code = f"import sys, pyramid_pypi.testing.pytest_plugin; print(*sorted(set({HEAVY}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "\n"


def test_fixtures_are_there_without_being_asked_for(pytester: pytest.Pytester) -> None:
    """A test of a plugin needs neither a conftest nor an import."""
    pytester.makepyfile(
        """
        def test_upload(pypi_index, pypi_publish, pypi_wheel):
            index = pypi_index()
            pypi_publish(index, pypi_wheel("Holy.Grail", "1.0"))
            assert "holy_grail-1.0-py3-none-any.whl" in index.get("/simple/holy-grail/").text
        """
    )

    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_failed_assertion_of_a_contract_shows_its_values(pytester: pytest.Pytester) -> None:
    """Contract classes are rewritten like tests."""
    pytester.makepyfile(
        """
        import pytest
        from pyramid_pypi.testing.storages import StorageContract

        class TestIt(StorageContract):
            @pytest.fixture
            def storage(self):
                return 42
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-k", "test_is_a_storage")

    result.stdout.fnmatch_lines(["*assert False", "*where False = isinstance(42, Storage)"])


def test_guide_for_authors_leads_to_a_tested_plugin(pytester: pytest.Pytester) -> None:
    """The code of the guide, typed in as it is there, passes the tests that are there."""
    code, tests = re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    pytester.makepyfile(pypi_jsonusers=code, test_jsonusers=tests)
    outcomes = pytester.runpytest_subprocess("-p", "no:cacheprovider").parseoutcomes()

    assert outcomes.pop("passed") > 20
    assert outcomes.keys() <= {"skipped", "warnings"}


def test_settings_go_over_the_open_ones(pypi_index) -> None:
    """None takes a key away."""
    with pytest.raises(SettingsError, match=r"pypi\.repo\.private\.storage\.path.*required and missing"):
        pypi_index(settings={"pypi.repo.private.storage.path": None})


def test_missing_project_is_known_to_be_missing_at_once(pypi_index) -> None:
    """The first pass over the folder is done before the first request."""
    assert pypi_index().get("/simple/holy-grail/", status=404).status_int == 404


def test_indexes_of_one_test_are_apart(pypi_index, pypi_publish, pypi_wheel) -> None:
    """Each has a folder of its own."""
    first, second = pypi_index(), pypi_index()
    pypi_publish(first, pypi_wheel("holy-grail", "1.0"))

    assert [len(list(client.app.index.catalog.files("private"))) for client in (first, second)] == [1, 0]
