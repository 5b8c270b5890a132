"""The settings, the README and the dashboard."""

import json
import re
from importlib import resources
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse

from pyramid_pypi.errors import SettingsError
from pyramid_pypi.options import options_of
from pyramid_pypi.settings import load
from pyramid_pypi.testing.clients import open_settings
from pyramid_pypi_metrics.settings import Metrics

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
BOARD = json.loads(resources.files("pyramid_pypi_metrics").joinpath("grafana.json").read_text("utf-8"))
ENDINGS = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}


@pytest.fixture
def exported(pypi_index, monkeypatch):
    """The names of all series that there may be, those of the server of the shipped settings too."""
    from pyramid_pypi_metrics.gauges import ServerThreads

    class Dispatcher:
        threads, queue, active_count = {1}, [], 1

    monkeypatch.setattr(ServerThreads, "look", lambda self, _: setattr(self, "_dispatcher", Dispatcher))
    client = pypi_index(plugins=["metrics"], settings={"pypi.metrics.public": "yes"})
    return {
        family.name + ending
        for family in parse(client.get("/-/metrics").text)
        for ending in ENDINGS[family.type]
    }


def expressions():
    for panel in BOARD["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    yield from (one["definition"] for one in BOARD["templating"]["list"] if "definition" in one)


def names_in(text):
    return set(re.findall(r"\b(?:pypi|process)_[a-z_]+\b", text))


def test_the_dashboard_asks_for_what_there_is(exported):
    asked = set().union(*map(names_in, expressions()))

    assert asked - exported == set()


def test_the_dashboard_shows_everything_that_is_ours(exported):
    asked = set().union(*map(names_in, expressions()))
    ours = {name for name in exported if name.startswith("pypi_") and not name.endswith(("_sum", "_count"))}

    assert ours - asked == set()


def test_the_dashboard_can_be_imported():
    panels = BOARD["panels"]

    assert len({one["id"] for one in panels}) == len(panels)
    for one in panels:
        place = one["gridPos"]
        assert place["x"] + place["w"] <= 24
        assert all("expr" in target for target in one.get("targets", ()))
        assert all(one["targets"] for one in panels if one["type"] != "row")
    cells = [
        (x, y)
        for one in panels
        for x in range(one["gridPos"]["x"], one["gridPos"]["x"] + one["gridPos"]["w"])
        for y in range(one["gridPos"]["y"], one["gridPos"]["y"] + one["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))


def test_every_series_is_in_the_readme(exported):
    assert {name for name in exported if name.startswith("pypi_")} - names_in(README) - {
        f"pypi_request_duration_seconds_{one}" for one in ("sum", "count", "bucket")
    } == set()


def test_every_option_is_in_the_readme():
    assert [one.name for one in options_of(Metrics) if f"\n| `pypi.metrics.{one.name}` |" not in README] == []


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("token", "swordfish", "less than 16 characters"),
        ("token", "swordfish swordfish", "no header can have"),
        ("projects", "-1", "at least 0"),
        ("public", "maybe", "neither true nor false"),
        ("colour", "red", "is not a key"),
    ],
)
def test_mistakes_in_the_settings_are_told_without_secrets(tmp_path, key, value, told):
    keys = {**open_settings(tmp_path), "pypi.plugins": "metrics", f"pypi.metrics.{key}": value}
    with pytest.raises(SettingsError) as caught:
        load(keys, environ={})

    assert told in str(caught.value)
    assert "swordfish" not in str(caught.value)
