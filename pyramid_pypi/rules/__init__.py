"""What hides files, and says why."""

from pyramid_pypi.rules.base import NamedRule, Rule

__all__ = ["NamedRule", "Rule"]
