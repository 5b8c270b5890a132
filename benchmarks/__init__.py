"""Side-by-side measurements against other indexes and against nginx; not part of the distribution."""
