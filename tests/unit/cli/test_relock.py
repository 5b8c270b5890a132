"""`pyramid-pypi relock`: only URLs change, and they change back."""

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from pyramid_pypi.cli import main
from pyramid_pypi.cli._lockfiles import Kind, Lockfile, LockfileError
from pyramid_pypi.cli._lockurls import PYPI, Index, parse_index, rewrite

HOUSE = "https://pypi.example.com/team/simple/"
PLACE = "packages/aa/bb/" + "c" * 60
FILES = "https://files.pythonhosted.org"

UV = f"""\
version = 1
# url = "{FILES}/{PLACE}/comment.whl" and registry = "https://pypi.org/simple"

[[package]]
name = "knight"
version = "1.0+x"
source = {{ registry = "https://pypi.org/simple" }}
dependencies = [
    {{ name = "fork", version = "1", source = {{ registry = "https://pypi.org/simple" }} }},
    {{ name = "fork", version = "2", source = {{ registry = "https://other.example.com/simple" }} }},
]
sdist = {{ url = "{FILES}/{PLACE}/knight-1.0+x.tar.gz", hash = "sha256:00", size = 1 }}
wheels = [
    {{ url = "{FILES}/{PLACE}/knight-1.0%2Bx-py3-none-any.whl", hash = "sha256:00" }},
]

[[package]]
name = "other"
version = "1"
source = {{ registry = "https://other.example.com/simple" }}
wheels = [{{ url = "https://other.example.com/{PLACE}/other-1-py3-none-any.whl" }}]

[[package]]
name = "direct"
version = "1"
source = {{ url = "{FILES}/{PLACE}/direct-1-py3-none-any.whl" }}
wheels = [{{ url = "{FILES}/{PLACE}/direct-1-py3-none-any.whl" }}]

[[package]]
name = "cloned"
version = "1"
source = {{ git = "https://pypi.org/simple" }}

[[package]]
name = "project"
source = {{ virtual = "." }}

[package.metadata]
requires-dist = [{{ name = "knight", index = "https://pypi.org/simple" }}]
"""
PYLOCK = f"""\
lock-version = "1.0"

[[packages]]
name = "knight"
index = "https://pypi.org/simple"
wheels = [{{ name = "w", url = "{FILES}/{PLACE}/knight-1-py3-none-any.whl" }}]

[[packages]]
name = "plain"
sdist = {{ url = '{FILES}/{PLACE}/plain-1.tar.gz' }}

[[packages]]
name = "fetched"
archive = {{ url = "{FILES}/{PLACE}/fetched-1.tar.gz" }}
"""
PIPFILE = """\
{"_meta": {"sources": [{"name": "pypi", "url": "https://pypi.org/simple", "verify_ssl": true}]},
 "default": {"a": {"file": "https://pypi.org/simple", "version": "==1"}}}
"""
REQUIREMENTS = f"""\
# uv export --index-url https://pypi.org/simple
--index-url https://pypi.org/simple
-i=https://pypi.org/simple  # not --index-url https://pypi.org/simple
--extra-index-url https://other.example.com/simple
--find-links https://pypi.org/simple
direct @ {FILES}/{PLACE}/direct-1.tar.gz
knight==1.0
"""
POETRY = """\
[[package]]
name = "knight"
version = "1"
files = []

[package.source]
type = "legacy"
url = "https://pypi.example.com/team/simple"
reference = "house"

[[package]]
name = "cloned"
version = "1"

[package.source]
type = "git"
url = "https://pypi.example.com/team/simple.git"

[[package]]
name = "public"
version = "1"
"""
KINDS = {
    Kind.UV: (UV, 5),
    Kind.PYLOCK: (PYLOCK, 3),
    Kind.PIPFILE: (PIPFILE, 1),
    Kind.REQUIREMENTS: (REQUIREMENTS, 2),
}


def run(*arguments):
    return CliRunner().invoke(main, ["relock", *map(str, arguments)])


def uv_lock(tmp_path, text=UV):
    path = tmp_path / "uv.lock"
    path.write_text(text)
    return path


def uv_of(text):
    return Lockfile(Path("uv.lock"), Kind.UV, text, tomllib.loads(text))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_to_an_index_and_back_gives_the_same_bytes(tmp_path, kind):
    text, urls = KINDS[kind]
    path = tmp_path / kind.value
    path.write_bytes(text.replace("\n", "\r\n").encode())
    before = path.read_bytes()

    there = run("--to", HOUSE, path)
    between = path.read_bytes()
    back = run("--to", "pypi", "--from", HOUSE, path)

    assert there.output == f"{path}: {urls} URLs\n"
    assert back.output == f"{path}: {urls} URLs\n"
    assert between != before
    assert path.read_bytes() == before


def test_every_url_of_the_index_is_replaced_and_no_other(tmp_path):
    path = uv_lock(tmp_path)

    run("--to", HOUSE, path)

    before, after = UV.splitlines(), path.read_text().splitlines()
    assert [new for old, new in zip(before, after, strict=True) if old != new] == [
        f'source = {{ registry = "{HOUSE}" }}',
        f'    {{ name = "fork", version = "1", source = {{ registry = "{HOUSE}" }} }},',
        f'sdist = {{ url = "https://pypi.example.com/team/{PLACE}/knight-1.0+x.tar.gz", hash = "sha256:00", size = 1 }}',
        f'    {{ url = "https://pypi.example.com/team/{PLACE}/knight-1.0%2Bx-py3-none-any.whl", hash = "sha256:00" }},',
        f'requires-dist = [{{ name = "knight", index = "{HOUSE}" }}]',
    ]


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        (
            Kind.PYLOCK,
            [
                f'index = "{HOUSE}"',
                f'wheels = [{{ name = "w", url = "https://pypi.example.com/team/{PLACE}/knight-1-py3-none-any.whl" }}]',
                f"sdist = {{ url = 'https://pypi.example.com/team/{PLACE}/plain-1.tar.gz' }}",
            ],
        ),
        (
            Kind.PIPFILE,
            [f'{{"_meta": {{"sources": [{{"name": "pypi", "url": "{HOUSE}", "verify_ssl": true}}]}},'],
        ),
        (
            Kind.REQUIREMENTS,
            [f"--index-url {HOUSE}", f"-i={HOUSE}  # not --index-url https://pypi.org/simple"],
        ),
    ],
)
def test_other_formats_change_only_where_the_index_is_named(tmp_path, kind, lines):
    text = KINDS[kind][0]
    path = tmp_path / kind.value
    path.write_text(text)

    run("--to", HOUSE, path)

    pairs = zip(text.splitlines(), path.read_text().splitlines(), strict=True)
    assert [new for old, new in pairs if old != new] == lines


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("pypi", PYPI),
        ("PyPI", PYPI),
        ("https://pypi.org/simple/", Index("https://pypi.org/simple/", FILES)),
        ("https://host", Index("https://host/simple/", "https://host")),
        ("https://host/", Index("https://host/simple/", "https://host")),
        ("https://host/simple", Index("https://host/simple", "https://host")),
        ("https://host/simple/", Index("https://host/simple/", "https://host")),
        ("http://host:8080/x/team/", Index("http://host:8080/x/team/simple/", "http://host:8080/x/team")),
    ],
)
def test_the_page_is_spelled_as_the_user_spells_it(text, index):
    assert parse_index(text) == index


@pytest.mark.parametrize(
    "text",
    [
        "",
        "host",
        "file:///x",
        "https://",
        "https://host:x/",
        "https://host/?x",
        "https://host/#x",
        "https://h/\"'",
    ],
)
def test_what_is_no_url_of_an_index_is_refused(text):
    with pytest.raises(LockfileError, match="is not the URL of an index"):
        parse_index(text)


def test_credentials_are_refused_and_not_shown(tmp_path):
    result = run("--to", "https://ann:hunter2@host/simple/", uv_lock(tmp_path))

    assert result.exit_code == 1
    assert "no place for them" in result.output
    assert "hunter2" not in result.output


@pytest.mark.parametrize(
    "registry",
    ["https://H.example.com/x/simple/", "https://h.example.com:443/x/simple", "https://h.example.com/x/"],
)
def test_the_other_index_is_found_however_it_is_spelled(tmp_path, registry):
    text = UV.replace("https://other.example.com/simple", "https://pypi.org/simple")
    house = text.replace("https://pypi.org/simple", registry).replace(f"{FILES}/", "https://h.example.com/x/")
    path = uv_lock(tmp_path, house.replace(f'git = "{registry}"', 'git = "x"'))

    assert run("--to", "pypi", path).output == f"{path}: 8 URLs\n"
    assert f'"{registry}"' not in path.read_text().partition("[[package]]")[2]


def test_several_other_indexes_ask_for_one(tmp_path):
    path = uv_lock(
        tmp_path, UV.replace('{ registry = "https://pypi.org/simple" }', f'{{ registry = "{HOUSE}" }}')
    )
    before = path.read_bytes()

    result = run("--to", "pypi", path)

    assert result.exit_code == 1
    assert (
        f"files of several indexes: {HOUSE}, https://other.example.com/simple; say with --from"
        in result.output
    )
    assert path.read_bytes() == before


def test_another_index_than_pypi_is_replaced_when_named(tmp_path):
    path = uv_lock(tmp_path)

    result = run("--to", HOUSE, "--from", "https://other.example.com", path)

    assert result.output == f"{path}: 3 URLs\n"
    assert "other.example.com" not in path.read_text()
    assert path.read_text().count("https://pypi.org/simple") == UV.count("https://pypi.org/simple")


def test_files_that_a_mirror_leaves_on_pypi_come_along(tmp_path):
    path = uv_lock(
        tmp_path, UV.replace('registry = "https://pypi.org', 'registry = "https://mirror.example.com')
    )

    run("--to", HOUSE, "--from", "https://mirror.example.com/simple", path)

    assert f'url = "https://pypi.example.com/team/{PLACE}/knight-1.0+x.tar.gz"' in path.read_text()


def test_a_file_without_a_path_like_that_of_pypi_stops_everything(tmp_path):
    good, bad = uv_lock(tmp_path), tmp_path / "pylock.toml"
    bad.write_text(PYLOCK.replace(f"{FILES}/{PLACE}/knight", "https://devpi.example.com/+f/knight"))

    result = run("--to", HOUSE, good, bad)

    assert result.exit_code == 1
    assert (
        "https://devpi.example.com/+f/knight-1-py3-none-any.whl is not at a path like PyPI's" in result.output
    )
    assert good.read_text() == UV


def test_check_writes_nothing_and_exits_with_1(tmp_path):
    path = uv_lock(tmp_path)

    result = run("--check", "--to", HOUSE, path)

    assert (result.exit_code, result.output) == (1, f"{path}: 5 URLs\n")
    assert path.read_text() == UV


def test_check_is_content_with_what_is_right(tmp_path):
    path = uv_lock(tmp_path)
    run("--to", HOUSE, path)

    result = run("--check", "--to", HOUSE, path)

    assert (result.exit_code, result.output) == (0, f"{path}: 0 URLs\n")


def test_what_is_right_is_not_written_again(tmp_path):
    path = uv_lock(tmp_path, "version = 1\n")
    before = path.stat()

    assert run("--to", "pypi", path).output == f"{path}: 0 URLs\n"
    assert path.stat().st_ino == before.st_ino


def test_mode_and_symbolic_link_stay_and_nothing_is_left_beside(tmp_path):
    real = tmp_path / "real"
    real.write_text(UV)
    real.chmod(0o640)
    (tmp_path / "uv.lock").symlink_to(real)

    run("--to", HOUSE, tmp_path / "uv.lock")

    assert (tmp_path / "uv.lock").is_symlink()
    assert HOUSE in real.read_text()
    assert real.stat().st_mode & 0o777 == 0o640
    assert {one.name for one in tmp_path.iterdir()} == {"real", "uv.lock"}


def test_a_failed_write_changes_nothing(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    path = uv_lock(tmp_path)
    monkeypatch.setattr("os.fsync", full)

    result = run("--to", HOUSE, path)

    assert result.exit_code == 1
    assert "cannot be written: No space left on device; it is as it was" in result.output
    assert path.read_text() == UV
    assert [one.name for one in tmp_path.iterdir()] == ["uv.lock"]


def test_requirements_lose_the_credentials_of_the_index_they_leave(tmp_path):
    path = tmp_path / "requirements.txt"
    path.write_text(
        "-i https://ann:hunter2@pypi.example.com/team/simple\n--extra-index-url https://b:c@other/simple\n"
    )

    several = run("--to", "pypi", path)
    run("--to", "pypi", "--from", HOUSE, path)

    assert "hunter2" not in several.output
    assert path.read_text() == "-i https://pypi.org/simple\n--extra-index-url https://b:c@other/simple\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.txt", "-i https://host:port/simple\n-i file:///srv/simple\n--index-url\n"),
        ("pylock.toml", '[[packages]]\nname = "a"\nsdist = { url = "https://host/a-1.tar.gz" }\n'),
        ("uv.lock", '[[package]]\nname = "a"\nsource = { registry = "../wheels" }\n'),
        ("Pipfile.lock", '{"_meta": 1}'),
    ],
)
def test_what_belongs_to_no_index_is_left_alone(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)

    assert run("--to", "pypi", path).output == f"{path}: 0 URLs\n"
    assert run("--to", HOUSE, path).output == f"{path}: 0 URLs\n"


class TestPoetry:
    """poetry's lock has no URLs for PyPI."""

    def write(self, tmp_path):
        path = tmp_path / "poetry.lock"
        path.write_text(POETRY)
        return path

    def test_one_index_becomes_another_without_the_slash(self, tmp_path):
        path = self.write(tmp_path)

        result = run("--to", "https://new.example.com/simple/", "--from", HOUSE, path)

        assert result.stdout == f"{path}: 1 URLs\n"
        assert "run `poetry lock`, which keeps the versions" in result.stderr
        assert path.read_text() == POETRY.replace(
            '"https://pypi.example.com/team/simple"', '"https://new.example.com/simple"'
        )

    @pytest.mark.parametrize(
        "arguments", [["--to", "pypi"], ["--to", HOUSE], ["--to", "pypi", "--from", HOUSE]]
    )
    def test_nothing_can_be_done_from_or_to_pypi(self, tmp_path, arguments):
        path = self.write(tmp_path)

        result = run(*arguments, path)

        assert (result.exit_code, result.stdout) == (0, f"{path}: 0 URLs\n")
        assert path.read_text() == POETRY


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
URLS = st.sampled_from(
    ["https://pypi.org/simple", HOUSE, f"{FILES}/{PLACE}/a-1.tar.gz", f"{FILES}/{PLACE}/a-1%2Bx.tar.gz", "x"]
)


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


LINES = st.one_of(
    TEXT.map(lambda text: f"# {text}"),
    st.tuples(URLS, TEXT).map(lambda both: f'# url = "{both[0]}" {both[1]}'),
    st.tuples(TEXT, URLS).map(lambda both: quoted(f'{both[0]} url = "{both[1]}"')),
    TEXT.map(quoted),
    URLS.map(lambda url: f"'''\nurl = \"{url}\"\n'''"),
    URLS.map(lambda url: f'"""\nregistry = \'{url}\' \\""" """'),
)


@st.composite
def uv_locks(draw):
    """Make locks out of packages, with other keys and comments all around."""
    text = "version = 1\n"
    for number in range(draw(st.integers(0, 3))):
        registry = draw(st.sampled_from(["https://pypi.org/simple", "https://other.example.com/simple"]))
        text += f'[[package]]\nname = "a{number}"\n'
        for extra in range(draw(st.integers(0, 3))):
            line = draw(LINES)
            text += f"{line}\n" if line.startswith("#") else f"x{extra} = {line}\n"
        text += f'source = {{ registry = "{registry}" }}\n'
        url = f"{FILES if 'pypi' in registry else 'https://other.example.com'}/{PLACE}/a{number}-1.tar.gz"
        text += f'sdist = {{ url = "{url}", hash = {draw(TEXT.map(quoted))} }}\n'
    return text


def expected(found, there):
    """Return the document with the replacement done by structure instead of by text."""
    for package in found.get("package", []):
        if package["source"]["registry"] == "https://pypi.org/simple":
            package["source"]["registry"] = there.registry
            package["sdist"]["url"] = package["sdist"]["url"].replace(FILES, there.root)
    return found


@given(uv_locks())
def test_rewriting_changes_nothing_but_urls(text):
    there = parse_index(HOUSE)
    new = rewrite(uv_of(text), there)

    assert tomllib.loads(new.text) == expected(tomllib.loads(text), there)
    assert new.urls == 2 * sum(
        p["source"]["registry"] == PYPI.registry for p in tomllib.loads(text).get("package", [])
    )
    assert rewrite(uv_of(new.text), PYPI, there).text == text
