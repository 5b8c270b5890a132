"""Secrets of repositories in the settings: where they come from, what is refused, what they open."""

import pytest

from pyramid_pypi.options import Secret

READ = "pypi.repo.private.read_secret"
WRITE = "pypi.repo.private.write_secret"
LONG = "correct horse battery"
GROUPS = {
    "pypi.repositories": "private other inner all",
    "pypi.repo.other": "hosted",
    "pypi.repo.other.storage": "folder",
    "pypi.repo.other.storage.path": "/srv/other",
    "pypi.repo.inner": "group",
    "pypi.repo.inner.members": "private",
    "pypi.repo.all": "group",
    "pypi.repo.all.members": "inner",
}


@pytest.mark.parametrize("value", [LONG, "env:SECRET", "file:{path}"])
def test_a_secret_is_a_text_a_variable_or_a_file(read, tmp_path, value):
    path = tmp_path / "secret"
    path.write_text(f"{LONG}\n")
    path.chmod(0o600)

    loaded = read({READ: value.format(path=path)}, {"SECRET": LONG})

    assert loaded.repositories[0].secrets.read == Secret(LONG)


@pytest.mark.parametrize(
    "hashed",
    [
        "$2y$04$RMi8LnmL5MydQwQBhY7Mwe6gH2MuKmwL2jgojJzfMxS1WYm7IGqXK",
        "$apr1$Lloef3pS$4yMi4U1HmembMo0LwC5Ea.",
        "{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=",
        "$5$rounds=1000$3Vavez3l.mtrwcwy$17i3S6PnjxneRKWJ4w0u9Q57l0b5wl5LGrbSz6Hnbb9",
    ],
)
def test_a_secret_can_be_a_hash(read, hashed):
    assert read({WRITE: hashed}).repositories[0].secrets.write == Secret(hashed)


@pytest.mark.parametrize(
    ("value", "cure"),
    [
        ("", "this is empty"),
        ("elevenchars", "openssl rand"),
        ("env:SHORT", "openssl rand"),
        ("env:NOTHING", "NOTHING is not set"),
        ("$2y$10$broken-broken-broken", "htpasswd -nB"),
        ("{SHA}broken-broken-broken", "htpasswd -nB"),
        ("tab\tin the middle of it", "control characters"),
        ("x" * 4097, "4096 bytes"),
        ("lone \udcff surrogate", "UTF-8"),
    ],
)
def test_what_is_no_secret_stops_the_start_with_the_key_and_the_cure(refuse, value, cure):
    problems = refuse({READ: value, WRITE: value}, {"SHORT": "short"})

    assert [problem.key for problem in problems] == [READ, WRITE]
    for problem in problems:
        assert cure in problem.reason
        assert not value or value.startswith("env:") or value not in str(problem)


def test_readers_and_writers_do_not_share_a_secret(refuse):
    (problem,) = refuse({READ: LONG, WRITE: LONG})

    assert problem.key == WRITE
    assert LONG not in str(problem)


def test_secrets_are_granted_reading_and_the_one_for_writing_uploads(read):
    grants = read({READ: LONG, WRITE: f"{LONG}!"}).repositories[0].rights.grants

    assert grants["read"] == {"authenticated", "secret:private:read"}
    assert grants["upload"] == {"secret:private:write"}
    assert grants["delete"] == grants["yank"] == grants["manage"] == frozenset()


def test_the_secret_of_a_group_reads_its_members_too(read):
    rights = {
        one.name: one.rights.grants
        for one in read({**GROUPS, "pypi.repo.all.read_secret": LONG}).repositories
    }

    assert {name for name, grants in rights.items() if "secret:all:read" in grants["read"]} == {
        "all",
        "inner",
        "private",
    }
    assert rights["private"]["upload"] == frozenset()


def test_only_hosted_repositories_have_a_secret_for_writing(refuse):
    (problem,) = refuse({**GROUPS, "pypi.repo.all.write_secret": LONG})

    assert problem.key == "pypi.repo.all.write_secret"
    assert problem.reason == "is not a key that anything reads"


def test_a_member_of_no_kind_is_one_problem(refuse):
    problems = refuse({**GROUPS, "pypi.repo.private": "hostde", "pypi.repo.all.read_secret": LONG})

    assert [problem.key for problem in problems] == ["pypi.repo.private"]


def test_settings_do_not_show_secrets(read):
    assert LONG not in repr(read({READ: LONG, WRITE: f"{LONG}!"}))


def test_with_a_secret_somebody_can_log_in(read):
    assert "nobody can log in" in " ".join(read().warnings)
    assert read({READ: LONG}).warnings == ()


def test_a_host_that_decides_alone_is_told_that_nobody_looks(read):
    (warning,) = read({READ: LONG, "pypi.security": "host"}).warnings

    assert "secrets of repositories" in warning
