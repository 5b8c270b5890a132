"""Sign-in with a real provider, and with one that does what a test tells it."""

import base64
import hashlib
import re
import urllib.parse
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from pyramid_pypi.auth.tokens import Grant, issue
from pyramid_pypi.model import Identity, Scope
from pyramid_pypi_oidc.testing_provider import SECRET, NodeProvider, visit

CACHE = Path(__file__).parents[3] / ".cache"
CALLBACK = "http://localhost/-/oidc/sso/callback"
BROWSER = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture(scope="module")
def provider():
    with NodeProvider(CACHE, CALLBACK) as provider:
        yield provider


def keys(url, **options):
    """Return the settings of an index with one provider, `sso`."""
    key = "pypi.oidc.provider.sso"
    given = {"url": url, "client_id": "index", "client_secret": SECRET, "title": "Single sign-on", **options}
    return {
        "pypi.authenticators": "tokens oidc",
        "pypi.base_url": "http://localhost",
        "pypi.repo.private.read": "group:staff",
        "pypi.repo.private.upload": "nobody",
        "pypi.repo.private.manage": "nobody",
        "pypi.oidc.providers": "sso",
        **{f"{key}.{name}": text for name, text in given.items() if text is not None},
    }


def begin(index, wanted=""):
    """Go to the provider as the page for logging in says; return where that is."""
    query = f"?next={urllib.parse.quote(wanted)}" if wanted else ""
    return index.get(f"/-/oidc/sso/login{query}", status=303).headers["Location"]


class TestRealProvider:
    @pytest.fixture
    def index(self, pypi_index, provider):
        options = {"scopes": "openid profile groups"}
        return pypi_index(plugins=["oidc"], settings=keys(provider.url, **options))

    def test_somebody_signs_in_and_is_in_the_groups(self, index):
        page = index.get("/login?next=simple/", headers=BROWSER)
        (link,) = [one for one in page.html.find_all("a") if "Single sign-on" in one.text]
        location = index.get(urllib.parse.urljoin("/login", link["href"]), status=303).headers["Location"]
        answer = index.get(visit("ann", location), status=303)
        account = index.get("/account").text

        assert urllib.parse.urljoin("/-/oidc/sso/callback", answer.headers["Location"]) == "/simple/"
        assert "<strong>ann</strong>" in account
        assert "Release-Engineers, staff" in account
        assert index.get("/simple/").status_int == 200

    def test_who_is_in_no_group_reads_nothing(self, index):
        index.get(visit("bob", begin(index)), status=303)

        assert "<strong>bob</strong>" in index.get("/account").text
        index.get("/simple/", status=403)

    def test_who_has_signed_in_has_tokens(self, index):
        index.get(visit("ann", begin(index)), status=303)
        made = Grant("ann", Scope(frozenset({"read"})))
        index.reset()
        index.authorization = ("Basic", ("__token__", issue(index.app.index.tokens, made, by="ann")[1]))

        assert index.get("/simple/").status_int == 200
        assert index.app.index.login.find("ann") == Identity.user("ann", ("Release-Engineers", "staff"))
        assert index.app.index.login.find("eve") is None

    def test_the_end_of_a_sign_in_is_good_for_one_time(self, index):
        end = visit("ann", begin(index))
        index.get(end, status=303)
        index.reset()

        assert "begin again" in index.get(end, status=400).text

    def test_another_browser_cannot_end_it(self, index):
        end = visit("ann", begin(index))
        index.reset()
        begin(index)

        assert "begin again" in index.get(end, status=400).text
        index.get("/account", status=401)

    def test_a_code_of_somebody_else_is_refused(self, index):
        code = parse_qs(urlsplit(visit("eve", begin(index))).query)["code"][0]
        own = visit("ann", begin(index))
        swapped = re.sub(r"code=[^&]+", f"code={code}", own)

        # PKCE: the code belongs to the other sign-in.
        assert "no good token" in index.get(swapped, status=403).text

    def test_only_members_of_the_required_group_are_let_in(self, pypi_index, provider):
        options = {"scopes": "openid profile groups", "required_group": "staff", "group_prefix": "sso-"}
        index = pypi_index(plugins=["oidc"], settings=keys(provider.url, **options))
        answer = index.get(visit("bob", begin(index)), status=403)
        index.get(visit("ann", begin(index)), status=303)

        assert "bob is not in the group 'staff'" in answer.text
        assert "sso-staff" in index.get("/account").text

    def test_a_wrong_secret_of_the_index_is_told(self, pypi_index, provider):
        index = pypi_index(plugins=["oidc"], settings=keys(provider.url, client_secret="wrong"))

        assert "invalid_client" in index.get(visit("ann", begin(index)), status=403).text


class TestToldProvider:
    """A provider that answers whatever a test wants."""

    @pytest.fixture
    def told(self, own_issuer):
        own_issuer.documents["/.well-known/openid-configuration"] |= {
            "authorization_endpoint": f"{own_issuer.url}/authorize",
            "token_endpoint": f"{own_issuer.url}/exchange",
        }
        return own_issuer

    @pytest.fixture
    def index(self, pypi_index, told):
        return pypi_index(plugins=["oidc"], settings=keys(told.url))

    def finish(self, index, told, status, **claims):
        query = parse_qs(urlsplit(begin(index)).query)
        said = {"sub": "1", "preferred_username": "ann", "aud": "index", "nonce": query["nonce"][0], **claims}
        token = told.token({"jti": None, **said})
        told.documents["/exchange"] = {"id_token": token, "token_type": "Bearer"}
        return index.get(f"/-/oidc/sso/callback?code=x&state={query['state'][0]}", status=status)

    def test_what_is_asked_for(self, index, told):
        location = begin(index)
        query = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}

        assert location.startswith(f"{told.url}/authorize?")
        assert (
            len(base64.urlsafe_b64decode(query.pop("code_challenge") + "=")) == hashlib.sha256().digest_size
        )
        assert len(query.pop("state")) == len(query.pop("nonce")) == 43
        assert query == {
            "response_type": "code",
            "client_id": "index",
            "redirect_uri": CALLBACK,
            "scope": "openid profile",
            "code_challenge_method": "S256",
        }

    def test_the_cookies_are_for_this_host_alone(self, index, told):
        begun = index.get("/-/oidc/sso/login", status=303).headers["Set-Cookie"]
        ended = self.finish(index, told, 303).headers.getall("Set-Cookie")

        assert "HttpOnly; SameSite=Lax; Max-Age=600" in begun
        assert any(one.startswith("pypi_session=") for one in ended)
        assert any(one.startswith("pypi_sign_in=;") and "Max-Age=0" in one for one in ended)

    @pytest.mark.parametrize(
        "claims",
        [
            {"nonce": "other"},
            {"nonce": None},
            {"aud": "other"},
            {"aud": ["index", "other"]},
            {"iss": "https://evil.example"},
            {"exp": 1},
            {"preferred_username": None},
            {"preferred_username": "publisher:widgets"},
            {"preferred_username": "a\nb"},
            {"preferred_username": ["ann"]},
            {"preferred_username": "x" * 300},
        ],
    )
    def test_nobody_is_signed_in_with(self, index, told, claims):
        answer = self.finish(index, told, 403, **claims)

        assert not any("pypi_session" in one for one in answer.headers.getall("Set-Cookie"))
        index.get("/account", status=401)

    @pytest.mark.parametrize("groups", [None, "staff", ["staff", 7, None, "a b", ""], {"staff": 1}, 7])
    def test_groups_of_any_shape(self, index, told, groups):
        self.finish(index, told, 303, groups=groups)

        assert "<strong>ann</strong>" in index.get("/account").text

    @pytest.mark.parametrize(
        "wanted", ["//evil.example", "/\\evil.example", "https://evil.example", "../x", "%2e%2e/x"]
    )
    def test_nobody_is_sent_elsewhere(self, index, told, wanted):
        query = parse_qs(urlsplit(begin(index, wanted)).query)
        claims = {"sub": "1", "preferred_username": "ann", "aud": "index", "nonce": query["nonce"][0]}
        told.documents["/exchange"] = {"id_token": told.token(claims)}
        answer = index.get(f"/-/oidc/sso/callback?code=x&state={query['state'][0]}", status=303)

        assert answer.headers["Location"] == "../../../account"

    @pytest.mark.parametrize(
        ("query", "status"),
        [
            ("", 400),
            ("state=x&code=y", 400),
            ("state=%ff&code=%00", 400),
            ("&".join(["state=x"] * 200), 400),
            ("state={state}&error=access_denied%0d%0aSet-Cookie:x", 403),
            ("state={state}&code=x&iss=https://evil.example", 400),
            ("state={state}", 403),
        ],
    )
    def test_answers_that_are_none(self, index, told, query, status):
        state = parse_qs(urlsplit(begin(index)).query)["state"][0]

        index.get(f"/-/oidc/sso/callback?{query.format(state=state)}", status=status)

    def test_userinfo_of_somebody_else_is_refused(self, index, told):
        told.documents["/.well-known/openid-configuration"]["userinfo_endpoint"] = f"{told.url}/userinfo"
        query = parse_qs(urlsplit(begin(index)).query)
        told.documents["/userinfo"] = {"sub": "2", "groups": ["staff"]}
        claims = {"sub": "1", "preferred_username": "ann", "aud": "index", "nonce": query["nonce"][0]}
        told.documents["/exchange"] = {"id_token": told.token(claims), "access_token": "x"}

        assert (
            "somebody else"
            in index.get(f"/-/oidc/sso/callback?code=x&state={query['state'][0]}", status=403).text
        )

    def test_a_provider_that_is_down_is_503(self, index, told):
        told.down = True

        index.get("/-/oidc/sso/login", status=503)

    def test_an_unknown_provider_is_404(self, index):
        index.get("/-/oidc/other/login", status=404)
        index.get("/-/oidc/other/callback", status=404)
