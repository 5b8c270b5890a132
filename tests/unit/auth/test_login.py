"""From a header to an identity."""

import threading
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyramid_pypi.auth.base import Authenticator
from pyramid_pypi.auth.htpasswd import HtpasswdAuthenticator
from pyramid_pypi.auth.login import Login
from pyramid_pypi.auth.passwords import hash_password
from pyramid_pypi.auth.throttle import Throttle
from pyramid_pypi.auth.verified import VerifiedCredentials
from pyramid_pypi.errors import (
    BackendUnavailable,
    InvalidCredentials,
    PypiError,
    TooManyAttempts,
    Unauthorized,
)
from pyramid_pypi.model import ANONYMOUS, Credentials, Identity
from pyramid_pypi.testing.authenticators import FakeAuthenticator
from pyramid_pypi.testing.clock import FakeClock

HERE = "192.0.2.1"
ALICE = Identity.user("alice")
SECONDS = 10


def basic(name: str, password: str) -> str:
    return "Basic " + b64encode(f"{name}:{password}".encode()).decode()


class Failures(list[tuple[str, str, str]]):
    """Listens to failed logins."""

    def __call__(self, username: str, address: str, reason: str) -> None:
        self.append((username, address, reason))


def raising(error: Exception) -> FakeAuthenticator:
    def before(_: Credentials) -> None:
        raise error

    return FakeAuthenticator({}, before=before)


def build(*authenticators: Authenticator, clock: FakeClock | None = None, **options: Any) -> Login:
    clock = clock or FakeClock()
    return Login(
        [(f"auth{number}", each) for number, each in enumerate(authenticators)],
        verified=VerifiedCredentials(clock=clock),
        throttle=Throttle(clock=clock),
        **options,
    )


def outcome(login: Login, header: str | None, address: str = HERE) -> Identity | type[PypiError]:
    try:
        return login.identify(header, address)
    except PypiError as error:
        return type(error)


def test_no_header_is_nobody() -> None:
    assert build().identify(None, HERE) == ANONYMOUS


def test_right_password_is_the_user() -> None:
    assert build(FakeAuthenticator({"alice": "one"})).identify(basic("alice", "one"), HERE) == ALICE


def test_authenticators_see_the_address() -> None:
    fake = FakeAuthenticator({"alice": "one"})
    build(fake).identify(basic("alice", "one"), HERE)

    assert fake.asked == [Credentials("alice", "one", HERE)]


def test_unknown_name_asks_the_next_authenticator() -> None:
    login = build(FakeAuthenticator({"bob": "two"}), FakeAuthenticator({"alice": "one"}))

    assert login.identify(basic("alice", "one"), HERE) == ALICE


def test_wrong_password_asks_nobody_else() -> None:
    second = FakeAuthenticator({"alice": "one"})
    login = build(FakeAuthenticator({"alice": "other"}), second)

    assert outcome(login, basic("alice", "one")) is InvalidCredentials
    assert second.asked == []


def test_unknown_name_and_wrong_password_get_the_same_answer() -> None:
    login = build(FakeAuthenticator({"alice": "one"}))
    answers = []
    for header in (basic("alice", "wrong"), basic("nobody", "wrong")):
        with pytest.raises(Unauthorized) as caught:
            login.identify(header, HERE)
        answers.append((caught.type, str(caught.value)))

    assert answers[0] == answers[1]
    assert answers[0][1] == "Invalid or non-existent authentication information."


def test_verified_password_is_not_checked_again() -> None:
    fake, clock = FakeAuthenticator({"alice": "one"}), FakeClock()
    login = build(fake, clock=clock)
    for _ in range(50):
        login.identify(basic("alice", "one"), HERE)
    clock.advance(3599)
    login.identify(basic("alice", "one"), HERE)

    assert len(fake.asked) == 1

    login.identify(basic("alice", "one"), HERE, write=True)

    assert len(fake.asked) == 2


def test_changed_password_counts_at_once() -> None:
    fake = FakeAuthenticator({"alice": "one"})
    login = build(fake)
    login.identify(basic("alice", "one"), HERE)
    fake.users["alice"] = "two"

    assert outcome(login, basic("alice", "one")) is InvalidCredentials
    assert outcome(login, basic("alice", "two")) == ALICE


def test_password_that_changes_during_the_check_is_not_remembered() -> None:
    class Changing(FakeAuthenticator):
        def authenticate(self, credentials: Credentials) -> Identity | None:
            identity = super().authenticate(credentials)
            self.users["alice"] = "two"
            return identity

    login = build(Changing({"alice": "one"}))

    assert outcome(login, basic("alice", "one")) == ALICE
    assert outcome(login, basic("alice", "one")) is InvalidCredentials


def test_repeated_wrong_password_is_checked_once_in_five_seconds() -> None:
    fake, clock, failures = FakeAuthenticator({"alice": "one"}), FakeClock(), Failures()
    login = build(fake, clock=clock, on_failure=failures)
    for _ in range(50):
        assert outcome(login, basic("alice", "old")) is InvalidCredentials

    assert len(fake.asked) == 1
    assert failures == [("alice", HERE, "wrong password")]

    clock.advance(5)

    assert outcome(login, basic("alice", "old")) is InvalidCredentials
    assert len(fake.asked) == 2


def test_guessing_is_stopped_and_others_are_not() -> None:
    fake, failures = FakeAuthenticator({"alice": "one", "bob": "two"}), Failures()
    login = build(fake, on_failure=failures)
    outcomes = [outcome(login, basic("alice", f"guess{number}")) for number in range(40)]

    assert outcomes == [InvalidCredentials] * 10 + [TooManyAttempts] * 30
    assert len(fake.asked) == 10
    assert failures[-1] == ("alice", HERE, "too many attempts")
    assert outcome(login, basic("alice", "one")) is TooManyAttempts
    assert outcome(login, basic("bob", "two")) == Identity.user("bob")
    assert outcome(login, basic("alice", "one"), "192.0.2.2") == ALICE


def test_verified_user_is_never_throttled() -> None:
    clock = FakeClock()
    login = build(FakeAuthenticator({"alice": "one"}), clock=clock)
    login.identify(basic("alice", "one"), HERE)
    clock.advance(600)
    for number in range(200):
        outcome(login, basic("alice", f"guess{number}"))

    assert outcome(login, basic("alice", "guess")) is TooManyAttempts
    assert login.identify(basic("alice", "one"), HERE) == ALICE
    assert login.identify(basic("alice", "one"), HERE, write=True) == ALICE


def test_success_forgives_earlier_failures() -> None:
    login = build(FakeAuthenticator({"alice": "one"}))
    for number in range(9):
        outcome(login, basic("alice", f"guess{number}"))
    login.identify(basic("alice", "one"), HERE)
    outcomes = [outcome(login, basic("alice", f"guess{number}")) for number in range(20, 30)]

    assert outcomes == [InvalidCredentials] * 10


@pytest.mark.parametrize(
    "broken",
    [
        raising(BackendUnavailable("down")),
        raising(RuntimeError("password one")),
        raising(LookupError()),
        raising(Unauthorized()),
        raising(TooManyAttempts()),
    ],
    ids=["unavailable", "error", "lookup", "unauthorized", "throttle"],
)
def test_broken_authenticator_is_an_outage_unless_another_accepts(broken: FakeAuthenticator) -> None:
    login = build(broken, FakeAuthenticator({"alice": "one"}))

    assert outcome(login, basic("alice", "one")) == ALICE
    assert outcome(login, basic("alice", "wrong")) is BackendUnavailable
    assert outcome(login, basic("bob", "any")) is BackendUnavailable
    assert outcome(build(broken), basic("alice", "one")) is BackendUnavailable


@pytest.mark.parametrize("answer", [True, "alice", {"name": "alice"}, ANONYMOUS, 0])
def test_answer_of_another_type_is_an_outage(answer: object, caplog: pytest.LogCaptureFixture) -> None:
    class Odd:
        def authenticate(self, _: Credentials) -> Any:
            return answer

    assert outcome(build(Odd()), basic("alice", "one")) is BackendUnavailable
    assert "authenticator 'auth0' answered with" in caplog.text


def test_outage_is_not_remembered() -> None:
    down = [True]

    def before(_: Credentials) -> None:
        if down[0]:
            raise BackendUnavailable

    login = build(FakeAuthenticator({"alice": "one"}, before=before))

    assert outcome(login, basic("alice", "one")) is BackendUnavailable

    down[0] = False

    assert outcome(login, basic("alice", "one")) == ALICE


def test_passwords_are_neither_logged_nor_told(caplog: pytest.LogCaptureFixture) -> None:
    login = build(raising(RuntimeError("bad password hunter2")))
    with pytest.raises(BackendUnavailable) as caught:
        login.identify(basic("alice", "hunter2"), HERE)

    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in caplog.text
    assert "RuntimeError" in caplog.text
    assert "auth0" in caplog.text


@pytest.mark.parametrize("header", ["", "Basic x", "Digest x", basic("alice", ""), basic("", "x")])
def test_unreadable_header_reaches_no_authenticator(header: str) -> None:
    fake, failures = FakeAuthenticator({"alice": ""}), Failures()
    login = build(fake, on_failure=failures)

    assert outcome(login, header) is Unauthorized
    assert fake.asked == []
    assert failures == [("", HERE, "unreadable header")]


def test_listener_that_fails_changes_nothing() -> None:
    def listener(*_: str) -> None:
        raise RuntimeError

    assert outcome(build(FakeAuthenticator({}), on_failure=listener), basic("a", "b")) is InvalidCredentials


@given(st.text(st.characters()))
def test_any_header_has_an_outcome(header: str) -> None:
    assert outcome(build(), header) in {Unauthorized, InvalidCredentials}


def test_parallel_connections_of_a_new_user_cost_one_check() -> None:
    """Installers open dozens of connections at once, all with the same credentials."""
    barrier = threading.Barrier(50)
    fake = FakeAuthenticator({"alice": "one"}, before=lambda _: time.sleep(0.05))
    login = build(fake)

    def connect(_: int) -> Identity | type[PypiError]:
        barrier.wait(SECONDS)
        return outcome(login, basic("alice", "one"))

    with ThreadPoolExecutor(50) as pool:
        outcomes = list(pool.map(connect, range(50)))

    assert outcomes == [ALICE] * 50
    assert len(fake.asked) == 1


def test_at_most_two_checks_run_and_the_rest_is_told_to_wait() -> None:
    lock, release = threading.Lock(), threading.Event()
    running, most = [0], [0]

    def before(_: Credentials) -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        release.wait(SECONDS)
        with lock:
            running[0] -= 1

    login = build(FakeAuthenticator({}, before=before))
    with ThreadPoolExecutor(20) as pool:
        futures = [pool.submit(login.identify, basic(f"u{n}", "x"), HERE) for n in range(20)]
        waiting = [future for future in futures[6:] if isinstance(future.exception(SECONDS), TooManyAttempts)]
        release.set()

    assert most[0] == 2
    assert len(waiting) >= 12


def test_hanging_directory_does_not_keep_local_users_out() -> None:
    release = threading.Event()
    hanging = FakeAuthenticator({}, before=lambda _: release.wait(SECONDS))
    login = build(FakeAuthenticator({"alice": "one"}), hanging)
    with ThreadPoolExecutor(2) as pool:
        for number in range(2):
            pool.submit(outcome, login, basic(f"stranger{number}", "x"))
        while len(hanging.asked) < 2:
            threading.Event().wait(0.001)
        answer = outcome(login, basic("alice", "one"))
        release.set()

    assert answer == ALICE


@pytest.fixture
def htpasswd(tmp_path_factory: pytest.TempPathFactory) -> Authenticator:
    path = tmp_path_factory.mktemp("htpasswd") / "htpasswd"
    path.write_text(f"alice:{hash_password('one', cost=8)}\nbob:{hash_password('two', cost=8)}\n")
    return HtpasswdAuthenticator(HtpasswdAuthenticator.Options(path))


def test_unknown_names_take_as_long_as_known_ones(htpasswd: Authenticator) -> None:
    login = build(htpasswd)
    times: dict[str, list[float]] = {"alice": [], "nobody": []}
    for number in range(9):
        for name, taken in times.items():
            start = time.perf_counter()
            assert outcome(login, basic(name, f"guess{number}")) is InvalidCredentials
            taken.append(time.perf_counter() - start)
    known, unknown = median(times["alice"]), median(times["nobody"])

    assert 0.5 < unknown / known < 2


def test_without_a_decoy_a_fixed_hash_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    class Bare:
        def authenticate(self, _: Credentials) -> None:
            return None

    checked: list[str] = []
    monkeypatch.setattr("pyramid_pypi.auth.passwords.verify", lambda stored, _: checked.append(stored))

    assert outcome(build(Bare()), basic("nobody", "x")) is InvalidCredentials
    assert [stored[:7] for stored in checked] == ["$2y$12$"]


def test_known_user_is_served_during_a_flood_of_wrong_passwords(htpasswd: Authenticator) -> None:
    """Eight threads serve 32 clients that guess; the known user waits in the same queue."""
    login = build(htpasswd)
    login.identify(basic("alice", "one"), HERE)
    stop = threading.Event()
    waits: list[float] = []

    def guess(client: int) -> None:
        for number in range(10_000):
            if stop.is_set():
                return
            served = pool.submit(outcome, login, basic("alice", f"{client}-{number}"), f"192.0.2.{client}")
            served.result(SECONDS)

    with ThreadPoolExecutor(8) as pool, ThreadPoolExecutor(32) as clients:
        for client in range(32):
            clients.submit(guess, client)
        for _ in range(40):
            start = time.perf_counter()
            assert pool.submit(outcome, login, basic("alice", "one")).result(SECONDS) == ALICE
            waits.append(time.perf_counter() - start)
            stop.wait(0.02)
        stop.set()

    assert sorted(waits)[37] < 1


class Closing(FakeAuthenticator):
    """Counts how often it is closed, and fails at that."""

    closed = 0

    def close(self) -> None:
        """Fail."""
        self.closed += 1
        raise OSError("no")


def test_what_can_be_closed_is_closed(caplog: pytest.LogCaptureFixture) -> None:
    first, second = Closing({}), Closing({})

    build(first, FakeAuthenticator({}), second).close()

    assert (first.closed, second.closed) == (1, 1)
    assert "close raised OSError" in caplog.text
