"""A token of a job becomes a token of the index."""

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from pyramid_pypi import audit
from pyramid_pypi.auth.tokens import Grant, issue
from pyramid_pypi.catalog import Catalog
from pyramid_pypi.catalog.notes import Notes
from pyramid_pypi.catalog.tokens import Tokens
from pyramid_pypi.model import Scope
from pyramid_pypi.upstream.allowed import Target
from pyramid_pypi_oidc.desk import NOTES
from pyramid_pypi_oidc.errors import NotOurs, Refused
from pyramid_pypi_oidc.issuers import Issuer
from pyramid_pypi_oidc.publishers import echo
from pyramid_pypi_oidc.register import Publishers
from pyramid_pypi_oidc.settings import Publisher
from pyramid_pypi_oidc.verify import LEEWAY, Verified, issuer_of, verify

__all__ = ["Minted", "Minting", "Terms"]

_MOST_REASONS = 3


@dataclass(frozen=True, slots=True)
class Terms:
    """The audience of tokens that are taken, and for how many seconds those that are given live."""

    audience: str
    lifetime: int


@dataclass(frozen=True, slots=True)
class Minted:
    """The secret of a new token, and when it expires."""

    secret: str
    expires_at: datetime


class Minting:
    """Gives tokens for publishing to jobs, in exchange for those that say who they are."""

    def __init__(
        self,
        terms: Terms,
        issuers: Iterable[Issuer],
        publishers: Publishers,
        *,
        catalog: Catalog,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.terms = terms
        self._by_url = {issuer.url: issuer for issuer in issuers}
        self._publishers = publishers
        self._tokens = Tokens(catalog)
        self._notes = Notes(catalog, NOTES)
        self._clock = clock

    def mint(self, token: str, repository: str = "") -> Minted:
        """Return a token for what the publishers that are meant may publish, to `repository` if named.

        Raises Refused, IssuerDown and CatalogUnavailable.
        """
        # Nothing is asked and nothing is computed for an issuer that is not one of ours.
        issuer = self._by_url.get(said := issuer_of(token))
        if issuer is None:
            raise Refused(f"Tokens of {ascii(said)[:200]} are not accepted here")
        verified = verify(token, issuer, self.terms.audience, clock=self._clock)
        chosen = self._chosen(verified, repository)
        self._use_up(token, verified)
        return self._issue(chosen, verified)

    def _chosen(self, verified: Verified, repository: str) -> list[Publisher]:
        """Return the publishers that a token is one of, all of them for the same repository."""
        reasons: list[str] = []
        found: list[Publisher] = []
        names: tuple[str, ...] = ()
        for one in self._publishers.all():
            if one.issuer != verified.issuer.name or repository not in ("", one.to):
                continue
            names = (*names, *one.rule.decides)
            reason = one.rule.refusal(verified.claims) or self._publishers.refusal(one, verified.claims)
            if reason is None:
                found.append(one)
            else:
                reasons.append(reason)
        if not found:
            raise NotOurs(_told(reasons, verified, names))
        # The scope of a token is repositories times projects, so it is for one repository alone.
        return [one for one in found if one.to == found[0].to]

    def _use_up(self, token: str, verified: Verified) -> None:
        """Refuse a token that was used before."""
        said = verified.claims.get("jti")
        mark = f"jti\n{said}" if isinstance(said, str) and said else f"token\n{token.rpartition('.')[0]}"
        digest = hashlib.sha256(f"{verified.issuer.url}\n{mark}".encode("utf-8", "surrogatepass")).hexdigest()
        end = datetime.fromtimestamp(verified.expires + LEEWAY + 1, UTC)
        if not self._notes.add(f"used/{digest}", expires_at=end):
            raise Refused("The token was used before; each is good for one time", "invalid-reuse-token")

    def _issue(self, chosen: list[Publisher], verified: Verified) -> Minted:
        first = chosen[0]
        expires_at = datetime.fromtimestamp(int(self._clock()) + self.terms.lifetime, UTC)
        scope = Scope(
            permissions=frozenset({"upload"}),
            repositories=frozenset({first.to}),
            projects=tuple(dict.fromkeys(pattern for one in chosen for pattern in one.projects)),
            expires_at=expires_at,
        )
        said = echo(verified.claims, first.rule.decides)
        grant = Grant(
            first.user,
            scope,
            f"for {Target.parse(verified.issuer.url).netloc}: {said}"[:500],
            (),
            publishes=True,
        )
        made, secret = issue(self._tokens, grant, by=first.user)
        names = " ".join(one.name for one in chosen)
        audit.record("token created", first.user, token_id=made.id, publishers=names, claims=said)
        return Minted(secret, expires_at)


def _told(reasons: list[str], verified: Verified, names: tuple[str, ...]) -> str:
    """Return what is wrong and what the token says, for who has to mend the one or the other."""
    if not reasons:
        why = f"No publisher has tokens of {verified.issuer.url}"
    else:
        shown = "; ".join(dict.fromkeys(reasons[-_MOST_REASONS:]))
        why = f"The token is valid, and no publisher is meant by it: {shown}"
    return f"{why}. The token says: {echo(verified.claims, names)}"
