"""Two servers over one PostgreSQL and one folder: what one has answered, the other knows."""

import hashlib
import http.client
import itertools
import json
import threading

import bcrypt
import pytest

from pyramid_pypi.app import compose
from pyramid_pypi.model import Identity
from pyramid_pypi.plugins import Plugins
from pyramid_pypi.settings import load
from pyramid_pypi.testing.artefacts import make_wheel
from tests.functional.test_rights import as_user
from tests.live import LiveServer, post_file, write_ini
from tests.postgres import Postgres

JSON = "application/vnd.pypi.simple.v1+json"
TOKENS = "/-/api/v1/tokens"
ANN = Identity.user("ann")
HASH = bcrypt.hashpw(b"correct horse", bcrypt.gensalt(4)).decode()


@pytest.fixture(scope="module")
def database():
    """A PostgreSQL that tests may stop."""
    with Postgres() as server:
        yield server


@pytest.fixture(scope="module")
def settings(tmp_path_factory, database):
    folder = tmp_path_factory.mktemp("shared")
    (folder / "htpasswd").write_text(f"ann:{HASH}\n")
    return {
        "pypi.data": str(folder),
        "pypi.catalog": database.create(empty=True),
        "pypi.authenticators": "tokens htpasswd",
        "pypi.auth.htpasswd.path": "htpasswd",
        "pypi.repositories": "private",
        "pypi.repo.private": "hosted",
        "pypi.repo.private.storage": "filesystem",
        "pypi.repo.private.storage.path": "packages",
        "pypi.repo.private.read": "everyone",
        "pypi.repo.private.upload": "everyone",
        "pypi.repo.private.delete": "everyone",
    }


@pytest.fixture(scope="module")
def nodes(tmp_path_factory, settings):
    """Two servers that were started at once, with a database in which there was nothing."""
    folder = tmp_path_factory.mktemp("nodes")
    ini = write_ini(folder / "index.ini", settings)
    started = [LiveServer(ini, folder / f"log-{number}") for number in (1, 2)]
    threads = [threading.Thread(target=node.start) for node in started]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    yield started
    for node in started:
        node.stop()
        text = node.text()
        assert "Traceback" not in text, text[text.index("Traceback") :][:4000]
        assert '"status": 500' not in text


def ask(node, method, path, body=None, **headers):
    connection = http.client.HTTPConnection(node.host, timeout=60)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def files(node, project, **headers):
    """Return the files on the page of a project by name."""
    status, _, body = ask(node, "GET", f"/simple/{project}/", Accept=JSON, **headers)
    assert status == 200, body
    return {file["filename"]: file for file in json.loads(body)["files"]}


def publish(node, project, version="1.0"):
    filename = f"{project}-{version}-py3-none-any.whl"
    status, body = post_file(f"{node.url}/", filename, make_wheel(project, version))
    assert status == 200, body
    return filename


def delete(node, project, version):
    fields = {":action": "remove_pkg", "name": project, "version": version}
    status, body = post_file(f"{node.url}/", "x", b"", **fields)
    assert status == 200, body


def test_what_one_node_has_answered_the_other_knows(nodes):
    for step in range(40):
        here, there = nodes if step % 2 else reversed(nodes)
        # The pages of both are ready before they change.
        if step:
            assert list(files(here, "shrub")) == list(files(there, "shrub")) == []

        filename = publish(here, "shrub", f"{step}.0")
        assert list(files(there, "shrub")) == [filename]
        assert list(files(here, "shrub")) == [filename]

        delete(there, "shrub", f"{step}.0")
        assert list(files(here, "shrub")) == []


def test_a_yank_is_on_every_page_at_once(nodes, settings):
    filename = publish(nodes[0], "yanked")
    plugins = Plugins()
    third = compose(load(settings, plugins), plugins)
    hosted = third.served("private").hosted
    for reason in ("broken", None, "", None) * 3:
        file = hosted.file(filename)
        if reason is None:
            hosted.unyank(file, ANN)
        else:
            hosted.yank(file, reason, ANN)
        for node in nodes:
            assert files(node, "yanked")[filename]["yanked"] == (False if reason is None else reason or True)
    third.close()


def test_a_token_that_was_revoked_at_one_node_is_refused_by_the_other_at_once(nodes):
    publish(nodes[0], "secret")
    for here, there in (nodes, reversed(nodes)):
        wish = json.dumps({"permissions": ["read"]})
        headers = {"Content-Type": "application/json", **as_user("ann")}
        status, _, body = ask(here, "POST", TOKENS, wish, **headers)
        assert status == 201, body
        made = json.loads(body)
        with_it = as_user("__token__", made["token"])
        for node in (here, there, there):
            files(node, "secret", **with_it)

        assert ask(here, "DELETE", f"{TOKENS}/{made['id']}", **as_user("ann"))[0] in {200, 204}

        for node in (there, here):
            assert ask(node, "GET", "/simple/secret/", **with_it)[0] == 401


class Clients:
    """Clients of all nodes that publish and read until the end of the block."""

    def __init__(self, nodes):
        self.nodes = nodes
        self.kept = {}
        self.refused = []
        self.wrong = []
        self._numbers = itertools.count()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=work, args=(node,))
            for node in nodes
            for work in (self._publish, self._publish, self._read)
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, more):
        enough = len(self.kept) + more
        for _ in range(1200):
            if len(self.kept) >= enough:
                return
            self._stop.wait(0.05)
        raise AssertionError(f"{len(self.kept)} files, and not {enough}: {self.refused[-1:]}")

    def _publish(self, node):
        while not self._stop.is_set():
            project = f"load{next(self._numbers)}"
            filename, content = f"{project}-1.0-py3-none-any.whl", make_wheel(project, "1.0")
            status, body = post_file(f"{node.url}/", filename, content)
            if status == 200:
                self.kept[filename] = hashlib.sha256(content).hexdigest()
            else:
                self._refuse(status, body)

    def _read(self, node):
        while not self._stop.is_set():
            status, headers, body = ask(node, "GET", "/simple/stable/", Accept=JSON)
            if status != 200:
                self._refuse(status, body.decode())
                if headers.get("Retry-After") is None:
                    self.wrong.append((status, str(headers)))

    def _refuse(self, status, body):
        self.refused.append((status, body))
        if status != 503:
            self.wrong.append((status, body))


@pytest.mark.parametrize("mode", ["immediate", "fast"])
def test_a_restart_of_the_database_loses_nothing_that_was_acknowledged(nodes, database, mode):
    publish(nodes[0], "stable")
    with Clients(nodes) as clients:
        clients.wait_for(10)
        database.stop(mode)
        while not clients.refused:
            assert not clients.wrong
        for node in nodes:
            assert ask(node, "GET", "/-/ready")[0] == 503
        database.start()
        for node in nodes:
            assert ask(node, "GET", "/simple/stable/")[0] == 200
        clients.wait_for(10)

    assert clients.wrong == []
    for filename, digest in clients.kept.items():
        for node in nodes:
            assert files(node, filename.partition("-")[0])[filename]["hashes"]["sha256"] == digest
