"""Apache group files: which groups a user belongs to."""

from dataclasses import dataclass

from pyramid_pypi.auth.basic import has_controls

__all__ = ["GroupTable", "parse_groups"]


@dataclass(frozen=True, slots=True)
class GroupTable:
    """The groups of each user, sorted, and the numbers of the lines that could not be read."""

    groups: dict[str, tuple[str, ...]]
    bad_lines: tuple[int, ...] = ()

    def of(self, user: str) -> tuple[str, ...]:
        """Return the groups of `user`."""
        return self.groups.get(user, ())


def parse_groups(content: bytes) -> GroupTable:
    """Read lines of the form `group: user user`; a group may have several lines.

    Empty lines and lines that begin with `#` say nothing. Never raises.
    """
    found: dict[str, set[str]] = {}
    bad: list[int] = []
    for number, raw in enumerate(content.split(b"\n"), start=1):
        line = _decode(raw)
        if line == "" or (line and line.startswith("#")):
            continue
        group, colon, users = (line or "").partition(":")
        if not colon or not group or has_controls(group) or any(c.isspace() for c in group):
            bad.append(number)
            continue
        for user in users.split():
            found.setdefault(user, set()).add(group)
    return GroupTable({user: tuple(sorted(groups)) for user, groups in found.items()}, tuple(bad))


def _decode(raw: bytes) -> str | None:
    """Return the text of a line without the blanks around it, None when it is not UTF-8."""
    try:
        return raw.decode("utf-8").strip()
    except UnicodeDecodeError:
        return None
