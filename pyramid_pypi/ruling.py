"""Putting rules around repositories, as the settings say."""

from typing import TYPE_CHECKING

from pyramid_pypi.repositories.base import Repository
from pyramid_pypi.repositories.ruled import Ruled
from pyramid_pypi.rules.base import NamedRule
from pyramid_pypi.settings.groups import flatten, groups_within

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyramid_pypi.settings import GroupSettings, RepositorySettings

__all__ = ["RuleBook"]


class RuleBook:
    """The rules of all repositories, each built once."""

    def __init__(self, named: "Mapping[str, RepositorySettings]") -> None:
        self._named = named
        self._built: dict[str, tuple[NamedRule, ...]] = {}

    def apply(self, repository: Repository) -> Repository:
        """Return a repository with its own rules around it, or as it is where it has none."""
        rules = self._of(repository.name)
        return Ruled(repository, rules) if rules else repository

    def apply_within(self, member: Repository, group: "GroupSettings") -> Repository:
        """Return a member of `group` with the rules of those groups around it that lead to it.

        A group in a group stands for its members, and what it hides stays hidden.
        """
        inner = [one for one in groups_within(group, self._named) if one.name != group.name]
        leading = [one.name for one in inner if member.name in flatten(one, self._named)]
        rules = [rule for name in leading for rule in self._of(name)]
        return Ruled(member, rules) if rules else member

    def _of(self, name: str) -> tuple[NamedRule, ...]:
        if name not in self._built:
            instances = self._named[name].rules
            self._built[name] = tuple(NamedRule(one.name, name, one.build()) for one in instances)
        return self._built[name]
