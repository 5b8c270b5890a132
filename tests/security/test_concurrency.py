"""Many at once: one name, one new project, readers during uploads, two processes on one folder."""

import concurrent.futures
import hashlib
import threading

import pytest

from pyramid_pypi.testing.artefacts import make_wheel
from tests.security.support import Server


def together(count, work):
    """Run `work(number)` in `count` threads that start at one moment; return what they return."""
    barrier = threading.Barrier(count)

    def run(number):
        barrier.wait()
        return work(number)

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.mark.parametrize("size", [0, 400_000])
def test_of_64_uploads_of_one_name_one_wins(server, uploader, size):
    name = f"contested-{size}"
    filename = f"contested_{size}-1.0-py3-none-any.whl"
    contents = [make_wheel(name, "1.0", summary=f"number {n}", size=size) for n in range(64)]

    answers = together(64, lambda n: uploader.upload(filename, contents[n]))

    found = [answer.status for answer in answers]
    assert found.count(200) == 1
    assert set(found) <= {200, 400, 409}
    file = uploader.files(name)[filename]
    winner = contents[found.index(200)]
    assert file["hashes"]["sha256"] == hashlib.sha256(winner).hexdigest()
    assert uploader.get(file["url"].replace("../..", "", 1)).body == winner


def test_64_uploads_of_the_same_bytes_all_succeed(server, uploader):
    content = make_wheel("agreed", "1.0")

    answers = together(64, lambda _: uploader.upload("agreed-1.0-py3-none-any.whl", content))

    assert {answer.status for answer in answers} == {200}
    assert len(uploader.files("agreed")) == 1


def test_32_files_of_a_new_project_at_once(server, uploader):
    answers = together(32, lambda n: uploader.publish("gathered", f"1.{n}")[0])

    assert {answer.status for answer in answers} == {200}
    assert len(uploader.files("gathered")) == 32


def test_a_reader_sees_a_file_whole_or_not_at_all(server, uploader):
    content = make_wheel("whole", "1.0", size=3_000_000)
    filename = "whole-1.0-py3-none-any.whl"
    done = threading.Event()
    seen = []

    def read():
        while not done.is_set() or not seen:
            answer = uploader.get(f"/packages/whole/{filename}")
            if answer.status == 200:
                seen.append(answer.body == content)
            else:
                assert answer.status == 404

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    assert uploader.upload(filename, content).status == 200
    done.set()
    for reader in readers:
        reader.join()

    assert seen
    assert all(seen)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two processes on one data folder."""
    folder = tmp_path_factory.mktemp("pair")
    (folder / "second").mkdir()
    with Server(folder) as first, Server(folder / "second", data=first.data) as second:
        yield first, second
        assert first.failures() == second.failures() == []


def test_what_one_process_takes_the_other_shows_at_once(pair):
    one, two = (server.client("uploader") for server in pair)
    for number in range(30):
        one, two = two, one
        two.files("fresh")
        two.get("/simple/")
        answer, filename, content = one.publish("fresh", f"1.{number}")
        assert answer.status == 200

        file = two.files("fresh")[filename]

        assert two.get(file["url"].replace("../..", "", 1)).body == content
        assert b"fresh" in two.get("/simple/").body


def test_what_one_process_deletes_the_other_forgets_at_once(pair):
    first, second = pair
    owner, reader = first.client("owner"), second.client("reader")
    for number in range(10):
        _, filename, _ = owner.publish("fading", f"1.{number}")
        url = reader.files("fading")[filename]["url"].replace("../..", "", 1)
        assert reader.get(url).status == reader.get(url).status == 200
        fields = {":action": "remove_pkg", "name": "fading", "version": f"1.{number}"}
        parts = [
            f'--b\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()
        ]

        assert (
            owner.post("".join(parts).encode() + b"--b--\r\n", "multipart/form-data; boundary=b").status
            == 200
        )

        assert reader.get(url).status == 404
        assert filename not in reader.files("fading")


def test_two_processes_agree_on_one_winner(pair):
    clients = [server.client("uploader") for server in pair]
    contents = [make_wheel("disputed", "1.0", summary=f"number {n}") for n in range(32)]
    filename = "disputed-1.0-py3-none-any.whl"

    answers = together(32, lambda n: clients[n % 2].upload(filename, contents[n]))

    found = [answer.status for answer in answers]
    assert found.count(200) == 1
    assert set(found) <= {200, 400, 409}
    digest = hashlib.sha256(contents[found.index(200)]).hexdigest()
    assert {client.files("disputed")[filename]["hashes"]["sha256"] for client in clients} == {digest}


def test_a_new_project_of_two_processes_is_one_project(pair):
    clients = [server.client("uploader") for server in pair]

    answers = together(32, lambda n: clients[n % 2].publish("united", f"1.{n}")[0])

    assert {answer.status for answer in answers} == {200}
    assert len(clients[0].files("united")) == len(clients[1].files("united")) == 32
