import pytest

from pyramid_pypi.upstream.allowed import Target
from pyramid_pypi.upstream.credentials import Authorization, basic, bearer, from_netrc, split_userinfo

OWN = Target.parse("https://index.example/simple/")


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("https://index.example/simple/x/", {"Authorization": "Bearer t"}),
        ("https://index.example:443/elsewhere", {"Authorization": "Bearer t"}),
        ("http://index.example/simple/x/", {}),
        ("https://index.example:8443/simple/x/", {}),
        ("https://files.index.example/x", {}),
        ("https://index.example.evil/x", {}),
    ],
)
def test_credentials_belong_to_scheme_host_and_port(url, headers):
    assert Authorization(OWN.origin, bearer("t")).headers(Target.parse(url)) == headers


def test_nobody_shows_nothing():
    assert Authorization(OWN.origin).headers(OWN) == {}


def test_repr_hides_the_value():
    assert "dDp1" not in repr(Authorization(OWN.origin, "Basic dDp1"))


def test_basic_is_utf8():
    assert basic("__token__", "pä:ss") == "Basic X190b2tlbl9fOnDDpDpzcw=="


@pytest.mark.parametrize("pair", [("a:b", "c"), ("a\n", "c"), ("a", "secret\r\nX: y")])
def test_basic_refuses_what_it_cannot_express(pair):
    with pytest.raises(ValueError, match="colon|control") as caught:
        basic(*pair)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("token", ["secret secret", "secret\n", "secrét"])
def test_bearer_refuses_what_is_no_token(token):
    with pytest.raises(ValueError, match="token") as caught:
        bearer(token)

    assert "secr" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "split"),
    [
        ("https://h/simple/", ("https://h/simple/", None)),
        ("https://me:p%40ss@h:1/s/", ("https://h:1/s/", ("me", "p@ss"))),
        ("https://token@h/s/", ("https://h/s/", ("token", ""))),
        ("https://a@b:c@h/", ("https://h/", ("a@b", "c"))),
    ],
)
def test_userinfo_is_taken_out_of_a_url(url, split):
    assert split_userinfo(url) == split


def netrc_file(tmp_path, text, mode=0o600):
    path = tmp_path / "netrc"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)
    return path


def test_netrc_has_an_entry_for_the_host(tmp_path):
    path = netrc_file(
        tmp_path, "machine other login o password x\nmachine index.example login me password pw"
    )

    assert from_netrc(path, "index.example") == ("me", "pw")


def test_netrc_has_a_default(tmp_path):
    path = netrc_file(tmp_path, "default login me password pw")

    assert from_netrc(path, "index.example") == ("me", "pw")


@pytest.mark.parametrize(
    ("text", "mode", "reason"),
    [
        ("machine other login o password secret", 0o600, "no entry for index.example"),
        ("machine index.example login o secret secret", 0o600, "see its line 1"),
        ("default login o password secret", 0o604, "run chmod"),
    ],
)
def test_a_bad_netrc_is_refused_and_not_shown(tmp_path, text, mode, reason):
    with pytest.raises(ValueError, match=reason) as caught:
        from_netrc(netrc_file(tmp_path, text, mode), "index.example")

    assert "secret" not in str(caught.value)


def test_a_netrc_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match="gone cannot be read: No such file"):
        from_netrc(tmp_path / "gone", "h")
