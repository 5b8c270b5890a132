"""A GitHub on loopback for tests: it keeps state, fails when told to, and checks every word.

`GitHubServer` needs a `Description`, which is cut out of what GitHub publishes about its API: the file
`generated/api.github.com.json` of `@octokit/openapi` in the npm registry.
"""

from pyramid_pypi_github.testing.description import Description
from pyramid_pypi_github.testing.faults import Fault
from pyramid_pypi_github.testing.server import GitHubServer, reset_at

__all__ = ["Description", "Fault", "GitHubServer", "reset_at"]
