import pytest

from pyramid_pypi.errors import UpstreamUnavailable
from pyramid_pypi.upstream.allowed import AllowedHosts, Target, is_internal

PYPI = Target.parse("https://pypi.org/simple/")
PUBLIC = "93.184.216.34"


def allowed(own="https://pypi.org/simple/", *hosts, addresses=(PUBLIC,)):
    return AllowedHosts(Target.parse(own), hosts, resolve=lambda host, port: addresses)


@pytest.mark.parametrize(
    ("own", "hosts", "url"),
    [
        ("https://pypi.org/simple/", (), "https://pypi.org/simple/x/"),
        ("https://pypi.org/simple/", (), "https://PyPI.org.:443/simple/x/"),
        ("https://pypi.org/simple/", (), "https://files.pythonhosted.org/packages/x.whl"),
        ("https://test.pypi.org/simple/", (), "https://test-files.pythonhosted.org/packages/x.whl"),
        ("http://localhost:3141/root/", (), "http://localhost:3141/x"),
        ("http://localhost:3141/root/", ("mirror",), "https://mirror/x"),
        ("http://localhost:3141/root/", ("mirror",), "http://mirror:80/x"),
        ("https://one.example/", ("two.example:8443",), "https://two.example:8443/x"),
        ("https://one.example/", ("*.two.example",), "https://a.two.example/x"),
        ("https://one.example/", ("*.two.example",), "https://a.b.two.example/x"),
        ("https://one.example/", ("*.two.example:81",), "https://a.two.example:81/x"),
        ("https://one.example/", ("[::1]:81",), "https://[0::1]:81/x"),
        ("https://one.example/", ("TWO.example",), "https://two.example/x"),
    ],
)
def test_hosts_that_belong_to_the_upstream_are_followed(own, hosts, url):
    assert allowed(own, *hosts).target(url).url.endswith(("/", "/x", "x.whl"))


@pytest.mark.parametrize(
    ("own", "hosts", "url"),
    [
        ("https://pypi.org/simple/", (), "https://pypi.org:8443/x"),
        ("https://pypi.org/simple/", (), "https://files.pythonhosted.org:8443/x"),
        ("https://pypi.org/simple/", (), "https://test-files.pythonhosted.org/x"),
        ("https://pypi.org/simple/", (), "http://pypi.org/x"),
        ("https://pypi.org/simple/", (), "http://files.pythonhosted.org/x"),
        ("https://pypi.org/simple/", ("evil.example:80",), "http://evil.example/x"),
        ("https://pypi.org/simple/", (), "https://pypi.org.evil.example/x"),
        ("https://pypi.org/simple/", (), "https://evilpypi.org/x"),
        ("https://pypi.org/simple/", (), "https://pypi.org@evil.example/x"),
        ("https://pypi.org/simple/", (), "https://pypi.org\\@evil.example/x"),
        ("https://pypi.org/simple/", (), "https://evil.example\\@pypi.org:99/x"),
        ("https://pypi.org/simple/", (), "https://evil.example#@pypi.org/x"),
        ("https://pypi.org/simple/", (), "https://169.254.169.254/latest/meta-data/"),
        ("https://one.example/", (), "https://files.pythonhosted.org/x"),
        ("https://one.example/", ("*.two.example",), "https://two.example/x"),
        ("https://one.example/", ("*.two.example",), "https://eviltwo.example/x"),
        ("https://one.example/", ("*.two.example",), "https://a.two.example:8443/x"),
        ("https://one.example/", ("two.example:8443",), "https://two.example/x"),
        ("http://one.example:8080/", ("*.1",), "http://127.0.0.1/x"),
        ("http://one.example:8080/", (), "http://one.example/x"),
        ("http://one.example/", (), "file:///etc/passwd"),
        ("http://one.example/", (), "javascript:alert(1)"),
        ("http://one.example/", (), "ftp://one.example/x"),
        ("http://one.example/", (), "//one.example/x"),
        ("http://one.example/", (), "/x"),
        ("http://one.example/", (), ""),
        ("http://one.example/", (), "http:///x"),
        ("http://one.example/", (), "http://[::1/x"),
        ("http://one.example/", (), "http://one.example:0/x"),
        ("http://one.example/", (), "http://one.example:99999/x"),
        ("http://one.example/", (), "http://one.example:a/x"),
        ("http://one.example/", (), "http://öne.example/x"),
        ("http://one.example/", (), "http://one.example%2fx.evil/x"),
        ("http://one.example/", (), "http://one example/x"),
    ],
)
def test_everything_else_is_refused(own, hosts, url):
    with pytest.raises(UpstreamUnavailable):
        allowed(own, *hosts).target(url)


def test_a_refusal_names_the_host_and_the_setting_and_no_query_or_userinfo():
    with pytest.raises(UpstreamUnavailable) as caught:
        allowed().target("https://me:secret@other.example:81/path?signature=secret")

    assert caught.value.message == (
        "The upstream pypi.org refers to the host other.example:81, which is not asked; "
        "add it to the setting `hosts` if it belongs to the upstream"
    )


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://pypi.org", "https://pypi.org/"),
        ("HTTPS://user:pass@PyPI.org:443/a b/ö?q=1&r=%2f#frag", "https://pypi.org/a%20b/%C3%B6?q=1&r=%2f"),
        ("http://[0:0::1]:80/x", "http://[::1]/x"),
        ("https://h:8443/a%20b+c/", "https://h:8443/a%20b+c/"),
        ("https://h/a\tb\nc", "https://h/abc"),
    ],
)
def test_a_target_is_the_url_without_what_is_not_asked(url, clean):
    assert Target.parse(url).url == clean


@pytest.mark.parametrize(
    "entry", ["", "https://h", "h:p", "h:1:2", "user@h", "*", "*.10.0.0.1", "a*.example", "h/x", "[::1", "ö"]
)
def test_a_word_of_hosts_that_means_nothing_is_refused(entry):
    with pytest.raises(ValueError, match="is not a host|puts a star"):
        allowed("https://one.example/", entry)


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.1", "172.16.0.1", "192.168.1.1", "127.0.0.1", "127.9.9.9", "169.254.169.254", "0.0.0.0"),
        *("100.64.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00::1", "ff02::1", "2001:db8::1"),
        *("::ffff:10.0.0.1", "::ffff:127.0.0.1", "2002:7f00:1::", "2002:a00:1::1"),
        *("64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "", "nonsense"),
    ],
)
def test_addresses_inside_of_a_network_are_internal(address):
    assert is_internal(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", PUBLIC, "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"]
)
def test_addresses_of_the_internet_are_not(address):
    assert not is_internal(address)


@pytest.mark.parametrize(
    ("own", "hosts", "addresses", "peer"),
    [
        ("https://pypi.org/", (), [PUBLIC], ("files.pythonhosted.org", 443, "8.8.8.8")),
        ("https://pypi.org/", (), [PUBLIC], ("pypi.org", 443, "10.0.0.1")),
        ("https://10.0.0.1/", (), ["10.0.0.1"], ("files.example", 443, "10.0.0.2")),
        ("https://index.example/", (), ["10.0.0.1"], ("files.example", 443, "127.0.0.1")),
        ("https://index.example/", (), [PUBLIC, "fd00::1"], ("files.example", 443, "127.0.0.1")),
        ("https://pypi.org/", ("10.0.0.2",), [PUBLIC], ("mirror.example", 443, "10.0.0.2")),
        ("https://pypi.org/", ("10.0.0.2:81",), [PUBLIC], ("mirror.example", 81, "10.0.0.2")),
    ],
)
def test_addresses_where_a_host_of_the_upstream_may_be(own, hosts, addresses, peer):
    allowed(own, *hosts, addresses=addresses).check_address(*peer)


@pytest.mark.parametrize(
    ("own", "hosts", "addresses", "peer"),
    [
        ("https://pypi.org/", (), [PUBLIC], ("files.pythonhosted.org", 443, "127.0.0.1")),
        ("https://pypi.org/", (), [PUBLIC], ("files.pythonhosted.org", 443, "::ffff:127.0.0.1")),
        ("https://pypi.org/", (), [PUBLIC], ("files.pythonhosted.org", 443, "169.254.169.254")),
        ("https://pypi.org/", (), [], ("files.pythonhosted.org", 443, "10.0.0.1")),
        ("https://pypi.org/", ("mirror.example",), [PUBLIC], ("mirror.example", 443, "10.0.0.2")),
        ("https://pypi.org/", ("10.0.0.2:81",), [PUBLIC], ("mirror.example", 443, "10.0.0.2")),
        ("https://pypi.org/", ("*.0.2",), [PUBLIC], ("mirror.example", 443, "10.0.0.2")),
    ],
)
def test_addresses_where_it_may_not_be(own, hosts, addresses, peer):
    with pytest.raises(UpstreamUnavailable) as caught:
        allowed(own, *hosts, addresses=addresses).check_address(*peer)

    assert peer[0] in caught.value.message
    assert "`hosts`" in caught.value.message
