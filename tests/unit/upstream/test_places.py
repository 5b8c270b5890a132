import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pyramid_pypi.model import Hashes
from pyramid_pypi.upstream.places import place_of

NAME = "holy_grail-1.0-py3-none-any.whl"
PYPI = f"5e/01/{'0a' * 30}"
SHAPE = re.compile(rf"[0-9a-f]{{2}}/[0-9a-f]{{2}}/[0-9a-f]{{60}}/{re.escape(NAME)}")
SHA = Hashes(sha256="ab" * 32)


@pytest.mark.parametrize(
    "url",
    [
        f"https://files.pythonhosted.org/packages/{PYPI}/{NAME}",
        f"https://mirror.example/pypi/web/packages/{PYPI}/{NAME}",
        f"https://files.pythonhosted.org/packages/{PYPI}/{NAME}#sha256=00",
        f"https://mirror.example/packages/{PYPI}/{NAME}?token=x",
        f"https://mirror.example/packages/{PYPI}/holy%5Fgrail-1.0-py3-none-any.whl",
    ],
)
def test_a_path_of_pypi_stays_as_it_is(url):
    assert place_of(url, NAME, SHA) == f"{PYPI}/{NAME}"


@pytest.mark.parametrize(
    "url",
    [
        f"https://gitlab.example/api/v4/projects/1/packages/pypi/files/{'ab' * 32}/{NAME}",
        f"https://x.example/packages/{PYPI}/more/{NAME}",
        f"https://x.example/packages/{PYPI.upper()}/{NAME}",
        f"https://x.example/packages/{PYPI[:-1]}/{NAME}",
        f"https://x.example/files?path=/packages/{PYPI}/{NAME}",
        f"https://x.example/{NAME}",
    ],
)
def test_another_path_is_made_from_the_digest(url):
    assert SHAPE.fullmatch(place_of(url, NAME, SHA))
    assert place_of(url, NAME, SHA) == place_of("https://elsewhere.example/x", NAME, SHA)
    assert place_of(url, NAME, SHA) != f"{PYPI}/{NAME}"


def test_a_signed_url_changes_nothing_where_a_digest_is_known():
    urls = [f"https://x.example/{NAME}?signature={number}" for number in range(3)]

    assert len({place_of(url, NAME, SHA) for url in urls}) == 1


def test_without_a_digest_the_url_tells_files_apart():
    one, other = (place_of(f"https://x.example/{n}/{NAME}", NAME, Hashes()) for n in "ab")

    assert one != other
    assert SHAPE.fullmatch(one)


def test_other_bytes_are_in_another_place():
    digests = [
        Hashes(),
        SHA,
        Hashes(sha256="cd" * 32),
        Hashes(md5="ab" * 16),
        Hashes(others=(("sha512", "ab"),)),
    ]

    assert len({place_of("https://x.example/", NAME, hashes) for hashes in digests}) == len(digests)


@given(st.text(max_size=80))
def test_any_path_gives_a_place_of_the_right_shape(path):
    found = place_of(f"https://x.example/{path.replace('[', '').replace(']', '')}", NAME, SHA)

    assert SHAPE.fullmatch(found)


@given(
    st.lists(
        st.sampled_from(
            ["/", "packages/", "packages", f"{PYPI}/", PYPI, "5e/01/", "a.b", NAME, ":8", "~+;", "@"]
        ),
        max_size=6,
    ).map("".join)
)
@example(f"packages/{PYPI}/{NAME}")
def test_a_plain_url_is_read_as_all_others_are(rest):
    # A fragment means nothing, but makes it an unusual one.
    assert place_of(f"https://{rest}", NAME, SHA) == place_of(f"https://{rest}#", NAME, SHA)
