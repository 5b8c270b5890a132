"""The kinds of rule of the core: they keep the contract, and do what their options say."""

from datetime import UTC, datetime, timedelta

import pytest

from pyramid_pypi.model import Decision, File
from pyramid_pypi.rules import Rule
from pyramid_pypi.rules.allow import Allow
from pyramid_pypi.rules.cooldown import Cooldown
from pyramid_pypi.rules.deny import Deny
from pyramid_pypi.testing.rules import AT, RuleContract, make_file, page_of

GRAIL = "holy_grail-1.0-py3-none-any.whl"
DAY = timedelta(days=1)
TIMELESS = make_file(GRAIL, uploaded_at=None)


def young(age: timedelta) -> File:
    return make_file(GRAIL, uploaded_at=AT - age)


def ask(rule: Rule, file: File, at: datetime = AT) -> Decision | None:
    return rule.decide(file, page_of(file), at)


def hides(rule: Rule, *filenames: str) -> list[str]:
    """Return those that the rule hides."""
    asked = [(name, ask(rule, make_file(name))) for name in filenames]
    return [name for name, decision in asked if decision is not None and decision.hide]


class TestCooldownContract(RuleContract):
    """Files younger than three days."""

    @pytest.fixture
    def rule(self) -> Rule:
        return Cooldown(Cooldown.Options(days=3, exempt=("acme-*",)))

    @pytest.fixture
    def hidden(self) -> File:
        return young(DAY)

    @pytest.fixture
    def shown(self) -> File:
        return make_file("holy_grail-0.9.tar.gz")


class TestCooldownOfTheUnknown(TestCooldownContract):
    """A file without a time."""

    @pytest.fixture
    def hidden(self) -> File:
        return make_file(GRAIL, uploaded_at=None)

    @pytest.fixture
    def shown(self) -> File:
        return make_file("acme_grail-0.9.tar.gz", uploaded_at=None)


class TestDenyContract(RuleContract):
    """One range of versions of one project."""

    @pytest.fixture
    def rule(self) -> Rule:
        return Deny(Deny.Options(projects=("holy-*",), versions="<2"))

    @pytest.fixture
    def hidden(self) -> File:
        return make_file(GRAIL)

    @pytest.fixture
    def shown(self) -> File:
        return make_file("holy_grail-2.0-py3-none-any.whl")


class TestAllowContract(RuleContract):
    """One range of versions of one project."""

    @pytest.fixture
    def rule(self) -> Rule:
        return Allow(Allow.Options(projects=("holy-*",), versions=">=2"))

    @pytest.fixture
    def hidden(self) -> File:
        return make_file("parrot-3.0.tar.gz")

    @pytest.fixture
    def shown(self) -> File:
        return make_file("holy_grail-2.0-py3-none-any.whl")


class TestCooldown:
    """Files wait for some days after their upload."""

    def test_file_is_hidden_until_it_is_old_enough(self) -> None:
        rule = Cooldown(Cooldown.Options(days=3))
        file = young(DAY)
        reason = "Files are offered 3 days after their upload"

        assert ask(rule, file) == Decision(hide=True, reason=reason, until=AT + 2 * DAY)
        assert ask(rule, file, AT + 2 * DAY) is None

    def test_one_day_is_no_plural(self) -> None:
        decision = ask(Cooldown(Cooldown.Options(days=1)), young(timedelta()))

        assert decision is not None
        assert decision.reason == "Files are offered 1 day after their upload"

    def test_exempt_project_need_not_wait(self) -> None:
        rule = Cooldown(Cooldown.Options(days=3, exempt=("parrot", "holy-*")))

        assert ask(rule, young(DAY)) == Decision(hide=False, reason="The project is exempt")
        assert ask(rule, TIMELESS) == Decision(hide=False, reason="The project is exempt")

    @pytest.mark.parametrize("unknown", ["hide", "show"])
    def test_time_that_nobody_knows_is_decided_by_an_option(self, unknown) -> None:
        decision = ask(Cooldown(Cooldown.Options(days=3, unknown=unknown)), TIMELESS)

        assert decision == Decision(
            hide=unknown == "hide",
            reason="Files are offered 3 days after their upload, and nobody knows when that was",
        )

    def test_time_at_the_end_of_all_time_is_no_reason_to_fail(self) -> None:
        last = datetime.max.replace(tzinfo=UTC)
        decision = ask(Cooldown(Cooldown.Options(days=3)), make_file(GRAIL, uploaded_at=last))

        assert decision == Decision(hide=True, reason="Files are offered 3 days after their upload")

    @pytest.mark.parametrize("days", [0, -1, 10**9])
    def test_days_that_are_none_are_refused(self, days) -> None:
        with pytest.raises(ValueError, match=r"days is a number from 1 to 36500, and not -?\d"):
            Cooldown.Options(days=days)


class TestDeny:
    """All that is stated has to hold."""

    NAMES = (GRAIL, "holy_grail-2.0.tar.gz", "parrot-1.0.tar.gz", "parrot-2.0b1-py3-none-any.whl")

    @pytest.mark.parametrize(
        ("options", "hidden"),
        [
            ({"projects": ("parrot",)}, {2, 3}),
            ({"projects": ("holy-*", "parr?t")}, {0, 1, 2, 3}),
            ({"versions": "<2"}, {0, 2}),
            ({"versions": "<2.0.dev0"}, {0, 2}),
            ({"versions": "<2.1"}, {0, 1, 2, 3}),
            ({"versions": "==2.*"}, {1, 3}),
            ({"files": ("*.tar.gz",)}, {1, 2}),
            ({"projects": ("parrot",), "files": ("*.tar.gz", "*.egg")}, {2}),
            ({"projects": ("parrot",), "versions": ">=2.0b1,<3"}, {3}),
        ],
    )
    def test_options_are_conditions(self, options, hidden) -> None:
        assert hides(Deny(Deny.Options(**options)), *self.NAMES) == [
            self.NAMES[one] for one in sorted(hidden)
        ]

    def test_names_of_files_count_letter_by_letter(self) -> None:
        assert hides(Deny(Deny.Options(files=("Holy*",))), GRAIL, "Holy_Grail-1.0.tar.gz") == [
            "Holy_Grail-1.0.tar.gz"
        ]

    def test_version_that_cannot_be_compared_is_hidden(self) -> None:
        rule = Deny(Deny.Options(projects=("holy-grail",), versions="<1"))

        assert ask(rule, make_file(GRAIL, version="2004d")) is not None
        assert ask(rule, make_file(GRAIL)) is None

    def test_reason_is_that_of_the_settings(self) -> None:
        rule = Deny(Deny.Options(projects=("holy-grail",), reason="It bites; see SEC-7"))

        assert ask(rule, make_file(GRAIL)) == Decision(hide=True, reason="It bites; see SEC-7")

    @pytest.mark.parametrize(
        ("options", "reason"),
        [
            ({}, "says nothing to hide"),
            ({"reason": "so"}, "says nothing to hide"),
            ({"projects": ("Holy.Grail",)}, "is not a pattern of normalised names"),
            ({"versions": "2.0"}, "Invalid specifier"),
        ],
    )
    def test_options_that_mean_nothing_are_refused(self, options, reason) -> None:
        with pytest.raises(ValueError, match=reason):
            Deny.Options(**options)


class TestAllow:
    """What is not listed is hidden."""

    def test_other_projects_and_other_versions_are_hidden(self) -> None:
        rule = Allow(Allow.Options(projects=("holy-*", "lancelot"), versions=">=1.0"))

        assert hides(rule, GRAIL, "holy_grail-0.9.tar.gz", "lancelot-2.0rc1.tar.gz", "parrot-3.0.tar.gz") == [
            "holy_grail-0.9.tar.gz",
            "parrot-3.0.tar.gz",
        ]

    def test_reason_tells_what_is_missing(self) -> None:
        rule = Allow(Allow.Options(projects=("holy-*",), versions=">=2"))

        assert ask(rule, make_file("parrot-3.0.tar.gz")) == Decision(
            hide=True, reason="The project is not on the list of allowed ones"
        )
        assert ask(rule, make_file(GRAIL)) == Decision(hide=True, reason="Only versions >=2 are allowed")

    def test_reason_of_the_settings_is_for_both(self) -> None:
        rule = Allow(Allow.Options(projects=("holy-*",), versions=">=2", reason="Ask the security team"))
        decisions = [ask(rule, make_file(name)) for name in (GRAIL, "parrot-3.0.tar.gz")]

        assert decisions == [Decision(hide=True, reason="Ask the security team")] * 2

    def test_version_that_cannot_be_compared_is_allowed_where_versions_do_not_matter(self) -> None:
        odd = make_file(GRAIL, version="2004d")

        assert ask(Allow(Allow.Options(projects=("*",))), odd) is None
        assert ask(Allow(Allow.Options(projects=("*",), versions=">=0")), odd) is not None

    def test_nothing_is_allowed_by_an_empty_list(self) -> None:
        assert hides(Allow(Allow.Options(projects=())), GRAIL) == [GRAIL]


class TestDecision:
    """It has a reason, and times are in UTC."""

    @pytest.mark.parametrize("reason", ["", " \n"])
    def test_decision_without_a_reason_cannot_be_made(self, reason) -> None:
        with pytest.raises(ValueError, match="needs a reason"):
            Decision(hide=True, reason=reason)

    def test_time_without_a_zone_cannot_be_told(self) -> None:
        with pytest.raises(ValueError, match="in UTC"):
            Decision(hide=True, reason="It is new", until=datetime(2026, 1, 1))
