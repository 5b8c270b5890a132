"""Exports in the hands of pip and uv, served by web servers that know nothing of them."""

import contextlib
import functools
import hashlib
import http.server
import json
import re
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from click.testing import CliRunner

from pyramid_pypi.cli import main
from pyramid_pypi.testing.artefacts import make_wheel
from pyramid_pypi.testing.upstreams import FakeUpstream
from tests.clients.client import Client
from tests.clients.releases import installed, wheel_name
from tests.clients.test_relock import relock, version_of, write_project
from tests.docs.blocks import blocks
from tests.following import following_settings
from tests.live import write_ini
from tests.nginx import nginx

PAGE = "docs/how-to/copy-and-export.md"
JSON = "application/vnd.pypi.simple.v1+json"
GRAIL = wheel_name("holy-grail", "1.0+corp.1")


def run(*arguments: str | Path) -> str:
    """Run a command; return what it printed."""
    done = CliRunner().invoke(main, [*map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    with FakeUpstream() as upstream:
        content = make_wheel("spam", "1.0", requires_python=">=3.8")
        upstream.add(wheel_name("spam", "1.0"), content, requires_python=">=3.8")
        upstream.add(wheel_name("spam", "9.0"), make_wheel("spam", "9.0"))
        yield upstream


@pytest.fixture
def ini(tmp_path: Path, upstream: FakeUpstream) -> Path:
    """An index with releases of its own that need `spam` of its upstream."""
    packages = tmp_path / "data" / "packages"
    packages.mkdir(parents=True)
    content = make_wheel("holy-grail", "1.0+corp.1", requires_dist=["spam"])
    (packages / GRAIL).write_bytes(content)
    old = make_wheel("holy-grail", "99.0", requires_python=">=99")
    (packages / wheel_name("holy-grail", "99.0")).write_bytes(old)
    ini = write_ini(tmp_path / "index.ini", following_settings(tmp_path / "data", upstream.url))
    run("reindex", ini)
    return ini


@pytest.fixture
def site(tmp_path: Path, ini: Path) -> Path:
    """An export of what the index has and of one project of its upstream."""
    run("export", ini, tmp_path / "site", "--project", "holy-grail", "--project", "spam")
    return tmp_path / "site"


@contextlib.contextmanager
def plain(folder: Path) -> Iterator[str]:
    """Serve a folder as `python -m http.server` does; yield its URL."""
    kind = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextlib.contextmanager
def by_nginx(folder: Path) -> Iterator[str]:
    """Serve a folder with the configuration of the page; yield its URL."""
    work = folder.parent / "nginx"
    work.mkdir()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    (block,) = (block for block in blocks(PAGE) if block.how == "nginx")
    text = block.text.replace("/srv/site", str(folder)).replace("listen 80;", f"listen 127.0.0.1:{port};")
    with nginx(work, text):
        yield f"http://127.0.0.1:{port}"


Serve = Callable[[Path], contextlib.AbstractContextManager[str]]
serving = pytest.mark.parametrize("serve", [plain, by_nginx])


def get(url: str, accept: str = "*/*") -> tuple[str, bytes]:
    """Return the content type and the body."""
    request = urllib.request.Request(url, headers={"Accept": accept})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as answer:
        return answer.headers["Content-Type"], answer.read()


@serving
def test_pip_installs_from_an_export(serve: Serve, site: Path, pip: Client) -> None:
    with serve(site) as url:
        pip("install", "--target", "lib", "--index-url", f"{url}/simple/", "holy-grail")

    assert installed(pip.cwd / "lib", "holy_grail") == "1.0+corp.1"
    assert installed(pip.cwd / "lib", "spam") == "9.0"


@serving
def test_uv_installs_from_an_export(serve: Serve, site: Path, uv: Client) -> None:
    uv("venv", "--python", sys.executable)
    with serve(site) as url:
        said = uv("pip", "install", "--no-cache", "--index-url", f"{url}/simple/", "holy-grail", "-v")

    assert "spam==9.0" in said
    assert ".whl.metadata" in said


def test_other_bytes_than_those_of_the_page_are_refused(site: Path, pip: Client) -> None:
    (wheel,) = site.rglob(GRAIL)
    wheel.write_bytes(make_wheel("holy-grail", "1.0+corp.1", files={"evil.py": ""}))

    with plain(site) as url:
        said = pip.fails("install", "--target", "lib", "--index-url", f"{url}/simple/", "holy-grail")

    assert "DO NOT MATCH THE HASHES" in said


def test_nginx_sends_json_to_those_who_want_it(site: Path) -> None:
    with by_nginx(site) as url:
        kind, body = get(f"{url}/simple/holy-grail/", f"{JSON}, text/html;q=0.1")
        html, _ = get(f"{url}/simple/holy-grail/", "text/html")
        names, listed = get(f"{url}/simple/", JSON)

    assert (kind, html, names) == (JSON, "text/html", JSON)
    assert {file["filename"] for file in json.loads(body)["files"]} == {
        GRAIL,
        wheel_name("holy-grail", "99.0"),
    }
    assert [one["name"] for one in json.loads(listed)["projects"]] == ["holy-grail", "spam"]


def test_a_lock_is_synced_from_what_was_exported_for_it(ini: Path, tmp_path: Path, uv: Client) -> None:
    run("export", ini, tmp_path / "first", "--project", "holy-grail", "--project", "spam")
    with plain(tmp_path / "first") as url:
        lock = write_project(uv, "holy-grail", f"{url}/simple/")
        uv("lock", "--python", sys.executable, "--upgrade-package", "spam==1.0")

    said = run("export", ini, tmp_path / "second", "--from-lock", lock)
    with plain(tmp_path / "second") as url:
        relock("--from", first_index(lock), "--to", f"{url}/simple/", lock)
        write_project(uv, "holy-grail", f"{url}/simple/")
        uv("sync", "--locked", "--no-cache", "--python", sys.executable)

    assert "2 projects, 3 files" in said
    locked = {unquote(name) for name in re.findall(r'/([^/"]+\.whl)"', lock.read_text())}
    assert {path.name for path in (tmp_path / "second").rglob("*.whl")} == locked
    assert wheel_name("spam", "9.0") not in locked
    assert version_of(uv, "spam") == "1.0"
    assert version_of(uv, "holy_grail") == "1.0+corp.1"


def first_index(lock: Path) -> str:
    """Return the index that a lock names."""
    found = re.search(r'registry = "([^"]+)"', lock.read_text())
    assert found is not None
    return found[1]


def test_requirements_with_hashes_are_installed_offline(ini: Path, tmp_path: Path, pip: Client) -> None:
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in _contents().items()}
    requirements = pip.cwd / "requirements.txt"
    requirements.write_text("".join(f"{name} --hash=sha256:{one}\n" for name, one in digests.items()))

    run("export", ini, tmp_path / "x.tar", "--archive", "--from-lock", requirements)
    (tmp_path / "unpacked").mkdir()
    subprocess.run(["tar", "-xf", tmp_path / "x.tar", "-C", tmp_path / "unpacked"], check=True)
    with plain(tmp_path / "unpacked") as url:
        pip("install", "--target", "lib", "--require-hashes", "-i", f"{url}/simple/", "-r", requirements)

    assert installed(pip.cwd / "lib", "spam") == "1.0"


def _contents() -> dict[str, bytes]:
    grail = make_wheel("holy-grail", "1.0+corp.1", requires_dist=["spam"])
    return {"holy-grail==1.0+corp.1": grail, "spam==1.0": make_wheel("spam", "1.0", requires_python=">=3.8")}
