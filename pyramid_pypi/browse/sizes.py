"""Numbers of bytes as people read them."""

__all__ = ["human_size"]


def human_size(size: int) -> str:
    """Return a number of bytes in powers of 1000."""
    if size < 1000:
        return f"{size} bytes"
    power = min(len(str(size)) - 1, 14) // 3
    return f"{size / 1000**power:.1f} {'kMGT'[power - 1]}B"
