"""Publishers that are added and removed: by command, and in the browser."""

import json
import logging

import pytest
from click.testing import CliRunner

from pyramid_pypi.catalog.sessions import LoggedIn
from pyramid_pypi.cli import main
from pyramid_pypi.model import Identity
from pyramid_pypi_oidc.testing import github_claims, mint, refused


def logged_in(index):
    """Let the client be the browser of ann."""
    secret = index.app.index.browsers.begin(LoggedIn("ann", "test", Identity.user("ann").principals))
    index.extra_environ["HTTP_COOKIE"] = f"pypi_session={secret}"
    return index


class TestCommand:
    """`pyramid-pypi --ini INI publisher`."""

    @pytest.fixture
    def run(self, index, tmp_path, settings):
        ini = tmp_path / "site.ini"
        found = {
            **settings,
            **{k: v for k, v in index.app.registry.settings.items() if k.startswith("pypi.")},
        }
        lines = "".join(f"{key} = {value}\n" for key, value in found.items())
        ini.write_text(
            f"[app:main]\nuse = egg:pyramid_pypi\n{lines}\n[loggers]\nkeys = root\n[handlers]\nkeys =\n"
            "[formatters]\nkeys =\n[logger_root]\nhandlers =\n"
        )

        def run(command, *arguments, fails=False):
            result = CliRunner().invoke(main, ["--ini", str(ini), "publisher", command, str(ini), *arguments])
            assert (result.exit_code != 0) is fails, result.output
            return result.output

        return run

    ADD = (
        "add",
        "tools",
        "github",
        "to=private",
        "projects=tools",
        "repository=acme/tools",
        "workflow=r.yml",
    )
    CLAIMS = github_claims(
        "acme/tools", job_workflow_ref="acme/tools/.github/workflows/r.yml@refs/heads/main"
    )

    def test_a_publisher_is_added_shown_and_removed(self, run, index, issuer, pypi_wheel, pypi_publish):
        assert "pending: tools" in run(*self.ADD)
        answer = mint(index, issuer.token(self.CLAIMS))
        index.authorization = ("Basic", ("__token__", answer.json["token"]))
        pypi_publish(index, pypi_wheel("tools", "1.0"))
        assert "pending: tools" not in run("list")
        found = {one["name"]: one for one in json.loads(run("list", "--json"))}
        assert found["widgets"]["made_by"] is None
        assert (found["tools"]["means"], found["tools"]["repository"]) == ("r.yml of acme/tools", "private")

        run("remove", "tools")
        pypi_publish(index, pypi_wheel("tools", "1.1"), status=401)
        index.authorization = None
        assert "no publisher is meant" in refused(index, issuer.token(self.CLAIMS))[1]

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (("add", "tools", "github", "to=private"), "repository: is required"),
            ((*ADD, "workflw=x"), "workflw: is not a key"),
            ((*ADD, "to=x"), "'to' is given twice"),
            ((*ADD, "x"), "not key=value"),
            (("add", "widgets", *ADD[2:]), "is in the settings"),
            (("add", "Tools", *ADD[2:]), "is not a name"),
            (("remove", "nothing"), "There is no publisher 'nothing'"),
            (("remove", "widgets"), "is in the settings"),
        ],
    )
    def test_what_cannot_be_done_is_told(self, run, arguments, told):
        assert told in run(*arguments, fails=True)

    def test_a_name_is_taken_once(self, run):
        run(*self.ADD)

        assert "There is a publisher 'tools' already" in run(*self.ADD, fails=True)

    def test_an_owner_who_comes_back_is_trusted_after_a_new_start(self, run, index, issuer):
        run(*self.ADD)
        mint(index, issuer.token(self.CLAIMS))
        anew = {**self.CLAIMS, "repository_owner_id": "222"}
        assert "was 111" in refused(index, issuer.token(anew))[1]
        run("remove", "tools")
        run(*self.ADD)

        assert mint(index, issuer.token(anew)).json["success"]


class TestBrowser:
    """The page of those who manage a repository."""

    FORM = {
        "name": "tools",
        "to": "private",
        "projects": "tools",
        "repository": "acme/tools",
        "workflow": "r.yml",
    }

    @pytest.fixture
    def ann(self, index):
        """Somebody who is logged in and manages the repository."""
        return logged_in(index)

    def test_a_publisher_is_added_and_removed(self, ann, issuer, caplog):
        caplog.set_level(logging.INFO)
        page = ann.get("/-/oidc/publishers")
        form = next(one for one in page.forms.values() if one.action.endswith("/add"))
        for name, text in self.FORM.items():
            form[name] = text
        page = form.submit(status=303).follow()

        assert "r.yml of acme/tools" in page.text
        assert "pending: tools" in page.text
        mint(ann, issuer.token(TestCommand.CLAIMS))
        remove = next(one for one in page.forms.values() if one.action.endswith("/remove"))
        assert "r.yml of acme/tools" not in remove.submit(status=303).follow().text
        said = [json.loads(one.getMessage()) for one in caplog.records if one.name == "pyramid_pypi.audit"]
        assert [(one["event"], one["identity"]) for one in said if "publisher" in one["event"]] == [
            ("publisher added", "ann"),
            ("publisher removed", "ann"),
        ]

    @pytest.mark.parametrize("kind", ["github", "gitlab", "claims"])
    def test_every_kind_has_a_form(self, ann, kind):
        page = ann.get(f"/-/oidc/publishers?kind={kind}")
        form = next(one for one in page.forms.values() if one.action.endswith("/add"))

        assert form["kind"].value == kind

    def test_what_is_wrong_is_told_beside_what_was_written(self, ann):
        page = ann.get("/-/oidc/publishers?kind=claims")
        form = next(one for one in page.forms.values() if one.action.endswith("/add"))
        for name, text in {
            "name": "jobs",
            "projects": "jobs",
            "claims": "sub = <b>*",
            "issuer": "nobody",
        }.items():
            form[name] = text
        page = form.submit(status=400)

        assert "is no issuer of the kind claims" in page.html.find(role="alert").text
        assert "sub = &lt;b&gt;*" in page.text

    def test_strangers_log_in_first(self, index):
        index.get("/-/oidc/publishers", status=401)

    def test_a_form_of_another_site_does_nothing(self, ann):
        ann.post("/-/oidc/publishers/add", {"kind": "github", **self.FORM}, status=403)

    def test_who_manages_nothing_sees_and_does_nothing(self, pypi_index, settings):
        index = pypi_index(plugins=["oidc"], settings={**settings, "pypi.repo.private.manage": "user:root"})
        logged_in(index)

        index.get("/-/oidc/publishers", status=403)
        token = index.get("/account").forms[0]["csrf"].value
        index.post("/-/oidc/publishers/add", {"csrf": token, "kind": "github", **self.FORM}, status=403)
        index.post("/-/oidc/publishers/remove", {"csrf": token, "name": "widgets"}, status=403)

    def test_the_account_links_to_it(self, ann):
        assert "-/oidc/publishers" in ann.get("/account").text
