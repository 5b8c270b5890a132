"""The page about commands that work on a URL, as it is written."""

import pytest

from pyramid_pypi.testing.artefacts import make_wheel
from tests.docs.blocks import blocks
from tests.live import LiveServer, post_file, write_htpasswd, write_ini

ANN = ("ann", "swordfish")


@pytest.fixture
def server(tmp_path):
    """An index of `staging` and `stable`, where ann may do everything with the password of the pages."""
    write_htpasswd(tmp_path, ANN)
    settings = {
        "pypi.data": str(tmp_path),
        "pypi.catalog": "sqlite:///catalog.db",
        "pypi.authenticators": "tokens htpasswd",
        "pypi.auth.htpasswd.path": "htpasswd",
        "pypi.repositories": "staging stable",
        "pypi.default": "staging",
    }
    for name in ("staging", "stable"):
        settings |= {
            f"pypi.repo.{name}": "hosted",
            f"pypi.repo.{name}.storage": "filesystem",
            f"pypi.repo.{name}.storage.path": name,
            **{f"pypi.repo.{name}.{right}": "user:ann" for right in ("upload", "yank", "delete", "manage")},
        }
    with LiveServer(write_ini(tmp_path / "production.ini", settings), tmp_path / "log") as found:
        yield found
    assert found.problems() == []


def test_a_maintainer_does_it_all_from_afar(server, tell):
    name = "holy_grail-1.0-py3-none-any.whl"
    assert post_file(server.at("/", *ANN), name, make_wheel("holy-grail", "1.0"))[0] == 200

    tell(int(server.url.rpartition(":")[2])).run(blocks("docs/how-to/commands-from-afar.md"))
