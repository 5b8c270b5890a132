"""Rules of hosted repositories, of proxies and of groups: what clients see, and why."""

import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from pyramid_pypi import hookimpl
from pyramid_pypi.cli import main
from pyramid_pypi.repositories import Hosted
from pyramid_pypi.repositories.ruled import Ruled
from pyramid_pypi.testing.artefacts import make_wheel
from pyramid_pypi.testing.upstreams import FakeUpstream
from tests.functional.following import HTML, proxy, wheel_of
from tests.functional.support import JSON, OPEN, settings
from tests.functional.test_rights import HASH, as_user
from tests.live import write_ini

GRAIL = wheel_of("holy-grail")
YEAR = timedelta(days=365)
DENY = {
    "pypi.repo.private.rules": "deny",
    "pypi.repo.private.rule.deny.projects": "holy-*",
    "pypi.repo.private.rule.deny.versions": "<2",
    "pypi.repo.private.rule.deny.reason": "It bites; see SEC-7",
}
COOLDOWN = {"pypi.repo.pypi.rules": "cooldown", "pypi.repo.pypi.rule.cooldown.days": "3"}
SENTENCE = f"{GRAIL} is hidden in 'private' by the rule 'deny': It bites; see SEC-7"


@pytest.fixture
def upstream():
    with FakeUpstream() as upstream:
        yield upstream


def add(upstream, name="holy-grail", version="1.0", age=YEAR):
    at = None if age is None else datetime.now(UTC) - age
    return upstream.add(wheel_of(name, version), make_wheel(name, version), upload_time=at)


def files_of(client, project="holy-grail", **options):
    return [file["filename"] for file in client.page(project, **options)["files"]]


def path_of(client, filename, repository="private"):
    """Return the path of a file, hidden or not."""
    return f"/packages/{client.index.served(repository).source.file(filename).path}"


def why(client, path, **options):
    return {entry["filename"]: entry for entry in client.web.get(f"/-/why/{path}", **options).json["files"]}


def test_hidden_file_is_on_no_page(build):
    client = build(**OPEN, **DENY)
    client.publish("holy-grail", "1.0")
    client.publish("holy-grail", "2.0")

    page = client.page("holy-grail")
    assert [file["filename"] for file in page["files"]] == [wheel_of("holy-grail", "2.0")]
    assert page["versions"] == ["2.0"]
    assert GRAIL not in client.web.get("/simple/holy-grail/", headers=HTML).text
    assert list(client.web.get("/pypi/holy-grail/json").json["releases"]) == ["2.0"]
    client.web.get("/pypi/holy-grail/1.0/json", status=404)


def test_hidden_file_is_refused_with_the_reason(build):
    client = build(**OPEN, **DENY)
    client.publish("holy-grail", "1.0")
    path = path_of(client, GRAIL)

    for _ in range(2):
        answer = client.web.get(path, status=404)
        assert answer.status == f"404 {SENTENCE}"
        assert answer.text == f"{SENTENCE}\n"
        assert answer.headers["Cache-Control"] == "no-cache"
    for beside in (f"{path}.metadata", f"{path}.asc"):
        assert SENTENCE in client.web.get(beside, status=404).text
    assert SENTENCE in client.web.get(path, headers={"Range": "bytes=0-1"}, status=404).text
    assert client.web.get(path, headers={"Accept": JSON}, status=404).json["message"] == SENTENCE


def test_project_without_a_shown_file_is_a_page_without_files(build):
    client = build(**OPEN, **DENY)
    client.publish("holy-grail", "1.0")

    assert files_of(client) == []
    assert client.web.get("/simple/", headers={"Accept": JSON}).json["projects"][0]["name"] == "holy-grail"


def test_shown_files_are_fetched_again_and_again(build):
    client = build(**OPEN, **DENY)
    filename, content = client.publish("holy-grail", "2.0")
    path = client.url("holy-grail", filename)

    assert [client.web.get(path).body for _ in range(3)] == [content] * 3
    assert client.web.get(f"{path}.metadata").body.startswith(b"Metadata-Version")


def test_hosted_repository_with_rules_takes_and_changes_files(build):
    client = build(**OPEN, **DENY)
    filename, content = client.publish("holy-grail", "1.0")

    client.upload(filename, content)
    client.upload(filename, make_wheel("holy-grail", "1.0", summary="other"), status=400)
    assert client.index.hosted_names == ("private",)
    assert len(client.index.watchers) == 1
    assert isinstance(client.index.served("private").hosted, Hosted)
    fields = {":action": "remove_pkg", "name": "holy-grail", "version": "1.0"}
    client.web.post("/", fields, upload_files=[("x", "y", b"z")])
    client.web.get("/simple/holy-grail/", status=200)
    assert why(client, "holy-grail") == {}


def test_repository_without_rules_has_nothing_around_it(build):
    client = build(**OPEN)

    assert isinstance(client.index.served("private").repository, Hosted)


def test_new_files_of_an_upstream_wait(build, upstream):
    add(upstream, version="1.0")
    new = add(upstream, version="2.0", age=timedelta(days=1))
    client = build(**proxy(upstream, **COOLDOWN))

    assert files_of(client) == [GRAIL]
    assert files_of(client, repository="/pypi") == [GRAIL]
    for repository in ("", "/pypi"):
        answer = client.web.get(f"{repository}{new.path}", status=404)
        assert f"{new.filename} is hidden in 'pypi' until 20" in answer.status
        assert "by the rule 'cooldown': Files are offered 3 days after their upload" in answer.status
        client.web.get(f"{repository}{new.path}.metadata", status=404)
    assert upstream.count(new.path) == 0


def test_file_that_is_kept_already_is_hidden_all_the_same(build, upstream, tmp_path):
    new = add(upstream, age=timedelta(days=1))
    before = build(**proxy(upstream))
    assert before.web.get(new.path).body == new.content
    before.application.close()
    client = build(**proxy(upstream, **COOLDOWN))

    client.web.get(new.path, status=404)
    upstream.down()
    client.web.get(new.path, status=404)


def test_file_without_a_time_is_hidden_unless_an_option_shows_it(build, upstream):
    upstream.add(GRAIL, make_wheel("holy-grail", "1.0"))
    strict = build(**proxy(upstream, backfill="0", **COOLDOWN))
    assert files_of(strict) == []
    assert "nobody knows when that was" in why(strict, "holy-grail")[GRAIL]["rules"][0]["reason"]
    strict.application.close()
    shows = {**COOLDOWN, "pypi.repo.pypi.rule.cooldown.unknown": "show"}

    assert files_of(build(**proxy(upstream, backfill="0", **shows))) == [GRAIL]


def test_file_appears_when_its_time_has_come(build):
    rules = {"pypi.repo.private.rules": "cooldown", "pypi.repo.private.rule.cooldown.days": "1"}
    client = build(**OPEN, **rules)
    client.publish("holy-grail", "1.0")
    path = path_of(client, GRAIL)
    ruled = client.index.served("private").repository
    due = ruled.source.file(GRAIL).uploaded_at + timedelta(days=1)
    ruled.clock = lambda: due - timedelta(seconds=0.2)
    before = [files_of(client) for _ in range(3)]
    client.web.get(path, status=404)

    ruled.clock = lambda: due
    deadline = time.monotonic() + 10
    while not files_of(client):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert before == [[]] * 3
    assert client.web.get(path).status_int == 200


def test_private_name_whose_files_are_hidden_is_not_looked_for_outside(build, upstream):
    public = add(upstream, version="99.0")
    same = add(upstream, version="1.0")
    client = build(**proxy(upstream, **DENY))
    client.publish("holy-grail", "1.0")

    assert files_of(client) == []
    assert client.web.get("/simple/holy-grail/").headers["X-PyPI-Repository"] == "private"
    client.web.get(public.path, status=404)
    assert SENTENCE in client.web.get(same.path, status=404).text
    assert upstream.count("/packages/*") == 0


def test_merged_name_has_no_stand_in_for_a_hidden_file(build, upstream):
    same = add(upstream, version="1.0")
    add(upstream, version="2.0")
    client = build(**proxy(upstream, **DENY, **{"pypi.repo.all.merge": "holy-grail"}))
    client.publish("holy-grail", "1.0")

    assert files_of(client) == [wheel_of("holy-grail", "2.0")]
    assert SENTENCE in client.web.get(same.path, status=404).text


def test_rules_of_a_group_are_for_all_its_members(build, upstream):
    add(upstream, name="parrot")
    add(upstream, name="lancelot")
    rules = {"pypi.repo.all.rules": "allow", "pypi.repo.all.rule.allow.projects": "parrot"}
    client = build(**proxy(upstream, **rules))
    client.publish("holy-grail", "1.0")

    assert files_of(client, "parrot") == [wheel_of("parrot")]
    assert files_of(client, "lancelot") == files_of(client, "holy-grail") == []
    assert files_of(client, "holy-grail", repository="/private") == [GRAIL]
    assert "hidden in 'all' by the rule 'allow'" in client.web.get(path_of(client, GRAIL), status=404).text


def test_rules_of_a_group_hold_in_a_group_around_it(build, upstream):
    add(upstream, name="parrot")
    rules = {
        "pypi.repositories": "private pypi all outer",
        "pypi.default": "outer",
        "pypi.repo.all.rules": "deny",
        "pypi.repo.all.rule.deny.projects": "parrot",
        "pypi.repo.outer": "group",
        "pypi.repo.outer.members": "all pypi",
        "pypi.repo.outer.read": "everyone",
    }
    client = build(**proxy(upstream, **rules))

    assert files_of(client, "parrot") == []
    assert files_of(client, "parrot", repository="/pypi") == [wheel_of("parrot")]
    (rule,) = why(client, "parrot")[wheel_of("parrot")]["rules"]
    assert (rule["rule"], rule["repository"]) == ("deny", "all")


def test_all_rules_have_to_agree(build, upstream):
    rules = {
        **COOLDOWN,
        "pypi.repo.pypi.rules": "cooldown allowed no-eggs",
        "pypi.repo.pypi.rule.allowed": "allow",
        "pypi.repo.pypi.rule.allowed.projects": "parrot holy-*",
        "pypi.repo.pypi.rule.no-eggs": "deny",
        "pypi.repo.pypi.rule.no-eggs.files": "*.egg",
    }
    add(upstream, name="parrot")
    add(upstream, name="parrot", version="2.0", age=timedelta(hours=1))
    add(upstream, name="lancelot")
    upstream.add("parrot-1.0-py3.11.egg", b"egg", upload_time=datetime.now(UTC) - YEAR)
    client = build(**proxy(upstream, **rules))

    assert files_of(client, "parrot") == [wheel_of("parrot")]
    assert files_of(client, "lancelot") == []
    assert [rule["rule"] for rule in why(client, "parrot")["parrot-1.0-py3.11.egg"]["rules"]] == ["no-eggs"]


class TestWhy:
    """What is told to those who ask why."""

    def test_every_file_is_told_with_its_rules(self, build, upstream):
        old = add(upstream, version="1.0")
        new = add(upstream, version="2.0", age=timedelta(days=1))
        client = build(**proxy(upstream, **COOLDOWN))
        uploaded = new.options["upload_time"]

        assert client.web.get("/-/why/Holy.Grail").json == {
            "repository": "all",
            "project": "holy-grail",
            "status": "active",
            "status-reason": "",
            "files": [
                {
                    "filename": old.filename,
                    "version": "1.0",
                    "repository": "pypi",
                    "hidden": False,
                    "upload-time": f"{old.options['upload_time']:%Y-%m-%dT%H:%M:%S.%f}Z",
                    "until": None,
                    "rules": [],
                },
                {
                    "filename": new.filename,
                    "version": "2.0",
                    "repository": "pypi",
                    "hidden": True,
                    "upload-time": f"{uploaded:%Y-%m-%dT%H:%M:%S.%f}Z",
                    "until": f"{uploaded + timedelta(days=3):%Y-%m-%dT%H:%M:%S.%f}Z",
                    "rules": [
                        {
                            "rule": "cooldown",
                            "repository": "pypi",
                            "hides": True,
                            "reason": "Files are offered 3 days after their upload",
                            "until": f"{uploaded + timedelta(days=3):%Y-%m-%dT%H:%M:%S.%f}Z",
                        }
                    ],
                },
            ],
        }

    def test_file_that_one_rule_hides_for_good_has_no_end(self, build, upstream):
        add(upstream, age=timedelta(days=1))
        deny = {"pypi.repo.all.rules": "deny", "pypi.repo.all.rule.deny.projects": "*"}
        client = build(**proxy(upstream, **COOLDOWN, **deny))

        entry = why(client, "holy-grail")[GRAIL]
        assert [rule["rule"] for rule in entry["rules"]] == ["cooldown", "deny"]
        assert [rule["until"] is None for rule in entry["rules"]] == [False, True]
        assert entry["until"] is None

    def test_file_is_hidden_until_the_last_rule_lets_it_go(self, build, upstream):
        new = add(upstream, age=timedelta(days=1))
        slow = {"pypi.repo.all.rules": "cooldown", "pypi.repo.all.rule.cooldown.days": "9"}
        client = build(**proxy(upstream, **COOLDOWN, **slow))
        end = new.options["upload_time"] + timedelta(days=9)

        assert why(client, "holy-grail")[GRAIL]["until"] == f"{end:%Y-%m-%dT%H:%M:%S.%f}Z"

    def test_one_file_can_be_asked_about(self, build):
        client = build(**OPEN, **DENY)
        client.publish("holy-grail", "1.0")
        client.publish("holy-grail", "2.0")

        for place in ("", "/private", "/repository/private"):
            (entry,) = client.web.get(f"{place}/-/why/holy-grail/{GRAIL}").json["files"]
            assert (entry["filename"], entry["hidden"]) == (GRAIL, True)
        answer = client.web.get("/-/why/holy-grail/holy_grail-9.tar.gz", status=404)
        assert "'holy-grail' has no file 'holy_grail-9.tar.gz' in 'private'" in answer.text
        client.web.get("/-/why/nothing", status=404)
        client.web.get("/-/why/nothing/nothing-1.tar.gz", status=404)

    @pytest.mark.parametrize("accept", ["text/html,application/xhtml+xml,*/*;q=0.8", "text/plain"])
    def test_people_get_text(self, build, accept):
        client = build(**OPEN, **DENY)
        client.publish("holy-grail", "1.0")
        client.publish("holy-grail", "2.0")
        answer = client.web.get("/-/why/holy-grail", headers={"Accept": accept})

        assert (answer.content_type, answer.headers["Cache-Control"]) == ("text/plain", "no-store")
        assert answer.text == (
            "holy-grail in private\n"
            f"{GRAIL}  hidden\n"
            "    deny of private: It bites; see SEC-7\n"
            f"{wheel_of('holy-grail', '2.0')}  shown\n"
        )

    def test_it_takes_the_right_to_read(self, build, tmp_path):
        (tmp_path / "htpasswd").write_text(f"ann:{HASH}\nbob:{HASH}\n")
        rights = {
            "pypi.authenticators": "htpasswd",
            "pypi.auth.htpasswd.path": str(tmp_path / "htpasswd"),
            "pypi.repo.private.read": "user:ann user:bob",
            "pypi.repo.private.upload": "everyone",
            "pypi.repo.private.project.holy-*.read": "user:ann",
        }
        client = build(**DENY, **rights)
        client.publish("holy-grail", "1.0")

        for path in ("/-/why/holy-grail", f"/-/why/holy-grail/{GRAIL}"):
            client.web.get(path, status=401)
            client.web.get(path, headers=as_user("bob"), status=404)
            assert client.web.get(path, headers=as_user("ann")).json["files"][0]["hidden"]

    def test_redirect_knows_no_files(self, build, upstream):
        client = build(**proxy(upstream, **{"": "redirect"}))

        assert "nobody here knows its files" in client.web.get("/pypi/-/why/holy-grail", status=404).text

    def test_status_of_a_project_is_told(self, build, upstream):
        add(upstream)
        upstream.set_status("holy-grail", "quarantined", "It bites")
        client = build(**proxy(upstream))
        found = client.web.get("/-/why/holy-grail").json

        assert (found["status"], found["status-reason"], found["files"]) == ("quarantined", "It bites", [])
        text = client.web.get("/-/why/holy-grail", headers=HTML).text
        assert text == "holy-grail in all, which is quarantined It bites\n"


class Broken:
    """A rule that cannot tell, until it is mended."""

    mended = False

    def decide(self, file, page, at):
        if not self.mended:
            raise RuntimeError("the list of bad files is gone")


def test_rule_of_a_plugin_that_fails_hides_until_it_is_mended(pypi_index, pypi_wheel, pypi_publish, caplog):
    plugin = SimpleNamespace(pypi_rules=hookimpl(lambda: {"broken": Broken}))
    client = pypi_index(plugins=[plugin], settings={"pypi.repo.private.rules": "broken"})
    wheel = pypi_wheel("holy-grail", "1.0")
    pypi_publish(client, wheel)
    served = client.app.index.served("private")
    path = f"/packages/{served.source.file(wheel.filename).path}"

    assert wheel.filename not in client.get("/simple/holy-grail/")
    assert "The rule failed, so nobody knows" in client.get(path, status=404).text
    (entry,) = client.get("/-/why/holy-grail").json["files"]
    assert entry["hidden"]
    assert "The rule failed" in entry["rules"][0]["reason"]
    assert "the list of bad files is gone" in caplog.text

    assert isinstance(served.repository, Ruled)
    served.repository.rules[0].rule.mended = True
    assert client.get(path).body == wheel.content


def test_commands_know_a_proxy_with_rules(tmp_path, upstream):
    add(upstream, version="1.0")
    add(upstream, version="2.0", age=timedelta(hours=1))
    (tmp_path / "wanted.txt").write_text("holy-grail\nholy-grail==2.0\n")
    ini = write_ini(tmp_path / "site.ini", settings(tmp_path, **proxy(upstream, **COOLDOWN)))

    def run(*words):
        return CliRunner().invoke(main, ["cache", words[0], str(ini), *map(str, words[1:])])

    checked = CliRunner().invoke(main, ["check", str(ini)])
    assert "    rules       cooldown\n" in checked.stdout, checked.output
    warmed = run("warm", tmp_path / "wanted.txt")
    assert "1 fetched" in warmed.stdout, warmed.output
    assert "missing: holy-grail 2.0: 'all' has no such version" in warmed.stdout
    assert run("stats").stdout.startswith("pypi: 1 pages, 1 files")
    assert "1 fetched" not in run("warm", tmp_path / "wanted.txt").stdout
