"""The plugin `ldap`: people log in with their password in an LDAP directory or Active Directory."""

from typing import TYPE_CHECKING

from pyramid_pypi import hookimpl

if TYPE_CHECKING:
    import click

__all__ = ["pypi_auth_backends", "pypi_commands"]


@hookimpl
def pypi_auth_backends() -> dict[str, type]:
    """Offer `ldap`: `pypi.auth.<name> = ldap`."""
    from pyramid_pypi_ldap.authenticator import LdapAuthenticator  # noqa: PLC0415 - loads libldap

    return {"ldap": LdapAuthenticator}


@hookimpl
def pypi_commands(cli: "click.Group") -> None:
    """Add `pyramid-pypi ldap`."""
    from pyramid_pypi_ldap.command import ldap  # noqa: PLC0415 - as above

    cli.add_command(ldap)
