"""XML-RPC: what `pip search` and mirrors ask, who may ask, and calls that are none."""

import xmlrpc.client
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from pyramid_pypi.model import Identity
from pyramid_pypi.testing.artefacts import make_wheel
from pyramid_pypi.testing.upstreams import FakeUpstream
from tests.functional.support import OPEN
from tests.functional.test_rights import HASH, as_user, filled, team

__all__ = ["filled", "team"]

TOM = Identity.user("tom")
PLACES = ("", "/private", "/repository/private")
ENDS = ("/RPC2", "/RPC2/", "/pypi", "/pypi/", "/", "/simple/", "/legacy/")


def post(client, body, url="/RPC2", *, status=200, content_type="text/xml", headers=None):
    answer = client.web.post(url, body, content_type=content_type, headers=headers, status=status)
    return answer


def call(client, method, *parameters, url="/RPC2", headers=None, **options):
    """Call a method; return its result. Raises Fault."""
    answer = post(client, xmlrpc.client.dumps(parameters, method), url, headers=headers, **options)
    ((result,), _) = xmlrpc.client.loads(answer.body)
    return result


def fault(client, method, *parameters, **options):
    with pytest.raises(xmlrpc.client.Fault) as raised:
        call(client, method, *parameters, **options)
    return raised.value


def fault_of(answer):
    with pytest.raises(xmlrpc.client.Fault) as raised:
        xmlrpc.client.loads(answer.body)
    return raised.value


def described(summary):
    return {"summary": summary}


@pytest.fixture
def stocked(client):
    client.publish("Holy-Grail", "1.0", **described("A cup"))
    client.publish("Holy-Grail", "1.1", **described("A cup of gold"))
    client.publish("coconut", "2.0", **described("Two halves, for riding"))
    return client


def pip_asks(client, *words, **options):
    return call(client, "search", {"name": list(words), "summary": list(words)}, "or", **options)


def test_pip_finds_projects_by_name_and_by_summary(stocked):
    grail = {"name": "Holy-Grail", "summary": "A cup of gold", "version": "1.1", "_pypi_ordering": 0}

    assert pip_asks(stocked, "grail") == [grail]
    assert pip_asks(stocked, "gold") == [grail]
    assert [hit["name"] for hit in pip_asks(stocked, "riding")] == ["coconut"]
    assert pip_asks(stocked, "swallow") == []


def test_fields_are_searched_by_themselves(stocked):
    def names(spec, *operator):
        return sorted(hit["name"] for hit in call(stocked, "search", spec, *operator))

    assert names({"name": "gold"}) == []
    assert names({"summary": "gold"}) == ["Holy-Grail"]
    assert names({"name": "coconut", "summary": ["gold"]}, "or") == ["Holy-Grail", "coconut"]
    assert names({"name": "coconut", "summary": ["gold"]}, "and") == []
    assert names({"name": ["holy"], "summary": ["gold"]}) == ["Holy-Grail"]


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        (({"name": "x"}, "xor"), "The operator is and or or"),
        (({"licence": "x"},), "'licence' cannot be searched"),
        (({"name": 1},), "'name' is a string"),
        (({"name": ["x", ["y"]]},), "'name' is a string"),
        (({"name": "x" * 5000},), "at most"),
        (("x",), "search takes struct, [string]"),
        ((), "search takes struct, [string]"),
    ],
    ids=["operator", "field", "number", "nested", "long", "text", "nothing"],
)
def test_a_search_that_cannot_be_made_says_why(stocked, parameters, sentence):
    found = fault(stocked, "search", *parameters)

    assert found.faultCode == -32602
    assert sentence in found.faultString


def test_every_url_that_takes_uploads_takes_calls(stocked):
    answers = {
        place + end: call(stocked, "list_packages", url=place + end) for place in PLACES for end in ENDS
    }

    assert set(map(tuple, answers.values())) == {("coconut", "holy-grail")}
    assert {place + end for place in PLACES for end in ENDS} == set(answers)


def test_a_form_at_the_same_url_is_an_upload(stocked):
    stocked.upload("swallow-1.0-py3-none-any.whl", make_wheel("swallow", "1.0"), url="/pypi")

    assert "swallow" in call(stocked, "list_packages", url="/pypi")
    assert "Send XML-RPC" in stocked.web.post("/RPC2", {"x": "y"}, status=400).text


@pytest.mark.parametrize("content_type", ["text/xml", "application/xml", "TEXT/XML; charset=utf-8"])
def test_content_types_of_xml_are_calls(stocked, content_type):
    assert call(stocked, "changelog_last_serial", url="/pypi", content_type=content_type) == 3


def test_an_answer_is_kept_by_nobody_and_is_only_xml(stocked):
    answer = post(stocked, xmlrpc.client.dumps((), "list_packages"))

    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"


def test_mirrors_learn_what_has_changed_since_a_serial(stocked):
    before = datetime.now(UTC).timestamp()

    assert call(stocked, "changelog_last_serial") == 3
    assert call(stocked, "list_packages_with_serial") == {"holy-grail": 2, "coconut": 3}
    changes = call(stocked, "changelog_since_serial", 1)
    assert [[name, version, action, serial] for name, version, _at, action, serial in changes] == [
        ["holy-grail", "1.1", "add py3 file", 2],
        ["coconut", "2.0", "add py3 file", 3],
    ]
    assert all(type(at) is int and before - 60 < at < before + 60 for _, _, at, _, _ in changes)
    assert call(stocked, "changelog_since_serial", 3) == []


def test_a_change_of_a_project_has_no_version(stocked):
    catalog = stocked.index.catalog
    catalog.set_status(catalog.page("private", "coconut"), "archived", "", TOM)

    (change,) = call(stocked, "changelog_since_serial", 3)

    assert change[:2] + change[3:] == ["coconut", None, "status archived", 4]


@pytest.mark.parametrize("serial", [-1, 2**31, "1", True], ids=str)
def test_a_serial_is_a_number_of_32_bits(stocked, serial):
    if serial == 2**31:
        body = xmlrpc.client.dumps((1,), "changelog_since_serial").replace("<int>1<", f"<int>{serial}<")
        assert fault_of(post(stocked, body)).faultCode == -32602
    else:
        assert fault(stocked, "changelog_since_serial", serial).faultCode == -32602


def test_the_versions_of_a_project_have_the_newest_first(stocked):
    stocked.publish("holy-grail", "1.10")
    catalog = stocked.index.catalog
    served = stocked.index.served("private")
    (file,) = [one for one in catalog.page("private", "holy-grail").files if one.version == "1.1"]
    served.hosted.yank(file, "leaks", TOM)

    assert call(stocked, "package_releases", "Holy_Grail") == ["1.10", "1.0"]
    assert call(stocked, "package_releases", "holy-grail", True) == ["1.10", "1.1", "1.0"]
    assert call(stocked, "package_releases", "nothing") == []
    assert call(stocked, "package_releases", "../etc") == []


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("end", ["/RPC2", "/pypi/", "/"])
def test_links_of_files_lead_to_the_repository(stocked, place, end):
    (entry,) = call(stocked, "release_urls", "holy-grail", "1.1", url=place + end)

    parts = urlsplit(entry["url"])
    # A repository may be called as its URLs end, and the default one's are at the root.
    root = "" if (place, end) == ("", "/pypi/") else place
    assert parts.path.startswith(f"{root}/packages/")
    assert stocked.web.get(parts.path).headers["Content-Length"] == str(entry["size"])
    assert entry["packagetype"] == "bdist_wheel"


def test_a_release_is_what_its_authors_say(stocked):
    data = call(stocked, "release_data", "holy-grail", "1.1")

    assert (data["name"], data["version"], data["summary"]) == ("Holy-Grail", "1.1", "A cup of gold")
    assert data["project_url"] == "http://localhost:80/project/holy-grail/"
    assert data["release_url"] == "http://localhost:80/project/holy-grail/1.1/"


@pytest.mark.parametrize(
    ("name", "version"),
    [("holy-grail", "9.9"), ("holy-grail", ""), ("holy-grail", "9" * 5000), ("nothing", "1.0"), ("", "1.0")],
    ids=["other", "empty", "long", "nothing", "nameless"],
)
def test_what_is_not_there_is_empty(stocked, name, version):
    assert call(stocked, "release_data", name, version) == {}
    assert call(stocked, "release_urls", name, version) == []


def test_a_file_beyond_32_bits_has_a_double_for_its_size(stocked):
    with stocked.index.catalog.writing() as connection:
        connection.exec_driver_sql(f"UPDATE files SET size = {5 * 2**30}")

    (entry,) = call(stocked, "release_urls", "coconut", "2.0")

    assert entry["size"] == 5.0 * 2**30


def test_methods_are_listed(client):
    listed = call(client, "system.listMethods")

    assert listed == sorted(listed)
    assert {"search", "changelog_since_serial", "list_packages_with_serial"} <= set(listed)


@pytest.mark.parametrize("method", ["system.multicall", "browse", "__class__", "run", "a" * 1000], ids=len)
def test_a_method_that_is_not_there_is_named(client, method):
    found = fault(client, method)

    assert found.faultCode == -32601
    assert method[:50] in found.faultString


def test_strangers_are_asked_to_log_in(filled):
    body = xmlrpc.client.dumps((), "list_packages")
    answer = post(filled, body, status=401)

    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert "isn't allowed to see" in post(filled, body, headers=as_user("dave"), status=403).text


def test_hidden_projects_are_as_if_they_were_not_there(filled):
    carol, ann = as_user("carol"), as_user("ann")

    def seen(headers):
        return {
            "packages": call(filled, "list_packages", headers=headers),
            "changes": [one[0] for one in call(filled, "changelog_since_serial", 0, headers=headers)],
            "found": [hit["name"] for hit in pip_asks(filled, "sauce", headers=headers)],
            "releases": call(filled, "package_releases", "secret-sauce", headers=headers),
            "urls": len(call(filled, "release_urls", "secret-sauce", "1.0", headers=headers)),
        }

    hidden = {"packages": ["holy-grail"], "changes": ["holy-grail"], "found": [], "releases": [], "urls": 0}
    shown = {
        "packages": ["holy-grail", "secret-sauce"],
        "changes": ["holy-grail", "secret-sauce"],
        "found": ["secret-sauce"],
        "releases": ["1.0"],
        "urls": 1,
    }
    assert seen(carol) == hidden
    assert seen(ann) == shown


def test_pages_of_other_sites_call_nothing(client):
    body = xmlrpc.client.dumps((), "list_packages")

    answer = post(client, body, headers={"Origin": "https://evil.example.org"}, status=403)

    assert "other sites" in answer.text


@pytest.fixture
def owned(build, tmp_path):
    """ann owns holy-grail, and people outside may read it."""
    (tmp_path / "htpasswd").write_text(f"ann:{HASH}\n")
    client = build(
        **{
            "pypi.authenticators": "htpasswd",
            "pypi.auth.htpasswd.path": "htpasswd",
            "pypi.repo.private.read": "everyone",
            "pypi.repo.private.upload": "authenticated",
            "pypi.repo.private.ownership": "first-uploader",
        }
    )
    client.upload("holy_grail-1.0-py3-none-any.whl", make_wheel("holy-grail", "1.0"), headers=as_user("ann"))
    client.index.served("private").roles.grant("holy-grail", "group:knights", "maintainer", "ann")
    return client


def test_users_see_who_looks_after_a_project(owned):
    ann = as_user("ann")

    assert sorted(call(owned, "package_roles", "Holy_Grail", headers=ann)) == [
        ["Maintainer", "group:knights"],
        ["Owner", "ann"],
    ]
    assert call(owned, "user_packages", "ann", headers=ann) == [["Owner", "holy-grail"]]
    assert call(owned, "user_packages", "bob", headers=ann) == []
    assert call(owned, "package_roles", "nothing", headers=ann) == []


def test_strangers_do_not_see_people(owned):
    assert "Log in" in fault(owned, "package_roles", "holy-grail").faultString
    assert fault(owned, "user_packages", "ann").faultCode == -32500


def test_a_group_answers_for_its_members(build):
    with FakeUpstream() as upstream:
        client = build(
            **{
                **OPEN,
                "pypi.repositories": "all private public",
                "pypi.repo.all": "group",
                "pypi.repo.all.members": "private public",
                "pypi.repo.all.publish": "private",
                "pypi.repo.all.read": "everyone",
                "pypi.repo.public": "proxy",
                "pypi.repo.public.read": "everyone",
                "pypi.repo.public.upstream": "simple",
                "pypi.repo.public.upstream.url": upstream.url,
            }
        )
        upstream.add("numpy-1.0-py3-none-any.whl", make_wheel("numpy", "1.0"))
        client.upload("holy_grail-1.0-py3-none-any.whl", make_wheel("holy-grail", "1.0"))

        assert call(client, "list_packages") == ["holy-grail"]
        assert [one[0] for one in call(client, "changelog_since_serial", 0)] == ["holy-grail"]
        assert call(client, "package_releases", "numpy") == ["1.0"]
        assert [hit["name"] for hit in pip_asks(client, "grail")] == ["holy-grail"]
        assert call(client, "list_packages", url="/public/RPC2") == []


def wrapped(inner):
    return f"<methodCall><methodName>search</methodName><params><param>{inner}</param></params></methodCall>"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "x" * 100,
        "<methodCall>",
        "<methodCall/>",
        "<fault/>",
        "<methodCall><params/></methodCall>",
        "<methodCall><fault/></methodCall>",
        '<!DOCTYPE a [<!ENTITY b "c">]><methodCall/>',
        wrapped("<value><!-- x --></value>"),
        wrapped("<value><![CDATA[x]]></value>"),
        wrapped("<value><int>x</int></value>"),
        wrapped("<value><boolean>2</boolean></value>"),
        wrapped("<value><base64>x</base64></value>"),
        wrapped("<value><bigdecimal>x</bigdecimal></value>"),
        wrapped("<value><thing/></value>"),
        wrapped("</value>"),
        wrapped("<value></array></value>"),
        wrapped("<value><struct><member><name>x</name></member></struct></value>"),
        wrapped("<value>&b;</value>"),
        wrapped("<value>&#xD800;</value>"),
        wrapped("<value>\x00</value>"),
        wrapped("<value><array><data>" * 100 + "</data></array></value>" * 100),
        wrapped("<value><int>" + "9" * 5000 + "</int></value>"),
        "<?xml version='1.0' encoding='utf-16'?><a/>",
        "<?xml version='1.0' encoding='cp037'?><a/>",
        b"\xff\xfe<\x00a\x00",
        b"\xff",
    ],
    ids=lambda body: str(len(body)),
)
def test_what_is_no_call_is_a_fault(client, body):
    assert fault_of(post(client, body)).faultCode == -32700


@pytest.mark.parametrize(
    "inner",
    [
        "<value><struct><value><int>1</int></value><value><int>2</int></value></struct></value>",
        "<value><struct></struct></value><value><int>1</int></value>",
        "<value><nil/></value>",
        "<value><double>nan</double></value>",
        "<value><dateTime.iso8601>x</dateTime.iso8601></value>",
        "",
    ],
    ids=["numbered", "two", "nil", "nan", "time", "none"],
)
def test_parameters_of_another_kind_are_a_fault(client, inner):
    assert fault_of(post(client, wrapped(inner))).faultCode == -32602


def test_a_call_has_64_kib(client):
    body = xmlrpc.client.dumps(({"name": "x" * 70_000},), "search")

    assert "up to 65536 bytes" in post(client, body, status=413).text
    assert "up to 65536 bytes" in post(client, body, "/pypi", status=413).text


def test_characters_that_are_none_in_xml_are_replaced(client):
    client.publish("bell", "1.0", metadata_lines=("Keywords: a\x07b",))

    assert call(client, "release_data", "bell", "1.0")["keywords"] == "a\ufffdb"


def test_what_is_markup_in_xml_comes_as_it_is(client):
    client.publish("tag", "1.0", **described("<b>&amp;</b> ]]>"))

    assert call(client, "release_data", "tag", "1.0")["summary"] == "<b>&amp;</b> ]]>"
