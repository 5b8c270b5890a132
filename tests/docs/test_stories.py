"""Pages whose commands are run as they are written."""

from tests.clients.conftest import desk  # noqa: F401
from tests.docs.blocks import blocks


def test_the_readme_publishes_and_installs(desk, tell):
    port = int(desk.url.rpartition(":")[2])

    tell(port, "uv", "twine").run(blocks("README.md"))

    assert not desk.problems()


def test_the_tutorial_ends_with_an_installed_package(port, tell):
    tell(port, "uv", "twine").run(blocks("docs/tutorial/first-index.md"))
