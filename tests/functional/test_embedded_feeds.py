"""XML-RPC and feeds where the index is a part of another application, below a prefix."""

import xmlrpc.client
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest

from pyramid_pypi.testing.artefacts import make_wheel
from tests.functional.apps import deciding, plain, strict
from tests.functional.support import OPEN, upload_fields

WHEEL = "holy_grail-1.0-py3-none-any.whl"


def called(web, url, method, *parameters, **options):
    answer = web.post(url, xmlrpc.client.dumps(parameters, method), content_type="text/xml", **options)
    return xmlrpc.client.loads(answer.body)[0][0]


@pytest.mark.parametrize(("module", "prefix"), [(plain, "/pypi"), (strict, "/tools/pypi")])
@pytest.mark.parametrize("script", ["", "/mount"])
def test_links_lead_below_the_prefix(host, module, prefix, script):
    web = host(module, **OPEN)
    web.post(f"{prefix}/", upload_fields(WHEEL, make_wheel("holy-grail", "1.0")))
    outside = {"SCRIPT_NAME": script}

    for end in ("", "/", "/RPC2", "/pypi", "/private", "/private/RPC2", "/repository/private/simple/"):
        (file,) = called(web, f"{prefix}{end}", "release_urls", "holy-grail", "1.0", extra_environ=outside)
        path = urlsplit(file["url"]).path
        assert path.startswith(f"{script}{prefix}/")
        assert web.get(path.removeprefix(script)).status_int == 200
    for url in ("/rss/updates.xml", "/rss/project/holy-grail/releases.xml"):
        feed = web.get(f"{prefix}{url}", extra_environ=outside)
        (item,) = ElementTree.fromstring(feed.body).iter("item")
        assert item.findtext("link") == f"http://localhost:80{script}{prefix}/project/holy-grail/1.0/"


def test_without_pages_of_ours_links_lead_to_the_simple_page(host):
    web = host(deciding, **OPEN, **{"pypi.security": "host"})
    user = {"X-Host-User": "hilda"}
    web.post("/pypi/", upload_fields(WHEEL, make_wheel("holy-grail", "1.0")), headers=user)

    feed = web.get("/pypi/rss/packages.xml", headers=user)

    (item,) = ElementTree.fromstring(feed.body).iter("item")
    assert item.findtext("link") == "http://localhost:80/pypi/simple/holy-grail/"
    assert called(web, "/pypi/RPC2", "list_packages", headers=user) == ["holy-grail"]
