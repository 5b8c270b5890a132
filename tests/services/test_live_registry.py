"""The package index that this machine is set up for, through ours: a few requests for one small package.

Run with `python -m pytest tests/services/test_live_registry.py -m live`.
"""

import os
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from tests.clients.releases import installed
from tests.following import following

PACKAGE = "six"
PUBLIC = "https://pypi.org/simple/"
PATIENCE = 3

pytestmark = pytest.mark.live


def configured():
    """Return the index that pip or uv would ask on this machine, empty for the public one."""
    for variable in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        if os.environ.get(variable):
            return os.environ[variable]
    for key in ("global.index-url", "install.index-url"):
        command = [sys.executable, "-m", "pip", "config", "get", key]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        if done.returncode == 0 and done.stdout.strip():
            return done.stdout.strip()
    return ""


@pytest.fixture(scope="module")
def registry():
    """The URL of an index that can be reached."""
    url = configured() or PUBLIC
    request = urllib.request.Request(f"{url.rstrip('/')}/{PACKAGE}/", method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE):
            pass
    except urllib.error.HTTPError as error:
        with error:
            # One that wants a password, or knows no HEAD, is there all the same.
            if error.code >= 500:
                pytest.skip(f"the package index of this machine answers {error.code}")
    except OSError as error:
        pytest.skip(f"no package index can be reached from here: {error}")
    return url


def settings(url):
    """Return the settings of an upstream as this machine has it: its proxies, and its certificates."""
    found = {
        "pypi.repo.pypi.upstream.url": url,
        "pypi.repo.pypi.upstream.proxy": None,
        "pypi.repo.pypi.backfill": "0",
        "pypi.repo.pypi.offline_file": "offline",
    }
    certificates = os.environ.get("SSL_CERT_FILE") or os.environ.get("PIP_CERT")
    return {**found, **({"pypi.repo.pypi.upstream.ca": certificates} if certificates else {})}


def install(url, folder):
    """Install with the pip of this environment and nothing that it remembers; return the version."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "UV_"))}
    command = [sys.executable, "-m", "pip", "install", "--isolated", "--no-cache-dir", "--no-deps", "--quiet"]
    done = subprocess.run(
        [*command, "--target", folder, "--index-url", url, PACKAGE],
        env={**environment, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return installed(folder, PACKAGE)


def test_a_package_is_installed_through_us_and_again_offline(registry, tmp_path):
    with following(tmp_path / "house", registry, settings(registry)) as house:
        online = install(house.at("/simple/"), tmp_path / "online")
        (tmp_path / "house" / "data" / "offline").touch()
        offline = install(house.at("/simple/"), tmp_path / "offline")
        problems = house.problems()

    assert online[:2] == "1."
    assert offline == online
    assert problems == []
