"""Having the files that locks want in the caches of proxies: finding them, and fetching them."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import click
from packaging.version import Version

from pyramid_pypi.app import PackageIndex
from pyramid_pypi.cli._wanted import WantedFile
from pyramid_pypi.distribution import canonical_version, guess_filename
from pyramid_pypi.errors import DigestMismatch, FileMissing, ProjectNotFound, PypiError
from pyramid_pypi.model import File, Redirect
from pyramid_pypi.publish.checks import same_version
from pyramid_pypi.repositories import Repository
from pyramid_pypi.repositories.proxy import Proxy
from pyramid_pypi.upstream.records import file_from_bytes

__all__ = ["Choice", "Report", "Warmer", "fetch_all", "find_all"]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which files are taken: whether wheels alone, and those for which platforms (patterns; none: all)."""

    wheels_only: bool = False
    platforms: tuple[str, ...] = ()

    def takes(self, filename: str) -> bool:
        """Tell whether a file is one of them; a wheel for any platform is one for each."""
        parsed = guess_filename(filename)
        if parsed is None or parsed.packagetype != "bdist_wheel":
            return not self.wheels_only
        patterns = ("any", *self.platforms)
        return not self.platforms or any(
            fnmatchcase(platform, pattern) for platform in parsed.platforms for pattern in patterns
        )


@dataclass(frozen=True, slots=True)
class Found:
    """The files that something wanted comes to, how many were passed over, and what is wrong."""

    files: tuple[File, ...] = ()
    passed_over: int = 0
    problem: str = ""


@dataclass(slots=True)
class Report:
    """What becomes of the wanted: `files` with the digests that they must have (SHA-256).

    `fetched` has the bytes of each file that was not here, `left_out` the projects of which the
    choice has left nothing, and `problems` a sentence for each thing that could not be had.
    """

    files: dict[File, set[str]] = field(default_factory=dict)
    fetched: dict[File, int] = field(default_factory=dict)
    here: set[File] = field(default_factory=set)
    passed_over: int = 0
    left_out: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)


class Warmer:
    """Finds files in `repository` of `index` as a client would, and fetches those of proxies.

    It can be used by many threads.
    """

    def __init__(self, index: PackageIndex, repository: Repository, choice: Choice) -> None:
        self._index = index
        self._repository = repository
        self._choice = choice

    def find(self, wanted: WantedFile) -> Found:
        """Return what is wanted; its page is kept from then on. Raises nothing."""
        try:
            if wanted.filename is not None:
                return self._named(wanted.filename, wanted.sha256)
            files = [file for file in self._release(wanted) if _may_have(file, wanted.sha256)]
            if not files:
                raise FileMissing(f"{self._repository.name!r} has no file with the digest {wanted.sha256}")
            taken = [file for file in files if self._choice.takes(file.filename)]
            # A page does not tell which member of a group offers a file.
            found = tuple(self._repository.file(file.filename) for file in taken)
            return Found(found, passed_over=len(files) - len(taken))
        except PypiError as error:
            return Found(problem=_about(_label(wanted), error))

    def fetch(self, file: File, digests: Iterable[str]) -> int | None:
        """Have a file and its metadata; return how many bytes were fetched, None when it was here.

        Raises DigestMismatch when it has not each of `digests` (SHA-256), and what the upstream or
        the cache raises.
        """
        proxy = self._origin(file)
        if proxy is None:
            return None
        cache = proxy.parts.files
        if cache is None:
            raise FileMissing(f"{proxy.name!r} keeps no files; give it the setting files = cache")
        fetched = cache.fetch(file)
        if not fetched:
            # What is used now is not removed to make room for the others.
            cache.open(file)
        kept = self._kept(proxy, file)
        _check(kept, digests)
        if file.serves_metadata:
            # The upstream may promise what it does not have; then the page promises it no more.
            with suppress(FileMissing):
                proxy.metadata(file)
        return kept.size if fetched else None

    def close(self) -> None:
        """End fetching, and wait until caches have made room for what has come."""
        for served in self._index.repositories.values():
            if isinstance(served.source, Proxy) and served.source.parts.files:
                served.source.parts.files.close()

    def check(self, file: File) -> None:
        """Look whether a file is still here. Raises FileMissing."""
        proxy = self._origin(file)
        if proxy is not None:
            self._kept(proxy, file)

    def _named(self, filename: str, sha256: str | None) -> Found:
        if not self._choice.takes(filename):
            return Found(passed_over=1)
        file = self._repository.file(filename)
        if file.hashes.sha256 and sha256:
            _check(file, [sha256])
        return Found((file,))

    def _release(self, wanted: WantedFile) -> Sequence[File]:
        """Return the files among which to look: of the version, of all, or of the newest version."""
        page = self._repository.project(wanted.project)
        if isinstance(page, Redirect):
            raise FileMissing("clients are sent to the upstream for it, and nothing is kept here")
        version = wanted.version
        if version is None:
            if wanted.sha256 is not None:
                return page.files
            version = _newest(page.files)
        version = canonical_version(version)
        files = [file for file in page.files if same_version(file.version, version)]
        if not files:
            raise ProjectNotFound(f"{self._repository.name!r} has no such version")
        return files

    def _origin(self, file: File) -> Proxy | None:
        """Return the proxy that offers a file, None when the file is hosted."""
        found = self._index.served(file.repository or self._repository.name).source
        return found if isinstance(found, Proxy) else None

    @staticmethod
    def _kept(proxy: Proxy, file: File) -> File:
        """Return a file with its true digests and size, if its bytes are here."""
        entry = proxy.parts.store.file(file.place)
        if entry is None:
            raise FileMissing(f"it does not stay in the cache of {proxy.name!r}; see its setting max_size")
        return file_from_bytes(entry.record)


def find_all(warmer: Warmer, pool: ThreadPoolExecutor, wanted: Sequence[WantedFile]) -> Report:
    """Return a report of what is to be fetched."""
    report = Report()
    answers = pool.map(warmer.find, wanted)
    with click.progressbar(answers, length=len(wanted), label="Looking up") as bar:
        for one, found in zip(wanted, bar, strict=True):
            # A digest without a file name has chosen the files, and is not that of all of them.
            digests = {one.sha256} if one.filename and one.sha256 else set()
            for file in found.files:
                report.files.setdefault(file, set()).update(digests)
            report.passed_over += found.passed_over
            report.left_out.update([one.project] if found.passed_over else [])
            report.problems += [found.problem] if found.problem else []
    report.left_out -= {file.project for file in report.files}
    return report


def fetch_all(warmer: Warmer, pool: ThreadPoolExecutor, report: Report) -> None:
    """Fetch the files of the report, and add to it what has become of them."""
    jobs = {pool.submit(warmer.fetch, file, digests): file for file, digests in report.files.items()}
    steps = {file: file.size for file in report.files if file.size is not None}
    if len(steps) < len(report.files):
        steps = dict.fromkeys(report.files, 1)
    with click.progressbar(length=max(sum(steps.values()), 1), label="Fetching") as bar:
        for job in as_completed(jobs):
            file = jobs[job]
            try:
                size = job.result()
            except PypiError as error:
                report.problems.append(_about(file.filename, error))
            else:
                if size is None:
                    report.here.add(file)
                else:
                    report.fetched[file] = size
            bar.update(steps[file])
    warmer.close()
    for file in [*report.fetched, *report.here]:
        try:
            warmer.check(file)
        except FileMissing as error:
            report.problems.append(_about(file.filename, error))
            report.fetched.pop(file, None)
            report.here.discard(file)


def _about(name: str, error: PypiError) -> str:
    return error.message if name in error.message else f"{name}: {error.message}"


def _may_have(file: File, sha256: str | None) -> bool:
    """Whether a file may have this digest, as far as its page tells."""
    return sha256 is None or file.hashes.sha256 in {"", sha256}


def _check(file: File, digests: Iterable[str]) -> None:
    wrong = sorted({*digests} - {file.hashes.sha256})
    if wrong:
        raise DigestMismatch(f"it has the digest {file.hashes.sha256} here and {wrong[0]} in the lock")


def _newest(files: Iterable[File]) -> str:
    """Return the newest version, a pre-release only where there is nothing else."""
    versions = {Version(file.version) for file in files if file.yanked is None}
    if not versions:
        raise ProjectNotFound("all its files are yanked, or it has none")
    return str(max(versions, key=lambda version: (not version.is_prerelease, version)))


def _label(wanted: WantedFile) -> str:
    return wanted.filename or (f"{wanted.project} {wanted.version}" if wanted.version else wanted.project)
