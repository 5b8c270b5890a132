"""The bodies: the event itself, a message for Slack, a card for Teams."""

import json

from pyramid_pypi_webhooks.events import Event
from pyramid_pypi_webhooks.settings import Shape

__all__ = ["body_of", "sentence"]

_SENTENCES = {
    "file-added": "{filename} was added to {repository}{by}",
    "file-removed": "{filename} was removed from {repository}{by}",
    "file-yanked": "{filename} was yanked in {repository}{by}{reason}",
    "file-unyanked": "{filename} is offered again in {repository}{by}",
    "status-changed": "{project} is {status} in {repository}{by}{reason}",
    "upstream-fetched": "{repository} now keeps {filename}",
    "login-failed": "Somebody failed to log in as {username} from {address}{reason}",
    "test": "This is a test of the webhook {webhook}",
}
_LONGEST = 1000


def body_of(event: Event, shape: Shape) -> bytes:
    """Return what is sent, the same bytes each time."""
    content = {"json": _plain, "slack": _slack, "teams": _teams}[shape](event)
    return json.dumps(content, separators=(",", ":")).encode()


def sentence(event: Event) -> str:
    """Return the event as people read it, in one line."""
    said = {name: " ".join(str(value or "").split()) for name, value in event.data.items()}
    said["by"] = f" by {said['by']}" if said.get("by") else ""
    said["reason"] = f": {said['reason']}" if said.get("reason") else ""
    return _SENTENCES[event.name].format_map(said)[:_LONGEST]


def _plain(event: Event) -> object:
    return {"type": event.type, "timestamp": event.timestamp, "data": event.data}


def _slack(event: Event) -> object:
    text, url = _escaped(sentence(event)), event.data.get("url")
    return {"text": f"{text} (<{_escaped(str(url))}|look>)" if url else text}


def _escaped(text: str) -> str:
    """Return text in which nothing is a link, a channel or a user for Slack."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _teams(event: Event) -> object:
    # A text run is shown as it is, where the text of other elements is Markdown.
    text = {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": sentence(event)}]}
    url = event.data.get("url")
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [text],
        "actions": [{"type": "Action.OpenUrl", "title": "Look", "url": url}] if url else [],
    }
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": card}]}
