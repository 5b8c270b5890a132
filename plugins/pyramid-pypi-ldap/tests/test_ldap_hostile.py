"""What nobody types: an index with a real directory refuses it, and never breaks."""

import base64

import ldap.dn
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from pyramid_pypi_ldap.templates import fill_dn
from pyramid_pypi_ldap.testing import BASE, ODD_NAME, PASSWORD

DIRECT = {"user_base": "", "user_dn": f"uid={{username}},ou=people,{BASE}"}
ALONE = {**DIRECT, "bind_dn": "", "bind_password": ""}
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

NAMES = ["ann", "Zoë", "twin", ODD_NAME, "*", "a*", "ann)(uid=*", "*)(|(uid=*", "*)(objectClass=*", ")(", "("]
NAMES += [
    "ann,ou=people",
    f"ann,ou=people,{BASE}",
    "ann+uid=bob",
    "ann\\",
    "\\61nn",
    "\\",
    "#616e6e",
    '"ann"',
]
NAMES += [
    "{dn}",
    "{username}",
    "%s",
    "uid=ann",
    ",",
    "=",
    "+",
    ";",
    " ",
    "ann ",
    " ann",
    "x" * 255,
    "\u202eann",
]
text = st.text(max_size=64) | st.text(st.sampled_from("an*()\\|&=,+<>;#\"' {}%!~\u00e9"), max_size=12)


def basic(raw: bytes) -> str:
    return f"Basic {base64.b64encode(raw).decode()}"


def pair(name: str, password: str) -> str:
    return basic(f"{name}:{password}".encode())


@pytest.fixture(params=[{}, DIRECT, ALONE], ids=["search", "direct", "alone"])
def status(request, pypi_index, stated, directory):
    """Return a function of a header that returns the status of a page for logged-in people."""
    told = {**stated(directory.url, **request.param), "pypi.login.failures": "1000000"}
    client = pypi_index(plugins=["ldap"], settings=told)

    def ask(header: str) -> int:
        answer = client.get("/simple/", headers={"Authorization": header}, status="*")
        assert answer.status_int != 401 or "WWW-Authenticate" in answer.headers
        return answer.status_int

    return ask


def test_no_name_gets_in_with_a_wrong_password(status):
    answers = {name: status(pair(name, "wrong")) for name in NAMES}

    assert answers == dict.fromkeys(NAMES, 401)


@FEW
@given(name=text | st.sampled_from(NAMES), password=text)
@example(name="ann", password="*")
@example(name="ann", password="")
@example(name="", password="")
@example(name="ann\x00", password="x")
def test_no_text_gets_in_with_a_wrong_password(status, name, password):
    assume(not f"{name}:{password}".endswith(f":{PASSWORD}"))

    assert status(pair(name, password)) == 401


@FEW
@given(text)
@example("ann ")
@example("ANN")
@example("ann,ou=people")
def test_no_name_is_somebody_elses(status, name):
    # Directories ignore case and spaces around; all else that is let in has the very name.
    mine = name.strip().casefold() in {"ann", "bob", "zoë", "twin"} or name == ODD_NAME

    assert status(pair(name, PASSWORD)) == (200 if mine else 401)


HEADERS = {
    "no scheme": ("ann", 401),
    "nothing after the scheme": ("Basic", 401),
    "spaces after the scheme": ("Basic   ", 401),
    "another scheme": ("Digest username=ann", 401),
    "not base64": ("Basic !!!!", 401),
    "base64 without its end": (f"{pair('ann', PASSWORD)[:-1]}", 401),
    "two values": (f"{pair('ann', PASSWORD)}, {pair('ann', PASSWORD)}", 401),
    "url alphabet": ("Basic YW5uOj8_Pz8_", 401),
    "no colon": (basic(b"ann"), 401),
    "only a colon": (basic(b":"), 401),
    "no name": (basic(b":" + PASSWORD.encode()), 401),
    "no password": (basic(b"ann:"), 401),
    "invalid UTF-8 as the name": (basic(b"\xff\xfe:" + PASSWORD.encode()), 401),
    "invalid UTF-8 as the password": (basic(b"ann:\xc3\x28\xff"), 401),
    "an overlong slash": (basic(b"ann:\xc0\xaf"), 401),
    "half of a surrogate pair": (basic(b"ann:\xed\xa0\x80"), 401),
    "NUL after the name": (basic(b"ann\x00:" + PASSWORD.encode()), 401),
    "NUL after the password": (basic(f"ann:{PASSWORD}\x00".encode()), 401),
    "NUL before the password": (basic(f"ann:\x00{PASSWORD}".encode()), 401),
    "a line break after the password": (basic(f"ann:{PASSWORD}\n".encode()), 401),
    "a password of 4 kB": (pair("ann", "x" * 4096), 401),
    "a password of 5 kB": (pair("ann", "x" * 5000), 401),
    "a password of 10 kB": (pair("ann", "x" * 10_000), 400),
    "the right password in 10 kB": (pair("ann", PASSWORD + " " * 10_000), 400),
    "a name of 10 kB": (pair("x" * 10_000, PASSWORD), 400),
    "a bearer": (f"Bearer {PASSWORD}", 401),
}


def test_malformed_headers_are_refused(status):
    answers = {case: status(header) for case, (header, _) in HEADERS.items()}

    assert answers == {case: expected for case, (_, expected) in HEADERS.items()}


@FEW
@given(st.binary(max_size=64))
@example(b"ann:\xff")
@example(b"\x00:\x00")
def test_no_bytes_break_it(status, raw):
    assume(not raw.endswith(f":{PASSWORD}".encode()))

    assert status(basic(raw)) == 401


@FEW
@given(st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_categories=["Cc"]), max_size=40))
def test_no_header_breaks_it(status, header):
    assert status(header) == 401


def test_the_same_people_still_log_in(status):
    """The tests above can fail."""
    assert [status(pair(name, PASSWORD)) for name in ("ann", "Zoë", ODD_NAME)] == [200, 200, 200]


@settings(deadline=None)
@given(st.text(min_size=1))
@example("\x00")
@example("a\x00,ou=b")
@example('# a, b+c=d;e<f>"g\\ ')
@example(" ")
@example("\\,")
@example("\\2c")
@example("\U0001f600\u2028\n")
def test_a_name_in_a_template_is_one_value_of_one_rdn(name):
    parts = ldap.dn.str2dn(fill_dn("uid={username},ou=people,dc=example", name))

    assert [[(kind, value) for kind, value, _ in rdn] for rdn in parts] == [
        [("uid", name)],
        [("ou", "people")],
        [("dc", "example")],
    ]
