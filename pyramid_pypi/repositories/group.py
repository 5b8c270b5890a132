"""An ordered list of repositories as one: the first that knows a project answers for it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from heapq import merge

from pyramid_pypi.distribution import guess_filename
from pyramid_pypi.errors import FileHidden, FileMissing, ProjectNotFound
from pyramid_pypi.model import Blob, File, ProjectName, ProjectPage, Redirect, Ruling
from pyramid_pypi.repositories.base import Repository
from pyramid_pypi.repositories.ruled import explain

__all__ = ["Group", "Member"]


@dataclass(frozen=True, slots=True)
class Member:
    """A repository in a group, and the patterns of names that are not asked of it."""

    repository: Repository
    reserved: tuple[str, ...] = ()

    def may_know(self, name: str) -> bool:
        """Tell whether the repository may be asked for a project."""
        return not any(fnmatchcase(name, pattern) for pattern in self.reserved)


class Group:
    """Answers from the first member that knows a project, for its page and for its files alike.

    So a private name never takes a public file, whatever version that has. Names that `merge`
    lists are the exception: they have the files of all members, and of one file name the earlier
    member's. A member that cannot tell whether it knows a project ends the search, because the
    next one might answer with somebody else's. Members are no groups themselves.
    """

    def __init__(self, name: str, members: Sequence[Member], *, merge: tuple[str, ...] = ()) -> None:
        self.name = name
        self.members = tuple(members)
        self.merge = merge
        self.outside = any(member.repository.outside for member in members)
        self._by_name = {member.repository.name: member.repository for member in members}

    def projects(self) -> Iterable[ProjectName]:
        """Return the projects of all members, each once and as the first of them has it."""
        return self._united(lambda repository: repository.projects())

    def own_projects(self) -> Sequence[ProjectName]:
        """Return those that members have themselves."""
        return list(self._united(lambda repository: repository.own_projects()))

    def project(self, name: str) -> ProjectPage | Redirect:
        """Return the page of the first member that knows the project, or of several merged."""
        ages: list[float] = []
        pages = self._pages(name, ages)
        found: list[ProjectPage | Redirect] = [next(pages), *(pages if self._is_merged(name) else ())]
        whole = [page for page in found if isinstance(page, ProjectPage)]
        if not whole:
            return found[0]
        page: ProjectPage = _merged(whole) if self._is_merged(name) else whole[0]
        ages += [] if page.fresh_for is None else [page.fresh_for]
        return replace(page, fresh_for=min(ages) if ages else None)

    def file(self, filename: str) -> File:
        """Return the file of the member that answers for its project."""
        parsed = guess_filename(filename)
        if parsed is None:
            raise FileMissing(f"{self.name!r} has no file {filename!r}")
        if self._is_merged(parsed.project):
            return self._merged_file(parsed.project, filename)
        for member in self._asked(parsed.project):
            try:
                found = member.repository.file(filename)
                return replace(found, repository=member.repository.name)
            except FileMissing:
                if _knows(member.repository, parsed.project):
                    raise
        raise FileMissing(f"{self.name!r} has no file {filename!r}")

    def open(self, file: File, *, partly: bool = False) -> Blob:
        """Open the bytes at the member that offered the file."""
        return self._by_name[file.repository].open(file, partly=partly)

    def metadata(self, file: File) -> bytes:
        """Return the metadata of the member that offered the file."""
        return self._by_name[file.repository].metadata(file)

    def signature(self, file: File) -> Blob:
        """Open the signature of the member that offered the file."""
        return self._by_name[file.repository].signature(file)

    def check(self) -> None:
        """Have nothing that could fail: the members are checked themselves."""

    def close(self) -> None:
        """Have nothing of its own to stop."""

    def _is_merged(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self.merge)

    def _merged_file(self, name: str, filename: str) -> File:
        """Return the file as the merged page has it, which settles who offers it."""
        try:
            page = self.project(name)
        except ProjectNotFound as error:
            raise FileMissing(error.message) from error
        if isinstance(page, ProjectPage):
            for file in page.files:
                if file.filename == filename:
                    return replace(file, key=file.key or file.place)
            for ruling in page.rulings:
                if ruling.file.filename == filename and ruling.decision.hide:
                    raise FileHidden(explain(ruling))
        raise FileMissing(f"{self.name!r} has no file {filename!r}")

    def _asked(self, name: str) -> list[Member]:
        return [member for member in self.members if member.may_know(name)]

    def _pages(self, name: str, ages: list[float]) -> Iterator[ProjectPage | Redirect]:
        """Yield what each member says that knows the project. Raises ProjectNotFound when none does.

        `ages` takes for how long those are to be believed that do not know it.
        """
        asked = self._asked(name)
        known = False
        for member in asked:
            try:
                page = member.repository.project(name)
            except ProjectNotFound as error:
                ages += [] if error.believed_for is None else [error.believed_for]
                continue
            known = True
            yield page
        if not known and len(asked) < len(self.members):
            raise ProjectNotFound(
                f"{name!r} is a name that {self.name!r} reserves for its own repositories, and none of them "
                "has it; publish it there, or change the setting 'reserve'"
            )
        if not known:
            raise ProjectNotFound(f"{self.name!r} has no project {name!r}")

    def _united(self, ask: Callable[[Repository], Iterable[ProjectName]]) -> Iterator[ProjectName]:
        lists = [_allowed(member, ask(member.repository)) for member in self.members]
        last = ""
        # Of equal names `merge` gives that of the earlier list first.
        for project in merge(*lists, key=lambda project: project.name):
            if project.name != last:
                last = project.name
                yield project


def _allowed(member: Member, projects: Iterable[ProjectName]) -> Iterator[ProjectName]:
    return (project for project in projects if member.may_know(project.name))


def _knows(repository: Repository, name: str) -> bool:
    try:
        repository.project(name)
    except ProjectNotFound:
        return False
    return True


def _merged(pages: Sequence[ProjectPage]) -> ProjectPage:
    files: dict[str, File | None] = {}
    rulings: list[Ruling] = []
    for page in pages:
        own = [ruling for ruling in page.rulings if ruling.file.filename.lower() not in files]
        for file in page.files:
            files.setdefault(file.filename.lower(), replace(file, repository=page.repository))
        for ruling in own:
            if ruling.decision.hide:
                # What an earlier member hides is not a later one's to give.
                files.setdefault(ruling.file.filename.lower(), None)
        rulings += own
    ages = [page.fresh_for for page in pages if page.fresh_for is not None]
    return replace(
        pages[0],
        repository=", ".join(page.repository for page in pages),
        files=tuple(file for file in files.values() if file is not None),
        serial=max(page.serial for page in pages),
        fresh_for=min(ages, default=None),
        stale_for=max(page.stale_for for page in pages),
        rulings=tuple(rulings),
    )
