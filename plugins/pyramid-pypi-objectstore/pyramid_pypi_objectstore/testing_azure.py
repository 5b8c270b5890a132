"""Azurite, Microsoft's emulator of Azure Blob Storage, for tests: run by node on loopback."""

import base64
import email.utils
import fcntl
import hashlib
import hmac
import shutil
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyramid_pypi_objectstore.testing import BUCKET, Service

__all__ = ["ACCOUNT", "ACCOUNT_KEY", "Azurite"]

ACCOUNT: Final = "index"
ACCOUNT_KEY: Final = base64.b64encode(b"key of the index, 32 bytes long.").decode()
_VERSION: Final = "3.35.0"
_API: Final = "2021-08-06"


@dataclass(slots=True)
class Azurite(Service):
    """The emulator, with the container `BUCKET`; its program is kept in `cache`, fetched once."""

    cache: Path = Path(".cache")

    @property
    def endpoint(self) -> str:
        """Where the account is."""
        return f"{self.url}/{ACCOUNT}"

    def command(self) -> list[str]:
        """Return the emulator of blobs alone."""
        program = _install(self.cache) / "node_modules/azurite/dist/src/blob/main.js"
        place = ("--blobHost", "127.0.0.1", "--blobPort", str(self.port), "--location", str(self.folder))
        # It knows protocols up to the one of its day.
        quiet = ("--silent", "--disableTelemetry", "--skipApiVersionCheck", "--inMemoryPersistence")
        return ["env", f"AZURITE_ACCOUNTS={ACCOUNT}:{ACCOUNT_KEY}", "node", str(program), *place[:4], *quiet]

    def prepare(self) -> None:
        """Make the container."""
        date = email.utils.formatdate(usegmt=True)
        named = f"x-ms-date:{date}\nx-ms-version:{_API}\n/{ACCOUNT}/{ACCOUNT}/{BUCKET}\nrestype:container"
        text = "PUT" + "\n" * 12 + named
        signature = hmac.new(base64.b64decode(ACCOUNT_KEY), text.encode(), hashlib.sha256).digest()
        headers = {
            "x-ms-date": date,
            "x-ms-version": _API,
            "Authorization": f"SharedKey {ACCOUNT}:{base64.b64encode(signature).decode()}",
        }
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{self.endpoint}/{BUCKET}?restype=container", method="PUT", headers=headers
        )
        urllib.request.urlopen(request, timeout=20).close()  # noqa: S310 - as above


def _install(cache: Path) -> Path:
    """Return the folder with the program, which is fetched once; other processes wait meanwhile."""
    folder = cache / f"azurite-{_VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    npm = shutil.which("npm")
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        mark = folder / ".complete"
        if not mark.exists():
            if npm is None:
                raise RuntimeError("npm is missing; install it, or Debian's package of that name")
            (folder / "package.json").write_text("{}")
            command = [npm, "install", "--no-audit", "--no-fund", f"azurite@{_VERSION}"]
            done = subprocess.run(command, cwd=folder, capture_output=True, check=False)  # noqa: S603
            if done.returncode:
                raise RuntimeError(f"npm: {done.stderr.decode(errors='replace')[-2000:]}")
            mark.touch()
    return folder
