"""The README has all options, with their defaults and what they are for."""

import re
from pathlib import Path

from pyramid_pypi.options import options_of
from pyramid_pypi_github.storage import GitHubStorage

ROW = re.compile(r"^\| `(\w+)` \| (.*?) \| (.+) \|$", re.MULTILINE)


def shown(option):
    if option.required:
        return "required"
    return "" if option.default in {None, ""} else f"`{option.default}`"


def test_the_readme_lists_all_options():
    readme = Path(__file__).parents[1] / "README.md"
    expected = [(each.name, shown(each), each.help) for each in options_of(GitHubStorage)]

    assert [tuple(map(str.strip, row)) for row in ROW.findall(readme.read_text())] == expected
