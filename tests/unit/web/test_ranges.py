from hypothesis import given
from hypothesis import strategies as st

from pyramid_pypi.web.ranges import Unsatisfiable, parse_range


@given(
    st.one_of(st.text(max_size=60), st.from_regex(r"bytes=\d{0,20}-\d{0,20}", fullmatch=True)),
    st.integers(0, 10**12),
)
def test_any_header_gives_a_range_inside_the_file_or_none(header, size):
    try:
        found = parse_range(header, size)
    except Unsatisfiable:
        return
    if found is not None:
        start, stop = found
        assert 0 <= start < stop <= size


@given(st.integers(1, 10**9), st.data())
def test_a_valid_range_is_taken_as_it_is(size, data):
    start = data.draw(st.integers(0, size - 1))
    last = data.draw(st.integers(start, size - 1))

    assert parse_range(f"bytes={start}-{last}", size) == (start, last + 1)
    assert parse_range(f"bytes={start}-", size) == (start, size)
    assert parse_range(f"bytes=-{size - start}", size) == (start, size)
