"""The endpoints of the API, in one table."""

from pyramid_pypi.api import accounts, changing, looking
from pyramid_pypi.api.answers import (
    ChangedFiles,
    Ended,
    Me,
    NewToken,
    OwnRole,
    Page,
    RoleFacts,
    SearchPage,
    SessionFacts,
    StatusFacts,
    TokenFacts,
)
from pyramid_pypi.api.endpoint import Endpoint, Option, limit_of
from pyramid_pypi.browse.facts import (
    ActivityFacts,
    ContentsFacts,
    DownloadFacts,
    FileFacts,
    PartFacts,
    PermissionFacts,
    ProjectFacts,
    ProjectItem,
    ReleaseFacts,
    RepositoryFacts,
)

__all__ = ["ENDPOINTS"]

_TEXT = {"type": "string"}
_CURSOR = Option("cursor", "where to go on: `next` of the part before", _TEXT)
_DAYS = Option("days", "of how many days", {"type": "integer", "minimum": 1, "maximum": 365, "default": 90})
_Q = Option("q", "the words to look for", _TEXT)
_REPOSITORY = Option("repository", "the name of one, without it the default one", _TEXT)
_OF = (
    Option("repository", "only what is about it", _TEXT),
    Option("project", "only what is about it", _TEXT),
)

_REPO = "repositories/{repository}"
_PROJECT = f"{_REPO}/projects/{{project}}"
_RELEASE = f"{_PROJECT}/releases/{{version}}"
_FILE = f"{_PROJECT}/files/{{filename}}"
_ROLE = f"{_PROJECT}/roles/{{principal}}"

# fmt: off
_LOOKING = (
    Endpoint("GET", "me", "show_me", accounts.show_me, Me),
    Endpoint("GET", "me/roles", "list_own_roles", accounts.list_own_roles, Page[OwnRole]),
    Endpoint("GET", "repositories", "list_repositories", looking.list_repositories, Page[RepositoryFacts]),
    Endpoint("GET", _REPO, "show_repository", looking.show_repository, RepositoryFacts),
    Endpoint("GET", f"{_REPO}/projects", "list_projects", looking.list_projects, Page[ProjectItem],
             options=(_CURSOR, limit_of(100))),
    Endpoint("GET", _PROJECT, "show_project", looking.show_project, ProjectFacts, asks_upstreams=True),
    Endpoint("GET", _RELEASE, "show_release", looking.show_release, ReleaseFacts, asks_upstreams=True),
    Endpoint("GET", _FILE, "show_file", looking.show_file, FileFacts, asks_upstreams=True),
    Endpoint("GET", f"{_FILE}/contents", "list_contents", looking.list_contents, ContentsFacts,
             asks_upstreams=True),
    Endpoint("GET", f"{_PROJECT}/permissions", "list_permissions", looking.list_permissions,
             Page[PermissionFacts], asks_upstreams=True),
    Endpoint("GET", f"{_PROJECT}/downloads", "show_downloads", looking.show_downloads, DownloadFacts,
             options=(_DAYS,), asks_upstreams=True),
    Endpoint("GET", f"{_PROJECT}/dependents", "list_dependents", looking.list_dependents, Page[str],
             options=(limit_of(100),)),
    Endpoint("GET", "search", "search", looking.find, SearchPage,
             options=(_Q, _REPOSITORY, _CURSOR, limit_of(20))),
    Endpoint("GET", "activity", "list_activity", looking.list_activity, Page[ActivityFacts],
             options=(*_OF, _CURSOR, limit_of(50))),
    Endpoint("GET", "status", "show_status", looking.show_status, Page[PartFacts]),
)
_CHANGING = (
    Endpoint("PUT", f"{_PROJECT}/status", "set_status", changing.set_status, StatusFacts, "StatusWish"),
    Endpoint("POST", f"{_RELEASE}/yank", "yank_release", changing.yank_release, ChangedFiles, "Yank"),
    Endpoint("POST", f"{_RELEASE}/unyank", "unyank_release", changing.unyank_release, ChangedFiles),
    Endpoint("DELETE", _RELEASE, "delete_release", changing.delete_release, ChangedFiles),
    Endpoint("POST", f"{_RELEASE}/promote", "promote_release", changing.promote_release, ChangedFiles,
             "Promotion", asks_upstreams=True),
    Endpoint("DELETE", _FILE, "delete_file", changing.delete_file, ChangedFiles),
    Endpoint("GET", f"{_PROJECT}/roles", "list_roles", changing.list_roles, Page[RoleFacts]),
    Endpoint("PUT", _ROLE, "grant_role", changing.grant_role, RoleFacts, "RoleWish"),
    Endpoint("DELETE", _ROLE, "revoke_role", changing.revoke_role, Page[RoleFacts]),
)
_ACCOUNTS = (
    Endpoint("GET", "tokens", "list_tokens", accounts.list_tokens, Page[TokenFacts], is_for_accounts=True),
    Endpoint("POST", "tokens", "make_token", accounts.make_token, NewToken, "TokenWish", status=201,
             is_for_accounts=True),
    Endpoint("DELETE", "tokens/{token}", "revoke_token", accounts.revoke_token, Ended, is_for_accounts=True),
    Endpoint("GET", "sessions", "list_sessions", accounts.list_sessions, Page[SessionFacts],
             is_for_accounts=True),
    Endpoint("DELETE", "sessions/{session}", "end_session", accounts.end_session, Ended,
             is_for_accounts=True),
)
# fmt: on

ENDPOINTS: tuple[Endpoint, ...] = (*_LOOKING, *_CHANGING, *_ACCOUNTS)
