"""Who gets in, under which name and in which groups, as a real directory says."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyramid_pypi.errors import BackendUnavailable, InvalidCredentials
from pyramid_pypi.model import Credentials, Identity
from pyramid_pypi.options import Secret
from pyramid_pypi.testing.authenticators import AuthenticatorContract
from pyramid_pypi_ldap.client import Connection
from pyramid_pypi_ldap.errors import Refused
from pyramid_pypi_ldap.testing import BASE, ODD_NAME, PASSWORD, SERVICE_PASSWORD
from pyramid_pypi_ldap.templates import nested_filter

DIRECT = {"user_base": "", "user_dn": f"uid={{username}},ou=people,{BASE}"}
ALONE = {**DIRECT, "bind_dn": "", "bind_password": None}
ANN = Identity.user("ann", ("release", "Domain-Users"))
NAMES = ("*", "a*", "ann)(uid=*", "*)(|(uid=*", "ann,ou=people", "ann+uid=bob", "{dn}", "{username}", "\\2a")
NAMES += ("ann\\", "#ann", "uid=ann", "", "ann\x00", "\udcff", "x" * 256, "é" * 128)


class Contract(AuthenticatorContract):
    """With the directory of the tests."""

    changes: dict = {}

    @pytest.fixture
    def authenticator(self, login, directory):
        return login(directory.tls_url, **self.changes)

    @pytest.fixture
    def good(self):
        return Credentials("ann", PASSWORD)


class TestSearchThenBind(Contract):
    """The usual way."""


class TestDirectWithServiceAccount(Contract):
    """The DN comes from a template."""

    changes = DIRECT


class TestDirectAlone(Contract):
    """Without an account that searches, unknown names cannot be told from wrong passwords."""

    changes = ALONE

    def test_unknown_name_asks_the_next(self, authenticator, unknown):
        with pytest.raises(InvalidCredentials):
            authenticator.authenticate(unknown)


@pytest.mark.parametrize("changes", [{}, DIRECT, ALONE], ids=["search", "direct", "alone"])
@pytest.mark.parametrize(
    ("name", "groups"),
    [("ann", ("release", "Domain-Users")), ("Zoë", ("Ærø", "Domain-Users")), (ODD_NAME, ())],
)
def test_names_of_any_characters_log_in(login, directory, changes, name, groups):
    found = login(directory.url, **changes).authenticate(Credentials(name, PASSWORD))

    assert found == Identity.user(name, groups)


def test_name_in_other_case_is_the_same_person(login, directory):
    assert login(directory.url).authenticate(Credentials("ANN", PASSWORD)) == ANN


@pytest.mark.parametrize("changes", [{}, DIRECT, ALONE], ids=["search", "direct", "alone"])
@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_injected_name_is_nobody(login, directory, changes, name):
    try:
        assert login(directory.url, **changes).authenticate(Credentials(name, PASSWORD)) is None
    except InvalidCredentials:
        assert changes is ALONE


@pytest.fixture
def both(login, directory):
    return login(directory.tls_url, **DIRECT), login(directory.tls_url)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from("an*()\\|&=,+<>;#\"'{}%$!~ \x00\u00e9\U0001f600"), max_size=12))
def test_no_text_is_somebody_else(both, name):
    for authenticator in both:
        found = authenticator.authenticate(Credentials(name, PASSWORD))

        assert found == (ANN if name.strip(" ") == "ann" else None)


@pytest.mark.parametrize("password", ["", "x" * 4097, "\x00", "\udcff"], ids=["empty", "long", "nul", "raw"])
@pytest.mark.parametrize("changes", [{}, ALONE], ids=["search", "alone"])
def test_password_that_cannot_be_one_is_never_sent(login, plain, password, changes):
    before = plain.log.count("BIND")
    with pytest.raises(InvalidCredentials):
        login(plain.url, starttls=False, **changes).authenticate(Credentials("ann", password))

    assert plain.log.count("BIND") == before


def test_directory_that_takes_empty_passwords_for_anonymous_logs_nobody_in(options, plain):
    connection = Connection(plain.url, options(plain.url, starttls=False).transport)
    # What the plugin never sends; this server says yes to it.
    connection._ldap.simple_bind_s(f"uid=ann,ou=people,{BASE}", "")
    with pytest.raises(Refused, match="anonymous"):
        connection.require_somebody()
    with pytest.raises(Refused, match="empty"):
        connection.bind(f"uid=ann,ou=people,{BASE}", "")
    connection.close()


def test_decoy_binds_as_nobody_and_shows_no_password(login, plain):
    before = plain.log.count('BIND dn="cn=nobody-')
    login(plain.url, starttls=False).decoy(Credentials("x", PASSWORD))

    assert plain.log.count('BIND dn="cn=nobody-') == before + 1


def test_two_entries_with_one_name_are_refused(login, directory):
    authenticator = login(directory.url, user_base=BASE)
    with pytest.raises(InvalidCredentials):
        authenticator.authenticate(Credentials("twin", PASSWORD))
    with pytest.raises(BackendUnavailable):
        authenticator.find("twin")

    assert login(directory.url).authenticate(Credentials("twin", PASSWORD)) == Identity.user("twin")


def test_referrals_are_not_followed(login, plain, directory):
    before = directory.log.count("ACCEPT")
    authenticator = login(plain.url, starttls=False, user_base=f"ou=people,{BASE}")

    assert authenticator.authenticate(Credentials("nobody", PASSWORD)) is None
    with pytest.raises(BackendUnavailable):
        login(plain.url, starttls=False, user_base=f"ou=away,ou=people,{BASE}").find("ann")
    assert directory.log.count("ACCEPT") == before


def test_member_of_gives_the_same_groups(login, directory):
    authenticator = login(directory.url, groups="memberof", group_base="")

    assert authenticator.authenticate(Credentials("ann", PASSWORD)) == ANN


def test_groups_outside_of_the_base_do_not_count(login, directory):
    authenticator = login(directory.url, groups="memberof", group_base=f"ou=guests,{BASE}")

    assert authenticator.authenticate(Credentials("ann", PASSWORD)) == Identity.user("ann")


def test_posix_groups_are_found_by_name(login, directory):
    assert login(directory.url).find("bob") == Identity.user("bob", ("posix", "Domain-Users"))


def test_groups_are_renamed_by_name_and_by_dn(login, directory):
    lines = f"staff = domain users\n  ship =cn=release,ou=groups,{BASE}"
    authenticator = login(directory.url, group_map=lines)

    assert authenticator.find("ann") == Identity.user("ann", ("ship", "staff"))


def test_lower_case_is_for_people_and_groups(login, directory):
    authenticator = login(directory.url, lowercase=True)

    assert authenticator.find("ZOË") == Identity.user("zoë", ("ærø", "domain-users"))


@pytest.mark.parametrize("changes", [{}, ALONE], ids=["search", "alone"])
def test_only_members_of_the_access_groups_are_let_in(login, directory, changes):
    authenticator = login(directory.url, access_groups=("release", "posix"), **changes)

    assert authenticator.authenticate(Credentials("ann", PASSWORD)) == ANN
    with pytest.raises(InvalidCredentials):
        authenticator.authenticate(Credentials("Zoë", PASSWORD))


def test_who_is_not_let_in_is_not_found(login, directory):
    authenticator = login(directory.url, access_groups=("release",))

    assert authenticator.find("ann") == ANN
    assert authenticator.find("Zoë") is None


@pytest.mark.parametrize("changes", [{}, DIRECT], ids=["search", "direct"])
def test_find_needs_no_password(login, directory, changes):
    find = login(directory.url, **changes).find

    assert (find("ann"), find("nobody"), find("a*"), find("")) == (ANN, None, None, None)


def test_nothing_is_found_without_an_account_that_searches(login, directory):
    assert getattr(login(directory.url, **ALONE), "find", None) is None


def test_login_by_mail_is_told_as_the_name(login, directory):
    authenticator = login(directory.url, login_attributes=("mail", "uid"))

    assert authenticator.authenticate(Credentials("Ann@example.org", PASSWORD)) == ANN
    assert authenticator.find("Ann@example.org") is None


def test_filter_of_users_is_for_login_and_find(login, directory):
    authenticator = login(directory.url, user_filter="(&(objectClass=person)(!(uid=ann)))")

    assert authenticator.authenticate(Credentials("ann", PASSWORD)) is None
    assert authenticator.find("ann") is None


def test_nested_groups_are_those_of_active_directory():
    dn = "CN=Ann (Ops)*,DC=acme"
    escaped = r"CN=Ann \28Ops\29\2a,DC=acme"

    assert nested_filter(dn) == f"(&(objectClass=group)(member:1.2.840.113556.1.4.1941:={escaped}))"


def test_nested_groups_are_searched_below_their_base(login, directory):
    # OpenLDAP does not know the rule, and writes what it has not understood as undefined.
    found = login(directory.url, groups="nested").find("ann")
    last = directory.log.rpartition("SRCH base=")[2].replace("?", "")

    assert last.startswith(f'"ou=groups,{BASE}" scope=2 deref=0 filter="(&(objectClass=group)(=undefined))"')
    assert found == Identity.user("ann")


def test_one_connection_searches_for_many_logins(login, directory):
    authenticator = login(directory.url)
    for _ in range(3):
        authenticator.authenticate(Credentials("ann", PASSWORD))

    assert len(authenticator._servers.all[0]._idle) == 1


def test_service_password_and_password_stay_out_of_the_logs(login, directory, caplog):
    caplog.set_level(0)
    authenticator = login(directory.url, bind_password=Secret(SERVICE_PASSWORD + "?"))
    with pytest.raises(BackendUnavailable) as caught:
        authenticator.authenticate(Credentials("ann", PASSWORD))

    assert "service account cannot log in" in caplog.text
    assert SERVICE_PASSWORD not in caplog.text + repr(caught.value) + repr(authenticator._options)
    assert PASSWORD not in caplog.text
