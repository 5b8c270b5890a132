"""Guess which word was meant, so that an error can say so."""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["nearest"]


def nearest(word: str, words: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Return the one of `words` that looks most like `word`, or None; letter case is ignored."""
    by_lower_case = {candidate.lower(): candidate for candidate in words}
    found = get_close_matches(word.lower(), by_lower_case, n=1, cutoff=cutoff)
    return by_lower_case[found[0]] if found else None
