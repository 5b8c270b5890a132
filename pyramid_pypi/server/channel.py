"""One connection: what is sent in one turn of the network loop, and what waits without a thread.

waitress runs one loop for all connections, which reads and sends, and threads that run the
application. What a thread has written lies in `outbufs`, in order, until the loop has sent it.
`total_outbufs_len` counts it, and every method that begins with `_flush` sends some of it, holding
`outbuf_lock`. An `ArrivingBody` lies there too, and counts as one byte.
"""

import os
import select
import threading
import time
from typing import Any

from waitress.channel import HTTPChannel

from pyramid_pypi.server.alarm import Alarm
from pyramid_pypi.server.arriving import ArrivingBody
from pyramid_pypi.server.task import Parser, Task
from pyramid_pypi.web.slices import FileSlices

__all__ = ["TURN", "Channel"]

# Bytes: about what a download may take from the loop before everybody else has had a turn.
TURN = 1 << 18
# Where the system cannot tell that the client will send no more, what poll tells unasked has to do.
_LEAVING = getattr(select, "POLLRDHUP", 0)


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection of waitress that also sends bytes which are still arriving.

    While it does, its client's further requests wait, without a thread.
    """

    task_class = Task
    parser_class = Parser
    will_close: bool

    def __init__(self, *args: Any, alarm: Alarm, **options: Any) -> None:
        self._alarm = alarm
        self._arriving: ArrivingBody | None = None
        self._owes_service = False
        # Guards the two above where they are changed together; nothing is called while it is held.
        self._arriving_lock = threading.Lock()
        super().__init__(*args, **options)

    @property
    def last_activity(self) -> float:
        """When the client last did something, since 1970; not its fault while it waits for us."""
        arriving = self._arriving
        return self._last_activity if arriving is None else max(self._last_activity, arriving.active_at)

    @last_activity.setter
    def last_activity(self, moment: float) -> None:
        self._last_activity = moment

    # Both are asked of every connection in every turn, so they say what waitress's say without
    # calling them.
    def readable(self) -> bool:
        """Tell whether the loop is to read, which is also how it learns that the client has left."""
        if self._arriving is None and not self.will_close:
            return not (
                self.total_outbufs_len
                or self.close_when_flushed
                or len(self.requests) > self.adj.channel_request_lookahead
            )
        if self._is_given_up():
            self.will_close = True
            # waitress closes once it may send, which is never if the client does not read.
            self.handle_close()
            return False
        return not len(self.requests) > self.adj.channel_request_lookahead

    def writable(self) -> bool:
        """Tell whether the loop is to send; what is to be closed `readable` has closed before."""
        arriving = self._arriving
        if arriving is None:
            return not self.will_close and bool(self.total_outbufs_len or self.close_when_flushed)
        return not self.will_close and not arriving.waits

    def _is_given_up(self) -> bool:
        if self.will_close or not self.requests:
            return self.will_close
        # waitress takes a connection with requests for one that is at work, but here they wait. Nor
        # is such a connection read, which is how a client is otherwise seen to leave.
        return bool(self.last_activity < time.time() - self.adj.channel_timeout) or self._has_left()

    def _has_left(self) -> bool:
        """Tell whether the client has closed, even behind bytes that nobody has read yet."""
        descriptor = self._fileno
        if descriptor is None:
            return False
        poll = select.poll()
        poll.register(descriptor, _LEAVING)
        return bool(poll.poll(0))

    def handle_write(self) -> None:
        """Send what can be sent."""
        if self._arriving is None:
            super().handle_write()
            return
        # waitress sends nothing small while there are requests, because a thread is at work on
        # them and will write more. Here they wait for this answer.
        self._flush_exception(self._flush_some_if_lockable)
        if self.will_close:
            self.handle_close()

    def handle_close(self) -> None:
        """Let go of everything."""
        super().handle_close()
        self._end_arriving()

    def write_soon(self, data: Any) -> int:
        """Take something to be sent; called by the thread that runs the application."""
        if not isinstance(data, ArrivingBody):
            taken: int = super().write_soon(data)
            return taken
        data.begin(self._alarm.ring)
        self._arriving = data
        try:
            return int(super().write_soon(data))
        except BaseException:
            self._arriving = None
            raise

    def service(self) -> None:
        """Run the application for the next request, or later if an answer has not arrived yet."""
        if self._arriving is None or not self._puts_off():
            super().service()

    def _puts_off(self) -> bool:
        with self._arriving_lock:
            self._owes_service = self._arriving is not None
            return self._owes_service

    def _end_arriving(self) -> None:
        with self._arriving_lock:
            self._arriving = None
            owes, self._owes_service = self._owes_service, False
        if owes:
            self.server.add_task(self)

    # waitress's own sends until the client takes no more, which with a fast one means the whole
    # file, and takes a buffer without bytes for one that is done.
    def _flush_some(self, do_close: bool = True) -> bool:
        sent = 0
        outbuf = self._next_outbuf()
        while outbuf is not None and sent < TURN:
            count = self._send_from(outbuf, min(TURN - sent, self.sendbuf_len), do_close)
            if not count:
                break
            sent += count
            outbuf = self._next_outbuf()
        if sent:
            self.last_activity = time.time()
        return sent > 0

    def _next_outbuf(self) -> Any | None:
        while not len(self.outbufs[0]):
            if len(self.outbufs) == 1:
                return None
            done = self.outbufs.pop(0)
            try:
                done.close()
            except Exception:
                self.logger.exception("An output buffer cannot be closed")
            if done is self._arriving:
                self._end_arriving()
        return self.outbufs[0]

    def _send_from(self, outbuf: Any, amount: int, do_close: bool) -> int:
        if isinstance(outbuf, ArrivingBody):
            return self._send_arriving(outbuf, amount, do_close)
        count = None
        # Other files may have a descriptor whose bytes are not what they read, such as gzip's.
        if isinstance(getattr(outbuf, "file", None), FileSlices):
            count = self._send_file(outbuf, amount)
        if count is None:
            chunk = outbuf.get(amount)
            if not chunk:
                return self._cut_short(EOFError("the file is shorter than it was"))
            count = self.send(chunk, do_close=do_close)
        if count:
            outbuf.skip(count, True)
            self.total_outbufs_len -= count
        return int(count)

    def _send_file(self, outbuf: Any, amount: int) -> int | None:
        """Send from a file without reading it; None means that it has to be read."""
        file = outbuf.file
        try:
            count = os.sendfile(self.socket.fileno(), file.fileno(), file.tell(), min(amount, len(outbuf)))
        except BlockingIOError:
            return 0
        except OSError:
            # Either this file system cannot, or the client has left, and `send` knows what to do then.
            return None
        return count or None

    def _send_arriving(self, body: ArrivingBody, amount: int, do_close: bool) -> int:
        if self.will_close:
            return 0
        try:
            chunk = body.take(amount)
        except Exception as error:  # noqa: BLE001 - whatever it is, there are no more bytes
            return self._cut_short(error)
        count = int(self.send(chunk, do_close=do_close)) if chunk else 0
        if count:
            body.skip(count)
            if not len(body):
                self.total_outbufs_len -= 1
        return count

    def _cut_short(self, error: Exception) -> int:
        self.logger.warning("An answer to %s is cut short: %s", self.addr, error)
        self.will_close = True
        return 0
