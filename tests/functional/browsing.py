"""A browser that needs no screen: pages, cookies and forms of an index."""

from urllib.parse import urljoin

from webtest import TestApp

ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


class Browser:
    """Keeps cookies, follows redirects as browsers do, and sends the forms of pages."""

    def __init__(self, application, **environ):
        self.web = TestApp(application, extra_environ={"REMOTE_ADDR": "192.0.2.7", **environ})

    def open(self, path, *, status=200, headers=None):
        return self._go(self.web.get(path, headers={"Accept": ACCEPT, **(headers or {})}, status="*"), status)

    def send(self, form, *, status=200, button=None, headers=None, **fields):
        for name, value in fields.items():
            form[name] = value
        target = urljoin(form.response.request.path_qs, form.action)
        sent = form.submit_fields(button)
        given = {"Accept": ACCEPT, **(headers or {})}
        return self._go(self.web.post(target, sent, headers=given, status="*"), status)

    def log_in(self, username="ann", password="correct horse", *, status=200, at="/login"):
        form = self.open(at).forms[0]
        return self.send(form, status=status, username=username, password=password)

    def log_out(self):
        return self.send(form_to(self.open("/account"), "logout"))

    @property
    def cookies(self):
        return dict(self.web.cookies)

    def _go(self, response, status):
        hops = 0
        while response.status_int in {302, 303} and hops < 5:
            assert "://" not in response.headers["Location"], "a redirect names a host"
            there = urljoin(response.request.path_qs, response.headers["Location"])
            response = self.web.get(there, headers={"Accept": ACCEPT}, status="*")
            hops += 1
        assert response.status_int == status, (response.status, response.text)
        return response


def logged_in(application, user="ann"):
    """Return a browser in which somebody has logged in."""
    browser = Browser(application)
    browser.log_in(user)
    return browser


def form_to(page, ending):
    """Return the form of a page whose action ends so."""
    return next(form for form in page.forms.values() if form.action.endswith(ending))
