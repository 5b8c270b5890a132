"""What can be wrong with groups: circles, uploads that lead nowhere, and the order of their members."""

from collections.abc import Iterator, Mapping

from pyramid_pypi.settings.model import GroupSettings, HostedSettings, RepositorySettings
from pyramid_pypi.settings.reader import Reader

__all__ = ["check_groups", "flatten", "group_warnings", "groups_within"]

Repositories = Mapping[str, RepositorySettings]


def check_groups(reader: Reader, repositories: tuple[RepositorySettings, ...]) -> None:
    """Report groups that contain themselves, cannot publish, or ask others before their own."""
    named = {repository.name: repository for repository in repositories}
    groups = [repository for repository in repositories if isinstance(repository, GroupSettings)]
    for group in groups:
        key = f"pypi.repo.{group.name}"
        circle = _circle(group.name, named, ())
        if circle:
            reader.problem(f"{key}.members", f"the group contains itself: {' > '.join(circle)}")
            continue
        target = named.get(group.publish)
        if target is not None and not isinstance(target, HostedSettings):
            hosted = tuple(one.name for one in repositories if isinstance(one, HostedSettings))
            reader.problem(f"{key}.publish", f"{group.publish!r} takes no files", allowed=hosted)
        elif target is not None and group.publish not in flatten(group, named):
            reader.problem(
                f"{key}.publish", f"{group.publish!r} is not a member, so uploads would not be seen"
            )
        _check_order(reader, group, named)


def flatten(group: GroupSettings, named: Repositories) -> dict[str, tuple[str, ...]]:
    """Return the names of the members, in order, and what is reserved from each if it is not hosted.

    A group in a group stands for its members, and what it reserves stays reserved, whatever other
    ways lead to them.
    """
    return _flatten(group, named, ())


def groups_within(group: GroupSettings, named: Repositories) -> list[GroupSettings]:
    """Return a group and all groups in it."""
    found = {group.name: group}
    waiting = [group]
    while waiting:
        for name in waiting.pop().members:
            member = named.get(name)
            if isinstance(member, GroupSettings) and name not in found:
                found[name] = member
                waiting.append(member)
    return list(found.values())


def group_warnings(repositories: tuple[RepositorySettings, ...]) -> Iterator[str]:
    """Yield warnings about merges: those that open every private name, and those that do nothing."""
    named = {repository.name: repository for repository in repositories}
    for group in repositories:
        if not isinstance(group, GroupSettings):
            continue
        if "*" in group.merge:
            yield (
                f"pypi.repo.{group.name}.merge = * lets anybody who takes a private name on a public "
                "index add versions to it; list the names that need it"
            )
        for inner in groups_within(group, named):
            if not set(inner.merge) <= set(group.merge):
                yield (
                    f"pypi.repo.{inner.name}.merge has no effect in {group.name!r}, which contains it; "
                    f"list the names in pypi.repo.{group.name}.merge as well"
                )


def _flatten(group: GroupSettings, named: Repositories, way: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    here = (*way, group.name)
    found: dict[str, tuple[str, ...]] = {}
    for name in group.members:
        # A circle is passed over, because it is reported where it begins.
        if name in here:
            continue
        member = named.get(name)
        inner = _flatten(member, named, here) if isinstance(member, GroupSettings) else {name: ()}
        for leaf, reserved in inner.items():
            found[leaf] = (*found.get(leaf, ()), *reserved)
    return {leaf: (*group.reserve, *reserved) for leaf, reserved in found.items()}


def _check_order(reader: Reader, group: GroupSettings, named: Repositories) -> None:
    outsider = ""
    for name in flatten(group, named):
        if name not in named:
            # Its kind is not known, which is a problem of its own.
            continue
        if not isinstance(named[name], HostedSettings):
            outsider = outsider or name
        elif outsider:
            reader.problem(
                f"pypi.repo.{group.name}.members",
                f"{name!r} comes after {outsider!r}, so projects from there would hide private ones of the "
                "same name; list hosted repositories first",
            )
            return


def _circle(name: str, named: Repositories, way: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names on a way through groups back to the first one, or nothing."""
    here = (*way, name)
    group = named.get(name)
    if not isinstance(group, GroupSettings):
        return ()
    for member in group.members:
        if member == here[0]:
            return (*here, member)
        circle = _circle(member, named, here) if member not in here else ()
        if circle:
            return circle
    return ()
