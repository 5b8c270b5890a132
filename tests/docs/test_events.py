"""The pages about webhooks and about Prometheus: run as they are written, and what they ask for is there."""

import json
import re
import socket

import yaml
from prometheus_client.parser import text_string_to_metric_families

from pyramid_pypi.testing.clients import compose_client
from tests.clients.releases import save
from tests.docs.blocks import blocks

PROMETHEUS = "docs/how-to/watch-with-prometheus.md"


def test_a_program_is_told_of_a_release(port, tell, tmp_path):
    save(tmp_path / "work" / "dist", "holy-grail", "1.0")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        receiver = str(other.getsockname()[1])

    tell(port, "twine", **{"8765": receiver}).run(blocks("docs/how-to/webhooks.md"))

    assert (tmp_path / "work" / "received.txt").read_text().splitlines() == [
        "test ",
        "file.added holy_grail-1.0-py3-none-any.whl",
    ]


def test_the_index_is_watched(port, tell, tmp_path):
    tell(port).run(blocks(PROMETHEUS))

    assert json.loads((tmp_path / "work" / "grafana.json").read_text())["title"] == "pyramid_pypi"


def test_the_alerts_ask_for_what_there_is(tmp_path):
    client = compose_client(tmp_path, {"pypi.plugins": "metrics", "pypi.metrics.public": "yes"})
    families = list(text_string_to_metric_families(client.get("/-/metrics").text))
    client.app.close()
    endings = {"counter": ("_total",), "histogram": ("_bucket",), "gauge": ("",)}
    exported = {one.name + ending for one in families for ending in endings[one.type]}
    # These are there when the server is waitress.
    exported |= {"pypi_server_threads", "pypi_server_threads_busy", "pypi_server_queue_length"}
    files = [yaml.safe_load(block.text) for block in blocks(PROMETHEUS) if block.how == "alerts"]
    rules = [rule for file in files for group in file.get("groups", ()) for rule in group["rules"]]
    asked = {name for rule in rules for name in re.findall(r"\bpypi_\w+", rule["expr"])}

    assert files[0]["scrape_configs"][0]["metrics_path"] == "/-/metrics"
    assert len({rule["alert"] for rule in rules}) == len(rules) > 5
    assert asked - exported == set()
