"""Repositories that stand on others: groups, proxies and redirects."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pyramid_pypi.settings import (
    GroupSettings,
    HostedSettings,
    Instance,
    Problem,
    ProxySettings,
    RedirectSettings,
    Settings,
)
from pyramid_pypi.settings.groups import flatten
from pyramid_pypi.storage.filesystem import FilesystemStorage
from pyramid_pypi.upstream.pagecache import Ages

Read = Callable[..., Settings]
Refuse = Callable[..., tuple[Problem, ...]]

BOTH = {
    "pypi.repositories": "private pypi all",
    "pypi.repo.pypi": "proxy",
    "pypi.repo.pypi.upstream": "simple",
    "pypi.repo.pypi.upstream.url": "https://pypi.org/simple/",
    "pypi.repo.all": "group",
    "pypi.repo.all.members": "private pypi",
}


def hosted(name: str) -> dict[str, str]:
    key = f"pypi.repo.{name}"
    return {key: "hosted", f"{key}.storage": "folder", f"{key}.storage.path": f"/srv/{name}"}


def elsewhere(name: str) -> dict[str, str]:
    key = f"pypi.repo.{name}"
    return {
        key: "redirect",
        f"{key}.upstream": "simple",
        f"{key}.upstream.url": "https://pypi.org/simple/",
    }


def grouped(name: str, members: str, **options: str) -> dict[str, str]:
    key = f"pypi.repo.{name}"
    return {key: "group", f"{key}.members": members, **{f"{key}.{k}": v for k, v in options.items()}}


def only(problems: tuple[Problem, ...]) -> Problem:
    assert len(problems) == 1, problems
    return problems[0]


def repository(settings: Settings, name: str) -> object:
    return next(one for one in settings.repositories if one.name == name)


def members_of(settings: Settings, name: str) -> dict[str, tuple[str, ...]]:
    named = {one.name: one for one in settings.repositories}
    group = named[name]
    assert isinstance(group, GroupSettings)
    return dict(flatten(group, named))


def test_a_group_has_members_and_nothing_else_by_default(read: Read) -> None:
    group = repository(read(BOTH), "all")

    assert isinstance(group, GroupSettings)
    assert (group.members, group.merge, group.reserve, group.publish) == (("private", "pypi"), (), (), "")
    assert group.rights.grants == {"read": frozenset({"authenticated"})}


def test_a_group_says_what_is_merged_reserved_and_where_uploads_go(read: Read) -> None:
    options = {"merge": "torch corp-*", "reserve": "acme-* internal", "publish": "private"}

    group = repository(read({**BOTH, **grouped("all", "private pypi", **options)}), "all")

    assert isinstance(group, GroupSettings)
    assert group.merge == ("torch", "corp-*")
    assert group.reserve == ("acme-*", "internal")
    assert group.publish == "private"


def test_a_proxy_has_the_defaults_that_are_documented(read: Read) -> None:
    proxy = repository(read({**BOTH, "pypi.data": "/srv"}), "pypi")

    assert isinstance(proxy, ProxySettings)
    assert proxy.files == "cache"
    assert proxy.folder == Path("/srv/cache/pypi")
    options = FilesystemStorage.Options(path=Path("/srv/cache/pypi/files"), durable=False)
    assert proxy.storage == Instance("pypi", "filesystem", FilesystemStorage, options)
    assert (proxy.max_size, proxy.withdrawn, proxy.backfill) == (None, "keep", 3)
    assert proxy.ages == Ages(ttl=600, while_revalidate=60, if_error=24 * 3600, negative=60)
    assert (proxy.offline, proxy.offline_file) == (False, None)
    assert proxy.rights.grants == {"read": frozenset({"authenticated"})}


def test_a_proxy_takes_its_own_keys(read: Read) -> None:
    key = "pypi.repo.pypi"
    changes = {
        f"{key}.folder": "/var/cache/pypi",
        f"{key}.storage": "memory",
        f"{key}.max_size": "20 GB",
        f"{key}.withdrawn": "remove",
        f"{key}.backfill": "0",
        f"{key}.ttl": "5m",
        f"{key}.stale_while_revalidate": "30",
        f"{key}.stale_if_error": "7d",
        f"{key}.negative_ttl": "10s",
        f"{key}.offline": "true",
        f"{key}.offline_file": "/run/offline",
        f"{key}.read": "everyone",
        f"{key}.project.acme-*.read": "group:dev",
    }

    proxy = repository(read({**BOTH, **changes}), "pypi")

    assert isinstance(proxy, ProxySettings)
    assert proxy.folder == Path("/var/cache/pypi")
    assert proxy.storage is not None
    assert proxy.storage.kind == "memory"
    assert (proxy.max_size, proxy.withdrawn, proxy.backfill) == (20 * 10**9, "remove", 0)
    assert proxy.ages == Ages(ttl=300, while_revalidate=30, if_error=7 * 24 * 3600, negative=10)
    assert (proxy.offline, proxy.offline_file) == (True, Path("/run/offline"))
    assert proxy.rights.grants == {"read": frozenset({"everyone"})}
    assert [rights.pattern for rights in proxy.rights.projects] == ["acme-*"]


@pytest.mark.parametrize("files", ["redirect", "stream"])
def test_a_proxy_that_keeps_no_files_has_no_storage(read: Read, files: str) -> None:
    proxy = repository(read({**BOTH, "pypi.repo.pypi.files": files}), "pypi")

    assert isinstance(proxy, ProxySettings)
    assert (proxy.files, proxy.storage, proxy.max_size) == (files, None, None)


def test_a_redirect_has_an_upstream(read: Read) -> None:
    changes = {"pypi.repositories": "private away", **elsewhere("away")}

    away = repository(read(changes), "away")

    assert isinstance(away, RedirectSettings)
    assert away.upstream.kind == "simple"


@pytest.mark.parametrize(
    ("files", "key", "value"),
    [
        ("cache", "upload", "user:ann"),
        ("cache", "accept", "strict"),
        ("cache", "max_upload_size", "1 GB"),
        ("cache", "members", "private"),
        ("cache", "reserve", "acme"),
        ("redirect", "storage", "memory"),
        ("redirect", "storage.path", "/srv"),
        ("stream", "max_size", "1 GB"),
        ("stream", "withdrawn", "keep"),
        ("stream", "storage", "memory"),
    ],
)
def test_keys_that_a_proxy_does_not_have_are_reported(
    refuse: Refuse, files: str, key: str, value: str
) -> None:
    problem = only(refuse({**BOTH, "pypi.repo.pypi.files": files, f"pypi.repo.pypi.{key}": value}))

    assert (problem.key, problem.reason) == (f"pypi.repo.pypi.{key}", "is not a key that anything reads")
    assert "pypi.repo.pypi.files" in problem.allowed


@pytest.mark.parametrize("key", ["storage", "upload", "upstream", "files", "accept"])
def test_keys_that_a_group_does_not_have_are_reported(refuse: Refuse, key: str) -> None:
    problem = only(refuse({**BOTH, f"pypi.repo.all.{key}": "x"}))

    assert problem.key == f"pypi.repo.all.{key}"


@pytest.mark.parametrize("key", ["storage", "upload", "files", "ttl", "offline", "folder"])
def test_keys_that_a_redirect_does_not_have_are_reported(refuse: Refuse, key: str) -> None:
    changes = {"pypi.repositories": "private away", **elsewhere("away"), f"pypi.repo.away.{key}": "x"}

    assert only(refuse(changes)).key == f"pypi.repo.away.{key}"


@pytest.mark.parametrize("key", ["members", "publish", "merge", "reserve", "upstream", "ttl"])
def test_keys_that_a_hosted_repository_does_not_have_are_reported(refuse: Refuse, key: str) -> None:
    assert only(refuse({f"pypi.repo.private.{key}": "x"})).key == f"pypi.repo.private.{key}"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("files", "keep"),
        ("withdrawn", "delete"),
        ("max_size", "much"),
        ("backfill", "-1"),
        ("ttl", "soon"),
        ("negative_ttl", "-1"),
        ("offline", "maybe"),
        ("upstream", "simpel"),
        ("upstream.url", "ftp://pypi.org/simple/"),
        ("upstream.read_timeout", "-"),
        ("project.acme.upload", "user:ann"),
    ],
)
def test_values_that_a_proxy_cannot_have_are_reported(refuse: Refuse, key: str, value: str) -> None:
    problem = only(refuse({**BOTH, f"pypi.repo.pypi.{key}": value}))

    assert problem.key.startswith(f"pypi.repo.pypi.{key}"[:23])


def test_a_proxy_needs_an_upstream(refuse: Refuse) -> None:
    changes = {**BOTH, "pypi.repo.pypi.upstream": None, "pypi.repo.pypi.upstream.url": None}

    problem = only(refuse(changes))

    assert (problem.key, problem.reason) == ("pypi.repo.pypi.upstream", "is required and missing")
    assert "simple" in problem.allowed


def test_a_group_needs_members(refuse: Refuse) -> None:
    problem = only(refuse({**BOTH, "pypi.repo.all.members": ""}))

    assert problem == Problem("pypi.repo.all.members", "is required and empty", ("private", "pypi"))


def test_an_unknown_member_is_reported_with_the_nearest(refuse: Refuse) -> None:
    problem = only(refuse({**BOTH, "pypi.repo.all.members": "privat pypi"}))

    assert problem == Problem(
        "pypi.repo.all.members",
        "'privat' is not another one of pypi.repositories",
        ("private", "pypi"),
        "private",
    )


def test_a_group_is_not_its_own_member(refuse: Refuse) -> None:
    problem = only(refuse({**BOTH, "pypi.repo.all.members": "private all"}))

    assert problem.reason == "'all' is not another one of pypi.repositories"


def test_a_member_is_listed_once(refuse: Refuse) -> None:
    assert only(refuse({**BOTH, "pypi.repo.all.members": "private private"})).reason == (
        "'private' is listed more than once"
    )


def test_groups_in_a_circle_are_reported_with_the_way(refuse: Refuse) -> None:
    problems = refuse(
        {
            "pypi.repositories": "private one two three",
            **grouped("one", "private two"),
            **grouped("two", "three"),
            **grouped("three", "one"),
        }
    )

    assert [(problem.key, problem.reason) for problem in problems] == [
        ("pypi.repo.one.members", "the group contains itself: one > two > three > one"),
        ("pypi.repo.two.members", "the group contains itself: two > three > one > two"),
        ("pypi.repo.three.members", "the group contains itself: three > one > two > three"),
    ]


def test_a_group_that_leads_to_a_circle_is_no_circle_itself(refuse: Refuse) -> None:
    problems = refuse(
        {
            "pypi.repositories": "private all one two",
            **grouped("all", "private one"),
            **grouped("one", "two"),
            **grouped("two", "one"),
        }
    )

    assert [problem.key for problem in problems] == ["pypi.repo.one.members", "pypi.repo.two.members"]


def test_a_repository_in_two_groups_of_a_group_is_no_circle(read: Read) -> None:
    settings = read(
        {
            "pypi.repositories": "private all one two",
            **grouped("all", "one two"),
            **grouped("one", "private"),
            **grouped("two", "private"),
        }
    )

    assert members_of(settings, "all") == {"private": ()}


@pytest.mark.parametrize(
    ("target", "reason", "allowed"),
    [
        ("pypi", "'pypi' takes no files", ("private", "more")),
        ("more", "'more' is not a member, so uploads would not be seen", ()),
        ("all", "'all' is not another one of pypi.repositories", ("private", "more", "pypi")),
        ("privat", "'privat' is not another one of pypi.repositories", ("private", "more", "pypi")),
        ("", "'' is not another one of pypi.repositories", ("private", "more", "pypi")),
    ],
)
def test_uploads_must_lead_somewhere(
    refuse: Refuse, target: str, reason: str, allowed: tuple[str, ...]
) -> None:
    problem = only(
        refuse(
            {
                **BOTH,
                "pypi.repositories": "private more pypi all",
                **hosted("more"),
                "pypi.repo.all.publish": target,
            }
        )
    )

    assert (problem.key, problem.reason, problem.allowed) == ("pypi.repo.all.publish", reason, allowed)


def test_uploads_may_go_to_a_member_of_a_member(read: Read) -> None:
    changes = {
        **BOTH,
        "pypi.repositories": "private pypi inner all",
        **grouped("inner", "private"),
        **grouped("all", "inner pypi", publish="private"),
    }

    assert members_of(read(changes), "all") == {"private": (), "pypi": ()}


@pytest.mark.parametrize("outside", ["pypi", "away"])
def test_an_outsider_before_a_hosted_member_is_reported(refuse: Refuse, outside: str) -> None:
    changes = {
        **BOTH,
        "pypi.repositories": "private pypi away all",
        **elsewhere("away"),
        "pypi.repo.all.members": f"{outside} private",
    }

    problem = only(refuse(changes))

    assert problem.key == "pypi.repo.all.members"
    assert problem.reason.startswith(f"'private' comes after '{outside}'")
    assert problem.reason.endswith("list hosted repositories first")


def test_the_order_is_looked_at_through_groups(refuse: Refuse) -> None:
    changes = {
        **BOTH,
        "pypi.repositories": "private more pypi inner all",
        **hosted("more"),
        **grouped("inner", "private pypi"),
        **grouped("all", "inner more"),
    }

    assert only(refuse(changes)).reason.startswith("'more' comes after 'pypi'")


def test_a_member_whose_kind_is_unknown_is_one_problem(refuse: Refuse) -> None:
    changes = {
        **BOTH,
        "pypi.repositories": "private more all",
        "pypi.repo.pypi": None,
        "pypi.repo.pypi.upstream": None,
        "pypi.repo.pypi.upstream.url": None,
        **hosted("more"),
        "pypi.repo.private": "hostet",
        "pypi.repo.all.members": "private more",
        "pypi.repo.all.publish": "private",
    }

    assert only(refuse(changes)).key == "pypi.repo.private"


def test_a_group_in_a_group_stands_for_its_members_and_keeps_its_reservations(read: Read) -> None:
    settings = read(
        {
            **BOTH,
            "pypi.repositories": "private pypi away inner all",
            **elsewhere("away"),
            **grouped("inner", "private pypi", reserve="acme-*"),
            **grouped("all", "inner away", reserve="internal"),
        }
    )

    assert members_of(settings, "inner") == {"private": ("acme-*",), "pypi": ("acme-*",)}
    assert members_of(settings, "all") == {
        "private": ("internal", "acme-*"),
        "pypi": ("internal", "acme-*"),
        "away": ("internal",),
    }
    assert list(members_of(settings, "all")) == ["private", "pypi", "away"]


@pytest.mark.parametrize("key", ["merge", "reserve"])
def test_a_pattern_that_no_normalised_name_has_is_reported(refuse: Refuse, key: str) -> None:
    problem = only(refuse({**BOTH, f"pypi.repo.all.{key}": "Acme_*"}))

    assert (problem.key, problem.nearest) == (f"pypi.repo.all.{key}", "acme-*")


def test_merging_everything_is_warned_about(read: Read) -> None:
    warnings = read({**BOTH, "pypi.repo.all.merge": "torch *"}).warnings

    assert len([one for one in warnings if one.startswith("pypi.repo.all.merge = *")]) == 1


def test_merging_some_names_is_not_warned_about(read: Read) -> None:
    warnings = read({**BOTH, "pypi.repo.all.merge": "torch corp-*"}).warnings

    assert [one for one in warnings if "merge" in one] == []


@pytest.mark.parametrize("files", ["cache", "stream", "redirect"])
def test_two_proxies_in_one_folder_are_reported(refuse: Refuse, files: str) -> None:
    changes = {
        **BOTH,
        "pypi.repositories": "private pypi more all",
        "pypi.repo.more": "proxy",
        "pypi.repo.more.upstream": "simple",
        "pypi.repo.more.upstream.url": "https://mirror.example/simple/",
        "pypi.repo.more.folder": "/srv/one",
        "pypi.repo.more.files": files,
        "pypi.repo.pypi.folder": "/srv/one",
        "pypi.repo.pypi.files": files,
    }

    assert only(refuse(changes)) == Problem(
        "pypi.repo.more.folder",
        "is the same folder as pypi.repo.pypi.folder; give each repository its own",
    )


def test_a_proxy_in_the_folder_of_a_hosted_repository_is_reported(refuse: Refuse) -> None:
    problem = only(refuse({**BOTH, "pypi.repo.pypi.folder": "/srv/packages"}))

    assert "is the same folder as pypi.repo.private.storage.path" in problem.reason


def test_kinds_are_told_apart(read: Read) -> None:
    kinds = [type(one) for one in read(BOTH).repositories]

    assert kinds == [HostedSettings, ProxySettings, GroupSettings]
