from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyramid_pypi.errors import FileHidden, FileMissing, ProjectNotFound, Unavailable, UpstreamTimeout
from pyramid_pypi.model import File, Hashes, ProjectName, ProjectPage, Redirect, Stream
from pyramid_pypi.repositories import Repository
from pyramid_pypi.repositories.group import Group, Member
from pyramid_pypi.repositories.redirect import Redirecting
from tests.unit.upstream.paged import PagedUpstream

DOWN = Unavailable("The member does not work")


class Shelf:
    """A repository in memory: file names by project; `problem` is raised instead of any answer."""

    def __init__(self, name, projects=(), *, outside=False, problem=None, **page):
        self.name = name
        self.outside = outside
        self.problem = problem
        self.asked = []
        self._page = page
        self._files = {
            project: tuple(file_of(project, filename, name) for filename in filenames)
            for project, filenames in dict(projects).items()
        }

    def projects(self):
        self._answer("")
        return [ProjectName(name, f"{name} of {self.name}", 1) for name in sorted(self._files)]

    def own_projects(self):
        return [] if self.outside else self.projects()

    def project(self, name):
        self._answer(name)
        if name not in self._files:
            raise ProjectNotFound(f"{self.name!r} has no project {name!r}")
        page = ProjectPage(self.name, name, name, self._files[name], 1)
        return replace(page, **self._page)

    def file(self, filename):
        self._answer(filename)
        for files in self._files.values():
            for file in files:
                if file.filename == filename:
                    return file
        raise FileMissing(f"{self.name!r} has no file {filename!r}")

    def open(self, file, *, partly=False):
        return Stream(file.size, None, lambda start, stop: iter([self.name.encode(), bytes(partly)]))

    def metadata(self, file):
        return f"metadata of {self.name}".encode()

    def signature(self, file):
        return Redirect(f"https://{self.name}.example/")

    def check(self):
        pass

    def close(self):
        pass

    def _answer(self, question):
        self.asked.append(question)
        if self.problem is not None:
            raise self.problem


def file_of(project, filename, origin):
    return File(project, filename, "1.0", "sdist", 5, Hashes(blake2b_256="ab" * 32), None, origin, "")


def sdist(project, version="1.0"):
    return f"{project.replace('-', '_')}-{version}.tar.gz"


def shelf(name, *projects, version="1.0", **options):
    return Shelf(name, {project: [sdist(project, version)] for project in projects}, **options)


def outsider(name, *projects, version="9.0", **options):
    return shelf(name, *projects, version=version, outside=True, **options)


def group(*repositories, merge=(), reserve=()):
    members = [Member(one, reserve if one.outside else ()) for one in repositories]
    return Group("all", members, merge=merge)


def filenames(page):
    return [file.filename for file in page.files]


def test_a_group_is_a_repository():
    assert isinstance(group(), Repository)
    assert isinstance(shelf("private"), Repository)


def test_the_first_member_that_knows_the_project_answers():
    private, pypi = shelf("private", "acme"), outsider("pypi", "acme", "flask")
    both = group(private, pypi)

    assert both.project("acme") == private.project("acme")
    assert both.project("flask") == pypi.project("flask")
    assert "acme" not in pypi.asked


def test_page_and_files_come_from_the_same_member():
    both = group(shelf("private", "acme"), outsider("pypi", "acme", "flask"))

    assert both.file(sdist("acme")).repository == "private"
    assert both.file(sdist("flask", "9.0")).repository == "pypi"


def test_a_private_project_never_takes_a_public_file():
    pypi = outsider("pypi", "acme")
    both = group(shelf("private", "acme"), pypi)

    with pytest.raises(FileMissing, match="'private' has no file"):
        both.file(sdist("acme", "9.0"))
    assert pypi.asked == []


def test_a_private_project_without_files_is_still_private():
    pypi = outsider("pypi", "acme")
    both = group(Shelf("private", {"acme": []}), pypi)

    assert both.project("acme").files == ()
    with pytest.raises(FileMissing):
        both.file(sdist("acme", "9.0"))
    assert pypi.asked == []


def test_a_hidden_file_ends_the_search():
    private, pypi = shelf("private", "acme"), outsider("pypi", "acme")
    private.file = Shelf("private", problem=FileHidden("quarantined")).file

    with pytest.raises(FileHidden):
        group(private, pypi).file(sdist("acme", "9.0"))


@pytest.mark.parametrize("problem", [DOWN, UpstreamTimeout("slow")])
@pytest.mark.parametrize("merge", [(), ("acme",)])
def test_a_member_that_cannot_tell_ends_the_search(problem, merge):
    pypi = outsider("pypi", "acme")
    both = group(shelf("private", problem=problem), pypi, merge=merge)

    with pytest.raises(type(problem)):
        both.project("acme")
    with pytest.raises(type(problem)):
        both.file(sdist("acme", "9.0"))
    with pytest.raises(type(problem)):
        list(both.projects())
    assert pypi.asked in ([], [""])


def test_a_member_that_cannot_tell_of_the_project_after_it_has_no_such_file_ends_the_search():
    private, pypi = shelf("private"), outsider("pypi", "acme")
    private.project = shelf("private", problem=DOWN).project

    with pytest.raises(Unavailable):
        group(private, pypi).file(sdist("acme", "9.0"))
    assert pypi.asked == []


def test_what_nobody_knows_is_not_found():
    both = group(shelf("private"), outsider("pypi"))

    with pytest.raises(ProjectNotFound, match="'all' has no project 'acme'"):
        both.project("acme")
    with pytest.raises(FileMissing, match="'all' has no file"):
        both.file(sdist("acme"))


@pytest.mark.parametrize(
    "filename", ["", "acme", "acme.tar.gz", "../x-1.0.tar.gz", "x" * 300 + "-1.0.tar.gz"]
)
def test_a_name_that_no_file_has_is_not_asked_of_anybody(filename):
    private = shelf("private")

    with pytest.raises(FileMissing):
        group(private).file(filename)
    assert private.asked == []


def test_bytes_metadata_and_signature_come_from_the_member_that_offered_the_file():
    both = group(shelf("private", "acme"), outsider("pypi", "flask"))
    ours, theirs = both.file(sdist("acme")), both.file(sdist("flask", "9.0"))

    assert list(both.open(ours).open(0, None))[0] == b"private"
    assert list(both.open(theirs, partly=True).open(0, None)) == [b"pypi", bytes(1)]
    assert both.metadata(theirs) == b"metadata of pypi"
    assert both.signature(ours) == Redirect("https://private.example/")


def test_a_merged_project_has_the_files_of_all_members_and_the_earlier_one_wins():
    private = Shelf("private", {"torch": ["torch-1.0.tar.gz", "Torch-2.0.tar.gz"]})
    pypi = Shelf("pypi", {"torch": ["torch-2.0.tar.gz", "torch-3.0.tar.gz"]}, outside=True)
    both = group(private, pypi, merge=("torch",))

    page = both.project("torch")

    assert [(file.filename, file.uploaded_by) for file in page.files] == [
        ("torch-1.0.tar.gz", "private"),
        ("Torch-2.0.tar.gz", "private"),
        ("torch-3.0.tar.gz", "pypi"),
    ]
    assert page.repository == "private, pypi"


def test_files_of_a_merged_project_are_found_at_every_member():
    private = Shelf("private", {"torch": ["torch-1.0.tar.gz", "torch-2.0.tar.gz"]})
    pypi = Shelf("pypi", {"torch": ["torch-2.0.tar.gz", "torch-3.0.tar.gz"]}, outside=True)
    both = group(private, pypi, merge=("torch",))

    assert [both.file(f"torch-{n}.0.tar.gz").repository for n in (1, 2, 3)] == ["private", "private", "pypi"]
    with pytest.raises(FileMissing):
        both.file("torch-4.0.tar.gz")


def test_a_pattern_merges_what_it_names_and_nothing_else():
    both = group(shelf("private", "corp-a", "corp"), outsider("pypi", "corp-a", "corp"), merge=("corp-*",))

    assert filenames(both.project("corp-a")) == ["corp_a-1.0.tar.gz", "corp_a-9.0.tar.gz"]
    assert filenames(both.project("corp")) == ["corp-1.0.tar.gz"]


def test_a_merged_project_that_one_member_has_is_that_members():
    both = group(shelf("private"), outsider("pypi", "torch"), merge=("torch",))

    assert both.project("torch").repository == "pypi"


def test_a_merged_project_that_nobody_has_is_not_found():
    with pytest.raises(ProjectNotFound):
        group(shelf("private"), outsider("pypi"), merge=("torch",)).project("torch")


def test_a_later_member_that_fails_makes_a_merged_page_fail():
    private, pypi = shelf("private", "torch"), outsider("pypi", "torch", problem=DOWN)
    both = group(private, pypi, merge=("torch",))

    with pytest.raises(Unavailable):
        both.project("torch")


def test_a_merged_page_is_as_old_as_its_oldest_part():
    private = shelf("private", "torch", fresh_for=None, serial=4)
    one = outsider("one", "torch", fresh_for=30.0, stale_for=7, serial=9)
    two = outsider("two", "torch", fresh_for=5.0, serial=2)

    page = group(private, one, two, merge=("torch",)).project("torch")

    assert (page.fresh_for, page.stale_for, page.serial) == (5.0, 7, 9)


def test_a_merged_page_of_hosted_members_has_no_age():
    assert group(shelf("a", "x"), shelf("b", "x"), merge=("x",)).project("x").fresh_for is None


def elsewhere():
    return Redirecting("elsewhere", upstream=PagedUpstream())


def test_a_redirect_is_the_answer_for_what_nobody_before_knows():
    both = group(shelf("private", "acme"), elsewhere())

    assert both.project("acme").repository == "private"
    assert both.project("flask") == Redirect("https://upstream.example/simple/flask/")
    with pytest.raises(FileMissing):
        both.file(sdist("acme", "9.0"))
    with pytest.raises(FileMissing):
        both.file(sdist("flask"))


def test_a_redirect_is_left_out_of_a_merged_page():
    both = group(shelf("private", "torch"), elsewhere(), merge=("torch", "flask"))

    assert both.project("torch").repository == "private"
    assert both.project("flask") == Redirect("https://upstream.example/simple/flask/")


def test_a_reserved_name_is_not_asked_of_outsiders():
    pypi = outsider("pypi", "acme-x", "flask")
    both = group(shelf("private"), pypi, reserve=("acme-*", "internal"))

    for name in ("acme-x", "internal"):
        with pytest.raises(ProjectNotFound, match=f"'{name}' is a name that 'all' reserves .* 'reserve'"):
            both.project(name)
        with pytest.raises(FileMissing):
            both.file(sdist(name, "9.0"))
    assert pypi.asked == []
    assert both.project("flask").repository == "pypi"


def test_a_reserved_name_is_not_redirected():
    with pytest.raises(ProjectNotFound):
        group(shelf("private"), elsewhere(), reserve=("acme",)).project("acme")


def test_a_reserved_name_is_answered_by_its_own_repositories():
    both = group(shelf("private", "acme"), outsider("pypi", "acme"), reserve=("acme",), merge=("acme",))

    assert filenames(both.project("acme")) == ["acme-1.0.tar.gz"]
    assert both.file(sdist("acme")).repository == "private"
    with pytest.raises(FileMissing):
        both.file(sdist("acme", "9.0"))


def test_a_failing_own_repository_is_not_a_reserved_name_that_nobody_has():
    with pytest.raises(Unavailable):
        group(shelf("private", problem=DOWN), outsider("pypi"), reserve=("acme",)).project("acme")


def test_the_list_is_sorted_and_has_each_project_as_its_first_member_has_it():
    both = group(shelf("private", "acme", "zope"), outsider("pypi", "acme", "flask"))

    assert list(both.projects()) == [
        ProjectName("acme", "acme of private", 1),
        ProjectName("flask", "flask of pypi", 1),
        ProjectName("zope", "zope of private", 1),
    ]


def test_the_list_has_reserved_names_of_our_own_and_no_others():
    both = group(shelf("private", "acme-a"), outsider("pypi", "acme-b", "flask"), reserve=("acme-*",))

    assert [one.name for one in both.projects()] == ["acme-a", "flask"]
    assert [one.name for one in both.own_projects()] == ["acme-a"]


def test_each_member_has_its_own_reservations_in_the_list():
    members = [Member(outsider("one", "a", "b"), ("a",)), Member(outsider("two", "a", "b", "c"), ("c",))]

    assert [one.display for one in Group("all", members).projects()] == ["a of two", "b of one"]


def test_own_projects_are_those_of_hosted_members():
    both = group(shelf("private", "acme"), outsider("pypi", "flask"))

    assert both.own_projects() == [ProjectName("acme", "acme of private", 1)]


def test_a_group_is_outside_as_soon_as_one_member_is():
    assert group(shelf("private"), outsider("pypi")).outside
    assert not group(shelf("private"), shelf("more")).outside


NAMES = ["acme", "acme-x", "flask", "torch"]
PATTERNS = st.lists(st.sampled_from([*NAMES, "acme-*", "*", "t?rch"]), max_size=2).map(tuple)
SOME = st.sets(st.sampled_from(NAMES))


@st.composite
def groups(draw):
    private = shelf("private", *draw(SOME))
    more = shelf("more", *draw(SOME), version="2.0")
    outsiders = [outsider("pypi", *draw(SOME)), outsider("mirror", *draw(SOME), version="10.0")]
    return group(private, more, *outsiders, merge=draw(PATTERNS), reserve=draw(PATTERNS))


@given(groups(), st.sampled_from(NAMES))
def test_a_project_of_a_hosted_member_never_has_a_file_from_outside(both, name):
    own = any(name in member.repository._files for member in both.members if not member.repository.outside)
    pypi = both.members[-1]
    if (not own and pypi.may_know(name)) or (both._is_merged(name) and pypi.may_know(name)):
        return

    try:
        offered = [file.uploaded_by for file in both.project(name).files]
    except ProjectNotFound:
        offered = []
    assert set(offered) <= {"private", "more"}
    for version in ("9.0", "10.0"):
        with pytest.raises(FileMissing):
            both.file(sdist(name, version))


@given(groups(), st.sampled_from(NAMES))
def test_every_file_of_a_page_is_found_where_the_page_has_it_from(both, name):
    try:
        page = both.project(name)
    except ProjectNotFound:
        page = None

    for file in page.files if page else ():
        assert both.file(file.filename) == replace(file, repository=file.uploaded_by)
    for version in ("1.0", "2.0", "9.0", "10.0"):
        if page is None or sdist(name, version) not in filenames(page):
            with pytest.raises(FileMissing):
                both.file(sdist(name, version))


@given(groups())
def test_the_list_has_exactly_the_projects_that_have_a_page(both):
    listed = [one.name for one in both.projects()]

    assert listed == sorted(set(listed))
    for name in NAMES:
        if name in listed:
            both.project(name)
        else:
            with pytest.raises(ProjectNotFound):
                both.project(name)
