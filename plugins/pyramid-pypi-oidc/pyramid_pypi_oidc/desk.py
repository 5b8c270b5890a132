"""Publishers that people add and remove: kept, written to the audit log, and their tokens ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self

from pyramid_pypi import audit
from pyramid_pypi.catalog import Catalog
from pyramid_pypi.catalog.notes import Notes
from pyramid_pypi.catalog.tokens import Tokens
from pyramid_pypi.identities import Identity
from pyramid_pypi.settings import HostedSettings, Settings
from pyramid_pypi_oidc.register import Publishers
from pyramid_pypi_oidc.settings import OidcSettings, Publisher

__all__ = ["NOTES", "PublisherDesk"]

NOTES: Final = "oidc"


@dataclass(frozen=True, slots=True)
class PublisherDesk:
    """Where publishers are added and removed. Every method may raise CatalogUnavailable."""

    publishers: Publishers
    catalog: Catalog
    tokens: Tokens

    @classmethod
    def of(cls, settings: Settings, catalog: Catalog) -> Self:
        """Return the desk of an index."""
        own = settings.section(OidcSettings)
        hosted = {one.name for one in settings.repositories if isinstance(one, HostedSettings)}
        publishers = Publishers(
            Notes(catalog, NOTES),
            own.publishers,
            issuers={one.name: one.kind for one in own.issuers},
            is_hosted=hosted.__contains__,
        )
        return cls(publishers, catalog, Tokens(catalog))

    def add(self, name: str, kind: str, options: Mapping[str, str], by: Identity | str) -> Publisher:
        """Add a publisher. Raises BadRequest with what is wrong."""
        made = self.publishers.add(name, kind, options, by=by if isinstance(by, str) else by.name)
        said = " ".join(f"{key}={value!r}" for key, value in options.items())
        audit.record("publisher added", by, publisher=name, repository=made.to, kind=kind, options=said)
        return made

    def remove(self, name: str, by: Identity | str) -> Publisher:
        """Remove a publisher and end its tokens. Raises NotFound, and BadRequest for one of the ini."""
        gone = self.publishers.remove(name)
        audit.record("publisher removed", by, publisher=name, repository=gone.to)
        now = datetime.now(UTC)
        for token in self.tokens.list(gone.user):
            if token.is_valid(now) and self.tokens.revoke(token.id):
                audit.record("token revoked", by, token_id=token.id)
        return gone

    def pending(self, publisher: Publisher) -> list[str]:
        """Return the projects that a publisher names and that do not exist yet."""
        plain = [name for name in publisher.projects if not set(name) & set("*?[")]
        return [name for name in plain if self.catalog.status(publisher.to, name) is None]
