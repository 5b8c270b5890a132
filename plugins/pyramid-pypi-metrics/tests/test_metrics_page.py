"""`/-/metrics`: who may look, and what is shown."""

import base64
import threading
import urllib.request

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse

from webtest import TestApp

from pyramid_pypi.auth.tokens import Grant, issue
from pyramid_pypi.model import Scope
from pyramid_pypi.server import create_server

TOKEN = "battery-staple-swordfish"
JSON = "application/vnd.pypi.simple.v1+json"


@pytest.fixture
def index(pypi_index):
    """A function of settings; everybody may look unless they say otherwise."""

    def make(**settings):
        return pypi_index(plugins=["metrics"], settings={"pypi.metrics.public": "yes", **settings})

    return make


def samples(client, **headers):
    """Return what is shown, by name and labels, after everything that was answered is counted."""
    client.app.flush()
    answer = client.get("/-/metrics", headers=headers, status=200)
    return {
        (one.name, *sorted(one.labels.items())): one.value
        for family in parse(answer.text)
        for one in family.samples
    }


def value(found, name, /, **labels):
    return found.get((f"pypi_{name}", *sorted(labels.items())), 0)


def test_requests_are_counted_by_route_method_and_status(index):
    client = index()
    for _ in range(3):
        client.get("/simple/", headers={"Accept": JSON})
    client.get("/simple/holy-grail/", status=404)
    client.get("/-/no-such-thing", status=404)
    found = samples(client)

    assert value(found, "requests_total", route="projects", method="GET", status="200") == 3
    assert value(found, "requests_total", route="project", method="GET", status="404") == 1
    assert value(found, "requests_total", route="none", method="GET", status="404") == 1
    assert value(found, "request_duration_seconds_count", route="projects") == 3
    assert value(found, "request_duration_seconds_bucket", route="projects", le="+Inf") == 3
    assert value(found, "response_bytes_total", route="projects") > 100


def test_clients_make_no_labels(index):
    client = index()
    loose = TestApp(client.app, lint=False)
    for number in range(5):
        client.get(f"/simple/nothing-{number}/", status=404)
        loose.request(f"/-/nothing-{number}", method=f"FROB{number}", status="*")
    found = samples(client)

    assert not [key for key in found if "nothing" in str(key) or "FROB" in str(key)]
    assert sum(number for key, number in found.items() if ("method", "other") in key) == 5


def test_uploads_and_downloads_are_counted_by_project(index, pypi_publish, pypi_wheel):
    client = index(**{"pypi.metrics.projects": "1"})
    for project in ("holy-grail", "parrot"):
        pypi_publish(client, pypi_wheel(project, "1.0"))
        (file,) = client.get(f"/simple/{project}/", headers={"Accept": JSON}).json["files"]
        url = "/" + file["url"].removeprefix("../../")
        for _ in range(2):
            client.get(url)
        client.get(f"{url}.metadata")
        client.head(url)
        client.get(url, headers={"Range": "bytes=0-1"}, status=206)
    found = samples(client)

    for project in ("holy-grail", "other"):
        assert value(found, "uploads_total", repository="private", project=project) == 1
        assert value(found, "downloads_total", repository="private", project=project) == 2
    assert not [key for key in found if ("project", "parrot") in key]


def test_removing_yanking_and_status_are_counted(index, pypi_publish, pypi_wheel):
    from pyramid_pypi.model import Identity

    class Anybody:
        identity = Identity.user("ann")

        def require(self, permission, project):
            pass

    client = index()
    pypi_publish(client, pypi_wheel("holy-grail", "1.0"))
    takes = client.app.index.default.takes
    takes.yank_release("holy-grail", "1.0", "it bites", Anybody())
    takes.yank_release("holy-grail", "1.0", None, Anybody())
    takes.set_status("holy-grail", "deprecated", "", Anybody())
    takes.delete_release("holy-grail", "1.0", Anybody())
    found = samples(client)

    assert value(found, "files_yanked_total", repository="private", action="yank") == 1
    assert value(found, "files_yanked_total", repository="private", action="unyank") == 1
    assert value(found, "status_changes_total", repository="private", status="deprecated") == 1
    assert value(found, "files_removed_total", repository="private") == 1
    assert value(found, "journal_serial") == client.app.index.catalog.last_serial()


def following(upstream):
    return {
        "pypi.repositories": "private far",
        "pypi.repo.far": "proxy",
        "pypi.repo.far.upstream": "simple",
        "pypi.repo.far.upstream.url": upstream.url,
        "pypi.repo.far.read": "everyone",
    }


def test_upstreams_are_counted(index, pypi_upstream, pypi_wheel):
    name, content = pypi_wheel("holy-grail", "1.0")
    pypi_upstream.add(name, content)
    client = index(**following(pypi_upstream))
    (file,) = client.get("/far/simple/holy-grail/", headers={"Accept": JSON}).json["files"]
    client.get(file["url"].replace("../../", "/far/"))
    up = samples(client)
    pypi_upstream.down()
    client.get("/far/simple/parrot/", status=502)
    down = samples(client)

    assert value(up, "upstream_fetches_total", repository="far") == 1
    assert value(up, "upstream_fetched_bytes_total", repository="far") == len(content)
    assert value(up, "part_up", kind="upstream", name="far") == 1
    assert value(down, "upstream_errors_total", repository="far", status="502") == 1
    assert value(down, "part_up", kind="upstream", name="far") == 0


def test_pages_that_had_to_be_made_are_counted(index, pypi_publish, pypi_wheel):
    client = index()
    pypi_publish(client, pypi_wheel("holy-grail", "1.0"))
    before = samples(client)
    for _ in range(5):
        client.get("/simple/holy-grail/", headers={"Accept": JSON})
    after = samples(client)

    assert value(after, "pages_made_total") - value(before, "pages_made_total") == 1
    assert value(after, "ready_pages_bytes") > value(before, "ready_pages_bytes")


def test_login_failures_are_counted(index, tmp_path):
    client = index(**{"pypi.authenticators": "tokens"})
    wrong = base64.b64encode(b"ann:guess").decode()
    client.get("/simple/", headers={"Authorization": f"Basic {wrong}"}, status=401)

    assert value(samples(client), "login_failures_total") == 1


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "text/plain; version=0.0.4"),
        ("text/plain;version=0.0.4;q=0.3,*/*;q=0.1", "text/plain; version=0.0.4"),
        ("text/plain;version=x", "text/plain; version=0.0.4"),
        ("application/openmetrics-text;version=0.x.1", "text/plain; version=0.0.4"),
        (f"text/html{', text/html' * 5000}", "text/plain; version=0.0.4"),
    ],
    ids=["nothing", "prometheus", "word", "mixture", "long"],
)
def test_accept_that_means_nothing_gets_the_plain_format(index, accept, kind):
    answer = index().get("/-/metrics", headers={"Accept": accept}, status=200)

    assert answer.headers["Content-Type"].startswith(kind)
    assert list(parse(answer.text))


def test_openmetrics_is_given_to_who_wants_it(index, pypi_publish, pypi_wheel):
    client = index()
    pypi_publish(client, pypi_wheel("holy-grail", "1.0"))
    client.app.flush()
    accept = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75"
    answer = client.get("/-/metrics", headers={"Accept": accept})
    families = {one.name for one in parse_openmetrics(answer.text)}

    assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert {"pypi_requests", "pypi_request_duration_seconds", "pypi_uploads", "pypi_part_up"} <= families


def test_nobody_looks_unless_the_settings_say_so(index):
    client = index(**{"pypi.metrics.public": "no", "pypi.repo.private.manage": "nobody"})

    assert "pypi_" not in client.get("/-/metrics", status=401).text


def test_who_has_manage_looks(index):
    client = index(**{"pypi.metrics.public": "no", "pypi.repo.private.manage": "everyone"})

    assert "pypi_info" in client.get("/-/metrics", status=200)


def test_token_opens_the_metrics_and_nothing_else(index):
    client = index(
        **{
            "pypi.metrics.public": "no",
            "pypi.metrics.token": TOKEN,
            "pypi.repo.private.manage": "nobody",
            "pypi.repo.private.read": "nobody",
        }
    )
    right = {"Authorization": f"Bearer {TOKEN}"}

    assert "pypi_info" in client.get("/-/metrics", headers=right, status=200)
    assert "swordfish" not in client.get("/-/metrics", headers=right).text
    for wrong in (f"Bearer {TOKEN}x", "Bearer", "Bearer ", "Bearer ÿ", "Basic Og==", "x"):
        client.get("/-/metrics", headers={"Authorization": wrong}, status=401)
    client.get("/simple/", headers=right, status=401)


def test_token_of_the_index_is_as_good_as_a_password(index):
    """Beside a token for the metrics, too."""
    client = index(
        **{
            "pypi.authenticators": "tokens",
            "pypi.metrics.public": "no",
            "pypi.metrics.token": TOKEN,
            "pypi.repo.private.manage": "user:ann",
        }
    )
    scope = Scope(frozenset({"manage"}))
    ann, bob = (
        issue(client.app.index.tokens, Grant(name, scope, groups=()), by="root")[1] for name in ("ann", "bob")
    )

    for secret, status in ((ann, 200), (bob, 403), (f"{ann}x", 401)):
        client.get("/-/metrics", headers={"Authorization": f"Bearer {secret}"}, status=status)


def test_other_methods_are_refused(index):
    client = index()

    client.post("/-/metrics", status=405)
    assert client.head("/-/metrics", status=200).body == b""


def test_two_indexes_count_apart(index):
    one, other = index(), index()
    one.get("/simple/")

    assert value(samples(one), "requests_total", route="projects", method="GET", status="200") == 1
    assert value(samples(other), "requests_total", route="projects", method="GET", status="200") == 0


def test_threads_of_the_server_are_counted(index):
    server = create_server(index().app, host="127.0.0.1", port=0, threads=7)
    running = threading.Thread(target=server.run, daemon=True)
    running.start()
    url = f"http://127.0.0.1:{server.effective_port}/-/metrics"
    with urllib.request.urlopen(url, timeout=20) as answer:
        shown = {one.name: one.samples[0].value for one in parse(answer.read().decode()) if one.samples}
    server.trigger.pull_trigger(server.close)
    server.task_dispatcher.shutdown()

    assert shown["pypi_server_threads"] == 7
    assert shown["pypi_server_threads_busy"] == 1
    assert shown["pypi_server_queue_length"] == 0


def test_other_servers_show_no_threads(index):
    assert not [key for key in samples(index()) if key[0].startswith("pypi_server")]


def test_catalog_that_is_away_leaves_the_rest(index, monkeypatch):
    from pyramid_pypi.errors import CatalogUnavailable

    def away(*_):
        raise CatalogUnavailable("The disk is gone")

    client = index()
    monkeypatch.setattr(client.app.index.catalog, "last_serial", away)
    found = samples(client)

    assert value(found, "part_up", kind="catalog", name="catalog") == 0
    assert ("pypi_journal_serial",) not in found
    assert value(found, "threads") > 0
