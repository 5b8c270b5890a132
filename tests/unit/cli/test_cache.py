"""`pyramid-pypi cache`: what is kept, what goes, and what is fetched before anybody asks."""

import hashlib
import json
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from webtest import TestApp

import pyramid_pypi
from pyramid_pypi.browse.sizes import human_size
from pyramid_pypi.cli import main
from pyramid_pypi.cli._warm import Choice
from pyramid_pypi.testing.artefacts import make_sdist, make_wheel
from pyramid_pypi.testing.clients import compose_client
from pyramid_pypi.testing.upstreams import FakeUpstream
from pyramid_pypi.upstream.cachedfiles import IN_USE
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
    """Return the names of the files that the upstream was asked for."""
    paths = {one.path for one in world.upstream.requests if one.path.startswith("/packages/")}
    return sorted(path.rpartition("/")[2] for path in paths if not path.endswith(".metadata"))


def uv_lock(*files, sha256=None):
    """Return a uv.lock that lists each file in a package of its own."""
    packages = [
        f"""
[[package]]
name = "{one.project}"
version = "{one.version}"
source = {{ registry = "https://pypi.org/simple" }}
wheels = [{{ url = "https://files.pythonhosted.org{one.path}", hash = "sha256:{sha256 or one.hashes["sha256"]}" }}]
"""
        for one in files
    ]
    return "version = 1\n" + "".join(packages)


def poetry_lock(one):
    return f"""
[[package]]
name = "{one.project}"
version = "{one.version}"
files = [{{file = "{one.filename}", hash = "sha256:{one.hashes["sha256"]}"}}]
"""


def pylock(one):
    return f"""
lock-version = "1.0"
created-by = "hand"

[[packages]]
name = "{one.project}"
version = "{one.version}"
[[packages.wheels]]
name = "{one.filename}"
url = "https://files.pythonhosted.org{one.path}"
hashes = {{ sha256 = "{one.hashes["sha256"]}" }}
"""


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

        unopened = timedelta(seconds=IN_USE)
        assert before - unopened <= datetime.fromisoformat(found["oldest_use"]) <= datetime.now(UTC)
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
        world.warm("knight\nspam\n", ttl="0", stale_while_revalidate="0")

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

        def size():
            return sum(path.stat().st_size for path in (world.folder / "cache/pypi").glob("cache.db*"))

        before = size()
        result = world.run("prune", "--all")

        assert result.exit_code == 0
        assert before > 3_000_000
        assert size() < 1_000_000
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


class TestWarm:
    """`cache warm` has what locks want, and says what it has not."""

    @pytest.mark.parametrize(
        ("name", "write"), [("uv.lock", uv_lock), ("poetry.lock", poetry_lock), ("pylock.toml", pylock)]
    )
    def test_the_files_of_a_lock_are_fetched_and_no_others(self, world, name, write):
        wanted = world.offer()
        world.offer(tag=LINUX)

        result = world.run("warm", world.file(name, write(wanted)))

        assert (result.exit_code, last(result)) == (
            0,
            f"1 fetched ({wanted.size / 1000:.1f} kB), 0 here already, 0 missing",
        )
        assert fetched(world) == [KNIGHT]

    def test_what_is_here_is_not_fetched_again(self, world):
        lock = world.file("uv.lock", uv_lock(world.offer()))
        world.run("warm", lock)
        world.upstream.forget()

        result = world.run("warm", lock, lock)

        assert last(result) == "0 fetched (0 bytes), 1 here already, 0 missing"
        assert world.upstream.requests == []

    def test_after_it_an_index_that_is_offline_serves_the_whole_lock(self, world):
        house = world.host()
        files = [world.offer(), world.offer("spam", tag=LINUX), world.offer("plain", core_metadata=False)]
        lock = world.file("uv.lock", uv_lock(*files))
        poetry = world.file(
            "poetry.lock",
            f'[[package]]\nname = "house"\nversion = "1.0"\nfiles = [{{file = "house-1.0-py3-none-any.whl", '
            f'hash = "sha256:{sha256(house)}"}}]\n',
        )
        result = world.run("warm", lock, poetry)
        world.upstream.down()

        client = TestApp(pyramid_pypi.main(None, **world.settings(**{"pypi.repo.pypi.offline": "true"})))
        pages = {one.project: client.get(f"/simple/{one.project}/", headers=JSON).json for one in files}
        bodies = {one.project: client.get(one.path).body for one in files}
        beside = [client.get(f"{one.path}.metadata", status="*").status_int for one in files]
        client.app.close()

        assert last(result).endswith("1 here already, 0 missing")
        assert bodies == {one.project: one.content for one in files}
        assert beside == [200, 200, 200]
        assert all(page["files"][0]["core-metadata"]["sha256"] for page in pages.values())

    def test_a_metadata_file_that_is_missing_upstream_is_no_failure(self, world):
        wanted = world.offer()
        world.upstream.fail("*.metadata", 404)

        assert world.run("warm", world.file("uv.lock", uv_lock(wanted))).exit_code == 0

    def test_hashes_choose_the_files_of_a_release(self, world):
        world.offer()
        linux = world.offer(tag=LINUX)

        result = world.warm(f"knight==1.0 --hash=sha256:{linux.hashes['sha256']}")

        assert (result.exit_code, fetched(world)) == (0, [linux.filename])

    def test_a_pinned_version_without_hashes_means_all_its_files(self, world):
        world.offer(version="1.0")
        linux = world.offer(version="1.1", tag=LINUX)
        pure = world.offer(version="1.1", yanked=True)
        sdist = world.upstream.add("knight-1.1.tar.gz", make_sdist("knight", "1.1"))

        world.warm("knight==1.1.0")

        assert fetched(world) == sorted(one.filename for one in (linux, pure, sdist))

    def test_no_version_means_the_newest_that_people_should_use(self, world):
        world.offer(version="1.9")
        newest = world.offer(version="1.10")
        world.offer(version="1.11", yanked="broken")
        world.offer(version="2.0rc1")

        world.warm("knight>=1")

        assert fetched(world) == [newest.filename]

    def test_a_pre_release_is_taken_where_there_is_nothing_else(self, world):
        world.offer(version="1.0a1")
        newest = world.offer(version="1.0b1")

        world.warm("knight")

        assert fetched(world) == [newest.filename]

    def test_platforms_and_wheels_can_be_chosen(self, world):
        files = [world.offer(), world.offer(tag=LINUX), world.offer(tag=WINDOWS)]
        world.upstream.add("knight-1.0.tar.gz", make_sdist("knight", "1.0"))

        result = world.warm("knight==1.0", "--wheels-only", "--platform", "manylinux*_x86_64")

        assert fetched(world) == sorted(one.filename for one in files[:2])
        assert last(result).endswith("0 here already, 2 passed over, 0 missing")

    def test_projects_of_which_nothing_is_chosen_are_named_and_no_failure(self, world):
        lock = uv_lock(world.offer(), world.offer("pywin", tag=WINDOWS))

        result = world.run("warm", world.file("uv.lock", lock), "--platform", "*linux*")

        assert (result.exit_code, fetched(world)) == (0, [KNIGHT])
        assert result.stderr == "note: the options leave nothing of pywin\n"

    def test_another_digest_than_the_locked_one_is_told_and_not_fetched(self, world):
        other, wanted = world.offer("spam"), world.offer()
        lock = world.file("uv.lock", uv_lock(wanted, sha256="a" * 64) + uv_lock(other).partition("\n")[2])

        result = world.run("warm", lock)

        digest = wanted.hashes["sha256"]
        assert result.exit_code == 1
        assert (
            f"missing: {KNIGHT}: it has the digest {digest} here and {'a' * 64} in the lock" in result.stdout
        )
        assert fetched(world) == [other.filename]

    def test_a_digest_that_no_page_tells_is_compared_with_the_bytes(self, world):
        wanted = world.offer(hashes=("md5",))
        good = world.file("uv.lock", uv_lock(wanted, sha256=sha256(wanted.content)))
        bad = world.file("x.py.lock", uv_lock(wanted, sha256="a" * 64))

        assert world.run("warm", good).exit_code == 0
        assert f"{sha256(wanted.content)} here and {'a' * 64} in the lock" in world.run("warm", bad).stdout

    def test_hashes_of_a_page_without_them_leave_the_choice_to_installers(self, world):
        wanted = world.offer(hashes=("md5",))

        result = world.warm(f"knight==1.0 --hash=sha256:{'a' * 64}")

        assert (result.exit_code, fetched(world)) == (0, [wanted.filename])

    def test_everything_that_is_missing_is_told_and_the_rest_is_fetched(self, world):
        world.offer()
        broken, gone = world.offer("broken"), world.offer("gone")
        world.upstream.corrupt(broken.path)
        world.upstream.fail(gone.path, 404)
        world.offer("old", yanked=True)

        result = world.warm(
            "knight\nknight==7\nbroken\ngone\nold\nabsent\n"
            f"knight==1.0 --hash=sha256:{'b' * 64}\nknight===1.0-what?\n"
        )

        assert (result.exit_code, last(result).partition(",")[2]) == (1, " 0 here already, 7 missing")
        for reason in (
            "missing: knight 7: 'all' has no such version",
            "nothing of it is kept",
            "has no file gone-1.0-py3-none-any.whl",
            "missing: old: all its files are yanked, or it has none",
            "missing: 'all' has no project 'absent'",
            f"missing: knight 1.0: 'all' has no file with the digest {'b' * 64}",
            "is not a version",
        ):
            assert reason in result.stdout
        assert world.stats()["files"] == 1

    def test_a_file_that_the_upstream_does_not_list_any_more_is_here(self, world):
        lock = world.file("uv.lock", uv_lock(world.offer()))
        world.run("warm", lock)
        world.upstream.remove("knight")

        result = world.run("warm", lock, ttl="0", stale_while_revalidate="0")

        assert (result.exit_code, last(result)) == (0, "0 fetched (0 bytes), 1 here already, 0 missing")

    def test_a_name_of_ours_is_not_fetched_from_outside(self, world):
        world.host("knight")
        world.offer("knight", "2.0")

        result = world.warm("knight")

        assert last(result) == "0 fetched (0 bytes), 1 here already, 0 missing"
        assert world.upstream.requests == []

    def test_a_file_larger_than_the_cache_is_missing(self, world):
        world.offer()

        result = world.warm("knight", max_size="100")

        assert result.exit_code == 1
        assert "it does not stay in the cache of 'pypi'; see its setting max_size" in result.stdout

    def test_what_was_removed_to_make_room_is_missing(self, world):
        sizes = [world.offer(name).size for name in ("one", "two", "three")]

        result = world.warm("one\ntwo\nthree\n", "--jobs", "1", max_size=str(max(sizes) * 2))

        assert (result.exit_code, "see its setting max_size" in result.stdout) == (1, True)

    def test_files_in_use_are_not_removed_for_new_ones(self, world):
        offered = [world.offer(name) for name in ("old", "wanted", "new")]
        size = str(int(sum(one.size for one in offered) * 0.9))
        world.warm("wanted")
        world.warm("old")

        world.warm("wanted\nnew\n", "--jobs", "1", max_size=size)

        store = world.store()
        assert sorted(one.project for one in store.files()) == ["new", "wanted"]
        store.close()

    @pytest.mark.parametrize("size", [True, False])
    def test_several_are_fetched_at_a_time_and_sizes_need_not_be_known(self, world, size):
        for number in range(3):
            world.offer(f"knight{number}", size=size)
        world.upstream.formats = {"html", "json"} if size else {"html"}
        gate = world.upstream.stall("*.whl")
        released = []

        def open_gate():
            gate.wait_until_held(3)
            released.append(True)
            gate.release()

        thread = threading.Thread(target=open_gate)
        thread.start()
        result = world.warm("knight0\nknight1\nknight2\n")
        thread.join()

        assert (result.exit_code, released) == (0, [True])

    def test_offline_says_what_is_not_here(self, world):
        world.offer()

        result = world.warm("knight", offline="true")

        assert (result.exit_code, "the repository is offline" in result.stdout) == (1, True)
        assert world.upstream.requests == []

    @pytest.mark.parametrize(
        ("arguments", "changes"),
        [(["-r", "private"], {}), ([], {"files": "redirect"}), ([], {"files": "stream"})],
    )
    def test_a_repository_that_keeps_no_files_is_refused(self, world, arguments, changes):
        result = world.warm("knight", *arguments, **changes)

        assert (result.exit_code, "keeps no files of an upstream" in result.output) == (1, True)

    def test_a_repository_can_be_named_and_variables_set(self, world):
        world.host("knight")
        world.offer()

        result = world.warm("knight", "where=elsewhere", "-r", "pypi", folder="%(where)s/x")

        assert last(result).startswith("1 fetched")
        assert (world.folder / "elsewhere/x/cache.db").exists()

    def test_a_bad_lock_stops_before_anything_is_opened(self, world):
        result = world.run("warm", world.file("uv.lock", "version = "))

        assert (result.exit_code, "uv.lock, line 1: is not TOML" in result.output) == (1, True)
        assert not (world.folder / "cache").exists()

    def test_a_file_is_needed(self, world):
        assert world.run("warm", "a=b").exit_code == 2


@pytest.mark.parametrize(
    ("choice", "filename", "taken"),
    [
        (Choice(), "a-1.tar.gz", True),
        (Choice(), "a-1-py3.8.egg", True),
        (Choice(wheels_only=True), "a-1.tar.gz", False),
        (Choice(wheels_only=True), "a-1-py3.8.egg", False),
        (Choice(wheels_only=True), f"a-1-{WINDOWS}.whl", True),
        (Choice(platforms=("win*",)), f"a-1-{WINDOWS}.whl", True),
        (Choice(platforms=("win*",)), f"a-1-{LINUX}.whl", False),
        (Choice(platforms=("win*", "manylinux2014_*")), f"a-1-{LINUX}.whl", True),
        (Choice(platforms=("win*",)), "a-1-py3-none-any.whl", True),
        (Choice(platforms=("win*",)), "a-1.tar.gz", True),
    ],
)
def test_a_choice_takes_wheels_by_platform(choice, filename, taken):
    assert choice.takes(filename) is taken


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (50 * 10**9, "50.0 GB"),
        (1_234_567, "1.2 MB"),
        (7 * 10**16, "70000.0 TB"),
    ],
)
def test_sizes_are_told_as_the_ini_writes_them(size, text):
    assert human_size(size) == text
