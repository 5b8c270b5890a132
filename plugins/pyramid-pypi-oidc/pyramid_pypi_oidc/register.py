"""All publishers: those of the ini, and those that were added later and are in the catalog."""

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pyramid_pypi.catalog.notes import Notes
from pyramid_pypi.errors import BadRequest, NotFound
from pyramid_pypi.settings.casts import Refused
from pyramid_pypi.settings.reader import Reader
from pyramid_pypi.settings.values import names
from pyramid_pypi_oidc.settings import ROOT, Publisher, read_publisher
from pyramid_pypi_oidc.verify import Claims

__all__ = ["Publishers"]

_PREFIX = "publisher/"
_OWNER = "owner/"
_MAX_NAME = 100
_log = logging.getLogger(__name__)


class Publishers:
    """Finds, adds and removes publishers. Every method may raise CatalogUnavailable.

    `issuers` are kinds by name.
    """

    def __init__(
        self,
        notes: Notes,
        declared: Iterable[Publisher],
        *,
        issuers: Mapping[str, str],
        is_hosted: Callable[[str], bool],
    ) -> None:
        self._notes = notes
        self._declared = tuple(declared)
        self._issuers = issuers
        self._is_hosted = is_hosted

    def all(self) -> list[Publisher]:
        """Return those of the ini in its order, then the others in that of their making."""
        kept = [(key, _read(value)) for key, value in self._notes.all(_PREFIX).items()]
        kept.sort(key=lambda one: str(one[1].get("at", "")))
        found = (self._kept(key.removeprefix(_PREFIX), value) for key, value in kept)
        own = {one.name for one in self._declared}
        return [*self._declared, *(one for one in found if one is not None and one.name not in own)]

    def add(self, name: str, kind: str, options: Mapping[str, str], *, by: str) -> Publisher:
        """Keep a publisher; `options` are texts as in the ini. Raises BadRequest with what is wrong."""
        _check_name(name)
        if any(one.name == name for one in self._declared):
            raise BadRequest(f"The publisher {name!r} is in the settings; choose another name")
        publisher, problems = self._parse(name, kind, options)
        if publisher is None:
            raise BadRequest("; ".join(problems))
        content = {"kind": kind, "options": dict(options), "by": by, "at": datetime.now(UTC).isoformat()}
        if not self._notes.add(f"{_PREFIX}{name}", json.dumps(content)):
            raise BadRequest(f"There is a publisher {name!r} already; remove it, or choose another name")
        return replace(publisher, options=dict(options), made_by=by)

    def get(self, name: str) -> Publisher:
        """Return a publisher. Raises NotFound."""
        for one in self.all():
            if one.name == name:
                return one
        raise NotFound(f"There is no publisher {name!r}")

    def remove(self, name: str) -> Publisher:
        """Forget a publisher. Raises NotFound, and BadRequest for one of the ini."""
        found = self.get(name)
        if found in self._declared:
            raise BadRequest(f"The publisher {name!r} is in the settings; remove it there")
        self._notes.take(f"{_PREFIX}{name}")
        for key in self._notes.all(f"{_OWNER}{name}/"):
            self._notes.take(key)
        return found

    def refusal(self, publisher: Publisher, claims: Claims) -> str | None:
        """Return why the owner is not the one of the first use, None for the same and the first one.

        Somebody who makes an account anew that another one has given up has the name, not the number.
        """
        owner, number = publisher.rule.owner(claims)
        if not owner:
            return None
        if not number:
            return f"the number of the owner {owner!r} is missing"
        digest = hashlib.sha256(f"{publisher.issuer}\n{owner}".encode()).hexdigest()
        key = f"{_OWNER}{publisher.name}/{digest}"
        known = self._notes.get(key)
        if known is None and not self._notes.add(key, number):
            known = self._notes.get(key)
        if known in (None, number):
            return None
        return (
            f"the number of the owner {owner!r} is {ascii(number)[:50]} and was {known} when this publisher "
            "was first used, so the account is another one; make a new publisher if that is right"
        )

    def _kept(self, name: str, content: Mapping[str, Any]) -> Publisher | None:
        options = content.get("options", {})
        publisher, problems = self._parse(name, str(content.get("kind")), options)
        if publisher is None:
            _log.warning("the publisher %r is passed over: %s", name, "; ".join(problems))
            return None
        return replace(publisher, options=options, made_by=str(content.get("by", "")))

    def _parse(self, name: str, kind: str, options: Mapping[str, str]) -> tuple[Publisher | None, list[str]]:
        """Return what options like those of the ini mean, or what is wrong with them."""
        key = f"{ROOT}.publisher.{name}"
        reader = Reader({key: kind, **{f"{key}.{one}": text for one, text in options.items()}}, {})
        found = read_publisher(reader, name, issuers=self._issuers, is_hosted=self._is_hosted)
        told = [
            f"{one.key.removeprefix(key).lstrip('.') or 'kind'}: {one.reason}"
            + (
                f" (allowed: {', '.join(a.removeprefix(f'{key}.') for a in one.allowed)})"
                if one.allowed
                else ""
            )
            for one in reader.finish()
        ]
        return (None if told else found), told


def _check_name(name: str) -> None:
    """Raise BadRequest for what is no name of a publisher."""
    try:
        fits = names(name) == (name,) and len(name) <= _MAX_NAME
    except Refused as refused:
        raise BadRequest(refused.reason) from None
    if not fits:
        raise BadRequest(f"{name[:_MAX_NAME]!r} is not a name: one word of up to {_MAX_NAME} letters")


def _read(text: str) -> dict[str, Any]:
    content = json.loads(text)
    return content if isinstance(content, dict) else {}
