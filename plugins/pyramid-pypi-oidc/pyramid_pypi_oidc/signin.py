"""Sign-in with OpenID Connect: authorization code, PKCE (RFC 7636), state and nonce."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

from pyramid_pypi.auth.basic import MAX_NAME, has_controls
from pyramid_pypi.catalog.notes import Notes
from pyramid_pypi.errors import BadRequest, Forbidden
from pyramid_pypi.model import Identity
from pyramid_pypi_oidc.errors import IssuerDown, Refused
from pyramid_pypi_oidc.fetch import Form
from pyramid_pypi_oidc.issuers import Issuer, IssuerOptions
from pyramid_pypi_oidc.known import KnownUsers
from pyramid_pypi_oidc.providers import Provider
from pyramid_pypi_oidc.verify import Claims, verify

__all__ = ["MINUTES", "Answered", "SignIn", "Visit"]

MINUTES: Final = 10
_OFF_COURSE: Final = "This sign-in was not begun in this browser, or it took too long; begin again"


@dataclass(frozen=True, slots=True)
class Visit:
    """A sign-in that has begun: what comes back must fit to it."""

    provider: str
    browser: str
    nonce: str
    verifier: str
    redirect_uri: str
    next: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What the provider has sent the browser back with."""

    state: str
    code: str
    error: str
    issuer: str
    browser: str


class SignIn:
    """Signs people in at one provider. Every method may raise CatalogUnavailable and IssuerDown."""

    def __init__(self, provider: Provider, notes: Notes, *, remember: int) -> None:
        options = provider.options
        self.provider = provider
        self._issuer = Issuer(provider.name, "provider", IssuerOptions(options.url, options.ca))
        self._notes = notes
        self._users = KnownUsers(notes)
        self._remember = remember

    def begin(self, redirect_uri: str, wanted: str) -> tuple[str, str]:
        """Return where to send the browser, and a secret that it keeps until it comes back."""
        options = self.provider.options
        endpoint = self._issuer.endpoint("authorization_endpoint")
        state, browser = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        visit = Visit(
            provider=self.provider.name,
            browser=_digest(browser),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            redirect_uri=redirect_uri,
            next=wanted,
        )
        end = datetime.now(UTC) + timedelta(minutes=MINUTES)
        self._notes.add(_key(state), json.dumps(asdict(visit)), expires_at=end)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(visit.verifier.encode()).digest()).rstrip(b"=")
        query = {
            "response_type": "code",
            "client_id": options.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(options.scopes),
            "state": state,
            "nonce": visit.nonce,
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}", browser

    def finish(self, answered: Answered) -> tuple[Identity, str]:
        """Return who has signed in, and the page that was wanted.

        Raises BadRequest for what does not belong to a sign-in of this browser, and Forbidden for
        somebody who is not let in.
        """
        visit = self._visit(answered)
        if answered.error:
            raise Forbidden(f"{self.provider.title} has not signed you in: {ascii(answered.error)[:200]}")
        # RFC 9207: another provider must not send its codes here.
        if answered.issuer and answered.issuer != self._issuer.url:
            raise BadRequest("The answer is that of another provider; begin again")
        try:
            claims = self._claims(visit, answered.code)
        except Refused as refused:
            raise Forbidden(
                f"{self.provider.title} has sent no good token: {refused.description}"
            ) from refused
        identity = self._identity(claims)
        self._users.remember(identity.name, identity.groups, self._remember)
        return identity, visit.next

    def close(self) -> None:
        """Let all connections go."""
        self._issuer.close()

    def _visit(self, answered: Answered) -> Visit:
        """Return the sign-in that this is the end of; there is one end only."""
        found = self._notes.take(_key(answered.state)) if answered.state else None
        visit = None if found is None else Visit(**json.loads(found))
        if (
            visit is None
            or visit.provider != self.provider.name
            or not hmac.compare_digest(visit.browser, _digest(answered.browser))
        ):
            raise BadRequest(_OFF_COURSE)
        return visit

    def _claims(self, visit: Visit, code: str) -> dict[str, Any]:
        """Exchange a code for claims. Raises Refused."""
        answer = self._exchange(visit, code)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise Refused("there is no ID token in its answer")
        claims = dict(verify(token, self._issuer, self.provider.options.client_id).claims)
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), visit.nonce.encode()):
            raise Refused("it is for another sign-in")
        options = self.provider.options
        access = answer.get("access_token")
        if isinstance(access, str) and not {options.name_claim, options.groups_claim} <= claims.keys():
            return {**self._more(access, claims), **claims}
        return claims

    def _exchange(self, visit: Visit, code: str) -> Mapping[str, Any]:
        options = self.provider.options
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": visit.redirect_uri,
            "code_verifier": visit.verifier,
        }
        headers = {}
        if options.client_secret is None:
            fields["client_id"] = options.client_id
        else:
            # RFC 6749 §2.3.1: both are form-encoded before they are joined.
            pair = f"{quote_plus(options.client_id)}:{quote_plus(options.client_secret.reveal())}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        endpoint = self._issuer.endpoint("token_endpoint")
        status, answer = self._issuer.fetcher.post(endpoint, Form(fields, headers))
        if status != 200:
            raise Refused(f"it answers {status}, {ascii(answer.get('error', ''))[:100]}")
        return answer

    def _more(self, access: str, claims: Claims) -> dict[str, Any]:
        """Return what the provider tells about the user when asked (OpenID Connect Core §5.3)."""
        try:
            endpoint = self._issuer.endpoint("userinfo_endpoint")
        except IssuerDown:
            return {}
        found = self._issuer.fetcher.get(endpoint, {"Authorization": f"Bearer {access}"})
        if found.get("sub") != claims.get("sub"):
            raise Refused("it tells about somebody else")
        return found

    def _identity(self, claims: Claims) -> Identity:
        """Return who is meant. Raises Forbidden."""
        options, title = self.provider.options, self.provider.title
        name = claims.get(options.name_claim)
        if not isinstance(name, str) or not _is_name(name):
            raise Forbidden(f"{title} tells no usable name in {options.name_claim!r}; ask the operator")
        said = claims.get(options.groups_claim, [])
        listed = said if isinstance(said, list) else [said]
        groups = [one for one in listed if isinstance(one, str)]
        if options.required_group and options.required_group not in groups:
            raise Forbidden(f"{name} is not in the group {options.required_group!r} of {title}")
        # White space would make two groups of one.
        usable = [f"{options.group_prefix}{'-'.join(one.split())}" for one in groups if _is_name(one)]
        return Identity.user(name, frozenset(usable))


def _is_name(text: str) -> bool:
    """Tell whether a text can be a name; with a colon in it nobody could show it (RFC 7617)."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return False
    return 0 < size <= MAX_NAME and not has_controls(text) and bool(text.strip()) and ":" not in text


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _key(state: str) -> str:
    return f"visit/{_digest(state)}"
