"""Texts that are sent to a directory, with what clients typed escaped in them; no connections."""

import re
from typing import Final

from pyramid_pypi_ldap.client import escape_dn, escape_filter

__all__ = ["fill_dn", "fill_filter", "is_filter", "nested_filter", "user_filter"]

# Microsoft, [MS-ADTS] §3.1.1.3.4.4.3, LDAP_MATCHING_RULE_TRANSITIVE_EVAL: members of members too.
_TRANSITIVE: Final = "1.2.840.113556.1.4.1941"
_PLACE = re.compile(r"\{(dn|username)\}")
_ESCAPED = re.compile(r"\\[0-9a-fA-F]{2}")


def fill_dn(template: str, username: str) -> str:
    """Return a DN with the user's name in it."""
    return template.replace("{username}", escape_dn(username))


def fill_filter(template: str, *, dn: str, username: str) -> str:
    """Return a filter with the user in it; what is filled in is not looked at again."""
    values = {"dn": escape_filter(dn), "username": escape_filter(username)}
    return _PLACE.sub(lambda place: values[place[1]], template)


def user_filter(condition: str, attributes: tuple[str, ...], username: str) -> str:
    """Return the filter of entries that match `condition` and have the name in an attribute."""
    value = escape_filter(username)
    named = "".join(f"({attribute}={value})" for attribute in attributes)
    return f"(&{condition}{named if len(attributes) == 1 else f'(|{named})'})"


def nested_filter(dn: str) -> str:
    """Return the filter of the groups that an entry is in, also by way of other groups.

    Only Active Directory knows this rule.
    """
    return f"(&(objectClass=group)(member:{_TRANSITIVE}:={escape_filter(dn)}))"


def is_filter(text: str) -> bool:
    """Tell whether a text is one filter in balanced parentheses; the server looks at the rest."""
    depth = 0
    for index, char in enumerate(_ESCAPED.sub("x", text)):
        if depth == 0 and (index > 0 or char != "("):
            return False
        depth += (char == "(") - (char == ")")
    return bool(text) and depth == 0
