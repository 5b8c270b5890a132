"""Files that are larger than the memory that the server may take."""

import base64
import hashlib
import http.client
import re
import zipfile
from pathlib import Path

import pytest

from pyramid_pypi.testing.artefacts import make_metadata, record_of
from tests.live import LiveServer, write_ini

pytestmark = pytest.mark.alone

MIB = 2**20
LIMIT = 150 * MIB
BOUNDARY = b"b" * 40


@pytest.fixture
def server(tmp_path):
    settings = {
        "pypi.data": str(tmp_path / "data"),
        "pypi.catalog": "sqlite:///catalog.db",
        "pypi.repositories": "private",
        "pypi.repo.private": "hosted",
        "pypi.repo.private.storage": "filesystem",
        "pypi.repo.private.storage.path": "packages",
        "pypi.repo.private.read": "everyone",
        "pypi.repo.private.upload": "everyone",
    }
    with LiveServer(write_ini(tmp_path / "big.ini", settings), tmp_path / "server.log") as running:
        yield running


def write_wheel(path: Path, size: int) -> None:
    info = "big-1.0.dist-info"
    small = {
        f"{info}/METADATA": make_metadata("big", "1.0"),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    digest = hashlib.sha256()
    with zipfile.ZipFile(path, "w") as wheel:
        with wheel.open(zipfile.ZipInfo("big/data.bin"), "w", force_zip64=size > 2**31) as member:
            for _ in range(size // MIB):
                member.write(b"\0" * MIB)
                digest.update(b"\0" * MIB)
        for name, content in small.items():
            wheel.writestr(name, content)
        data = base64.urlsafe_b64encode(digest.digest()).decode().rstrip("=")
        record = f"big/data.bin,sha256={data},{size}\n".encode()
        wheel.writestr(f"{info}/RECORD", record + record_of(small, f"{info}/RECORD"))


def upload(server: LiveServer, path: Path) -> int:
    head = (
        b"--"
        + BOUNDARY
        + b'\r\nContent-Disposition: form-data; name="content"; filename="'
        + path.name.encode()
        + b'"\r\n\r\n'
    )
    tail = b"\r\n--" + BOUNDARY + b"--\r\n"
    connection = http.client.HTTPConnection(server.host, timeout=300)
    connection.putrequest("POST", "/")
    connection.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY.decode()}")
    connection.putheader("Content-Length", str(len(head) + path.stat().st_size + len(tail)))
    connection.endheaders(head)
    with path.open("rb") as stream:
        while chunk := stream.read(MIB):
            connection.send(chunk)
    connection.send(tail)
    status = connection.getresponse().status
    connection.close()
    return status


def download(server: LiveServer) -> str:
    connection = http.client.HTTPConnection(server.host, timeout=300)
    connection.request("GET", "/simple/big/")
    url = re.search(r'href="\.\./\.\.(/packages/[^#]+)#', connection.getresponse().read().decode()).group(1)
    connection.request("GET", url)
    answer, digest = connection.getresponse(), hashlib.sha256()
    while chunk := answer.read(MIB):
        digest.update(chunk)
    connection.close()
    return digest.hexdigest()


def peak_memory(server: LiveServer) -> int:
    status = Path(f"/proc/{server.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) * 1024


@pytest.mark.parametrize(
    "size", [300 * MIB, pytest.param(3 * 1024 * MIB, marks=pytest.mark.soak)], ids=["300 MiB", "3 GiB"]
)
def test_memory_does_not_grow_with_the_file(server, tmp_path, size):
    path = tmp_path / "big-1.0-py3-none-any.whl"
    write_wheel(path, size)
    with path.open("rb") as stream:
        expected = hashlib.file_digest(stream, "sha256").hexdigest()

    assert upload(server, path) == 200
    assert download(server) == expected

    assert peak_memory(server) < LIMIT
