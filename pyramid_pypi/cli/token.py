"""`pyramid-pypi token`: credentials for programs."""

import getpass
import json
from collections.abc import Mapping
from typing import Any

import click

from pyramid_pypi import audit
from pyramid_pypi.api.answers import NewToken
from pyramid_pypi.app import PackageIndex
from pyramid_pypi.auth.basic import MAX_NAME, has_controls
from pyramid_pypi.auth.granting import Wish, scope_of, token_facts
from pyramid_pypi.auth.tokens import Grant, TokenAuthenticator, issue
from pyramid_pypi.cli._index import Index, Login, read
from pyramid_pypi.cli._opening import opened
from pyramid_pypi.cli._source import is_url, open_index, require_no_login, with_login
from pyramid_pypi.cli._tables import printable
from pyramid_pypi.errors import BackendUnavailable, BadRequest
from pyramid_pypi.identities import PERMISSIONS

__all__ = ["token"]


@click.group()
def token() -> None:
    """Look after tokens, which programs show instead of a password."""


@token.command()
@click.argument("source")
@click.argument("user", required=False)
@click.option("--permission", "-p", "permissions", multiple=True, type=click.Choice(PERMISSIONS))
@click.option("--repository", "-r", "repositories", multiple=True, help="Only for this repository.")
@click.option("--project", "projects", multiple=True, metavar="PATTERN", help="Only for projects like this.")
@click.option("--network", "networks", multiple=True, metavar="CIDR", help="Only from these addresses.")
@click.option("--expires", metavar="DURATION", help="End after this time, such as 90d.")
@click.option("--robot", is_flag=True, help="For a program, without asking for a user of that name.")
@click.option("--group", "groups", multiple=True, help="A group that the program belongs to.")
@click.option("--description", default="", help="What it is for.")
@with_login
def create(source: str, user: str | None, description: str, login: Login, **limits: Any) -> None:
    """Make a token for USER and print its secret, once.

    Without --permission it may read, upload and yank what its user may. All limits but
    --expires and --robot may be repeated. SOURCE is an ini, or the URL of an index, where you make
    a token of your own and name nobody.
    """
    if is_url(source):
        if user or limits["robot"] or limits["groups"]:
            raise click.UsageError(
                "at a URL you make tokens of your own: leave out USER, --robot and --group"
            )
        _create_own(source, login, description, limits)
    elif user is None:
        raise click.UsageError("name the USER whose token it is")
    else:
        require_no_login(login)
        _create(source, user, description, limits)


def _create_own(url: str, login: Login, description: str, limits: Mapping[str, Any]) -> None:
    wish = {key: limits[key] for key in ("permissions", "repositories", "projects", "networks", "expires")}
    with open_index(url, login) as transport:
        made = read(NewToken, Index(transport).change("POST", "tokens", description=description, **wish))
    _tell(made.id, made.user, made.token)


def _create(ini: str, user: str, description: str, limits: Mapping[str, Any]) -> None:
    if has_controls(user) or not 0 < len(user.encode()) <= MAX_NAME:
        raise click.ClickException(f"{user!r} is not a name that a user can have")
    groups = tuple(sorted(set(limits["groups"]))) if limits["robot"] else None
    if limits["groups"] and groups is None:
        raise click.UsageError("--group is for --robot; the groups of a user are those of the user")
    if bad := [group for group in groups or () if not group or any(map(str.isspace, group))]:
        raise click.UsageError(f"{bad[0]!r} is not a name of a group")
    with opened(ini, audited=True) as index:
        lists = {key: limits[key] for key in ("permissions", "repositories", "projects", "networks")}
        wish = Wish(**lists, expires=limits["expires"] or "")
        try:
            scope = scope_of(wish, index.repositories)
        except BadRequest as error:
            raise click.UsageError(error.message) from error
        grant = Grant(user, scope, description, groups)
        _require_user(index, grant)
        made, secret = issue(index.tokens, grant, by=getpass.getuser())
    audit.record("token created", made.created_by, token_id=made.id, user=user)
    _tell(made.id, user, secret)


def _tell(number: str, user: str, secret: str) -> None:
    click.echo(printable(f"{number} for {user}; this is shown once:"), err=True)
    click.echo(secret)


@token.command("list")
@click.argument("source")
@click.argument("user", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_login
def list_(source: str, user: str | None, login: Login, *, as_json: bool) -> None:
    """Show the tokens of USER, or all: their numbers, limits and use, never a secret.

    SOURCE is an ini, or the URL of an index, where you see your own.
    """
    found = _listed(source, user, login)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for said in found:
        limits = [
            f"{key} {' '.join(said[key])}" for key in ("repositories", "projects", "networks") if said[key]
        ]
        used = f"used {said['used_at'] or 'never'}"
        words = [said["id"], said["state"], said["user"], *said["permissions"], *limits, used]
        click.echo(printable("  ".join([*words, said["description"]])))


def _listed(source: str, user: str | None, login: Login) -> list[dict[str, Any]]:
    if is_url(source):
        if user:
            raise click.UsageError("at a URL you see your own tokens: leave out USER")
        with open_index(source, login) as transport:
            return list(Index(transport).items("tokens"))
    require_no_login(login)
    with opened(source) as index:
        return [token_facts(one) for one in index.tokens.list(user)]


@token.command()
@click.argument("source")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@with_login
def revoke(source: str, ids: tuple[str, ...], login: Login) -> None:
    """End tokens, by their numbers; servers refuse them within a second.

    SOURCE is an ini, or the URL of an index, where you end your own.
    """
    if is_url(source):
        with open_index(source, login) as transport:
            for one in ids:
                Index(transport).change("DELETE", "tokens", one)
        return
    require_no_login(login)
    with opened(source, audited=True) as index:
        ended = [one for one in ids if index.tokens.revoke(one)]
    for one in ended:
        audit.record("token revoked", getpass.getuser(), token_id=one)
    gone = [one for one in ids if one not in ended]
    if gone:
        raise click.ClickException(f"There is no valid token {gone[0]!r}; `token list` shows all")


def _require_user(index: PackageIndex, grant: Grant) -> None:
    """Refuse a token that could not be used. Raises ClickException."""
    kinds = [instance.factory for instance in index.settings.authenticators]
    if TokenAuthenticator not in kinds:
        click.echo("warning: pypi.authenticators does not list tokens, so nobody can use it", err=True)
    if grant.groups is not None:
        return
    try:
        known = index.login.find(grant.user) is not None
    except BackendUnavailable:
        known = True
    if not known:
        raise click.ClickException(
            f"No authenticator knows the user {grant.user!r}; for a program without a user, add --robot"
        )
