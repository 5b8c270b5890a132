"""Mirrors and other indexes that take this one for their upstream, as the real programs."""

import base64
import functools
import http.client
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from pyramid_pypi.testing.artefacts import make_metadata, make_sdist, make_wheel
from pyramid_pypi.testing.upstreams import FakeUpstream
from tests.clients.client import Client, clean_environment
from tests.clients.toolbox import CACHE, Toolbox, ToolMissing, make_once
from tests.docs.blocks import blocks
from tests.live import LiveServer, post_file, write_htpasswd, write_ini

PROGRAMS = {
    "bandersnatch": ("bandersnatch==6.8.0",),
    "devpi-server": ("devpi-server==6.20.3",),
    "pypi-server": ("pypiserver==2.4.2",),
}
JSON = "application/vnd.pypi.simple.v1+json"
HOW_TO = "docs/how-to/mirror-from-here.md"
PUBLIC = {
    "coconut-1.0-py3-none-any.whl": make_wheel("coconut", "1.0", requires_python=">=3.8"),
    "coconut-1.0.tar.gz": make_sdist("coconut", "1.0"),
    "coconut-2.0-py3-none-any.whl": make_wheel("coconut", "2.0"),
    "coconut-3.0rc1-py3-none-any.whl": make_wheel("coconut", "3.0rc1"),
}
SAID = {
    "coconut-1.0-py3-none-any.whl": {
        "requires_python": ">=3.8",
        "upload_time": datetime(2024, 2, 3, 4, 5, 6, 789000, UTC),
        "provenance": "https://pypi.example.org/integrity/coconut/1.0/coconut/provenance",
    },
    "coconut-2.0-py3-none-any.whl": {"yanked": "Swallows cannot carry it", "core_metadata": False},
    "coconut-3.0rc1-py3-none-any.whl": {"yanked": True},
}
PRIVATE = {
    "holy_grail-1.0-py3-none-any.whl": make_wheel(
        "Holy-Grail", "1.0", requires_dist=["coconut"], requires_python=">=3.9"
    ),
    "holy_grail-1.0.tar.gz": make_sdist("Holy-Grail", "1.0"),
}
TEAM = "killer_rabbit-1.0-py3-none-any.whl"
USER, PASSWORD = "ann", "swordfish"
UPLOADED = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def upstream():
    with FakeUpstream() as fake:
        for filename, content in PUBLIC.items():
            fake.add(filename, content, **{"upload_time": UPLOADED, **SAID.get(filename, {})})
        # PyPI's serials are far ahead of those of a young index.
        for _ in range(20):
            fake.set_status("coconut", "deprecated", "Use migrating swallows")
        yield fake


@pytest.fixture(scope="module")
def index(tmp_path_factory, upstream):
    """An index whose default is a group of `private` and `public`; `team` needs a password."""
    folder = tmp_path_factory.mktemp("index")
    write_htpasswd(folder, (USER, PASSWORD))
    settings = {
        "pypi.data": f"{folder}",
        "pypi.catalog": f"sqlite:///{folder}/catalog.db",
        "pypi.authenticators": "htpasswd",
        "pypi.auth.htpasswd.path": "htpasswd",
        "pypi.repositories": "all private public team",
        "pypi.repo.all": "group",
        "pypi.repo.all.members": "private public",
        "pypi.repo.all.read": "everyone",
        **hosted("private", read="everyone"),
        **hosted("team", read="authenticated"),
        **proxy("public", upstream.url),
        # What is found out behind the pages would change them while they are compared.
        "pypi.repo.public.backfill": "0",
    }
    with LiveServer(write_ini(folder / "index.ini", settings), folder / "log") as server:
        for filename, content in PRIVATE.items():
            assert post_file(server.at("/private/"), filename, content) == (200, "")
        assert post_file(server.at("/team/"), TEAM, make_wheel("killer-rabbit", "1.0")) == (200, "")
        yield server
    assert server.problems() == []


def hosted(name, *, read):
    return {
        f"pypi.repo.{name}": "hosted",
        f"pypi.repo.{name}.storage": "filesystem",
        f"pypi.repo.{name}.storage.path": name,
        f"pypi.repo.{name}.read": read,
        f"pypi.repo.{name}.upload": "everyone",
    }


def proxy(name, url):
    return {
        f"pypi.repo.{name}": "proxy",
        f"pypi.repo.{name}.read": "everyone",
        f"pypi.repo.{name}.upstream": "simple",
        f"pypi.repo.{name}.upstream.url": url,
    }


@pytest.fixture
def start(tmp_path):
    """Return one of PROGRAMS, or a client, with a home of its own."""

    def program(name, command=""):
        path = Toolbox().program(name) if name not in PROGRAMS else environment(name) / (command or name)
        home = tmp_path / f"{path.name}-home"
        home.mkdir()
        return Client(path, tmp_path, clean_environment(home, path.parent))

    return program


def environment(name):
    """Return the `bin` of a program's virtual environment, which is made once and kept."""
    folder = CACHE / "clients" / "-".join(PROGRAMS[name][0].split("=="))
    with make_once(folder, " ".join(("python", sys.version.split()[0], *PROGRAMS[name]))) as missing:
        if missing:
            check(sys.executable, "-m", "venv", folder)
            check(folder / "bin" / "python", "-m", "pip", "install", "--quiet", *PROGRAMS[name])
    return folder / "bin"


def check(*command):
    environ = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "PYTHONHOME"}}
    done = subprocess.run(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        raise ToolMissing(f"{command} has failed:\n{done.stdout[-2000:]}")


@contextmanager
def running(client, *arguments, port):
    """Run a server until the end of the context; it listens when the context begins."""
    log = client.cwd / f"{client.program.name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [client.program, *arguments],
            cwd=client.cwd,
            env=client.environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 40
        while not listens(port):
            assert process.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < deadline, log.read_text()[-3000:]
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fetch(url, accept="*/*"):
    request = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read()


def install(pip, url, project):
    """Install from an index, and from nowhere else; return the distributions that are there then."""
    target = pip.cwd / "installed"
    pip("install", "--no-cache-dir", "--index-url", url, "--target", target, project)
    return sorted(path.name for path in target.glob("*.dist-info"))


def mirror(bandersnatch, master, *arguments):
    """Run bandersnatch with the documented settings; return what it printed, and what it would serve."""
    folder = bandersnatch.cwd / "mirror"
    documented = next(block.text for block in blocks(HOW_TO) if "[mirror]" in block.text)
    told = documented.replace("/srv/mirror", str(folder)).replace("https://pypi.example.org", master)
    config = bandersnatch.cwd / "bandersnatch.conf"
    config.write_text(f"{told}allow-non-https = true\n")
    # It takes the proxy of the environment for this machine too, whatever no_proxy says.
    direct = {name: "" for name in bandersnatch.environment if name.lower().endswith("_proxy")}
    return bandersnatch("-c", config, "mirror", *arguments, **direct), folder / "web"


@contextmanager
def shown(folder):
    """Serve a folder as a web server does."""
    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


def files_of(page):
    return {file["filename"]: file for file in json.loads(page)["files"]}


def test_bandersnatch_mirrors_private_and_public_projects(index, start):
    output, web = mirror(start("bandersnatch"), index.url)

    assert "ERROR" not in output
    assert "Traceback" not in output
    mirrored = {path.name: path.read_bytes() for path in (web / "packages").rglob("*") if path.is_file()}
    assert mirrored.items() >= {**PUBLIC, **PRIVATE}.items()
    for project in ("holy-grail", "coconut"):
        ours = files_of(fetch(index.at(f"/simple/{project}/"), JSON))
        theirs = files_of((web / "simple" / project / "index.v1_json").read_bytes())
        told = ("url", "hashes", "size", "upload-time")
        assert {name: [file[key] for key in told] for name, file in theirs.items()} == {
            name: [file[key] for key in told] for name, file in ours.items()
        }
        assert {name: bool(file["yanked"]) for name, file in theirs.items()} == {
            name: bool(file["yanked"]) for name, file in ours.items()
        }
    with shown(web) as url:
        assert install(start("pip"), f"{url}/simple/", "holy-grail") == [
            "coconut-1.0.dist-info",
            "holy_grail-1.0.dist-info",
        ]


def test_bandersnatch_needs_a_full_check_to_find_later_changes_in_a_group(index, start):
    """It goes by the highest serial of all, and each member of a group counts for itself."""
    bandersnatch = start("bandersnatch")
    _, web = mirror(bandersnatch, index.url)
    name = "shrubbery-1.0-py3-none-any.whl"
    assert post_file(index.at("/private/"), name, make_wheel("shrubbery", "1.0")) == (200, "")

    mirror(bandersnatch, index.url)
    assert not list((web / "packages").rglob("shrubbery*"))
    output, _ = mirror(bandersnatch, index.url, "--force-check")

    assert "ERROR" not in output
    assert [path.name for path in (web / "packages").rglob("shrubbery*")] == [name]


def test_bandersnatch_refuses_a_repository_by_its_name(index, start):
    """It only takes files whose URLs begin with `/packages`, which those of the default do."""
    output, web = mirror(start("bandersnatch"), index.at("/private"))

    assert "Got invalid download URL" in output
    assert list((web / "packages").iterdir()) == []


@pytest.fixture
def second(index, tmp_path):
    """Another index that follows the first one."""
    folder = tmp_path / "second"
    folder.mkdir()
    settings = {
        "pypi.data": f"{folder}",
        "pypi.catalog": f"sqlite:///{folder}/catalog.db",
        "pypi.repositories": "copy",
        **proxy("copy", index.at("/simple/")),
    }
    with LiveServer(write_ini(folder / "second.ini", settings), folder / "log") as server:
        yield server
    assert server.problems() == []


@pytest.mark.parametrize("project", ["holy-grail", "coconut"])
def test_pages_survive_two_hops_byte_for_byte(index, second, project):
    for accept in (JSON, "text/html"):
        page = fetch(index.at(f"/simple/{project}/"), accept)

        assert fetch(second.at(f"/simple/{project}/"), accept) == page

    entries = files_of(fetch(second.at(f"/simple/{project}/"), JSON))
    assert all("size" in entry and "upload-time" in entry for entry in entries.values())
    for filename, content in {**PUBLIC, **PRIVATE}.items():
        if filename in entries:
            path = entries[filename]["url"].removeprefix("../..")
            assert fetch(second.at(path)) == fetch(index.at(path)) == content


def test_everything_that_pypi_says_survives_two_hops(second):
    page = json.loads(fetch(second.at("/simple/coconut/"), JSON))
    entries = {entry["filename"]: entry for entry in page["files"]}

    wheel = entries["coconut-1.0-py3-none-any.whl"]
    assert page["project-status"] == {"status": "deprecated", "reason": "Use migrating swallows"}
    assert wheel["requires-python"] == ">=3.8"
    assert wheel["upload-time"] == "2024-02-03T04:05:06.789000Z"
    assert wheel["provenance"] == SAID["coconut-1.0-py3-none-any.whl"]["provenance"]
    assert entries["coconut-2.0-py3-none-any.whl"]["yanked"] == "Swallows cannot carry it"
    assert entries["coconut-3.0rc1-py3-none-any.whl"]["yanked"] is True
    metadata = fetch(second.at(wheel["url"].removeprefix("../..") + ".metadata"))
    assert metadata == make_metadata("coconut", "1.0", requires_python=">=3.8")


def test_lists_and_json_survive_two_hops(index, second):
    for place in (index, second):
        names = json.loads(fetch(place.at("/simple/"), JSON))["projects"]
        assert {"holy-grail", "coconut"} <= {one["name"].lower() for one in names}

    for project in ("holy-grail", "coconut"):
        ours, theirs = (json.loads(fetch(one.at(f"/pypi/{project}/json"))) for one in (index, second))
        same = ("filename", "size", "upload_time_iso_8601", "requires_python", "yanked_reason", "packagetype")
        assert [[entry[key] for key in same] for entry in theirs["urls"]] == [
            [entry[key] for key in same] for entry in ours["urls"]
        ]
        assert theirs["last_serial"] == ours["last_serial"] > 0
        assert theirs["info"]["requires_dist"] == ours["info"]["requires_dist"]


@pytest.fixture
def devpi(start):
    """A devpi-server that has no index yet."""
    init = start("devpi-server", "devpi-init")
    init("--serverdir", "data", "--no-root-pypi", "--root-passwd", PASSWORD)
    port = free_port()
    address = ("--host", "127.0.0.1", "--port", str(port))
    with running(start("devpi-server"), "--serverdir", "data", *address, port=port) as url:
        yield url


def add_mirror(devpi, name, mirror_url):
    """Add an index below the user root; return its URL for installers."""
    token = ask(devpi, "POST", "/+login", {"user": "root", "password": PASSWORD})["result"]["password"]
    pair = base64.b64encode(f"root:{token}".encode()).decode()
    ask(devpi, "PUT", f"/root/{name}", {"type": "mirror", "mirror_url": mirror_url}, pair)
    return f"{devpi}/root/{name}/+simple/"


def ask(url, method, path, content, pair=""):
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    if pair:
        headers["Authorization"] = f"Basic {pair}"
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    try:
        connection.request(method, path, json.dumps(content), headers)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status in {200, 201}, body
        return json.loads(body)
    finally:
        connection.close()


def test_devpi_follows_us_with_and_without_a_password(index, devpi, start):
    pip = start("pip")
    open_to_all = add_mirror(devpi, "all", index.at("/simple/"))
    of_the_team = add_mirror(devpi, "team", index.at("/team/simple/", USER, PASSWORD))

    assert install(pip, open_to_all, "holy-grail") == ["coconut-1.0.dist-info", "holy_grail-1.0.dist-info"]
    assert "killer_rabbit-1.0.dist-info" in install(pip, of_the_team, "killer-rabbit")


def test_pypiserver_sends_its_clients_to_us(index, start):
    port = free_port()
    program = start("pypi-server")
    (program.cwd / "packages").mkdir()
    wheel = make_wheel("round-table", "1.0", requires_dist=["holy-grail"])
    (program.cwd / "packages" / "round_table-1.0-py3-none-any.whl").write_bytes(wheel)
    arguments = ("run", "-i", "127.0.0.1", "-p", str(port), "-a", ".", "-P", ".")

    with running(program, *arguments, "--fallback-url", index.at("/simple/"), "packages", port=port) as url:
        installed = install(start("pip"), f"{url}/simple/", "round-table")

    assert installed == ["coconut-1.0.dist-info", "holy_grail-1.0.dist-info", "round_table-1.0.dist-info"]
