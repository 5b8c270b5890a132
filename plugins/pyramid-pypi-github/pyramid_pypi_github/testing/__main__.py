"""`python -m pyramid_pypi_github.testing DESCRIPTION [PACKAGES]`: a GitHub for experiments.

It says its URL, and serves until its standard input ends. `DESCRIPTION` is what `Description.cut`
writes; `PACKAGES` is how many files `acme/packages` has at the beginning.
"""

import sys
from pathlib import Path

from pyramid_pypi_github.releases import Note
from pyramid_pypi_github.testing.description import Description
from pyramid_pypi_github.testing.server import GitHubServer


def _main(description: str, packages: str = "0") -> None:
    with GitHubServer(Description.load(Path(description))) as server:
        for number in range(int(packages)):
            name = f"holy_grail-{number}.tar.gz"
            body = Note(name, 1, "").text()
            server.state.add_release("acme/packages", name, body, files={name: b"x"})
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        sys.stdin.read()


_main(*sys.argv[1:])
