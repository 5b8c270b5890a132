"""A line that shows how often something was downloaded, day by day."""

from markupsafe import Markup

from pyramid_pypi.browse.facts import DownloadFacts

__all__ = ["sparkline"]

_HEIGHT = 30


def sparkline(found: DownloadFacts) -> Markup:
    """Return the downloads of the last days as an inline SVG, which says in words what it shows.

    It is empty where there were none.
    """
    days = found.days
    if not any(day.downloads for day in days):
        return Markup()
    most = max(days, key=lambda day: day.downloads)
    total = sum(day.downloads for day in days)
    said = f"{total} downloads in the last {len(days)} days, most on {most.day:%Y-%m-%d}: {most.downloads}"
    bars = "".join(
        f"M{at} {_HEIGHT}v-{round(day.downloads / most.downloads * _HEIGHT, 1)}"
        for at, day in enumerate(days)
        if day.downloads
    )
    return Markup(
        '<svg class="spark" role="img" viewBox="-1 0 {} {}" preserveAspectRatio="none"'
        ' aria-label="{}"><title>{}</title><path d="{}" fill="none" stroke="currentColor"'
        ' stroke-width=".8"/></svg>\n<p class="quietly">{}</p>'
    ).format(len(days) + 1, _HEIGHT, said, said, bars, said)
