"""What is refused, whoever sends it: nothing answers 500, and each refusal says why."""

import base64
import hashlib
import hmac
import json
import time

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, RSAKey

from pyramid_pypi_oidc.testing import github_claims, mint, refused


def b64(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def unsigned(issuer, header, **claims):
    """Return a token that nobody has signed."""
    now = int(time.time())
    said = {"iss": issuer.url, "aud": "pypi", "iat": now, "exp": now + 300, **github_claims(), **claims}
    return f"{b64(json.dumps(header).encode())}.{b64(json.dumps(said).encode())}."


# Moments are counted from when a test runs, which may be long after it was collected.
REFUSED = {
    "wrong audience": (lambda now: {"aud": "pypi.org"}, "audience 'pypi.org'"),
    "two audiences": (lambda now: {"aud": ["pypi", "other"]}, "for 'pypi' alone"),
    "no audience": (lambda now: {"aud": None}, "'aud'"),
    "audience of numbers": (lambda now: {"aud": [1]}, "'aud'"),
    "expired": (lambda now: {"exp": now - 60}, "expired"),
    "never expires": (lambda now: {"exp": None}, "'exp'"),
    "expires in words": (lambda now: {"exp": "tomorrow"}, "'exp'"),
    "expires at infinity": (lambda now: {"exp": float("inf")}, "'exp'"),
    "expires in ages": (lambda now: {"exp": 10**30}, "longer than a day"),
    "valid for two days": (lambda now: {"exp": now + 2 * 86400}, "longer than a day"),
    "issued in the future": (lambda now: {"iat": now + 120}, "'iat'"),
    "not yet valid": (lambda now: {"nbf": now + 120}, "'nbf'"),
    "no issue time": (lambda now: {"iat": None}, "'iat'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_token_is_refused_for(index, issuer, case):
    changes, why = REFUSED[case]
    said = {**github_claims(), **changes(int(time.time()))}
    code, description = refused(index, issuer.token(said))

    assert code == "invalid-token"
    assert why in description
    assert "ey" not in description


UNMEANT = {
    "another repository": ({"repository": "acme/other"}, "the repository is not acme/widgets"),
    "a repository that begins like it": ({"repository": "acme/widgets2"}, "the repository is not"),
    "another owner": ({"repository_owner": "eve"}, "the owner"),
    "another workflow": (
        {"job_workflow_ref": "acme/widgets/.github/workflows/test.yml@refs/heads/main"},
        "the workflow is not release.yml",
    ),
    "a workflow of somebody else": (
        {"job_workflow_ref": "eve/tools/.github/workflows/release.yml@refs/heads/main"},
        "the workflow is not release.yml",
    ),
    "a workflow that is named in a branch": (
        {
            "job_workflow_ref": "acme/widgets/.github/workflows/x.yml@acme/widgets/.github/workflows/release.yml"
        },
        "the workflow is not release.yml",
    ),
    "no workflow": ({"job_workflow_ref": None}, "the workflow"),
    "pull_request_target": ({"event_name": "pull_request_target"}, "never publishes"),
    "claims of other types": ({"repository": ["acme/widgets"], "job_workflow_ref": {}}, "the repository"),
}


@pytest.mark.parametrize("case", UNMEANT)
def test_no_publisher_is_meant_by(index, issuer, case):
    changes, why = UNMEANT[case]
    code, description = refused(index, issuer.token({**github_claims(), **changes}))

    assert code == "invalid-publisher"
    assert why in description


def test_a_refusal_says_what_the_token_says(index, issuer):
    _, description = refused(index, issuer.token(github_claims("eve/evil\r\nSet-Cookie: x=\u2028")))

    assert r"repository='eve/evil\r\nSet-Cookie: x=\u2028'" in description
    assert "event_name='push'" in description
    assert "\n" not in description


@pytest.mark.parametrize("look_alike", ["{}/", "{}.evil.example", "{}#", " {}", "HTTP{}"])
def test_an_issuer_that_looks_alike_is_not_asked(index, issuer, look_alike):
    url = look_alike.format(issuer.url if "HTTP" not in look_alike else issuer.url.removeprefix("http"))
    code, description = refused(index, issuer.token({**github_claims(), "iss": url}))

    assert (code, "are not accepted here" in description) == ("invalid-token", True)
    assert not issuer.asked


def test_nothing_without_a_signature_is_taken(index, issuer):
    for algorithm in ("none", "None", "NONE", "", None, 7, "HS256"):
        code, description = refused(index, unsigned(issuer, {"alg": algorithm, "kid": issuer.key.kid}))
        assert (code, "is signed with" in description) == ("invalid-token", True)


def test_the_public_key_is_no_secret(index, issuer):
    head = unsigned(issuer, {"alg": "HS256", "kid": issuer.key.kid}).removesuffix(".")
    for secret in (issuer.key.as_pem(private=False), json.dumps(issuer.key.as_dict(private=False)).encode()):
        token = f"{head}.{b64(hmac.new(secret, head.encode(), hashlib.sha256).digest())}"
        assert refused(index, token)[0] == "invalid-token"


def test_another_key_of_that_name_is_refused(index, issuer):
    for key in (RSAKey.generate_key(2048, {"kid": "first"}), ECKey.generate_key("P-256", {"kid": "first"})):
        algorithm = "RS256" if isinstance(key, RSAKey) else "ES256"
        code, description = refused(index, issuer.token(key=key, header={"alg": algorithm}))
        assert (code, "signature" in description) == ("invalid-token", True)


def test_changed_claims_are_refused(index, issuer):
    head, _, signature = issuer.token().split(".")
    changed = unsigned(issuer, {}, repository="eve/evil").split(".")[1]

    assert "signature" in refused(index, f"{head}.{changed}.{signature}")[1]


@pytest.mark.parametrize(
    "header", [{"kid": 7}, {"kid": None}, {"crit": ["exp"]}, {"b64": False, "crit": ["b64"]}]
)
def test_odd_headers_are_refused(index, issuer, header):
    head, claims, signature = issuer.token().split(".")
    written = {"alg": "RS256", "kid": "first", **header}
    written = {name: value for name, value in written.items() if value is not None}

    assert refused(index, f"{b64(json.dumps(written).encode())}.{claims}.{signature}")[0] == "invalid-token"


BODIES = {
    "nothing": b"",
    "no JSON": b"token",
    "no object": b"[1]",
    "no token": b"{}",
    "token of another type": b'{"token": 7}',
    "invalid UTF-8": b'{"token": "\xff\xfe"}',
    "deep": b"[" * 30_000,
    "oversized": b'{"token": "' + b"x" * 40_000 + b'"}',
    "surrogates": b'{"token": "\\ud800.\\ud800.\\ud800"}',
}


@pytest.mark.parametrize("case", BODIES)
def test_bodies_that_are_no_request(index, case):
    answer = index.post("/_/oidc/mint-token", BODIES[case], content_type="application/json", status=422)

    assert answer.json["errors"][0]["code"] in {"invalid-payload", "invalid-token"}


@pytest.mark.parametrize(
    "token",
    [
        "",
        "..",
        "a.b.c",
        "é.é.é",
        ".".join([b64(b"[" * 9000)] * 3),
        ".".join([b64(b"\xff\xfe")] * 3),
        ".".join([b64(b'{"alg": "RS256"}'), b64(b'{"iss": 7}'), ""]),
        ".".join([b64(b'{"alg": "RS256"}'), b64(b'{"iss": "http://127.0.0.1:1"}'), ""]),
        "x" * 33_000,
    ],
)
def test_texts_that_are_no_token(index, token):
    answer = index.post_json("/_/oidc/mint-token", {"token": token}, status=422)

    assert answer.json["errors"][0]["code"] in {"invalid-token", "invalid-payload"}


@hypothesis_settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_whatever_is_sent_is_refused_in_order(index, issuer, data):
    valid = issuer.token().split(".")
    part = st.one_of(
        st.sampled_from(valid),
        st.binary(max_size=60).map(b64),
        st.text(max_size=30),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["alg", "kid", "iss", "aud", "exp", "iat", "crit"]), inner, max_size=4
                )
            ),
            max_leaves=6,
        ).map(lambda value: b64(json.dumps(value).encode())),
    )
    token = ".".join(data.draw(st.lists(part, min_size=1, max_size=4)))
    address = {"REMOTE_ADDR": f"192.0.2.{data.draw(st.integers(1, 250))}"}
    answer = index.post_json("/_/oidc/mint-token", {"token": token}, extra_environ=address, status="*")

    if token == ".".join(valid):
        assert answer.status_int == 200
    else:
        assert answer.status_int in {422, 429}
    assert set(answer.json) >= {"message", "errors"} or answer.json["success"]


def test_many_refusals_from_an_address_are_too_many(index, issuer):
    for _ in range(100):
        index.post_json("/_/oidc/mint-token", {"token": "x"}, status=422)
    answer = mint(index, issuer.token(), status=429)

    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json["errors"][0]["code"] == "unavailable"
    index.post_json(
        "/_/oidc/mint-token", {"token": issuer.token()}, extra_environ={"REMOTE_ADDR": "192.0.2.9"}
    )
