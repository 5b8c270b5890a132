"""What is sent."""

import json
from datetime import UTC, datetime
from typing import get_args

import pytest

from pyramid_pypi_webhooks.events import Event, EventName
from pyramid_pypi_webhooks.shapes import body_of, sentence

AT = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
FILE = {
    "repository": "private",
    "project": "holy-grail",
    "version": "1.0",
    "filename": "holy_grail-1.0.tar.gz",
    "size": 1234,
    "sha256": "ab" * 32,
    "by": "ann",
}
LOGIN = {"username": "ann", "address": "192.0.2.1", "reason": "The password is wrong"}


def event(name, **more):
    data = LOGIN if name == "login-failed" else {**FILE, "status": "archived"}
    return Event(name, AT, {**data, **more})


def test_plain_event_has_type_time_and_data():
    assert json.loads(body_of(event("file-added"), "json")) == {
        "type": "file.added",
        "timestamp": "2026-11-21T12:30:00.000000Z",
        "data": {**FILE, "status": "archived"},
    }


@pytest.mark.parametrize(
    ("name", "more", "said"),
    [
        ("file-added", {}, "holy_grail-1.0.tar.gz was added to private by ann"),
        ("file-removed", {"by": ""}, "holy_grail-1.0.tar.gz was removed from private"),
        (
            "file-yanked",
            {"reason": "it bites"},
            "holy_grail-1.0.tar.gz was yanked in private by ann: it bites",
        ),
        ("file-yanked", {"reason": ""}, "holy_grail-1.0.tar.gz was yanked in private by ann"),
        ("file-unyanked", {}, "holy_grail-1.0.tar.gz is offered again in private by ann"),
        ("status-changed", {"reason": "done"}, "holy-grail is archived in private by ann: done"),
        ("upstream-fetched", {}, "private now keeps holy_grail-1.0.tar.gz"),
        ("login-failed", {}, "Somebody failed to log in as ann from 192.0.2.1: The password is wrong"),
    ],
)
def test_people_read_a_sentence(name, more, said):
    assert sentence(event(name, **more)) == said


@pytest.mark.parametrize("name", get_args(EventName))
def test_every_event_has_a_sentence(name):
    assert sentence(event(name, reason="why"))


def test_slack_gets_text_in_which_nothing_is_a_command():
    hostile = event("file-yanked", reason="<!channel> & <https://evil.example|click>\n*here*")
    text = json.loads(body_of(hostile, "slack"))["text"]

    assert text.endswith("&lt;!channel&gt; &amp; &lt;https://evil.example|click&gt; *here*")


def test_slack_gets_a_link_where_the_address_of_the_index_is_known():
    there = event("file-added", url="https://pypi.example.org/private/project/holy-grail/")

    assert json.loads(body_of(there, "slack"))["text"] == (
        "holy_grail-1.0.tar.gz was added to private by ann "
        "(<https://pypi.example.org/private/project/holy-grail/|look>)"
    )


def test_teams_gets_an_adaptive_card_whose_text_is_no_markdown():
    there = event("file-yanked", reason="[click](https://evil.example)", url="https://pypi.example.org/")
    sent = json.loads(body_of(there, "teams"))
    (attachment,) = sent["attachments"]
    (text,) = attachment["content"]["body"]

    assert sent["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attachment["content"]["type"] == "AdaptiveCard"
    assert text == {
        "type": "RichTextBlock",
        "inlines": [{"type": "TextRun", "text": sentence(there)}],
    }
    assert attachment["content"]["actions"][0]["url"] == "https://pypi.example.org/"


def test_sentence_is_never_endless():
    assert len(sentence(event("login-failed", username="a" * 100_000))) == 1000
