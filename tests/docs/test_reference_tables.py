"""The other reference tables agree with the code."""

import configparser
import re
from dataclasses import asdict

from pyramid_pypi import errors
from pyramid_pypi.distribution import PROFILES
from tests.docs.blocks import ROOT, page, rows

STOP_THE_START = {"SettingsError", "PluginError"}


def test_every_error_is_in_the_reference_with_its_status():
    table = {row[1].strip("`"): int(row[0]) for row in rows(page("docs/reference/errors.md"))}
    classes = (getattr(errors, name) for name in errors.__all__)

    assert table == {
        one.__name__: one.status
        for one in classes
        if issubclass(one, errors.PypiError) and one.__name__ not in STOP_THE_START
    }


def test_the_accept_profiles_are_those_of_the_code():
    table = rows(page("docs/reference/accept-profiles.md"))
    for column, name in enumerate(("strict", "private", "lenient"), start=1):
        told = {row[0].strip("`"): row[column].strip("`") for row in table}
        profile = {key: str(value) for key, value in asdict(PROFILES[name]).items() if key != "name"}

        assert told == profile


def test_every_dependency_has_its_reason():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    requirements = setup["options"]["install_requires"]
    for extra in ("postgresql", "watch"):
        requirements += setup["options.extras_require"][extra]
    for plugin in ROOT.glob("plugins/*/setup.cfg"):
        setup.read(plugin)
        requirements += setup["options"]["install_requires"].replace("\npyramid_pypi", "")
    names = re.findall(r"^\s*([a-z0-9_-]+)", requirements, re.MULTILINE)

    assert sorted(row[0].strip("`") for row in rows(page("docs/explanation/why.md"))) == sorted(names)
