"""Whatever an upstream sends, a page is well-formed or refused, and soon."""

import json
import re
import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pyramid_pypi.distribution.filenames import guess_filename
from pyramid_pypi.errors import UpstreamUnavailable
from pyramid_pypi.upstream.base import Validator
from pyramid_pypi.upstream.names import parse_names
from pyramid_pypi.upstream.pages import parse_page
from pyramid_pypi.upstream.records import page_from_bytes, page_to_bytes

CORPUS = sorted((Path(__file__).parent / "corpus").iterdir())
REAL = st.sampled_from([path.read_bytes() for path in CORPUS])
KINDS = st.sampled_from(
    ["", "text/html", "text/plain", "application/json", "application/vnd.pypi.simple.v1+json", "image/png"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40)
SCALARS |= st.text(alphabet=st.characters(), max_size=10)  # Halves of surrogates, too.
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
)
WHEEL = "holy_grail-1.1-py3-none-any.whl"
ODD = ANY_JSON | st.sampled_from(
    [WHEEL, f"https://x.example.com/{WHEEL}", f"../{WHEEL}#sha256={'a' * 64}", True, {"sha256": "a" * 64}]
)
KEYS = [
    "filename", "url", "hashes", "requires-python", "yanked", "core-metadata", "dist-info-metadata", "size",
    "upload-time", "provenance", "_upload-time-source",
]  # fmt: skip
ENTRIES = st.fixed_dictionaries(
    {"filename": st.just(WHEEL), "url": ODD}, optional={key: ODD for key in KEYS[2:]}
)
LIKE_PAGES = st.fixed_dictionaries(
    {"files": st.lists(ENTRIES | ODD, max_size=3)}, optional={"meta": ODD, "project-status": ODD, "name": ODD}
)
ATTRIBUTES = [
    "href",
    "data-yanked",
    "data-requires-python",
    "data-core-metadata",
    "data-size",
    "data-provenance",
]
# A busy machine is no failure.
SLOWLY = settings(deadline=None)
THOROUGHLY = settings(deadline=None, max_examples=300)
LENGTHS = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}
LENGTHS |= {"sha3_224": 56, "sha3_256": 64, "sha3_384": 96, "sha3_512": 128, "blake2s": 64, "blake2b": 128}


def assert_well_formed(page):
    names = [file.filename for file in page.files]
    assert len(names) == len(set(names))
    for file in page.files:
        parts = urlsplit(file.url)
        assert parts.scheme in {"http", "https"}
        assert parts.hostname
        assert "@" not in parts.netloc
        assert not parts.fragment
        assert guess_filename(file.filename).project == page.name == file.project
        assert re.fullmatch(r"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{60}/[^/]+", file.place)
        for algorithm, digest in file.hashes.known().items():
            assert re.fullmatch(f"[0-9a-f]{{{LENGTHS[algorithm]}}}", digest)
        assert file.metadata_sha256 is None or re.fullmatch(r"([0-9a-f]{64})?", file.metadata_sha256)
        assert file.size is None or file.size >= 0
        assert file.uploaded_at is None or file.uploaded_at.utcoffset() == timedelta(0)
        for text in (
            file.url,
            file.place,
            file.provenance,
            file.requires_python or "",
            file.yanked or "",
            file.time_source,
        ):
            assert not re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", text)
    assert page_from_bytes(page_to_bytes(page), Validator()) == page


def check(body, kind):
    try:
        page = parse_page(
            body, content_type=kind, url="https://x.example.com/simple/holy-grail/", name="holy-grail"
        )
    except UpstreamUnavailable:
        return
    assert_well_formed(page)


def check_names(chunks, kind):
    try:
        found = list(parse_names(iter(chunks), content_type=kind))
    except UpstreamUnavailable:
        return
    for project in found:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", project.name)
        assert re.fullmatch(r"[A-Za-z0-9._-]+", project.display)
        assert project.serial >= 0


@SLOWLY
@given(st.binary(max_size=300), KINDS)
@example(b"\xef\xbb\xbf", "")
@example(b"<![", "text/html")
def test_any_bytes(body, kind):
    check(body, kind)
    check_names([body], kind)


@given(ANY_JSON | LIKE_PAGES)
@THOROUGHLY
def test_any_json(said):
    body = json.dumps(said).encode()
    check(body, "application/json")
    check_names([body], "application/json")


@SLOWLY
@given(st.lists(st.fixed_dictionaries({"name": ODD}, optional={"_last-serial": ODD}), max_size=4), st.data())
def test_any_list_in_any_chunks(projects, data):
    body = json.dumps({"projects": projects}).encode()
    at = data.draw(st.integers(0, len(body)))

    check_names([body[:at], b"", body[at:]], "application/json")


@SLOWLY
@given(
    st.lists(
        st.tuples(st.sampled_from(ATTRIBUTES), st.text(alphabet="&#;<>\"'/= a1\n", max_size=20)), max_size=5
    )
)
def test_any_attributes(attributes):
    tags = " ".join(f'{name}="{value}"' for name, value in attributes)
    body = f'<a href="{WHEEL}" {tags}>x</a><a {tags}>'.encode()

    check(body, "text/html")
    check_names([body], "text/html")


@given(
    REAL, KINDS, st.lists(st.tuples(st.floats(0, 1), st.integers(0, 5), st.binary(max_size=5)), max_size=8)
)
@THOROUGHLY
def test_any_change_of_a_real_page(body, kind, changes):
    for where, cut, new in changes:
        at = int(where * len(body))
        body = body[:at] + new + body[at + cut :]

    check(body, kind)
    check_names([body], kind)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_every_page_cut_short_is_refused(path):
    body = path.read_bytes().rstrip()
    closing = body.rfind(b"</body>") if path.suffix == ".html" else len(body)

    for end in {1, closing // 3, closing // 2, closing - 1}:
        with pytest.raises(UpstreamUnavailable):
            parse_page(body[:end], content_type="", url="https://x.example.com/", name="holy-grail")


# Each of these takes minutes in a reader that begins again at every `<`.
@pytest.mark.parametrize(
    "part",
    ["<a ", "<a b=' ", '<a b="', "<!--", "</", "<!", "<![CDATA[", "<?", "&", "&#", "<a b=&#", "<script><"],
)
@pytest.mark.parametrize("size", [200_000, 5_000_000])
def test_hostile_html_takes_linear_time(part, size):
    body = (part * (size // len(part))).encode()
    start = time.thread_time()

    check(body, "text/html")
    check_names([body], "text/html")

    assert time.thread_time() - start < 20


def test_page_of_thousands_of_files_is_fast():
    files = [
        {
            "filename": f"holy_grail-1.{n}-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            "url": f"https://x.example.com/holy_grail-1.{n}-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            "hashes": {"sha256": f"{n:064x}"},
            "requires-python": ">=3.9",
            "core-metadata": {"sha256": f"{n:064x}"},
            "upload-time": "2026-11-20T09:15:02.000417Z",
            "size": n,
        }
        for n in range(2000)
    ]
    body = json.dumps({"files": files}).encode()
    start = time.thread_time()

    page = parse_page(body, content_type="application/json", url="https://x.example.com/", name="holy-grail")

    assert len(page.files) == 2000
    assert time.thread_time() - start < 3
