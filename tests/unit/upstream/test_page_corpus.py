"""Pages as well-known indexes write them, re-created by hand, and our own."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest

from pyramid_pypi.errors import UpstreamUnavailable
from pyramid_pypi.model import File, Hashes, ProjectPage
from pyramid_pypi.upstream import UpstreamPage, Validator
from pyramid_pypi.upstream.pages import parse_page
from pyramid_pypi.web.rendering import page_html, page_json

CORPUS = Path(__file__).parent / "corpus"
TYPES = {".json": "application/vnd.pypi.simple.v1+json", ".html": "text/html; charset=utf-8"}
A, B, C = "a1" * 32, "b2" * 32, "c3" * 32
PYPI_A, PYPI_B = f"0a/1b/{'2c' * 30}", f"3d/4e/{'5f' * 30}"
HOSTED = "https://files.pythonhosted.org/packages"
SDIST, WHEEL = "holy-grail-1.0.tar.gz", "holy_grail-1.1-py3-none-any.whl"
PROVENANCE = f"https://pypi.org/integrity/holy-grail/1.1/{WHEEL}/provenance"


def read(name, url="https://index.example.com/simple/holy-grail/"):
    path = CORPUS / name
    return parse_page(path.read_bytes(), content_type=TYPES[path.suffix], url=url, name="holy-grail")


def sdist(**changes):
    told = {
        "project": "holy-grail",
        "filename": SDIST,
        "version": "1.0",
        "packagetype": "sdist",
        "size": None,
        "hashes": Hashes(sha256=A),
        "uploaded_at": None,
        "uploaded_by": "",
        "key": "",
    }
    return File(**{**told, **changes})


def wheel(**changes):
    told = {
        "filename": WHEEL,
        "version": "1.1",
        "packagetype": "bdist_wheel",
        "hashes": Hashes(sha256=B),
        "python_version": "py3",
    }
    return sdist(**{**told, **changes})


def test_pypi_in_json():
    old = sdist(
        size=20480,
        uploaded_at=datetime(2024, 3, 1, 10, 20, 30, 123456, tzinfo=UTC),
        requires_python=">=3.8",
        yanked="broken build",
        url=f"{HOSTED}/{PYPI_A}/{SDIST}",
        place=f"{PYPI_A}/{SDIST}",
    )
    new = wheel(
        size=10240,
        uploaded_at=datetime(2025, 3, 1, 10, 20, 30, 1, tzinfo=UTC),
        requires_python=">=3.9,<4",
        metadata_sha256=C,
        url=f"{HOSTED}/{PYPI_B}/{WHEEL}",
        place=f"{PYPI_B}/{WHEEL}",
        provenance=PROVENANCE,
    )

    assert read("pypi.json") == UpstreamPage("holy-grail", (old, new), serial=29103471)


def test_pypi_in_html():
    old = sdist(
        requires_python=">=3.8",
        yanked="broken build",
        url=f"{HOSTED}/{PYPI_A}/{SDIST}",
        place=f"{PYPI_A}/{SDIST}",
    )
    new = wheel(
        requires_python=">=3.9,<4",
        metadata_sha256=C,
        url=f"{HOSTED}/{PYPI_B}/{WHEEL}",
        place=f"{PYPI_B}/{WHEEL}",
        provenance=PROVENANCE,
    )

    assert read("pypi.html") == UpstreamPage(
        "holy-grail",
        (old, new),
        status="archived",
        status_reason="the search is over & out",
        serial=29103471,
    )


def test_bandersnatch_in_json():
    base = "https://mirror.example.com"
    old = sdist(size=20480, url=f"{base}/packages/{PYPI_A}/{SDIST}", place=f"{PYPI_A}/{SDIST}")
    new = wheel(
        size=10240,
        uploaded_at=datetime(2025, 3, 1, 10, 20, 30, 1, tzinfo=UTC),
        requires_python=">=3.9",
        url=f"{base}/packages/{PYPI_B}/{WHEEL}",
        place=f"{PYPI_B}/{WHEEL}",
    )

    page = read("bandersnatch.json", f"{base}/simple/holy-grail/")

    assert page == UpstreamPage("holy-grail", (old, new), serial=29103471)


def test_gitlab():
    page = read("gitlab.html")
    base = "https://gitlab.example.com/api/v4/projects/42/packages/pypi/files"

    places = [file.place for file in page.files]
    assert page.files == (
        sdist(requires_python=">=3.8", url=f"{base}/{A}/{SDIST}", place=places[0]),
        wheel(url=f"{base}/{B}/{WHEEL}", place=places[1]),
    )


def test_pytorch():
    new, old = read("pytorch.html", "https://download.pytorch.org/whl/cpu/holy-grail/").files

    name = "holy_grail-2.9.0+cpu-cp312-cp312-manylinux_2_28_x86_64.whl"
    assert new == wheel(
        filename=name,
        version="2.9.0+cpu",
        python_version="cp312",
        metadata_sha256=C,
        url=f"https://download-r2.pytorch.org/whl/cpu/{name.replace('+', '%2B')}",
        place=new.place,
    )
    assert old.url.startswith("https://download.pytorch.org/whl/cpu/holy_grail-1.4.0%2Bcpu-")
    assert old.hashes == Hashes()


HOST = "https://index.example.com"
SIGNATURE = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F20260101%2Feu&X-Amz-Signature=0123"
FEED = "0fee1234-aaaa-bbbb-cccc-1234567890ab"
AZURE = f"https://pkgs.dev.azure.com/corp/_packaging/{FEED}/pypi/download/holy-grail"
REDIRECT = "https%3A%2F%2Ffiles.pythonhosted.org%2Fpackages%2Fx.whl"


@pytest.mark.parametrize(
    ("name", "files"),
    [
        (
            "nexus.html",
            [
                (f"{HOST}/packages/holy-grail/1.0/{SDIST}", ("sha256", A), None, None),
                (f"{HOST}/packages/holy-grail/1.1/{WHEEL}", ("md5", "e5" * 16), ">=3.9,<4", None),
            ],
        ),
        (
            "artifactory.html",
            [
                (f"{HOST}/packages/packages/{PYPI_A}/{SDIST}", ("sha256", A), ">=3.8", None),
                (f"{HOST}/holy-grail/1.1/{WHEEL}", ("sha256", B), ">=3.9,<4", ""),
            ],
        ),
        ("artifactory.json", [(f"{HOST}/holy-grail/1.1/{WHEEL}", ("sha256", B), ">=3.9", None)]),
        (
            "devpi.html",
            [
                (f"{HOST}/+f/a1a/1a1a1a1a1a1a1/{SDIST}", ("sha256", A), ">=3.8", None),
                (f"{HOST}/+f/b2b/2b2b2b2b2b2b2/{WHEEL}", ("sha256", B), None, ""),
            ],
        ),
        ("devpi.json", [(f"{HOST}/+f/b2b/2b2b2b2b2b2b2/{WHEEL}", ("sha256", B), ">=3.9", None)]),
        ("bandersnatch.html", [(f"{HOST}/packages/{PYPI_A}/{SDIST}", ("sha256", A), None, "broken build")]),
        (
            "pypiserver.html",
            [
                (f"{HOST}/packages/{SDIST}", ("md5", "e5" * 16), None, None),
                (f"{HOST}/packages/holy_grail-1.1%2Bcorp.1-py3-none-any.whl", ("sha256", B), None, None),
            ],
        ),
        (
            "pypicloud.html",
            [
                (
                    f"https://bucket.s3.amazonaws.com/0a1b/holy-grail/{SDIST}?{SIGNATURE}",
                    ("sha256", A),
                    None,
                    None,
                ),
                (f"https://pypi.example.com/api/package/holy-grail/{WHEEL}", ("sha256", B), ">=3.9", None),
            ],
        ),
        (
            "piwheels.html",
            [
                (
                    f"{HOST}/simple/holy-grail/holy_grail-1.1-cp311-cp311-linux_armv6l.whl",
                    ("sha256", B),
                    ">=3.9",
                    "",
                ),
                (
                    f"{HOST}/simple/holy-grail/holy_grail-1.1-cp311-cp311-linux_armv7l.whl",
                    ("sha256", A),
                    ">=3.9",
                    None,
                ),
            ],
        ),
        (
            "codeartifact.html",
            [
                (f"{HOST}/pypi/corp/simple/holy-grail/1.0/{SDIST}", ("sha256", A), ">=3.8", None),
                (f"{HOST}/pypi/corp/simple/holy-grail/1.1/{WHEEL}", ("sha256", B), None, "use 1.2"),
            ],
        ),
        (
            "azure.html",
            [
                (
                    f"{AZURE}/1/{SDIST}",
                    ("sha256", A),
                    ">=3.8",
                    None,
                ),
                (
                    f"{AZURE}/1.1/{WHEEL}",
                    ("sha256", B),
                    None,
                    None,
                ),
            ],
        ),
        (
            "pulp.html",
            [
                (
                    f"https://pulp.example.com/pypi/corp/{WHEEL}?redirect={REDIRECT}",
                    ("sha256", B),
                    None,
                    None,
                )
            ],
        ),
        (
            "pulp.json",
            [(f"https://pulp.example.com/pulp/content/corp/{WHEEL}", ("sha256", B), None, None)],
        ),
        (
            "simple-repository.json",
            [(f"{HOST}/resources/holy-grail/{WHEEL}", ("sha256", B), ">=3.9", None)],
        ),
        ("proxpi.json", [(f"{HOST}/simple/holy-grail/{WHEEL}", ("sha256", B), ">=3.9", None)]),
        ("proxpi.html", [(f"{HOST}/index/holy-grail/{WHEEL}", ("sha256", B), ">=3.9", None)]),
    ],
)
def test_page_of_another_index(name, files):
    page = read(name)

    assert [(f.url, f.hashes.shown, f.requires_python, f.yanked) for f in page.files] == files


@pytest.mark.parametrize(
    ("name", "metadata"),
    [
        ("artifactory.json", [None]),
        ("piwheels.html", [None, C]),
        ("pulp.html", [""]),
        ("pulp.json", [""]),
        ("simple-repository.json", [""]),
        ("proxpi.json", [C]),
        ("proxpi.html", [C]),
        ("testpypi.json", [C]),
        ("codeartifact.html", [None, None]),
    ],
)
def test_metadata_of_another_index(name, metadata):
    assert [file.metadata_sha256 for file in read(name).files] == metadata


def test_testpypi_quarantine_keeps_the_files():
    page = read("testpypi.json")

    assert (page.status, page.status_reason, page.serial) == ("quarantined", "malware", 777)
    assert [(file.version, file.yanked) for file in page.files] == [("0.0.1.dev3", "")]


def test_digests_of_artifactory_are_lower_case_and_empty_ones_are_none():
    assert read("artifactory.json").files[0].hashes == Hashes(sha256=B, others=(("sha1", "f6" * 20),))


def test_upload_time_of_pulp_becomes_utc():
    assert read("pulp.json").files[0].uploaded_at == datetime(2025, 3, 1, 10, 20, 30, 500000, tzinfo=UTC)


def test_login_page_is_no_page():
    with pytest.raises(UpstreamUnavailable, match="is a login page"):
        read("login.html")


def ours():
    """Return a page as a repository of this index has it."""
    at = datetime(2026, 11, 20, 9, 15, 2, 417, tzinfo=UTC)
    old = sdist(size=123456, uploaded_at=at, requires_python=">=3.9,<4", yanked='a "broken" <sdist> & more')
    new = wheel(size=1337, uploaded_at=at, metadata_sha256=C, yanked="")
    local = wheel(
        filename="holy_grail-1.1+corp.2-1-cp311.cp312-abi3-any.whl",
        version="1.1+corp.2",
        python_version="cp311.cp312",
        hashes=Hashes(sha256=C),
        size=0,
        uploaded_at=at,
    )
    proxied = wheel(
        filename="holy_grail-1.2-py3-none-any.whl",
        version="1.2",
        hashes=Hashes(others=(("sha512", "e5" * 64),)),
        uploaded_at=at,
        time_source="last-modified",
        metadata_sha256="",
        provenance=PROVENANCE,
    )
    bare = sdist(filename="holy-grail-0.1.zip", version="0.1", hashes=Hashes())
    files = (old, new, local, proxied, bare)
    files = tuple(replace(file, place=f"{PYPI_A}/{file.filename}") for file in files)
    return ProjectPage(
        "private", "holy-grail", "Holy-Grail", files, 4217, "deprecated", "use <holy-grail-ng>"
    )


def come_back(render, kind):
    """Return our page as who follows us reads it, and as they should, but for the URLs."""
    page, url = ours(), "https://us.example.com/private/simple/holy-grail/"
    back = parse_page(render(page, "../../"), content_type=kind, url=url, name="holy-grail")
    at = "https://us.example.com/private/packages"
    files = tuple(replace(f, url=f"{at}/{quote(f.place)}") for f in page.files)
    return back, UpstreamPage(page.name, files, Validator(), page.status, page.status_reason, page.serial)


def test_our_own_page_comes_back_from_json():
    back, expected = come_back(page_json, "application/vnd.pypi.simple.v1+json")

    assert back == expected


def test_our_own_page_comes_back_from_html():
    back, expected = come_back(page_html, "text/html")

    # HTML has neither sizes nor times, unless a page gives them as attributes of its own.
    assert untold(back) == untold(expected)


def untold(page):
    files = (replace(file, size=None, uploaded_at=None, time_source="") for file in page.files)
    return replace(page, files=tuple(files))
