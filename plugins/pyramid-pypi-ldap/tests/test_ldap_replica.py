"""Logins at a provider and its replica, while one of them is away."""

import ldap
import pytest

from pyramid_pypi.errors import InvalidCredentials
from pyramid_pypi.model import Credentials, Identity
from pyramid_pypi_ldap.servers import Servers
from pyramid_pypi_ldap.testing import BASE, MANAGER, PASSWORD, SERVICE_PASSWORD

ANN = Credentials("ann", PASSWORD)


def dn_of(name: str) -> str:
    return f"uid={name},ou=people,{BASE}"


def hire(directory, name: str) -> None:
    """Add a person, as the manager does."""
    attributes = {
        "objectClass": "inetOrgPerson",
        "uid": name,
        "cn": name,
        "sn": name,
        "userPassword": PASSWORD,
    }
    connection = ldap.initialize(directory.url)
    connection.simple_bind_s(MANAGER, SERVICE_PASSWORD)
    connection.add_s(dn_of(name), [(key, [value.encode()]) for key, value in attributes.items()])
    connection.unbind_s()


def binds(directory, name: str) -> int:
    """Return how often somebody has shown a password to this directory."""
    return directory.log.count(f'BIND dn="{dn_of(name)}" method=')


@pytest.fixture
def now():
    """The time that `staff` goes by, as the only item of a list."""
    return [100.0]


@pytest.fixture
def staff(login, stoppable, replica, now):
    """An authenticator that asks the provider, and the replica when it has to."""
    authenticator = login(stoppable.tls_url, replica.tls_url)
    authenticator._servers = Servers(authenticator._options, clock=lambda: now[0])
    return authenticator


@pytest.mark.parametrize(
    "changes", [{}, {"groups": "memberof", "group_base": ""}], ids=["search", "memberof"]
)
def test_a_replica_tells_the_same(login, stoppable, replica, changes):
    for directory in (stoppable, replica):
        authenticator = login(directory.url, **changes)

        assert authenticator.authenticate(ANN) == Identity.user("ann", ("release", "Domain-Users"))
        assert authenticator.find("Zoë") == Identity.user("Zoë", ("Ærø", "Domain-Users"))
        assert authenticator.find("nobody") is None


def test_the_replica_is_asked_while_the_provider_is_down_and_no_longer(staff, stoppable, replica, now):
    def asked() -> tuple[str, int, int]:
        before = [binds(one, "ann") for one in (stoppable, replica)]
        name = staff.authenticate(ANN).name
        first, second = (
            binds(one, "ann") - count for one, count in zip((stoppable, replica), before, strict=True)
        )
        return name, first, second

    assert asked() == ("ann", 1, 0)
    stoppable.stop()
    assert asked() == ("ann", 0, 1)
    now[0] += 59
    stoppable.start()
    assert asked() == ("ann", 0, 1)
    now[0] += 2
    assert asked() == ("ann", 1, 0)


def test_passwords_are_wrong_at_the_replica_too(staff, stoppable):
    stoppable.stop()

    with pytest.raises(InvalidCredentials):
        staff.authenticate(Credentials("ann", "wrong"))
    assert staff.authenticate(Credentials("nobody", PASSWORD)) is None


def test_new_people_get_to_the_replica_also_after_an_outage(staff, stoppable, replica):
    hire(stoppable, "dan")
    replica.catch_up()
    stoppable.stop()
    assert staff.authenticate(Credentials("dan", PASSWORD)) == Identity.user("dan")
    assert staff.authenticate(Credentials("eve", PASSWORD)) is None

    stoppable.start()
    hire(stoppable, "eve")
    replica.catch_up()
    stoppable.stop()

    assert staff.authenticate(Credentials("eve", PASSWORD)) == Identity.user("eve")


def test_people_use_the_index_while_the_provider_is_down(pypi_index, stated, stoppable, replica):
    client = pypi_index(plugins=["ldap"], settings=stated(stoppable.tls_url, replica.tls_url))

    def status(name: str, password: str = PASSWORD) -> int:
        client.authorization = ("Basic", (name, password))
        return client.get("/simple/", status="*").status_int

    assert status("ann") == 200
    stoppable.stop()
    answers = [status("ann"), status("bob"), status("bob", "wrong"), status("nobody")]
    replica.stop()

    assert answers == [200, 200, 401, 401]
    # Who was let in a moment ago is not asked again; the others cannot be asked.
    assert [status("bob"), status("Zoë")] == [200, 503]
