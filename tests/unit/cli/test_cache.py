"""`pyramid-pypi cache`: what is kept, what goes, and what is fetched before anybody asks."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from webtest import TestApp

import pyramid_pypi
from pyramid_pypi.cli import main
from pyramid_pypi.cli._warm import Choice
from pyramid_pypi.cli.cache import _human
from pyramid_pypi.model import File
from pyramid_pypi.repositories.proxy import Proxy
from pyramid_pypi.testing.artefacts import make_sdist, make_wheel
from pyramid_pypi.testing.clients import compose_client
from pyramid_pypi.testing.upstreams import FakeUpstream
from pyramid_pypi.upstream.records import file_to_bytes
from pyramid_pypi.upstream.store import CachedFile, CacheStore
from tests.live import write_ini

JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}
LINUX = "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64"
WINDOWS = "cp312-cp312-win_amd64"
KNIGHT = "knight-1.0-py3-none-any.whl"


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@dataclass
class World:
    """An upstream, and an index whose default group has a hosted repository before its proxy."""

    folder: object
    upstream: FakeUpstream

    def settings(self, **changes):
        found = {
            "pypi.data": str(self.folder),
            "pypi.catalog": "sqlite:///catalog.db",
            "pypi.access_log": "false",
            "pypi.repositories": "private pypi all",
            "pypi.default": "all",
            "pypi.repo.private": "hosted",
            "pypi.repo.private.storage": "filesystem",
            "pypi.repo.private.storage.path": "packages",
            "pypi.repo.private.read": "everyone",
            "pypi.repo.pypi": "proxy",
            "pypi.repo.pypi.upstream": "simple",
            "pypi.repo.pypi.upstream.url": self.upstream.url,
            "pypi.repo.pypi.read": "everyone",
            "pypi.repo.all": "group",
            "pypi.repo.all.members": "private pypi",
            "pypi.repo.all.read": "everyone",
        }
        return found | changes

    def run(self, command, *arguments, **changes):
        changes = {f"pypi.repo.pypi.{key}": value for key, value in changes.items()}
        ini = write_ini(self.folder / "x.ini", self.settings(**changes))
        return CliRunner().invoke(main, ["cache", command, str(ini), *map(str, arguments)])

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def offer(self, name="knight", version="1.0", *, tag="py3-none-any", **options):
        content = make_wheel(name, version, tag=tag, size=2000)
        return self.upstream.add(f"{name}-{version}-{tag}.whl", content, **options)

    def host(self, name="house", version="1.0"):
        folder = self.folder / "packages"
        folder.mkdir(exist_ok=True)
        content = make_wheel(name, version)
        (folder / f"{name}-{version}-py3-none-any.whl").write_bytes(content)
        return content

    def stats(self, **changes):
        (found,) = json.loads(self.run("stats", "--json", **changes).stdout)
        return found

    def warm(self, text, *arguments, **changes):
        """Warm a requirements file, and return what is said after the progress."""
        return self.run("warm", self.file("r.txt", text), *arguments, **changes)

    def store(self):
        return CacheStore(self.folder / "cache/pypi/cache.db")


@pytest.fixture
def world(tmp_path, pypi_upstream):
    return World(tmp_path, pypi_upstream)


def last(result):
    return result.stdout.splitlines()[-1]


def fetched(world):
    return sorted(one.path.rpartition("/")[2] for one in world.upstream.requests if one.path[-4:] in ".whl .zip r.gz")


class TestStats:
    """`cache stats` looks and asks nobody."""

    def test_what_is_kept_is_told_with_limit_and_uses(self, world):
        size = world.offer().size
        world.warm("knight", max_size="3 MB")
        world.upstream.forget()

        result = world.run("stats", max_size="3 MB")

        assert result.exit_code == 0
        first, second = result.stdout.splitlines()
        assert first == f"pypi: 1 pages, 1 files, {size / 1000:.1f} kB of at most 3.0 MB"
        assert second.startswith("pypi: least recently used 20")
        assert world.upstream.requests == []

    def test_json_has_the_same(self, world):
        size = world.offer().size
        before = datetime.now(UTC).replace(microsecond=0)
        world.warm("knight")

        found = world.stats()

        assert before <= datetime.fromisoformat(found["oldest_use"]) <= datetime.now(UTC)
        del found["oldest_use"], found["newest_use"]
        assert found == {
            "repository": "pypi",
            "pages": 1,
            "keeps_files": True,
            "files": 1,
            "bytes": size,
            "max_size": None,
            "withdrawn": [],
        }

    def test_an_empty_cache_has_no_uses(self, world):
        found = world.stats()

        assert (found["files"], found["oldest_use"], found["newest_use"]) == (0, None, None)
        assert world.run("stats").stdout == "pypi: 0 pages, 0 files, 0 bytes\n"

    def test_withdrawn_files_are_listed_by_project_with_the_reason(self, world):
        kept = world.offer("knight")
        world.offer("spam")
        world.warm("knight\nspam\n")
        world.upstream.remove("knight")
        world.upstream.set_status("spam", "quarantined")
        world.warm("knight\nspam\n", ttl="0")

        told = world.run("stats").stdout

        assert f"pypi: knight was deleted upstream: 1 files, {kept.size / 1000:.1f} kB" in told
        assert "pypi: spam was quarantined upstream: 1 files" in told
        assert world.stats()["withdrawn"][0] == {
            "project": "knight",
            "reason": "deleted",
            "files": 1,
            "bytes": kept.size,
        }

    def test_a_proxy_without_files_says_so(self, world):
        assert world.run("stats", files="redirect").stdout == "pypi: 0 pages, keeps no files\n"

    @pytest.mark.parametrize("name", ["pypi", "all"])
    def test_a_proxy_or_its_group_can_be_named(self, world, name):
        assert world.run("stats", "-r", name).stdout.startswith("pypi: 0 pages")

    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            ("private", "private is no proxy, so there is no cache"),
            ("other", "There is no repository 'other'"),
        ],
    )
    def test_another_repository_is_refused(self, world, name, reason):
        result = world.run("stats", "-r", name)

        assert (result.exit_code, reason in result.output) == (1, True)

    def test_a_variable_of_the_ini_can_be_set(self, world):
        result = world.run("stats", "where=elsewhere", folder="%(where)s/x")

        assert result.exit_code == 0
        assert (world.folder / "elsewhere/x/cache.db").exists()

    def test_it_works_while_the_server_runs(self, world):
        world.offer()
        client = compose_client(world.folder, world.settings())
        client.get("/simple/knight/")

        found = world.stats()
        client.app.close()

        assert (found["pages"], found["files"]) == (1, 0)


class TestPrune:
    """`cache prune` removes what its options say."""

    def fill(self, world, *used):
        """Keep files of 100 bytes that were last used so many days ago; return nothing."""
        world.run("stats")
        store, now = world.store(), datetime.now(UTC).timestamp()
        for number, days in enumerate(used):
            place = f"aa/bb/{number:060x}/knight-{number}.tar.gz"
            path = world.folder / "cache/pypi/files" / place
            path.parent.mkdir(parents=True)
            path.write_bytes(b"x" * 100)
            store.put_file(CachedFile(place, "knight", b"{}", 100, now - days * 86400))
        store.close()

    def left(self, world):
        store = world.store()
        names = sorted(one.place.rpartition("/")[2] for one in store.files())
        store.close()
        here = (world.folder / "cache/pypi/files").rglob("*.*z")
        assert sorted(path.name for path in here) == names
        return names

    def test_files_unused_for_longest_go_until_the_rest_fits(self, world):
        self.fill(world, 1, 3, 2)

        result = world.run("prune", "--max-size", "200")

        assert result.output == "pypi: 1 files removed, 100 bytes; 2 left, 200 bytes\n"
        assert self.left(world) == ["knight-0.tar.gz", "knight-2.tar.gz"]

    def test_files_go_that_were_not_used_for_so_long(self, world):
        self.fill(world, 1, 40, 29)

        result = world.run("prune", "--older-than", "30d")

        assert result.output.startswith("pypi: 1 files removed")
        assert self.left(world) == ["knight-0.tar.gz", "knight-2.tar.gz"]

    def test_withdrawn_files_go_and_others_stay(self, world):
        self.fill(world, 1)
        world.offer("spam")
        world.warm("spam")
        store = world.store()
        store.withdraw("knight", "deleted")
        store.close()

        result = world.run("prune", "--withdrawn")

        assert result.output.startswith("pypi: 1 files removed, 100 bytes; 1 left")
        assert world.stats()["withdrawn"] == []

    def test_without_options_the_setting_counts_and_strays_go(self, world):
        self.fill(world, 1, 2)
        stray = world.folder / f"cache/pypi/files/aa/bb/{'c' * 60}/stray-1.tar.gz"
        stray.parent.mkdir()
        stray.write_bytes(b"12345")

        result = world.run("prune", max_size="150")

        assert result.output == "pypi: 2 files removed, 105 bytes; 1 left, 100 bytes\n"
        assert self.left(world) == ["knight-0.tar.gz"]

    def test_nothing_goes_without_options_and_limit(self, world):
        self.fill(world, 999)

        assert world.run("prune").output == "pypi: 0 files removed, 0 bytes; 1 left, 100 bytes\n"

    def test_all_takes_pages_names_facts_and_metadata_as_well(self, world):
        offered = world.offer()
        world.warm("knight")
        client = compose_client(world.folder, world.settings())
        client.get("/simple/", headers=JSON)
        client.app.close()
        assert (world.folder / "cache/pypi/names").exists()

        result = world.run("prune", "--all")

        store = world.store()
        assert result.output == (
            f"pypi: 1 files removed, {offered.size / 1000:.1f} kB; 0 left, 0 bytes; 1 pages removed\n"
        )
        assert (store.files(), store.page("knight"), store.facts("knight")) == ([], None, {})
        assert store.metadata(sha256(offered.metadata)) is None
        assert not (world.folder / "cache/pypi/names").exists()
        store.close()

    def test_all_gives_the_space_back_while_somebody_else_has_the_cache_open(self, world):
        world.run("stats")
        store = world.store()
        for number in range(200):
            store.put_metadata(str(number), hashlib.shake_128(str(number).encode()).digest(20_000))
        before = (world.folder / "cache/pypi/cache.db").stat().st_size

        result = world.run("prune", "--all")

        assert result.exit_code == 0
        after = sum(path.stat().st_size for path in (world.folder / "cache/pypi").glob("cache.db*"))
        assert (before > 3_000_000, after < 1_000_000) == (True, True)
        assert store.metadata("1") is None
        store.close()

    def test_a_running_server_fetches_again_what_was_removed(self, world):
        world.offer()
        client = compose_client(world.folder, world.settings())
        (listed,) = client.get("/simple/knight/", headers=JSON).json["files"]
        path = "/" + listed["url"].partition("../../")[2]
        first = client.get(path).body

        assert world.run("prune", "--all").exit_code == 0
        again = client.get(path).body, client.get(f"{path}.metadata").status_int
        client.app.close()

        assert again == (first, 200)

    def test_a_proxy_without_files_says_so(self, world):
        assert world.run("prune", files="stream").output == "pypi: keeps no files\n"
        assert world.run("prune", "--all", files="stream").output == "pypi: keeps no files; 0 pages removed\n"

    @pytest.mark.parametrize(
        "option", [["--max-size", "1"], ["--older-than", "1d"], ["--withdrawn"], ["--max-size", "0"]]
    )
    def test_all_stands_alone(self, world, option):
        result = world.run("prune", "--all", *option)

        assert (result.exit_code, "--all leaves nothing" in result.output) == (2, True)

    @pytest.mark.parametrize(
        ("option", "value", "reason"),
        [
            ("--max-size", "many", "'many' is not a size"),
            ("--older-than", "30 years", "'years' is not a unit"),
        ],
    )
    def test_amounts_are_those_of_the_ini(self, world, option, value, reason):
        result = world.run("prune", option, value)

        assert (result.exit_code, reason in result.output) == (2, True)
