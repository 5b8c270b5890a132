"""Trusted publishing: which tokens are exchanged, and for what."""

import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from pyramid_pypi_oidc.testing import github_claims, mint, refused


def log_in(index, answer):
    index.authorization = ("Basic", ("__token__", answer.json["token"]))


def test_the_audience_is_told(index):
    assert index.get("/_/oidc/audience").json == {"audience": "pypi"}


def test_a_job_publishes_with_a_token_for_a_token(index, issuer, pypi_wheel, pypi_publish):
    before = int(time.time())
    answer = mint(index, issuer.token())
    log_in(index, answer)
    pypi_publish(index, pypi_wheel("widgets", "1.0"))
    pypi_publish(index, pypi_wheel("acme-tools", "1.0"))
    index.authorization = None

    assert answer.json["success"] is True
    assert answer.json["token"].startswith("ppypi_")
    assert before + 900 <= answer.json["expires"] <= int(time.time()) + 900
    (file,) = index.app.index.default.repository.project("widgets").files
    assert file.uploaded_by == "publisher:widgets"


@pytest.mark.parametrize("name", ["other", "widgets-other", "acme"])
def test_a_token_is_for_the_projects_of_its_publisher_alone(index, issuer, pypi_wheel, pypi_publish, name):
    log_in(index, mint(index, issuer.token()))

    assert "isn't allowed to upload" in pypi_publish(index, pypi_wheel(name, "1.0"), status=403).text


def test_a_token_reads_and_deletes_nothing(index, issuer, pypi_wheel, pypi_publish):
    log_in(index, mint(index, issuer.token()))
    pypi_publish(index, pypi_wheel("widgets", "1.0"))
    form = {":action": "remove_pkg", "name": "widgets", "version": "1.0"}

    index.post("/", form, upload_files=[("x", "y", b"z")], status=403)
    index.get("/simple/widgets/", status=403)


def test_a_token_is_for_its_repository_alone(
    pypi_index, settings, issuer, pypi_wheel, pypi_publish, tmp_path
):
    other = {
        "pypi.repositories": "private other",
        "pypi.repo.other": "hosted",
        "pypi.repo.other.storage": "filesystem",
        "pypi.repo.other.storage.path": f"{tmp_path}/other",
    }
    index = pypi_index(plugins=["oidc"], settings={**settings, **other})
    log_in(index, mint(index, issuer.token()))

    pypi_publish(index, pypi_wheel("widgets", "1.0"), to="/other/", status=403)


def test_without_a_publisher_nobody_may_upload(index, pypi_wheel, pypi_publish):
    pypi_publish(index, pypi_wheel("widgets", "1.0"), status=401)


def test_the_old_path_works(index, issuer):
    assert index.post_json("/_/oidc/github/mint-token", {"token": issuer.token()}).json["success"]


def test_an_elliptic_signature_is_taken(index, issuer):
    assert mint(index, issuer.token(key=issuer.elliptic, header={"alg": "ES256"})).json["success"]


def test_one_audience_in_a_list_is_taken(index, issuer):
    assert mint(index, issuer.token({**github_claims(), "aud": ["pypi"]})).json["success"]


def test_names_at_github_have_no_case(index, issuer):
    claims = github_claims("Acme/Widgets")

    assert mint(index, issuer.token(claims)).json["success"]


def test_clocks_may_differ_by_some_seconds(index, issuer):
    now = int(time.time())
    mint(index, issuer.token({**github_claims(), "iat": now + 20, "nbf": now + 20}))
    mint(index, issuer.token({**github_claims(), "exp": now - 20}))


def test_the_environment_counts_where_one_is_named(pypi_index, settings, issuer):
    named = {**settings, "pypi.oidc.publisher.widgets.environment": "Release"}
    index = pypi_index(plugins=["oidc"], settings=named)

    assert "the environment is not Release" in refused(index, issuer.token())[1]
    assert "the environment" in refused(index, issuer.token(github_claims(environment="test")))[1]
    mint(index, issuer.token(github_claims(environment="release")))


def test_a_token_is_good_for_one_time(index, issuer):
    token = issuer.token()
    mint(index, token)

    assert refused(index, token)[0] == "invalid-reuse-token"
    same = issuer.token({**github_claims(), "jti": "again"})
    mint(index, same)
    assert (
        refused(index, issuer.token({**github_claims(), "jti": "again", "sub": "x"}))[0]
        == "invalid-reuse-token"
    )


def test_a_token_without_a_number_is_good_for_one_time(index, issuer):
    token = issuer.token({**github_claims(), "jti": None})
    mint(index, token)

    assert refused(index, token)[0] == "invalid-reuse-token"


def test_all_processes_know_a_used_token(pypi_index, settings, issuer, tmp_path):
    shared = {**settings, "pypi.catalog": f"sqlite:///{tmp_path}/shared.db"}
    one, other = (pypi_index(plugins=["oidc"], settings=shared) for _ in range(2))
    token = issuer.token()
    mint(one, token)

    assert refused(other, token)[0] == "invalid-reuse-token"


def test_who_has_taken_the_name_of_an_owner_is_refused(index, issuer):
    mint(index, issuer.token())
    code, description = refused(index, issuer.token(github_claims(repository_owner_id="222")))

    assert code == "invalid-publisher"
    assert "is '222' and was 111" in description
    mint(index, issuer.token())


def test_the_number_of_the_owner_may_be_in_the_settings(pypi_index, settings, issuer):
    index = pypi_index(plugins=["oidc"], settings={**settings, "pypi.oidc.publisher.widgets.owner_id": "222"})

    assert "not 222" in refused(index, issuer.token())[1]
    mint(index, issuer.token(github_claims(repository_owner_id="222")))


def test_every_token_and_refusal_is_in_the_audit_log(index, issuer, caplog):
    good, bad = issuer.token(), issuer.token({**github_claims(), "aud": "x"})
    with caplog.at_level(logging.INFO):
        answer = mint(index, good)
        refused(index, bad)

    lines = [json.loads(one.getMessage()) for one in caplog.records if one.name == "pyramid_pypi.audit"]
    assert [(one["event"], one["identity"]) for one in lines] == [
        ("token created", "publisher:widgets"),
        ("refused", ""),
    ]
    assert lines[0]["publishers"] == "widgets"
    assert "repository='acme/widgets'" in lines[0]["claims"]
    for secret in (good, bad, answer.json["token"]):
        assert secret not in caplog.text


@pytest.mark.parametrize("path", ["/_/oidc/mint-token", "/_/oidc/audience"])
def test_without_tokens_it_is_off(pypi_index, settings, path):
    off = {key: value for key, value in settings.items() if "publisher" not in key}
    index = pypi_index(plugins=["oidc"], settings={**off, "pypi.authenticators": ""})
    answer = index.get(path, status=403) if "audience" in path else mint(index, "x", status=422)

    assert answer.json["errors"][0]["code"] == "not-enabled"


def test_pep_807_tells_where(index):
    answer = index.get(
        "/.well-known/pytp?discover=%2Flegacy%2F", headers={"Accept": "application/vnd.pypi.pytp.v1+json"}
    )

    assert answer.content_type == "application/vnd.pypi.pytp.v1+json"
    assert answer.json == {
        "audience-endpoint": "http://localhost:80/_/oidc/audience",
        "token-mint-endpoint": "http://localhost:80/_/oidc/mint-token?repository=private",
    }


@pytest.mark.parametrize(
    ("accept", "path", "status"),
    [
        ("text/html", "/", 406),
        ("application/vnd.pypi.pytp.v1+json", "/nowhere/", 404),
        ("application/vnd.pypi.pytp.v1+json", "", 404),
        ("application/vnd.pypi.pytp.v1+json", "/packages/x", 404),
        ("application/vnd.pypi.pytp.v1+json", "//evil.example/", 404),
        ("application/vnd.pypi.pytp.v1+json", "/private/", 200),
        ("application/vnd.pypi.pytp.v1+json", "/repository/private/simple/", 200),
        ("*/*", "/", 200),
    ],
)
def test_pep_807_answers(index, accept, path, status):
    index.get("/.well-known/pytp", {"discover": path}, headers={"Accept": accept}, status=status)


def test_of_many_who_show_the_same_token_one_gets_one(index, issuer):
    token, barrier = issuer.token(), threading.Barrier(8)

    def show(_):
        barrier.wait()
        return index.post_json("/_/oidc/mint-token", {"token": token}, status="*").status_int

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(show, range(8))) == [200] + [422] * 7
