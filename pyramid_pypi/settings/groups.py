"""What can be wrong with groups: circles, uploads that lead nowhere, and the order of their members."""

from collections.abc import Iterator, Mapping

from pyramid_pypi.settings.model import GroupSettings, HostedSettings, RepositorySettings
from pyramid_pypi.settings.reader import Reader

__all__ = ["check_groups", "flatten", "open_merges"]

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
        elif target is not None and group.publish not in dict(flatten(group, named)):
            reader.problem(
                f"{key}.publish", f"{group.publish!r} is not a member, so uploads would not be seen"
            )
        _check_order(reader, group, named)


def flatten(group: GroupSettings, named: Repositories) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the names of the members and what is reserved from each if it is not hosted.

    A group in a group stands for its members, and what it reserves stays reserved.
    """
    return _flatten(group, named, ())


def open_merges(repositories: tuple[RepositorySettings, ...]) -> Iterator[str]:
    """Yield warnings about groups that let a public project add files to every private one."""
    for repository in repositories:
        if isinstance(repository, GroupSettings) and "*" in repository.merge:
            yield (
                f"pypi.repo.{repository.name}.merge = * lets anybody who takes a private name on a public "
                "index add versions to it; list the names that need it"
            )


def _flatten(
    group: GroupSettings, named: Repositories, way: tuple[str, ...]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    here = (*way, group.name)
    # A circle is passed over, because it is reported where it begins.
    seen = set(here)
    for name in group.members:
        if name in seen:
            continue
        member = named.get(name)
        inner = _flatten(member, named, here) if isinstance(member, GroupSettings) else [(name, ())]
        for found, reserved in inner:
            if found not in seen:
                seen.add(found)
                yield found, (*group.reserve, *reserved)


def _check_order(reader: Reader, group: GroupSettings, named: Repositories) -> None:
    outsider = ""
    for name, _ in flatten(group, named):
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
