"""Rules in the settings: which there are, their options, and where there can be none."""

from dataclasses import dataclass

import pytest

from pyramid_pypi.hookspecs import hookimpl
from pyramid_pypi.rules.cooldown import Cooldown
from pyramid_pypi.rules.deny import Deny
from pyramid_pypi.settings import Instance
from tests.unit.settings.test_groups import BOTH, elsewhere, grouped, only

RULES = "pypi.repo.private.rules"
RULE = "pypi.repo.private.rule"


class Quiet:
    """A rule of a plugin, without options."""

    def decide(self, file, page, at):
        return None


def rules_of(settings, name="private"):
    return next(one.rules for one in settings.repositories if one.name == name)


def test_there_are_none_by_default(read) -> None:
    assert rules_of(read()) == ()


def test_rules_are_in_the_order_of_the_settings_with_their_options(read) -> None:
    settings = {
        RULES: "cooldown biting",
        f"{RULE}.cooldown.days": "3",
        f"{RULE}.cooldown.exempt": "acme-* internal",
        f"{RULE}.biting": "deny",
        f"{RULE}.biting.projects": "parrot",
        f"{RULE}.biting.versions": "<2.0, !=1.7",
        f"{RULE}.biting.files": "*.egg",
        f"{RULE}.biting.reason": "It bites",
    }

    assert rules_of(read(settings)) == (
        Instance("cooldown", "cooldown", Cooldown, Cooldown.Options(3, ("acme-*", "internal"))),
        Instance("biting", "deny", Deny, Deny.Options(("parrot",), "<2.0, !=1.7", ("*.egg",), "It bites")),
    )


def test_kinds_of_plugins_can_be_chosen(read, plugins) -> None:
    plugins.register("quiet", type("Plugin", (), {"pypi_rules": hookimpl(lambda self: {"quiet": Quiet})})())

    assert rules_of(read({RULES: "quiet"})) == (Instance("quiet", "quiet", Quiet, None),)


def test_variable_overrides_an_option(read) -> None:
    found = read({RULES: "cooldown"}, {"PYPI_REPO_PRIVATE_RULE_COOLDOWN_DAYS": "7"})

    assert rules_of(found)[0].options == Cooldown.Options(7)


@pytest.mark.parametrize("name", ["pypi", "all"])
def test_proxies_and_groups_have_rules(read, name) -> None:
    key = f"pypi.repo.{name}"
    found = read({**BOTH, f"{key}.rules": "cooldown", f"{key}.rule.cooldown.days": "3"})

    assert [rule.name for rule in rules_of(found, name)] == ["cooldown"]
    assert rules_of(found) == ()


@dataclass(frozen=True)
class Mistake:
    """Settings with a mistake, the key that is named, and a part of the reason."""

    settings: dict[str, str]
    key: str
    reason: str


@pytest.mark.parametrize(
    "mistake",
    [
        Mistake({RULES: "cooldwn"}, f"{RULE}.cooldwn", "is required and missing"),
        Mistake({RULES: "mine", f"{RULE}.mine": "denied"}, f"{RULE}.mine", "'denied' is not a kind of rule"),
        Mistake({RULES: "cooldown"}, f"{RULE}.cooldown.days", "is required and missing: for how many days"),
        Mistake({RULES: "cooldown", f"{RULE}.cooldown.days": "0"}, f"{RULE}.cooldown", "from 1 to 36500"),
        Mistake({RULES: "deny"}, f"{RULE}.deny", "says nothing to hide"),
        Mistake({RULES: "deny", f"{RULE}.deny.versions": "old"}, f"{RULE}.deny", "Invalid specifier: 'old'"),
        Mistake({RULES: "allow", f"{RULE}.allow.projects": "A.b"}, f"{RULE}.allow", "'A.b' is not a pattern"),
        Mistake({RULES: "allow"}, f"{RULE}.allow.projects", "is required and missing: patterns"),
        Mistake(
            {RULES: "deny", f"{RULE}.deny.files": "*.egg", f"{RULE}.deny.age": "3"},
            f"{RULE}.deny.age",
            "is not a key",
        ),
        Mistake({f"{RULE}.cooldown.days": "3"}, f"{RULE}.cooldown", f"is not listed in {RULES}"),
        Mistake({RULES: "Deny", f"{RULE}.deny.files": "*.egg"}, RULES, "'Deny' is not a name"),
    ],
    ids=lambda mistake: mistake.key.removeprefix("pypi.repo.private."),
)
def test_mistakes_are_named(refuse, mistake) -> None:
    problem = only(refuse(mistake.settings))

    assert problem.key == mistake.key
    assert mistake.reason in problem.reason


def test_redirect_keeps_no_rules(refuse) -> None:
    settings = {
        "pypi.repositories": "private away",
        **elsewhere("away"),
        "pypi.repo.away.rules": "cooldown",
        "pypi.repo.away.rule.cooldown.days": "3",
    }
    problem = only(refuse(settings))

    assert problem.key == "pypi.repo.away.rules"
    assert "make it a proxy" in problem.reason


def test_group_with_rules_leads_nowhere_else(refuse) -> None:
    settings = {
        "pypi.repositories": "private away inner all",
        **elsewhere("away"),
        **grouped("inner", "private away"),
        **grouped("all", "inner"),
        "pypi.repo.all.rules": "cooldown",
        "pypi.repo.all.rule.cooldown.days": "3",
    }
    problem = only(refuse(settings))

    assert problem.key == "pypi.repo.all.rules"
    assert problem.reason == "'away' sends clients to an index that does not know the rules; make it a proxy"
