from datetime import date, timedelta

from pyramid_pypi.browse.facts import DayFacts, DownloadFacts
from pyramid_pypi.ui.spark import sparkline

FIRST = date(2026, 11, 1)


def found(*counts):
    days = tuple(DayFacts(FIRST + timedelta(days=n), count) for n, count in enumerate(counts))
    return DownloadFacts("private", "holy-grail", sum(counts), days, ())


def test_each_day_with_downloads_is_a_bar_as_high_as_it_should_be():
    assert 'd="M1 30v-15.0M2 30v-30.0"' in sparkline(found(0, 2, 4))


def test_it_says_in_words_what_it_shows():
    shown = sparkline(found(0, 2, 4))

    assert shown.count("6 downloads in the last 3 days, most on 2026-11-03: 4") == 3
    assert 'role="img"' in shown


def test_nothing_is_shown_of_nothing():
    assert sparkline(found()) == sparkline(found(0, 0)) == ""
