"""The contract of rules notices rules that break it."""

import itertools
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pyramid_pypi.model import Decision, File, ProjectPage
from pyramid_pypi.testing.rules import AT, RuleContract, make_file

HIDDEN = make_file("holy_grail-1.0-py3-none-any.whl", uploaded_at=AT - timedelta(days=1))
SHOWN = make_file("holy_grail-1.0.tar.gz")
NO = Decision(hide=True, reason="Wheels are hidden here")
WEEK = timedelta(days=7)


class NoWheels:
    """Hides wheels, as it should."""

    def decide(self, file: File, page: ProjectPage, at: datetime) -> Decision | None:
        return NO if file.packagetype == "bdist_wheel" else None


class HidesNothing(NoWheels):
    def decide(self, file: File, page: ProjectPage, at: datetime) -> Decision | None:
        return None


class HidesEverything(NoWheels):
    def decide(self, file: File, page: ProjectPage, at: datetime) -> Decision | None:
        return NO


class SaysYes(NoWheels):
    """Answers something else."""

    def decide(self, file: File, page: ProjectPage, at: datetime) -> Decision | None:
        return super().decide(file, page, at) is not None  # type: ignore[return-value]


class SaysOneWord(NoWheels):
    def decide(self, file: File, page: ProjectPage, at: datetime) -> Decision | None:
        return super().decide(file, page, at) and replace(NO, reason="wheel")


class HasAClock(NoWheels):
    """Hides what is young now, whenever it is asked about."""

    def decide(self, file: File, page: ProjectPage, at: datetime) -> Decision | None:
        young = file.uploaded_at is not None and datetime.now(UTC) - file.uploaded_at < WEEK
        return NO if young else None


class IsNeverSure(NoWheels):
    """Gives another reason each time."""

    def __init__(self) -> None:
        self.count = itertools.count()

    def decide(self, file: File, page: ProjectPage, at: datetime) -> Decision | None:
        return super().decide(file, page, at) and replace(NO, reason=f"I said {next(self.count)} times")


class ForgetsOldThings(NoWheels):
    """Hides what it has shown."""

    def decide(self, file: File, page: ProjectPage, at: datetime) -> Decision | None:
        return NO if at - AT > WEEK else super().decide(file, page, at)


class TellsNoTime(NoWheels):
    """Shows a file some day without having said so."""

    def decide(self, file: File, page: ProjectPage, at: datetime) -> Decision | None:
        return None if at - AT > WEEK else super().decide(file, page, at)


class TellsTheWrongTime(NoWheels):
    """Goes on hiding when it has said that it would not."""

    def decide(self, file: File, page: ProjectPage, at: datetime) -> Decision | None:
        return super().decide(file, page, at) and replace(NO, until=AT + WEEK)


class TellsThePast(NoWheels):
    def decide(self, file: File, page: ProjectPage, at: datetime) -> Decision | None:
        return super().decide(file, page, at) and replace(NO, until=AT - WEEK)


class NeedsThePage(NoWheels):
    """Looks for the file on its page."""

    def decide(self, file: File, page: ProjectPage, at: datetime) -> Decision | None:
        return super().decide(page.files[page.files.index(file)], page, at)


class NeedsTheTime(NoWheels):
    def decide(self, file: File, page: ProjectPage, at: datetime) -> Decision | None:
        assert file.uploaded_at
        return super().decide(file, page, at)


class NeedsANumber(NoWheels):
    def decide(self, file: File, page: ProjectPage, at: datetime) -> Decision | None:
        float(file.version.partition(".")[0])
        return super().decide(file, page, at)


class ReadsThePageAgainAndAgain(NoWheels):
    def decide(self, file: File, page: ProjectPage, at: datetime) -> Decision | None:
        end = time.thread_time() + 0.0003
        while len(page.files) > 1000 and time.thread_time() < end:
            pass
        return super().decide(file, page, at)


def cases() -> dict[str, Callable[..., None]]:
    return {name: test for name, test in vars(RuleContract).items() if name.startswith("test_")}


def run(name: str, rule: object) -> None:
    """Run one test of the contract."""
    test = cases()[name]
    given = {"rule": rule, "hidden": HIDDEN, "shown": SHOWN}
    wanted = test.__code__.co_varnames[1 : test.__code__.co_argcount]
    test(RuleContract(), **{one: given[one] for one in wanted})


@pytest.mark.parametrize("test", cases())
def test_a_good_rule_passes(test) -> None:
    run(test, NoWheels())


@pytest.mark.parametrize(
    ("rule", "test"),
    [
        (object(), "test_is_a_rule"),
        (HidesNothing(), "test_hides_with_a_reason"),
        (HidesEverything(), "test_shows_the_rest"),
        (SaysYes(), "test_hides_with_a_reason"),
        (SaysOneWord(), "test_hides_with_a_reason"),
        (HasAClock(), "test_hides_with_a_reason"),
        (IsNeverSure(), "test_same_question_has_the_same_answer"),
        (ForgetsOldThings(), "test_time_alone_never_hides"),
        (TellsNoTime(), "test_hidden_file_is_shown_when_the_rule_has_said"),
        (TellsTheWrongTime(), "test_hidden_file_is_shown_when_the_rule_has_said"),
        (TellsThePast(), "test_hides_with_a_reason"),
        (NeedsThePage(), "test_file_need_not_be_on_its_page"),
        (NeedsTheTime(), "test_what_nobody_has_told_is_no_reason_to_fail"),
        (NeedsANumber(), "test_what_nobody_has_told_is_no_reason_to_fail"),
        (ReadsThePageAgainAndAgain(), "test_thousands_of_files_take_no_time"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_a_rule_that_breaks_it_is_noticed(rule, test) -> None:
    # What the contract finds, or what the rule raises.
    with pytest.raises((AssertionError, AttributeError, ValueError)):
        run(test, rule)


def test_every_test_of_the_contract_can_fail() -> None:
    """Each of them is one that a rule above does not pass."""
    (marks,) = test_a_rule_that_breaks_it_is_noticed.pytestmark

    assert {test for _, test in marks.args[1]} == set(cases())
