"""What cannot be asked is an outage, in time, and never a login."""

import threading
import time

import pytest

from pyramid_pypi.errors import BackendUnavailable
from pyramid_pypi.model import Credentials
from pyramid_pypi_ldap.errors import Outage
from pyramid_pypi_ldap.servers import Servers
from pyramid_pypi_ldap.testing import BASE, PASSWORD

ANN = Credentials("ann", PASSWORD)


def refused(authenticator) -> str:
    with pytest.raises(BackendUnavailable) as caught:
        authenticator.authenticate(ANN)
    return caught.value.message + str(caught.value.__cause__)


@pytest.mark.parametrize("scheme", ["url", "tls_url"])
def test_certificate_of_another_authority_is_refused(login, directory, certificates, scheme, monkeypatch):
    monkeypatch.setenv("LDAPTLS_REQCERT", "never")
    url = getattr(directory, scheme)

    assert "the certificate is refused" in refused(login(url, ca=certificates / "other.pem"))


@pytest.mark.parametrize("scheme", ["url", "tls_url"])
def test_certificate_of_the_system_is_not_ours(login, directory, scheme):
    assert "the certificate is refused" in refused(login(getattr(directory, scheme), ca=None))


@pytest.mark.parametrize("scheme", ["url", "tls_url"])
def test_certificate_of_another_host_is_refused(login, directory, scheme):
    url = getattr(directory, scheme).replace("127.0.0.1", "localhost")

    assert "Hostname mismatch" in refused(login(url))


def test_certificates_may_go_unchecked_with_a_warning(login, directory, certificates, caplog):
    authenticator = login(directory.tls_url, ca=certificates / "other.pem", verify=False)

    assert authenticator.find("ann")
    assert "are not checked" in caplog.text


def test_server_without_starttls_gets_no_password(login, plain):
    before = plain.log.count("BIND")

    assert "does not offer StartTLS" in refused(login(plain.url))
    assert plain.log.count("BIND") == before


def test_starttls_may_be_given_up_with_a_warning(login, plain, caplog):
    assert login(plain.url, starttls=False).authenticate(ANN)
    assert "in the clear" in caplog.text


@pytest.mark.parametrize("changes", [{}, {"starttls": False}], ids=["starttls", "plain"])
@pytest.mark.parametrize("scheme", ["ldap", "ldaps"])
def test_server_that_never_answers_costs_its_timeouts(login, silent, scheme, changes):
    authenticator = login(f"{scheme}://127.0.0.1:{silent}", connect_timeout=1, timeout=1, **changes)
    began = time.monotonic()
    with pytest.raises(BackendUnavailable):
        authenticator.authenticate(ANN)
    first = time.monotonic() - began
    with pytest.raises(BackendUnavailable, match="try again later"):
        authenticator.authenticate(ANN)

    assert first < 2.5
    assert time.monotonic() - began - first < 0.5


def test_nobody_listening_is_an_outage(login, closed):
    assert "cannot connect: Connection refused" in refused(login(f"ldap://127.0.0.1:{closed}"))


def test_base_that_does_not_exist_is_an_outage_and_not_an_unknown_name(login, directory):
    assert "No such object" in refused(login(directory.url, user_base=f"ou=nowhere,{BASE}"))


def test_next_server_is_asked(login, closed, silent, directory):
    urls = (f"ldap://127.0.0.1:{closed}", f"ldaps://127.0.0.1:{silent}", directory.tls_url)
    authenticator = login(*urls, connect_timeout=1)

    assert authenticator.authenticate(ANN).name == "ann"


def test_wrong_service_password_at_one_server_asks_the_next(login, plain, directory):
    authenticator = login(plain.url, directory.url)

    assert authenticator.authenticate(ANN).name == "ann"


def test_server_that_was_started_again_is_found_at_once(login, stoppable):
    authenticator = login(stoppable.url)
    authenticator.authenticate(ANN)
    stoppable.stop()
    stoppable.start()

    assert authenticator.authenticate(ANN).name == "ann"


def test_only_server_is_asked_again_after_five_seconds(options, closed):
    now = [100.0]
    servers = Servers(options(f"ldap://127.0.0.1:{closed}"), clock=lambda: now[0])
    tried = []

    def attempt(server):
        tried.append(now[0])
        raise Outage("down")

    for step in (0, 4, 2):
        now[0] += step
        with pytest.raises(Outage):
            servers._first(attempt)

    assert tried == [100.0, 106.0]


def test_idle_connections_are_few_and_not_old(options, directory):
    now = [0.0]
    servers = Servers(options(directory.url), clock=lambda: now[0])
    (server,) = servers.all
    together = threading.Barrier(4, timeout=10)
    threads = [threading.Thread(target=server.ask, args=(lambda _: together.wait(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = len(server._idle)
    now[0] = 61.0
    first = server._take()

    assert (kept, first) == (2, None)


def test_tunnels_end_with_their_connections(login, directory):
    authenticator = login(directory.tls_url)
    authenticator.authenticate(ANN)
    authenticator.close()
    mine = [thread for thread in threading.enumerate() if thread.name == "ldap tls"]
    for thread in mine:
        thread.join(5)

    assert not any(thread.is_alive() for thread in mine)
