"""Waking the network loop from other threads."""

from typing import Any

__all__ = ["Alarm"]


class Alarm:
    """Rings once for all who want to wake one loop before it has heard.

    A download makes progress hundreds of times, for each of those who follow it.
    """

    def __init__(self, trigger: Any) -> None:
        self._trigger = trigger
        self._is_ringing = False

    def ring(self) -> None:
        """Let the loop take another turn soon."""
        # A closed trigger has lent its descriptor to whoever opened something since.
        if not self._is_ringing and self._trigger.socket is not None:
            self._is_ringing = True
            self._trigger.pull_trigger(self._hear)

    def _hear(self) -> None:
        # The loop looks at all of its connections after this, so what rings from now on is news.
        self._is_ringing = False
