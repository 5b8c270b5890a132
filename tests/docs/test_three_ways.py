"""What people can do in their browsers, programs can do by the API and terminals by commands."""

import re

import click
import pytest

from pyramid_pypi import main as make_application
from pyramid_pypi.api.table import ENDPOINTS
from pyramid_pypi.cli import main
from tests.functional.support import settings

# At the root are the pages of installers as well, so that its view is not one of the pages.
LANDING = ""
PROJECT = "project/{project}"
ROLES = "account/projects/{repository}/{project}"

WRITES = {
    # what a form is sent to: the operations of the API, and the commands
    f"{PROJECT}/-/yank": ({"yank_release"}, {"yank"}),
    f"{PROJECT}/-/unyank": ({"unyank_release"}, {"unyank"}),
    f"{PROJECT}/-/delete": ({"delete_release"}, {"delete"}),
    f"{PROJECT}/-/status": ({"set_status"}, {"status"}),
    f"{PROJECT}/-/promote": ({"promote_release"}, {"promote"}),
    "account/tokens": ({"make_token"}, {"token create"}),
    "account/tokens/{token}/revoke": ({"revoke_token"}, {"token revoke"}),
    "account/sessions/{session}/end": ({"end_session"}, {"sessions --end"}),
    f"{ROLES}/grant": ({"grant_role"}, {"role grant"}),
    f"{ROLES}/revoke": ({"revoke_role"}, {"role revoke"}),
}
READS = {
    # what a page shows: the operations of the API, and the commands
    LANDING: ({"list_repositories", "show_repository", "list_projects"}, {"show", "show --projects"}),
    "search": ({"search"}, {"search"}),
    f"{PROJECT}/": (
        {"show_project", "list_dependents", "show_downloads"},
        {"show", "show --dependents", "show --downloads"},
    ),
    f"{PROJECT}/{{version}}/": ({"show_release"}, {"show"}),
    f"{PROJECT}/{{version}}/{{filename}}": ({"show_file", "list_contents"}, {"show"}),
    f"{PROJECT}/-/permissions": ({"list_permissions"}, {"show --permissions"}),
    f"{PROJECT}/-/activity": ({"list_activity"}, {"log --project"}),
    f"{PROJECT}/-/manage": ({"show_project"}, {"show"}),
    "-/activity": ({"list_activity"}, {"log"}),
    "-/status": ({"show_status"}, {"status"}),
    "account": ({"show_me", "list_tokens", "list_sessions"}, {"show --me", "token list", "sessions"}),
    "account/projects": ({"list_own_roles"}, {"role mine"}),
    ROLES: ({"list_roles"}, {"role list"}),
}
# Programs and commands show who they are with each request, and have no use for the rest.
ONLY_BROWSERS = {"login", "logout", "-/icon.svg", "-/style.css", "-/ui.js", "project/{project}"}
# Pages delete whole releases, which is what people want.
ONLY_API = {"delete_file"}


@pytest.fixture
def pages(tmp_path):
    """Return the paths of the pages below a repository or the root, by whether a form is sent there."""
    application = make_application({}, **settings(tmp_path))
    introspector = application.registry.introspector
    patterns = {
        one["introspectable"]["name"]: one["introspectable"]["pattern"]
        for one in introspector.get_category("routes")
    }
    found = {"GET": set(), "POST": set()}
    for one in introspector.get_category("views"):
        view = one["introspectable"]
        route, methods = view["route_name"] or "", view["request_methods"] or ()
        if not view["callable"].__module__.startswith("pyramid_pypi.ui.") or route.startswith(
            ("pypi.named.", "pypi.short.")
        ):
            continue
        for method in {"GET", "POST"} & {methods, *methods}:
            found[method] |= set(paths(patterns[route]))
    application.close()
    return found


def paths(pattern):
    """Return the path of a route, one for each word that a part of it can be."""
    words = re.search(r"\{action:([^}]*)\}", pattern)
    if words:
        return [one for word in words[1].split("|") for one in paths(pattern.replace(words[0], word))]
    return [re.sub(r"\{(\w+):(?:[^{}]|\{[^}]*\})*\}", r"{\1}", pattern).lstrip("/")]


def commands():
    """Return the commands, and each with each of its options."""
    found = set()
    for words, command in below(main, ""):
        options = [name for one in command.params for name in one.opts if isinstance(one, click.Option)]
        found |= {words, *(f"{words} {option}" for option in options)}
    return found


def below(group, words):
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from below(command, f"{words}{name} ")
        else:
            yield f"{words}{name}", command


def test_pages_api_and_commands_can_do_the_same(pages):
    assert pages["POST"] - ONLY_BROWSERS == set(WRITES)
    assert {LANDING} | pages["GET"] - ONLY_BROWSERS == set(READS)

    told = [*WRITES.values(), *READS.values()]
    operations = set().union(*(one for one, _ in told))
    assert operations | ONLY_API == {one.name for one in ENDPOINTS}
    assert set().union(*(one for _, one in told)) <= commands()


def test_every_form_changes_something_by_the_api():
    methods = {one.name: one.method for one in ENDPOINTS}

    assert {methods[name] for names, _ in WRITES.values() for name in names} == {"POST", "PUT", "DELETE"}
    assert {methods[name] for names, _ in READS.values() for name in names} == {"GET"}
