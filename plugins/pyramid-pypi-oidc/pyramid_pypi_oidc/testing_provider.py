"""A real OpenID provider for tests: `oidc-provider` of npm, run by node on loopback.

It has one client, `index`, which has to use PKCE, and takes everybody at any password: the groups
of `ann` are `staff` and `Release Engineers`, others have none.
"""

import fcntl
import json
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from html import unescape
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlencode, urljoin

__all__ = ["SECRET", "NodeProvider", "visit"]

SECRET: Final = "an open secret"  # noqa: S105 - of a client that does not exist

_VERSION: Final = "9.13.3"
_SECONDS: Final = 30.0
_MOST_STEPS: Final = 20
_SCRIPT: Final = """
import Provider from 'oidc-provider';
const { port, redirectUri, secret } = JSON.parse(process.argv[2]);
const groups = { ann: ['staff', 'Release Engineers'] };
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: 'index', client_secret: secret, redirect_uris: [redirectUri] }],
  pkce: { required: () => true },
  claims: { openid: ['sub'], profile: ['preferred_username'], groups: ['groups'] },
  cookies: { keys: ['of no importance'] },
  findAccount: (ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, preferred_username: id, ...(groups[id] && { groups: groups[id] }) }),
  }),
});
provider.listen(port, '127.0.0.1');
"""


@dataclass(slots=True)
class NodeProvider:
    """The provider, which sends browsers back to `redirect_uri`; the program is kept in `cache`."""

    cache: Path
    redirect_uri: str
    port: int = 0
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """The issuer."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        folder = _install(self.cache)
        (folder / "provider.mjs").write_text(_SCRIPT)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        told = {"port": self.port, "redirectUri": self.redirect_uri, "secret": SECRET}
        with (folder / "log").open("wb") as log:
            command = [_program("node"), str(folder / "provider.mjs"), json.dumps(told)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((folder / "log").read_text(errors="replace")) from None
                time.sleep(0.05)
            else:
                return self

    def __exit__(self, *_: object) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait(_SECONDS)


def visit(name: str, url: str) -> str:
    """Sign in as `name` at the URL that a browser was sent to; return where it is sent afterwards."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()), _Stop())
    own, form = urljoin(url, "/"), None
    for _ in range(_MOST_STEPS):
        answer = opener.open(url, form)
        form, location = None, answer.headers.get("Location")
        if location:
            url = urljoin(url, location)
            if not url.startswith(own):
                return url
            continue
        page = answer.read().decode()
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="(\w+)"', page))
        if 'name="login"' in page:
            fields |= {"login": name, "password": "whatever"}
        form = urlencode(fields).encode()
        action = re.search(r'action="([^"]+)"', page)
        if action is None:
            raise AssertionError(page)
        url = urljoin(url, unescape(action[1]))
    raise AssertionError("the provider never sends the browser back")


class _Stop(urllib.request.HTTPErrorProcessor):
    """Redirects are looked at, not followed."""

    def http_response(self, request: Any, response: Any) -> Any:
        return response if response.status // 100 == 3 else super().http_response(request, response)


def _install(cache: Path) -> Path:
    """Return the folder with the program, which is fetched once; other processes wait meanwhile."""
    folder = cache / f"oidc-provider-{_VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        mark = folder / ".complete"
        if not mark.exists():
            command = [_program("npm"), "install", "--no-audit", "--no-fund", f"oidc-provider@{_VERSION}"]
            (folder / "package.json").write_text("{}")
            done = subprocess.run(command, cwd=folder, capture_output=True, check=False)  # noqa: S603
            if done.returncode:
                raise RuntimeError(f"npm: {done.stderr.decode(errors='replace')[-2000:]}")
            mark.touch()
    return folder


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name} is not installed; tests/packages.sh installs it")
    return found
