"""What is asked about a person: the entry, the name, the groups. Each function takes a connection."""

import re

from pyramid_pypi.auth.basic import MAX_NAME, has_controls
from pyramid_pypi.model import Identity
from pyramid_pypi_ldap.client import Connection, Entry, first_name
from pyramid_pypi_ldap.errors import Outage
from pyramid_pypi_ldap.options import Options
from pyramid_pypi_ldap.templates import fill_dn, fill_filter, nested_filter, user_filter

__all__ = ["Directory"]

_SPACES = re.compile(r"\s+")


class Directory:
    """Asks as the options say."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._renames = options.renames()
        self._attributes = (options.name_attribute, options.memberof_attribute)

    def dn_of(self, username: str) -> str:
        """Return the DN that the template gives for a name."""
        return fill_dn(self._options.user_dn, username)

    def entries(self, connection: Connection, username: str, *, login: bool) -> list[Entry]:
        """Return the entries that have this name: none, one, or more where something is wrong.

        With `login` the name may be in any attribute that people log in with, otherwise it is the
        name here. Raises Outage, and Ambiguous for more than two.
        """
        options = self._options
        if options.user_dn:
            return self.read(connection, self.dn_of(username))
        names = (login and options.login_attributes) or (options.name_attribute,)
        text = user_filter(options.user_filter, names, username)
        return connection.search(options.user_base, options.user_scope, text, self._attributes, limit=2)

    def read(self, connection: Connection, dn: str) -> list[Entry]:
        """Return the entry of a DN, if it is there and matches the filter of users. Raises Outage."""
        return connection.search(dn, "base", self._options.user_filter, self._attributes)

    def name(self, entry: Entry, username: str) -> str:
        """Return the user's name as the directory writes it: of several the one that was shown.

        Raises Outage when the entry has no usable name.
        """
        attribute = self._options.name_attribute
        names = sorted(name for name in entry.values(attribute) if _is_name(name))
        if not names:
            raise Outage(f"{entry.dn} has no usable {attribute}", hint="choose another name_attribute")
        shown = _folded(username)
        return next((name for name in names if _folded(name) == shown), names[0])

    def groups(self, connection: Connection, entry: Entry, name: str) -> tuple[str, ...]:
        """Return the groups of a user, named as here, sorted. Raises Outage."""
        options = self._options
        if options.groups == "none":
            return ()
        if options.groups == "memberof":
            pairs = [(dn, first_name(dn)) for dn in entry.values(options.memberof_attribute)]
            pairs = [(dn, found) for dn, found in pairs if self._is_below(dn)]
        else:
            nested = options.groups == "nested"
            text = (
                nested_filter(entry.dn)
                if nested
                else fill_filter(options.group_filter, dn=entry.dn, username=name)
            )
            wanted = (options.group_attribute,)
            found = connection.search(options.group_base, "subtree", text, wanted)
            pairs = [(one.dn, value) for one in found for value in one.values(options.group_attribute)]
        return tuple(sorted({self._group(dn, value) for dn, value in pairs if value.strip()}))

    def may_enter(self, groups: tuple[str, ...]) -> bool:
        """Tell whether somebody in these groups is let in at all."""
        wanted = self._options.access_groups
        return not wanted or not set(wanted).isdisjoint(groups)

    def identity(self, name: str, groups: tuple[str, ...]) -> Identity:
        """Return who this is for the index."""
        return Identity.user(name.lower() if self._options.lowercase else name, groups)

    def _group(self, dn: str, value: str) -> str:
        """Return the name of a group here; rights are words, so white space becomes a dash."""
        renamed = self._renames.get(dn.lower()) or self._renames.get(value.lower())
        if renamed is not None:
            return renamed
        name = _SPACES.sub("-", value.strip())
        return name.lower() if self._options.lowercase else name

    def _is_below(self, dn: str) -> bool:
        """Tell whether a group is one of those below `group_base`, if that is set."""
        base = self._options.group_base
        return not base or _parts(dn).endswith(f",{_parts(base)}")


def _is_name(name: str) -> bool:
    return bool(name.strip()) and not has_controls(name) and len(name.encode()) <= MAX_NAME


def _folded(name: str) -> str:
    """Return what names are compared by: directories ignore case and repeated spaces."""
    return _SPACES.sub(" ", name.strip()).casefold()


def _parts(dn: str) -> str:
    return re.sub(r"\s*([,=])\s*", r"\1", dn.strip()).casefold()
