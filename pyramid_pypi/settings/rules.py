"""Read the rules of a repository, and say where none can be kept."""

from pyramid_pypi.settings import values
from pyramid_pypi.settings.groups import flatten
from pyramid_pypi.settings.instances import Kinds, read_instance
from pyramid_pypi.settings.model import GroupSettings, Instance, RedirectSettings, RepositorySettings
from pyramid_pypi.settings.reader import Reader

__all__ = ["check_rules", "read_rules", "refuse_rules"]

_NONE: tuple[str, ...] = ()


def read_rules(reader: Reader, key: str, kinds: Kinds) -> tuple[Instance, ...]:
    """Return the rules of the repository at `key`; the name of a kind chooses that kind."""
    before = len(reader.problems)
    listed = reader.take(f"{key}.rules", values.names, _NONE)
    if len(reader.problems) > before:
        reader.skip(f"{key}.rule")
        return ()
    reader.orphans(f"{key}.rule", listed, reason=f"this rule is not listed in {key}.rules")
    return tuple(read_instance(reader, f"{key}.rule.{name}", name, kinds, default=name) for name in listed)


def refuse_rules(reader: Reader, key: str) -> None:
    """Report rules of a repository that sends clients elsewhere."""
    if reader.has(f"{key}.rules"):
        reader.problem(
            f"{key}.rules", "a redirect sends clients to another index; make it a proxy to keep rules"
        )
        reader.skip(f"{key}.rule")


def check_rules(reader: Reader, repositories: tuple[RepositorySettings, ...]) -> None:
    """Report groups with rules that send clients elsewhere for some projects."""
    named = {repository.name: repository for repository in repositories}
    for group in repositories:
        if not isinstance(group, GroupSettings) or not group.rules:
            continue
        for name in flatten(group, named):
            if isinstance(named.get(name), RedirectSettings):
                reader.problem(
                    f"pypi.repo.{group.name}.rules",
                    f"{name!r} sends clients to an index that does not know the rules; make it a proxy",
                )
