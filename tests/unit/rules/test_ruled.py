"""A repository with rules around it: pages, files, and rules that fail."""

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from pyramid_pypi.errors import FileHidden, FileMissing, Forbidden, ProjectNotFound, UpstreamDown
from pyramid_pypi.model import Decision, File, ProjectPage, Redirect, Ruling
from pyramid_pypi.repositories.group import Group, Member
from pyramid_pypi.repositories.ruled import Ruled, unruled
from pyramid_pypi.rules import NamedRule
from pyramid_pypi.testing.repositories import Offered, RepositoryContract, offer_files, publish_file
from pyramid_pypi.testing.rules import AT, make_file
from tests.unit.memory import MemoryRepository

WHEEL = make_file("holy_grail-1.0-py3-none-any.whl")
SDIST = make_file("holy_grail-1.0.tar.gz")
NEWER = make_file("holy_grail-2.0.tar.gz")
HOUR = timedelta(hours=1)


@dataclass
class Scripted:
    """A rule that answers what a test tells it, by file name, and remembers the questions."""

    answers: dict[str, object] = field(default_factory=dict)
    asked: list[tuple[File, ProjectPage, datetime]] = field(default_factory=list)

    def decide(self, file: File, page: ProjectPage, at: datetime) -> object:
        self.asked.append((file, page, at))
        answer = self.answers.get(file.filename)
        if isinstance(answer, Exception):
            raise answer
        return answer


def memory(tmp_path, *files: File, name: str = "memory", fresh_for: float | None = None) -> MemoryRepository:
    found = MemoryRepository(tmp_path)
    found.name = name
    found.listed = {file.filename: file for file in files}
    found.pages = {
        file.project: ProjectPage(name, file.project, file.project, (), 3, fresh_for=fresh_for)
        for file in files
    }
    return found


def ruled(source, *rules: Scripted, names=("first", "second")) -> Ruled:
    named = [NamedRule(name, source.name, rule) for name, rule in zip(names, rules, strict=False)]
    return Ruled(source, named, clock=lambda: AT)


def hide(reason: str = "It is new", after: timedelta | None = None) -> Decision:
    return Decision(hide=True, reason=reason, until=None if after is None else AT + after)


class TestRuledContract(RepositoryContract):
    """With a rule that hides something else, a repository does all that others do."""

    @pytest.fixture
    def memory(self, tmp_path) -> MemoryRepository:
        return MemoryRepository(tmp_path)

    @pytest.fixture
    def repository(self, memory: MemoryRepository) -> Ruled:
        return ruled(memory, Scripted())

    @pytest.fixture
    def offered(self, memory: MemoryRepository) -> Offered:
        return offer_files(partial(publish_file, memory))


def test_page_has_what_no_rule_hides(tmp_path) -> None:
    note = Decision(hide=False, reason="It is exempt")
    rules = Scripted({WHEEL.filename: note}), Scripted({SDIST.filename: hide()})
    source = memory(tmp_path, WHEEL, SDIST)

    assert ruled(source, *rules).project("holy-grail") == replace(
        source.project("holy-grail"),
        files=(WHEEL,),
        rulings=(
            Ruling(WHEEL, "first", "memory", note),
            Ruling(SDIST, "second", "memory", hide()),
        ),
    )


def test_rules_are_asked_with_the_page_as_it_was(tmp_path) -> None:
    first, second = Scripted({WHEEL.filename: hide()}), Scripted()
    source = memory(tmp_path, WHEEL, SDIST)
    repository = ruled(source, first, second)

    repository.project("holy-grail")
    repository.file(SDIST.filename)

    page = source.project("holy-grail")
    assert first.asked == second.asked == [(WHEEL, page, AT), (SDIST, page, AT), (SDIST, page, AT)]


def test_project_whose_files_are_all_hidden_is_still_there(tmp_path) -> None:
    repository = ruled(memory(tmp_path, WHEEL), Scripted({WHEEL.filename: hide()}))

    assert repository.project("holy-grail").files == ()
    assert [project.name for project in repository.projects()] == ["holy-grail"]
    assert [project.name for project in repository.own_projects()] == ["holy-grail"]


@pytest.mark.parametrize(
    ("answers", "fresh_for", "expected"),
    [
        ({}, None, None),
        ({}, 60.0, 60.0),
        ({WHEEL.filename: hide()}, None, None),
        ({WHEEL.filename: hide(after=HOUR)}, None, 3600.0),
        ({WHEEL.filename: hide(after=HOUR), SDIST.filename: hide(after=HOUR * 2)}, None, 3600.0),
        ({WHEEL.filename: hide(after=HOUR)}, 60.0, 60.0),
        ({WHEEL.filename: hide(after=HOUR)}, 7200.0, 3600.0),
        ({WHEEL.filename: ValueError("no"), SDIST.filename: hide(after=HOUR)}, None, 5.0),
    ],
)
def test_page_is_repeated_until_the_first_file_is_to_be_shown(tmp_path, answers, fresh_for, expected) -> None:
    repository = ruled(memory(tmp_path, WHEEL, SDIST, fresh_for=fresh_for), Scripted(answers))

    assert repository.project("holy-grail").fresh_for == expected


def test_hidden_file_is_refused_with_the_reason(tmp_path) -> None:
    repository = ruled(memory(tmp_path, WHEEL, SDIST), Scripted({WHEEL.filename: hide(after=HOUR)}))

    assert repository.file(SDIST.filename) == SDIST
    with pytest.raises(FileHidden) as caught:
        repository.file(WHEEL.filename)
    assert str(caught.value) == (
        "holy_grail-1.0-py3-none-any.whl is hidden in 'memory' until 2015-04-09 13:00 UTC by the rule 'first': "
        "It is new"
    )
    with pytest.raises(FileMissing):
        repository.file("holy_grail-9.0.tar.gz")


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (hide("A", HOUR), hide("B", HOUR * 2), "B"),
        (hide("A", HOUR * 2), hide("B", HOUR), "A"),
        (hide("A"), hide("B", HOUR), "A"),
        (hide("A", HOUR), hide("B"), "B"),
        (hide("A"), hide("B"), "A"),
        (Decision(hide=False, reason="A"), hide("B", HOUR), "B"),
    ],
)
def test_refusal_has_the_reason_that_holds_longest(tmp_path, first, second, told) -> None:
    rules = (Scripted({WHEEL.filename: decision}) for decision in (first, second))

    with pytest.raises(FileHidden, match=f": {told}$"):
        ruled(memory(tmp_path, WHEEL), *rules).file(WHEEL.filename)


@pytest.mark.parametrize("answer", [RuntimeError("the list is gone"), "no", True, 0])
def test_rule_that_cannot_tell_hides(tmp_path, caplog, answer) -> None:
    repository = ruled(memory(tmp_path, WHEEL, SDIST), Scripted({WHEEL.filename: answer}))
    page = repository.project("holy-grail")

    assert page.files == (SDIST,)
    assert [(one.file, one.failed, one.decision.hide) for one in page.rulings] == [(WHEEL, True, True)]
    with pytest.raises(FileHidden, match="The rule failed, .* ask the operator"):
        repository.file(WHEEL.filename)
    assert "The rule 'first' of 'memory' failed for holy_grail-1.0-py3-none-any.whl" in caplog.text


def test_rule_that_fails_for_every_file_is_logged_once(tmp_path, caplog) -> None:
    broken = Scripted({file.filename: ValueError("no") for file in (WHEEL, SDIST, NEWER)})
    page = ruled(memory(tmp_path, WHEEL, SDIST, NEWER), broken).project("holy-grail")

    assert page.files == ()
    assert len(page.rulings) == 3
    assert len([one for one in caplog.records if one.levelno == logging.ERROR]) == 1


@pytest.mark.parametrize("error", [ProjectNotFound("gone"), UpstreamDown("down")])
def test_file_that_is_only_kept_is_asked_about_alone(tmp_path, error) -> None:
    class Kept(MemoryRepository):
        def project(self, name):
            raise error

    source = Kept(tmp_path)
    source.listed = {WHEEL.filename: WHEEL}
    rule = Scripted()

    assert ruled(source, rule).file(WHEEL.filename) == WHEEL
    rule.answers = {WHEEL.filename: hide()}
    with pytest.raises(FileHidden):
        ruled(source, rule).file(WHEEL.filename)
    assert rule.asked[0][1].files == (WHEEL,)


def test_page_that_is_elsewhere_is_refused(tmp_path) -> None:
    class Elsewhere(MemoryRepository):
        def project(self, name):
            return Redirect("https://pypi.org/simple/holy-grail/")

    with pytest.raises(Forbidden, match="which knows nothing of the rules of 'memory'"):
        ruled(Elsewhere(tmp_path), Scripted()).project("holy-grail")


def test_checking_and_closing_reach_the_source(tmp_path) -> None:
    class Listening(MemoryRepository):
        def check(self):
            heard.append("check")

        def close(self):
            heard.append("close")

    heard: list[str] = []
    repository = ruled(Listening(tmp_path), Scripted())
    repository.check()
    repository.close()

    assert heard == ["check", "close"]


def test_source_is_found_below_all_rules(tmp_path) -> None:
    source = memory(tmp_path, WHEEL)

    assert unruled(ruled(ruled(source, Scripted()), Scripted())) is source
    assert unruled(source) is source


class TestInAGroup:
    """What an earlier member hides, no later one gives."""

    def group(self, tmp_path, first: Scripted, second: Scripted, *, merge: tuple[str, ...] = ()) -> Group:
        private = ruled(memory(tmp_path, WHEEL, SDIST, name="private"), first)
        public = ruled(memory(tmp_path, WHEEL, NEWER, name="public"), second)
        return Group("all", [Member(private), Member(public)], merge=merge)

    def test_hidden_project_is_not_looked_for_further_on(self, tmp_path) -> None:
        hidden = Scripted({WHEEL.filename: hide(), SDIST.filename: hide()})
        group = self.group(tmp_path, hidden, Scripted())

        page = group.project("holy-grail")
        assert (page.repository, page.files, len(page.rulings)) == ("private", (), 2)
        with pytest.raises(FileHidden):
            group.file(WHEEL.filename)
        with pytest.raises(FileMissing):
            group.file(NEWER.filename)

    def test_merged_page_has_no_stand_in_for_a_hidden_file(self, tmp_path) -> None:
        group = self.group(tmp_path, Scripted({WHEEL.filename: hide()}), Scripted(), merge=("*",))

        assert {file.filename for file in group.project("holy-grail").files} == {
            SDIST.filename,
            NEWER.filename,
        }
        with pytest.raises(FileHidden, match="hidden in 'private'"):
            group.file(WHEEL.filename)
        assert group.file(NEWER.filename).repository == "public"

    def test_merged_page_tells_nothing_of_a_file_that_counts_for_nothing(self, tmp_path) -> None:
        """The second member hides a file that the first one has anyway."""
        group = self.group(tmp_path, Scripted(), Scripted({WHEEL.filename: hide(after=HOUR)}), merge=("*",))
        page = group.project("holy-grail")

        assert {file.filename for file in page.files} == {WHEEL.filename, SDIST.filename, NEWER.filename}
        assert page.rulings == ()
        assert page.fresh_for == 3600
        assert group.file(WHEEL.filename).repository == "private"

    def test_rules_of_the_group_come_on_top(self, tmp_path) -> None:
        inner = self.group(tmp_path, Scripted({WHEEL.filename: hide(after=HOUR)}), Scripted())
        group = ruled(inner, Scripted({SDIST.filename: hide("Ask")}))
        page = group.project("holy-grail")

        assert (page.files, page.fresh_for) == ((), 3600)
        assert [(one.repository, one.decision.reason) for one in page.rulings] == [
            ("private", "It is new"),
            ("all", "Ask"),
        ]
        with pytest.raises(FileHidden, match="hidden in 'all' by the rule 'first': Ask"):
            group.file(SDIST.filename)
        with pytest.raises(FileHidden, match="hidden in 'private' until"):
            group.file(WHEEL.filename)
