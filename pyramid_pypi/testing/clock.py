"""A clock that tests turn by hand."""

__all__ = ["FakeClock"]


class FakeClock:
    """Stands in for `time.monotonic`; `now` is in seconds."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
