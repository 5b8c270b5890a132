"""What wrong settings are told."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pyramid_pypi.errors import SettingsError
from pyramid_pypi.settings import RESERVED_NAMES, Problem, Settings, UnusableSettings, values

Read = Callable[..., Settings]
Refuse = Callable[..., tuple[Problem, ...]]
AT = "pypi.repo.private.storage"


def only(problems: tuple[Problem, ...]) -> Problem:
    assert len(problems) == 1, problems
    return problems[0]


def test_all_problems_come_at_once_with_key_reason_allowed_and_nearest(refuse: Refuse) -> None:
    problems = refuse(
        {
            "pypi.catalog": None,
            "pypi.login.workers": "0",
            "pypi.repo.private.accept": "strikt",
            "pypi.repo.private.raed": "everyone",
        }
    )

    assert problems == (
        Problem(
            "pypi.repo.private.accept", "'strikt' is not allowed", ("strict", "private", "lenient"), "strict"
        ),
        Problem("pypi.catalog", "is required and missing", values.CATALOGS),
        Problem("pypi.login.workers", "0 is too small, the least is 1"),
        Problem(
            "pypi.repo.private.raed",
            "is not a key that anything reads",
            (
                "pypi.repo.private.storage",
                "pypi.repo.private.storage.*",
                *(f"pypi.repo.private.{name}" for name in ("read", "upload", "yank", "delete", "manage")),
                *(f"pypi.repo.private.{name}" for name in ("read_secret", "write_secret")),
                *(
                    f"pypi.repo.private.{name}"
                    for name in ("accept", "max_upload_size", "ownership", "rules", "description")
                ),
            ),
            "pypi.repo.private.read",
        ),
    )


def test_the_message_has_a_block_for_each_problem(read: Read) -> None:
    with pytest.raises(SettingsError) as caught:
        read({"pypi.access_log": "ture", "pypi.repo.private.accept": "strikt"})

    assert str(caught.value) == (
        "The settings cannot be used, 2 problems:\n\n"
        "pypi.repo.private.accept: 'strikt' is not allowed\n"
        "    did you mean: strict\n"
        "    allowed: strict, private, lenient\n"
        "pypi.access_log: 'ture' is neither true nor false\n"
        "    did you mean: true\n"
        "    allowed: true, yes, on, 1, false, no, off, 0"
    )


def test_one_problem_is_counted_as_one() -> None:
    assert str(UnusableSettings([Problem("k", "why")])).startswith(
        "The settings cannot be used, 1 problem:\n"
    )


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("pypi.max_upload", "pypi.max_upload_size"),
        ("pypi.login_failures", "pypi.login.failures"),
        ("pypi.credentials.read-ttl", "pypi.credentials.read_ttl"),
        ("pypi.repos.private.read", "pypi.repo.private.read"),
        (f"{AT}.pth", f"{AT}.path"),
        (f"{AT}_path", f"{AT}.path"),
        ("pypi.repo.private.zzz", None),
        ("pypi.zzz", None),
    ],
)
def test_an_unknown_key_is_told_its_nearest(refuse: Refuse, key: str, nearest: str | None) -> None:
    problem = only(refuse({key: "x"}))

    assert (problem.key, problem.nearest) == (key, nearest)
    assert problem.allowed


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("pypi.access_log", "maybe"),
        ("pypi.page_cache", "big"),
        ("pypi.credentials.read_ttl", "soon"),
        ("pypi.login.failures", "0"),
        ("pypi.security", "none"),
        ("pypi.realm", ""),
        ("pypi.realm", 'a "quoted" one'),
        ("pypi.realm", "€uro"),
        ("pypi.realm", "a\nb"),
        ("pypi.allowed_hosts", "a, b"),
        ("pypi.allowed_hosts", "https://a.example.org"),
        ("pypi.allowed_hosts", "a/b"),
        ("pypi.base_url", "pypi.example.org"),
        ("pypi.base_url", "ftp://pypi.example.org"),
        ("pypi.base_url", "https://"),
        ("pypi.base_url", "https://pypi.example.org:x"),
        ("pypi.base_url", "https://pypi.example.org/a b"),
        ("pypi.base_url", "https://pypi.example.org/?q"),
        ("pypi.default", "other"),
        ("pypi.authenticators", "Staff"),
        ("pypi.authenticators", "staff staff"),
        ("pypi.repositories", ""),
        ("pypi.repositories", "private,"),
        ("pypi.repositories", "simple"),
        ("pypi.repositories", "1st"),
        ("pypi.repositories", "private private"),
        ("pypi.catalog", "catalog.db"),
        ("pypi.catalog", "sqlite://"),
        ("pypi.catalog", "sqlite:///:memory:"),
        ("pypi.catalog", "sqlite://host/path"),
        ("pypi.catalog", "mysql://ann@host/pypi"),
        ("pypi.catalog", "postgresql+psycopg2://ann@host/pypi"),
        ("pypi.catalog", "postgresql://ann@host/pypi?password=secret"),
        ("pypi.catalog", "postgresql://ann@host:port/pypi"),
        ("pypi.catalog", "env:NOT_SET_ANYWHERE"),
        ("pypi.repo.private", "mirror"),
        ("pypi.repo.private.read", "Everyone"),
        ("pypi.repo.private.storage", "nowhere"),
        (f"{AT}.layout", "Flat"),
        (f"{AT}.path", ""),
    ],
)
def test_a_wrong_value_is_one_problem_of_its_key(refuse: Refuse, key: str, value: str) -> None:
    assert only(refuse({key: value})).key == key


@pytest.mark.parametrize(
    ("key", "value", "nearest"),
    [
        ("pypi.base_url", "https://pypi.example.org/", "https://pypi.example.org"),
        ("pypi.allowed_hosts", "https://a.example.org/x", "a.example.org"),
        ("pypi.repositories", "Private_One", "private-one"),
        ("pypi.default", "privat", "private"),
        ("pypi.repo.private.storage", "foldr", "folder"),
        ("pypi.repo.private", "hostd", "hosted"),
    ],
)
def test_a_wrong_value_is_told_its_nearest(refuse: Refuse, key: str, value: str, nearest: str) -> None:
    assert only(refuse({key: value})).nearest == nearest


@pytest.mark.parametrize("name", sorted(RESERVED_NAMES))
def test_a_reserved_name_is_refused(refuse: Refuse, name: str) -> None:
    assert repr(name) in only(refuse({"pypi.repositories": name})).reason


def test_a_catalog_on_another_engine_is_refused_without_its_password(refuse: Refuse) -> None:
    problem = only(refuse({"pypi.catalog": "mysql://ann:hunter2@db/pypi"}))

    assert problem.reason == "the catalog can be an SQLite file or in PostgreSQL, not 'mysql'"
    assert "hunter2" not in str(problem)


@pytest.mark.parametrize("url", ["https://ann:hunter2@pypi.example.org", "ann:hunter2@pypi.example.org"])
def test_a_base_url_with_a_password_is_refused_without_it(refuse: Refuse, url: str) -> None:
    assert "hunter2" not in str(only(refuse({"pypi.base_url": url})))


def test_a_required_option_that_is_missing_is_explained_by_its_help(refuse: Refuse) -> None:
    problems = refuse({AT: "bucket", f"{AT}.path": None})

    assert problems == (
        Problem(f"{AT}.url", "is required and missing: where the bucket is"),
        Problem(f"{AT}.key", "is required and missing"),
    )


def test_what_options_refuse_themselves_is_a_problem_of_the_instance(refuse: Refuse) -> None:
    keys = {AT: "bucket", f"{AT}.path": None, f"{AT}.url": "x", f"{AT}.key": "hunter2", f"{AT}.retries": "10"}

    assert only(refuse(keys)) == Problem(AT, "more than nine retries are too many")


def test_a_secret_is_in_no_message(read: Read) -> None:
    keys = {
        "pypi.authenticators": "directory",
        "pypi.auth.directory.bind_password": "hunter2",
        "pypi.auth.directory.bind_passwort": "hunter3",
    }

    with pytest.raises(SettingsError) as caught:
        read(keys)
    assert "hunter" not in str(caught.value)
    assert "hunter" not in repr(caught.value.problems)  # type: ignore[attr-defined]


def test_a_secret_without_a_source_names_the_source(refuse: Refuse) -> None:
    keys = {
        "pypi.authenticators": "directory",
        "pypi.auth.directory.url": "ldaps://x",
        "pypi.auth.directory.bind_password": "env:LDAP_PASSWORD",
    }

    assert only(refuse(keys)).reason == "the environment variable LDAP_PASSWORD is not set"


def test_an_authenticator_without_a_kind_is_told_the_kinds(refuse: Refuse) -> None:
    problem = only(refuse({"pypi.authenticators": "people", "pypi.auth.people.url": "x"}))

    assert (problem.key, problem.reason) == ("pypi.auth.people", "is required and missing")
    assert set(problem.allowed) >= {"directory", "staff"}


def test_a_name_that_is_not_listed_is_one_problem_however_many_keys_it_has(refuse: Refuse) -> None:
    problems = refuse(
        {
            "pypi.authenticators": "staff",
            "pypi.auth.stuff": "staff",
            "pypi.auth.stuff.groups": "a",
            "pypi.repo.privat": "hosted",
            "pypi.repo.privat.read": "everyone",
        }
    )

    assert problems == (
        Problem(
            "pypi.repo.privat",
            "this repository is not listed in pypi.repositories",
            ("pypi.repo.private",),
            "pypi.repo.private",
        ),
        Problem(
            "pypi.auth.stuff",
            "this authenticator is not listed in pypi.authenticators",
            ("pypi.auth.staff",),
            "pypi.auth.staff",
        ),
    )


@pytest.mark.parametrize("missing", ["pypi.repo.private", "pypi.repo.private.storage", "pypi.repositories"])
def test_what_depends_on_a_missing_key_is_not_reported_as_well(refuse: Refuse, missing: str) -> None:
    assert only(refuse({missing: None})).key == missing


@pytest.mark.parametrize(
    ("rest", "nearest"),
    [
        ("Corp_*.read", "corp-*"),
        ("corp.*.read", "corp-*"),
        ("[a-z].read", None),
        ("read", None),
        ("corp-*.raed", "read"),
    ],
)
def test_a_pattern_or_permission_that_is_none_is_refused(
    refuse: Refuse, rest: str, nearest: str | None
) -> None:
    key = f"pypi.repo.private.project.{rest}"
    problem = only(refuse({key: "everyone"}))

    assert (problem.key, problem.nearest) == (key, nearest)


def test_a_value_from_the_environment_names_its_variable(refuse: Refuse) -> None:
    problem = only(refuse(None, {"PYPI_ACCESS_LOG": "maybe"}))

    assert problem.reason.endswith("(from the environment variable PYPI_ACCESS_LOG)")


def test_a_variable_that_means_two_keys_is_refused_when_it_is_set(read: Read, refuse: Refuse) -> None:
    keys = {
        "pypi.repositories": "private private-storage",
        "pypi.repo.private-storage": "hosted",
        "pypi.repo.private-storage.storage": "memory",
    }

    assert len(read(keys).repositories) == 2

    problems = refuse(keys, {"PYPI_REPO_PRIVATE_STORAGE": "folder"})
    assert (
        Problem(
            "pypi.repo.private-storage",
            "the environment variable PYPI_REPO_PRIVATE_STORAGE means pypi.repo.private.storage as well; "
            "set both in the ini",
        )
        in problems
    )


def test_two_repositories_in_one_folder_are_refused(refuse: Refuse, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    problem = only(
        refuse(
            {
                "pypi.repositories": "private other",
                f"{AT}.path": str(tmp_path / "real"),
                "pypi.repo.other": "hosted",
                "pypi.repo.other.storage": "folder",
                "pypi.repo.other.storage.path": f"{tmp_path}/x/../link/",
            }
        )
    )

    assert problem == Problem(
        "pypi.repo.other.storage.path", f"is the same folder as {AT}.path; give each repository its own"
    )


def test_a_value_that_is_not_text_is_refused(refuse: Refuse) -> None:
    assert only(refuse({"pypi.access_log": True})) == Problem(
        "pypi.access_log", "is a bool; write settings as text"
    )
