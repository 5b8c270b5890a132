"""What the settings may say, and the texts that are made from them."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyramid_pypi.options import Secret, options_of
from pyramid_pypi_ldap.authenticator import LdapAuthenticator
from pyramid_pypi_ldap.client import escape_dn, first_name, is_dn
from pyramid_pypi_ldap.options import Options
from pyramid_pypi_ldap.templates import fill_dn, fill_filter, is_filter, user_filter

URL = ("ldaps://ldap.example.org",)
FINE = {"user_base": "ou=people,dc=acme"}
WRONG = [
    ({"servers": ()}, "names no server"),
    ({"servers": ("ldap.example.org",)}, "is not ldaps://HOST"),
    ({"servers": ("ldapi:///",)}, "is not ldaps://HOST"),
    ({"servers": ("ldaps://host/dc=acme",)}, "is not ldaps://HOST"),
    ({"servers": ("ldaps://host:99999",)}, "is not ldaps://HOST"),
    ({"servers": ("ldaps://user@host",)}, "is not ldaps://HOST"),
    ({"user_base": ""}, "set user_base"),
    ({"user_dn": "uid={username},dc=acme"}, "not both"),
    ({"user_base": "", "user_dn": "uid=ann,dc=acme"}, "user_dn is not a DN with"),
    ({"user_base": "", "user_dn": "{username}@acme.org"}, "user_dn is not a DN with"),
    ({"user_base": "people"}, "user_base is not a DN"),
    ({"bind_dn": "cn=index"}, "belong together"),
    ({"bind_dn": "cn=index", "bind_password": Secret("")}, "belong together"),
    ({"user_filter": "objectClass=*"}, "user_filter is not a filter"),
    ({"user_filter": "(a=b))(c=d)"}, "user_filter is not a filter"),
    ({"name_attribute": "uid)(x"}, "is not the name of an attribute"),
    ({"login_attributes": ("mail", "*")}, "is not the name of an attribute"),
    ({"groups": "search"}, "needs group_base"),
    ({"groups": "nested"}, "needs group_base"),
    ({"groups": "search", "group_base": "dc=a", "group_filter": "(cn=x)"}, "group_filter is not"),
    ({"access_groups": ("dev",)}, "access_groups needs groups"),
    ({"group_map": "two words = x"}, "group_map"),
    ({"group_map": "staff"}, "group_map"),
    ({"timeout": 0}, "at least one second"),
    ({"connections": -1}, "not negative"),
]


@pytest.mark.parametrize(("changes", "reason"), WRONG, ids=lambda value: str(value)[:40])
def test_settings_that_cannot_work_are_refused(changes, reason):
    with pytest.raises(ValueError, match=re.escape(reason)):
        Options(**{"servers": URL, **FINE, **changes})


def test_file_of_authorities_has_to_exist(tmp_path):
    with pytest.raises(ValueError, match="is not a file"):
        Options(URL, ca=tmp_path / "ca.pem", **FINE)


def test_the_defaults_are_safe():
    options = Options(URL, **FINE)

    assert (options.starttls, options.verify) == (True, True)
    assert (options.connect_timeout, options.timeout, options.connections) == (3, 5, 2)


def test_every_option_is_in_the_readme():
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    told = re.findall(r"^\| `(\w+)` \|", readme, re.MULTILINE)

    assert told == [option.name for option in options_of(LdapAuthenticator)]


def test_every_option_says_what_it_is():
    assert [option.name for option in options_of(LdapAuthenticator) if not option.help] == []


@given(st.text(min_size=1).filter(lambda text: "\x00" not in text and text.isprintable()))
def test_whatever_is_in_a_dn_is_one_value(name):
    dn = fill_dn("uid={username},ou=people,dc=acme", name)

    assert is_dn(dn)
    assert first_name(dn) == name
    assert dn.endswith(",ou=people,dc=acme")


@given(st.text())
def test_whatever_is_in_a_filter_is_one_value(name):
    text = user_filter("(objectClass=person)", ("uid",), name)

    assert is_filter(text)
    assert text.count("(") == text.count(")") == 3
    assert "*" not in text
    assert "\x00" not in text


def test_what_is_filled_in_is_not_filled_again():
    assert fill_filter("(|(m={dn})(u={username}))", dn="cn={username}", username="{dn}") == (
        "(|(m=cn={username})(u={dn}))"
    )


def test_several_attributes_are_alternatives():
    assert user_filter("(a=b)", ("uid", "mail"), "x") == "(&(a=b)(|(uid=x)(mail=x)))"


def test_text_that_is_no_dn_has_no_first_name():
    assert (first_name("release"), first_name(""), first_name(f"cn={escape_dn('a,b')},dc=x")) == (
        "",
        "",
        "a,b",
    )
