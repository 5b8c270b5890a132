"""What the server builds on in waitress without waitress having promised it."""

import hashlib
import inspect

import pytest
from waitress import buffers, channel, parser, server, task, trigger


@pytest.mark.parametrize(
    ("function", "digest"),
    [
        # Replaced by ours.
        (channel.HTTPChannel._flush_some, "fe7a9a752a41"),
        (channel.HTTPChannel.readable, "e4722238ce60"),
        (channel.HTTPChannel.writable, "d0cbd4ae1b3b"),
        # Extended by ours, which rely on when they look at what.
        (channel.HTTPChannel.handle_write, "6c900f395b30"),
        (channel.HTTPChannel.handle_close, "8f59b9aaa455"),
        (channel.HTTPChannel.write_soon, "20eedb92a823"),
        (channel.HTTPChannel.service, "f73afa13748e"),
        (task.Task.service, "d96bb4019c48"),
        (task.Task.set_close_on_finish, "90433a0ffcaf"),
        (task.Task.build_response_header, "2cf70b88816f"),
        (parser.HTTPRequestParser.parse_header, "c2c093b90178"),
        # Called by ours, or calling ours.
        (channel.HTTPChannel._flush_some_if_lockable, "51e124355e63"),
        (channel.HTTPChannel._flush_exception, "c9f3751ffdb0"),
        (channel.HTTPChannel._flush_outbufs_below_high_watermark, "27a2b75117ab"),
        (channel.HTTPChannel.received, "08d6df73fb69"),
        (task.WSGITask.execute, "207afc60fcf3"),
        (server.BaseWSGIServer.maintenance, "4ab5b7f595bc"),
        (server.BaseWSGIServer.handle_accept, "69bfcf0fc140"),
        (trigger._triggerbase.pull_trigger, "50c47b99aa2d"),
        (trigger._triggerbase.handle_read, "e21685b20f08"),
        (buffers.ReadOnlyFileBasedBuffer.prepare, "6bd451d6ad6f"),
    ],
    ids=lambda value: getattr(value, "__qualname__", ""),
)
def test_waitress_is_as_it_was_when_this_was_written(function, digest):
    """If it is not, read what has changed against `pyramid_pypi.server`, then change the digest."""
    assert hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:12] == digest
