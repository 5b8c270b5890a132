"""The contract of rules as tests.

Subclass `RuleContract` and give its fixtures::

    class TestMyRule(RuleContract):
        @pytest.fixture
        def rule(self):
            return MyRule(MyRule.Options(suffix=".egg"))

        @pytest.fixture
        def hidden(self):
            return make_file("holy_grail-1.0-py3.11.egg")

        @pytest.fixture
        def shown(self):
            return make_file("holy_grail-1.0.tar.gz")

A rule is asked at `AT`, which is long ago, so one that looks at a clock of its own answers wrongly.
"""

import hashlib
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pyramid_pypi.distribution import guess_filename
from pyramid_pypi.model import Decision, File, Hashes, ProjectPage
from pyramid_pypi.rules import Rule

__all__ = ["AT", "RuleContract", "make_file", "page_of"]

AT = datetime(2015, 4, 9, 12, tzinfo=UTC)
"""When rules are asked."""

MANY = 5_000
SECONDS = 1.0
TICK = timedelta(microseconds=1)
LATER = (TICK, timedelta(hours=1), timedelta(days=1), timedelta(days=400), timedelta(days=40_000))


def make_file(filename: str, **changes: Any) -> File:
    """Return a file that was uploaded ten years before `AT`; `changes` are fields of `File`."""
    parsed = guess_filename(filename)
    if parsed is None:
        raise ValueError(f"{filename!r} is not the name of a distribution")
    said: dict[str, Any] = {
        "project": parsed.project,
        "filename": filename,
        "version": parsed.version,
        "packagetype": parsed.packagetype,
        "size": 1000,
        "hashes": Hashes(sha256=hashlib.sha256(filename.encode()).hexdigest()),
        "uploaded_at": AT - timedelta(days=3650),
        "uploaded_by": "",
        "key": "",
        "python_version": parsed.python_version,
    }
    return File(**{**said, **changes})


def page_of(*files: File) -> ProjectPage:
    """Return the page of a project with these files, of which there is at least one."""
    return ProjectPage("private", files[0].project, files[0].project, files, 1)


class RuleContract:
    """What every rule does. Override `rule`, `hidden` and `shown`."""

    @pytest.fixture
    def rule(self) -> Rule:
        """Return the rule under test."""
        raise NotImplementedError

    @pytest.fixture
    def hidden(self) -> File:
        """Return a file that the rule hides at `AT`."""
        raise NotImplementedError

    @pytest.fixture
    def shown(self) -> File:
        """Return a file that the rule does not hide at `AT`."""
        raise NotImplementedError

    def test_is_a_rule(self, rule: Rule) -> None:
        """It has the method of the protocol."""
        assert isinstance(rule, Rule)

    def test_hides_with_a_reason(self, rule: Rule, hidden: File) -> None:
        """A sentence for people, and perhaps a time in UTC that is still to come."""
        decision = rule.decide(hidden, page_of(hidden), AT)

        assert isinstance(decision, Decision)
        assert decision.hide is True
        assert " " in decision.reason.strip()
        assert "\n" not in decision.reason
        assert decision.until is None or decision.until > AT

    def test_shows_the_rest(self, rule: Rule, shown: File) -> None:
        """By having no opinion, or by saying that it does not hide it."""
        assert not self.hides(rule, shown)

    def test_same_question_has_the_same_answer(self, rule: Rule, hidden: File, shown: File) -> None:
        """Whatever was asked in between, and whoever asks."""
        page = page_of(hidden, shown)
        questions = [(file, at) for file in (hidden, shown) for at in (AT, AT + timedelta(days=9), AT)]
        first = [rule.decide(file, page, at) for file, at in questions]
        again = [rule.decide(replace(file), replace(page), at) for file, at in reversed(questions)]

        assert again[::-1] == first
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(rule.decide, file, page, at) for file, at in questions * 50]
        assert [one.result() for one in asked] == first * 50

    def test_time_alone_never_hides(self, rule: Rule, shown: File) -> None:
        """Because what was shown is kept ready without asking again."""
        assert [later for later in LATER if self.hides(rule, shown, AT + later)] == []

    def test_hidden_file_is_shown_when_the_rule_has_said(self, rule: Rule, hidden: File) -> None:
        """Not before, and then for good, or until another time that it tells; without one, never."""
        decision = rule.decide(hidden, page_of(hidden), AT)
        assert decision is not None
        until = decision.until
        if until is None:
            assert all(self.hides(rule, hidden, AT + later) for later in LATER)
            return
        assert self.hides(rule, hidden, until - TICK)
        then = rule.decide(hidden, page_of(hidden), until)
        assert then is None or not then.hide or then.until is None or then.until > until

    def test_file_need_not_be_on_its_page(self, rule: Rule, hidden: File, shown: File) -> None:
        """As one is not that a proxy keeps although its index has taken it away."""
        assert self.hides(rule, hidden, files=(shown,))
        self.answers(rule, shown, files=(replace(hidden, project=shown.project),))

    def test_what_nobody_has_told_is_no_reason_to_fail(self, rule: Rule, hidden: File, shown: File) -> None:
        """An upstream may leave out the time, the size and the digests, and have odd versions."""
        for file in (hidden, shown):
            bare = replace(file, uploaded_at=None, size=None, hashes=Hashes())
            self.answers(rule, bare)
            self.answers(rule, replace(file, requires_python="not a specifier", yanked=""))
            for version in ("2004d", "0-rc.", "", "1.0+local.7", "9" * 5000):
                self.answers(rule, replace(file, version=version))

    def test_thousands_of_files_take_no_time(self, rule: Rule, hidden: File, shown: File) -> None:
        """Less than a second for 5,000 files, as a page is made while somebody waits."""
        for file in (hidden, shown):
            files = [replace(file, version=f"{number}.0", key=str(number)) for number in range(MANY)]
            page = page_of(*files)
            began = time.thread_time()
            for one in files:
                rule.decide(one, page, AT)

            assert time.thread_time() - began < SECONDS

    def hides(self, rule: Rule, file: File, at: datetime = AT, *, files: Sequence[File] = ()) -> bool:
        """Tell whether the rule hides `file`, on a page with `files` or with nothing else."""
        decision = rule.decide(file, page_of(*(files or (file,))), at)
        return decision is not None and decision.hide

    def answers(self, rule: Rule, file: File, *, files: Sequence[File] = ()) -> None:
        """Check that the rule answers as it may, whatever that is."""
        decision = rule.decide(file, page_of(*(files or (file,))), AT)
        assert decision is None or isinstance(decision, Decision)
