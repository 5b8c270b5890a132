"""The settings of the page about sign-in, with a real provider."""

from urllib.parse import urlsplit

import webtest

from pyramid_pypi import main
from pyramid_pypi_oidc.testing_provider import SECRET, NodeProvider, visit
from tests.clients.toolbox import CACHE
from tests.docs.blocks import blocks
from tests.docs.test_blocks import complete

PAGE = "docs/how-to/sign-in-with-openid-connect.md"


def test_people_sign_in_with_the_settings_of_the_page(tmp_path, monkeypatch):
    redirect, *_ = (block.text.strip() for block in blocks(PAGE) if block.how == "output")
    (block,) = (one for one in blocks(PAGE) if one.detail == "site")
    (tmp_path / "htpasswd").write_text("# nobody\n")
    monkeypatch.setenv("SSO_SECRET", SECRET)
    with NodeProvider(CACHE, redirect) as provider:
        settings = {**complete(block, tmp_path), "pypi.oidc.provider.sso.url": provider.url}
        app = main({}, **settings)
        web = webtest.TestApp(
            app, extra_environ={"HTTP_HOST": "pypi.example.org", "wsgi.url_scheme": "https"}
        )
        back = urlsplit(visit("ann", web.get("/-/oidc/sso/login").headers["Location"]))
        answer = web.get(f"{back.path}?{back.query}", status=303)
        (session,) = (
            one.partition(";")[0]
            for one in answer.headers.getall("Set-Cookie")
            if one.startswith("__Host-pypi_session=")
        )
        account = web.get("/account", headers={"Cookie": session})
        app.close()

    assert "<strong>ann</strong>, in Release-Engineers, staff" in account.text
