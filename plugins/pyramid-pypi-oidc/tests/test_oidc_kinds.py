"""Publishers of all kinds in the ini, and projects that do not exist yet."""

import pytest

from pyramid_pypi.auth.tokens import Grant, issue
from pyramid_pypi.errors import BadRequest, PypiError, SettingsError
from pyramid_pypi.model import Scope
from pyramid_pypi_oidc.testing import github_claims, mint, refused

GITLAB = {
    "sub": "project_path:acme/tools/widgets:ref_type:tag:ref:v1",
    "project_path": "acme/tools/widgets",
    "namespace_id": "7",
    "project_id": "8",
    "ref": "v1",
    "ref_protected": "true",
    "environment": "release",
    "ci_config_ref_uri": "gitlab.example.org/acme/tools/widgets//.gitlab-ci.yml@refs/tags/v1",
}
JENKINS = {"sub": "job/widgets/release", "aud": "pypi", "level": 3, "groups": ["ci", "release"], "main": True}


def publisher(kind, **options):
    """Return the keys of one publisher, `widgets`."""
    key = "pypi.oidc.publisher.widgets"
    given = {"to": "private", "projects": "widgets", **options}
    return {key: kind, **{f"{key}.{name}": text for name, text in given.items()}}


def another(issuer, kind, **options):
    """Return the settings of an index with one issuer of a kind, `corp`, and one publisher."""
    return {
        "pypi.authenticators": "tokens",
        "pypi.oidc.issuers": "corp",
        "pypi.oidc.issuer.corp": kind,
        "pypi.oidc.issuer.corp.url": issuer.url,
        "pypi.oidc.publishers": "widgets",
        **publisher(kind, issuer="corp", **options),
    }


class TestGitlab:
    OPTIONS = {
        "workflow": ".gitlab-ci.yml",
        "ref": "v1",
        "ref_protected": "yes",
        "environment": "release",
        "namespace_id": "7",
        "project_id": "8",
    }

    @pytest.mark.parametrize("options", [{}, OPTIONS])
    def test_a_pipeline_publishes(self, pypi_index, issuer, options):
        settings = another(issuer, "gitlab", project="acme/tools/widgets", **options)
        index = pypi_index(plugins=["oidc"], settings=settings)

        assert mint(index, issuer.token(GITLAB)).json["success"]

    @pytest.mark.parametrize(
        ("claim", "value", "why"),
        [
            ("project_path", "acme/tools", "the project is not"),
            ("namespace_id", "9", "namespace_id is not 7"),
            ("project_id", "9", "project_id is not 8"),
            ("ref", "main", "ref is not v1"),
            ("ref_protected", "false", "not protected"),
            ("environment", None, "environment is not release"),
            ("ci_config_ref_uri", "gitlab.example.org/eve/x//.gitlab-ci.yml@refs/tags/v1", "the pipeline"),
            ("ci_config_ref_uri", None, "the pipeline"),
        ],
    )
    def test_another_one_does_not(self, pypi_index, issuer, claim, value, why):
        settings = another(issuer, "gitlab", project="acme/tools/widgets", **self.OPTIONS)
        index = pypi_index(plugins=["oidc"], settings=settings)

        assert why in refused(index, issuer.token({**GITLAB, claim: value}))[1]

    def test_a_group_that_was_made_anew_is_refused(self, pypi_index, issuer):
        index = pypi_index(plugins=["oidc"], settings=another(issuer, "gitlab", project="acme/tools/widgets"))
        mint(index, issuer.token(GITLAB))

        assert "is '9' and was 7" in refused(index, issuer.token({**GITLAB, "namespace_id": 9}))[1]


class TestClaims:
    @pytest.mark.parametrize(
        "rules", ["sub = job/widgets/*", "sub = job/*/release\nlevel = 3", "groups = release\nmain = true"]
    )
    def test_rules_that_fit(self, pypi_index, issuer, rules):
        index = pypi_index(plugins=["oidc"], settings=another(issuer, "claims", claims=rules))

        assert mint(index, issuer.token(JENKINS)).json["success"]

    @pytest.mark.parametrize(
        "rules", ["sub = job/widgets", "sub = job/*\nlevel = 4", "groups = rel", "main = yes", "nothing = *x"]
    )
    def test_rules_that_do_not(self, pypi_index, issuer, rules):
        index = pypi_index(plugins=["oidc"], settings=another(issuer, "claims", claims=rules))
        code, description = refused(index, issuer.token(JENKINS))

        assert code == "invalid-publisher"
        assert "The token says: sub='job/widgets/release'" in description


class TestSettings:
    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"pypi.oidc.publisher.widgets.workflw": "x.yml"}, "pypi.oidc.publisher.widgets.workflow"),
            ({"pypi.oidc.publisher.widgets.workflow": "release"}, "not the name of a file"),
            ({"pypi.oidc.publisher.widgets.repository": "widgets"}, "not like acme/widgets"),
            ({"pypi.oidc.publisher.widgets.to": "nowhere"}, "not a hosted repository"),
            ({"pypi.oidc.publisher.widgets.projects": "Acme_X"}, "not a pattern of normalised names"),
            ({"pypi.oidc.publisher.widgets.projects": ""}, "projects"),
            ({"pypi.oidc.publisher.widgets.issuer": "gitlab"}, "no issuer of the kind github"),
            ({"pypi.oidc.publisher.widgets": "githob"}, "github"),
            ({"pypi.oidc.publisher.other": "github"}, "not listed"),
            ({"pypi.oidc.issuer.github.url": "http://github.example"}, "not https"),
            ({"pypi.oidc.issuers": "github gitlab hub", "pypi.oidc.issuer.hub": "github"}, "url"),
            ({"pypi.oidc.audience": "my pypi"}, "short word"),
            ({"pypi.oidc.token_lifetime": "7h"}, "six hours"),
            ({"pypi.oidc.audiance": "x"}, "pypi.oidc.audience"),
            ({"pypi.authenticators": ""}, "need tokens"),
        ],
    )
    def test_what_is_wrong_stops_the_start(self, pypi_index, settings, changes, told):
        if "hub" in changes.get("pypi.oidc.issuers", ""):
            changes = {**changes, "pypi.oidc.issuer.hub.url": settings["pypi.oidc.issuer.github.url"]}
        with pytest.raises(PypiError) as caught:
            pypi_index(plugins=["oidc"], settings={**settings, **changes})

        assert told in str(caught.value)

    @pytest.mark.parametrize("rules", ["", "sub", "sub = *", "= x"])
    def test_rules_that_are_none_stop_the_start(self, pypi_index, issuer, rules):
        with pytest.raises(SettingsError, match="claims"):
            pypi_index(plugins=["oidc"], settings=another(issuer, "claims", claims=rules))

    def test_lifetime_and_audience_can_be_chosen(self, pypi_index, settings, issuer):
        chosen = {"pypi.oidc.audience": "acme", "pypi.oidc.token_lifetime": "6h"}
        index = pypi_index(plugins=["oidc"], settings={**settings, **chosen})
        answer = mint(index, issuer.token({**github_claims(), "aud": "acme"}))

        assert index.get("/_/oidc/audience").json == {"audience": "acme"}
        (token,) = index.app.index.tokens.list()
        assert (token.scope.expires_at - token.created_at).total_seconds() == pytest.approx(6 * 3600, abs=2)
        assert answer.json["success"]


class TestSeveral:
    def settings(self, settings, tmp_path, **changes):
        key = "pypi.oidc.publisher.tools"
        return {
            **settings,
            "pypi.repositories": "private other",
            "pypi.repo.other": "hosted",
            "pypi.repo.other.storage": "filesystem",
            "pypi.repo.other.storage.path": f"{tmp_path}/other",
            "pypi.oidc.publishers": "widgets tools",
            key: "github",
            f"{key}.to": "private",
            f"{key}.projects": "tools",
            f"{key}.repository": "acme/widgets",
            f"{key}.workflow": "release.yml",
            **changes,
        }

    def test_publishers_of_one_job_are_joined(
        self, pypi_index, settings, issuer, tmp_path, pypi_publish, pypi_wheel
    ):
        index = pypi_index(plugins=["oidc"], settings=self.settings(settings, tmp_path))
        index.authorization = ("Basic", ("__token__", mint(index, issuer.token()).json["token"]))

        for name in ("widgets", "tools"):
            pypi_publish(index, pypi_wheel(name, "1.0"))

    def test_a_repository_can_be_chosen(self, pypi_index, settings, issuer, tmp_path):
        other = self.settings(settings, tmp_path, **{"pypi.oidc.publisher.tools.to": "other"})
        index = pypi_index(plugins=["oidc"], settings=other)
        index.post_json("/_/oidc/mint-token?repository=other", {"token": issuer.token()})
        mint(index, issuer.token())
        newest, oldest = index.app.index.tokens.list()

        assert (oldest.scope.repositories, newest.scope.repositories) == ({"other"}, {"private"})
        answer = index.post_json("/_/oidc/mint-token?repository=x", {"token": issuer.token()}, status=422)
        assert "No publisher" in answer.json["errors"][0]["description"]


class TestOwnership:
    """Whoever publishes a project first owns it, a publisher too."""

    def test_a_pending_project_is_made_and_published_again(
        self, pypi_index, settings, issuer, pypi_wheel, pypi_publish
    ):
        owned = {
            **settings,
            "pypi.repo.private.ownership": "first-uploader",
            "pypi.repo.private.upload": "everyone",
            "pypi.repo.private.manage": "nobody",
        }
        index = pypi_index(plugins=["oidc"], settings=owned)
        for version in ("1.0", "1.1"):
            index.authorization = ("Basic", ("__token__", mint(index, issuer.token()).json["token"]))
            pypi_publish(index, pypi_wheel("widgets", version))
        index.authorization = None

        assert index.app.index.default.roles.of("widgets") == {"user:publisher:widgets": "owner"}
        pypi_publish(index, pypi_wheel("widgets", "1.2"), status=401)


def test_nobody_else_can_have_the_name_of_a_publisher(index):
    scope = Scope(frozenset({"upload"}))
    for grant in (Grant("publisher:widgets", scope, groups=()), Grant("ann", scope, publishes=True)):
        with pytest.raises(BadRequest):
            issue(index.app.index.tokens, grant, by="eve")
