"""What lock files and requirements want from an index."""

import pytest

from pyramid_pypi.cli._lockfiles import LockfileError, WantedFile, wanted_files
from pyramid_pypi.errors import PypiError

A, B = "a" * 64, "b" * 64
AT = "https://files.pythonhosted.org/packages/aa/bb/" + "c" * 60

UV = f"""\
version = 1

[[package]]
name = "Holy.Grail"
version = "1.0+corp.1"
source = {{ registry = "https://pypi.org/simple" }}
sdist = {{ url = "{AT}/holy_grail-1.0%2Bcorp.1.tar.gz", hash = "sha256:{A}", size = 8 }}
wheels = [
    {{ url = "{AT}/holy_grail-1.0%2Bcorp.1-py3-none-any.whl", hash = "sha256:{B}" }},
]

[[package]]
name = "empty"
version = "2"
source = {{ registry = "https://pypi.org/simple" }}

[[package]]
name = "near"
version = "1"
source = {{ registry = "../wheels" }}
wheels = [{{ path = "near-1-py3-none-any.whl" }}]

[[package]]
name = "direct"
version = "1"
source = {{ url = "{AT}/direct-1-py3-none-any.whl" }}
wheels = [{{ url = "{AT}/direct-1-py3-none-any.whl", hash = "sha256:{A}" }}]

[[package]]
name = "project"
source = {{ virtual = "." }}
"""
SDIST = WantedFile(
    "holy-grail",
    "1.0+corp.1",
    "holy_grail-1.0+corp.1.tar.gz",
    A,
    f"{AT}/holy_grail-1.0%2Bcorp.1.tar.gz",
)
WHEEL = WantedFile(
    "holy-grail",
    "1.0+corp.1",
    "holy_grail-1.0+corp.1-py3-none-any.whl",
    B,
    f"{AT}/holy_grail-1.0%2Bcorp.1-py3-none-any.whl",
)

PYLOCK = f"""\
lock-version = "1.0"
created-by = "hand"

[[packages]]
name = "knight"
version = "1.0"
index = "https://pypi.org/simple"
wheels = [
    {{ name = "knight-1.0-py3-none-any.whl", url = "{AT}/knight-1.0-py3-none-any.whl", hashes = {{ sha256 = "{A}" }} }},
    {{ path = "wheels/knight-1.0-py2-none-any.whl", hashes = {{ sha256 = "{A}" }} }},
]
[packages.sdist]
url = "{AT}/knight-1.0.tar.gz"
hashes = {{ md5 = "x" }}

[[packages]]
name = "folder"
directory = {{ path = "." }}

[[packages]]
name = "cloned"
vcs = {{ type = "git", url = "https://host/x.git", commit-id = "1" }}

[[packages]]
name = "fetched"
archive = {{ url = "https://host/x.zip", hashes = {{ sha256 = "{A}" }} }}
"""
KNIGHT = [
    WantedFile("knight", "1.0", "knight-1.0.tar.gz", None, f"{AT}/knight-1.0.tar.gz"),
    WantedFile("knight", "1.0", "knight-1.0-py3-none-any.whl", A, f"{AT}/knight-1.0-py3-none-any.whl"),
]

POETRY = f"""\
[[package]]
name = "knight"
version = "1.0"
files = [
    {{file = "knight-1.0-py3-none-any.whl", hash = "sha256:{A}"}},
    {{file = "knight-1.0.tar.gz", hash = "md5:{B}"}},
]

[[package]]
name = "house"
version = "2"
files = [{{file = "house-2.tar.gz", hash = "sha256:{B}"}}]

[package.source]
type = "legacy"
url = "https://host/simple"
reference = "house"

[[package]]
name = "cloned"
version = "3"
files = []

[package.source]
type = "git"
url = "https://host/x.git"

[metadata]
content-hash = "x"
"""
POETRY_1 = f"""\
[[package]]
name = "Knight"
version = "1.0"

[metadata.files]
Knight = [{{file = "knight-1.0.tar.gz", hash = "sha256:{A}"}}]
"""
PIPFILE = f"""\
{{"_meta": {{"sources": []}},
 "default": {{"knight": {{"version": "==1.0", "hashes": ["sha256:{A}", "sha256:{B}"]}},
             "cloned": {{"git": "https://host/x.git"}}}},
 "develop": {{"house": {{"version": "==2", "hashes": []}}}}}}
"""


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("uv.lock", UV, [SDIST, WHEEL, WantedFile("empty", "2", None, None, None)]),
        ("script.py.lock", UV, [SDIST, WHEEL, WantedFile("empty", "2", None, None, None)]),
        ("uv.lock", "version = 1\n", []),
        ("uv.lock", UV.replace("\n", "\r\n"), [SDIST, WHEEL, WantedFile("empty", "2", None, None, None)]),
        ("pylock.toml", PYLOCK, KNIGHT),
        ("pylock.dev.toml", PYLOCK, KNIGHT),
        (
            "poetry.lock",
            POETRY,
            [
                WantedFile("knight", "1.0", "knight-1.0-py3-none-any.whl", A, None),
                WantedFile("knight", "1.0", "knight-1.0.tar.gz", None, None),
                WantedFile("house", "2", "house-2.tar.gz", B, None),
            ],
        ),
        ("poetry.lock", POETRY_1, [WantedFile("knight", "1.0", "knight-1.0.tar.gz", A, None)]),
        (
            "Pipfile.lock",
            PIPFILE,
            [
                WantedFile("knight", "1.0", None, A, None),
                WantedFile("knight", "1.0", None, B, None),
                WantedFile("house", "2", None, None, None),
            ],
        ),
    ],
)
def test_a_lock_wants_the_files_of_indexes(write, name, text, wanted):
    assert wanted_files(write(name, text)) == wanted


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("Holy.Grail", None),
        ("holy-grail==1.0", "1.0"),
        ("holy-grail == 1.0", "1.0"),
        ("holy-grail===1.0-x", "1.0-x"),
        ("holy-grail==1.*", None),
        ("holy-grail>=1,<2", None),
        ("holy-grail==1.0,!=1.0.post1", None),
        ("holy_grail[fast,slow]==1.0 ; python_version < '3'  # never", "1.0"),
        ("holy-grail==1.0 --no-binary=x", "1.0"),
        ("holy-grail==1.0 # a comment with --hash=sha256:x", "1.0"),
        ("\ufeffholy-grail==1.0", "1.0"),
    ],
)
def test_a_requirement_wants_a_release(write, line, version):
    found = wanted_files(write("requirements.txt", f"{line}\n"))

    assert found == [WantedFile("holy-grail", version, None, None, None)]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "# holy-grail==1.0",
        "--index-url https://host/simple",
        "-i https://host/simple",
        "--pre",
        "-e .",
        "./folder",
        "folder/below",
        "/folder",
        "holy_grail-1.0-py3-none-any.whl",
        "https://host/holy_grail-1.0.tar.gz",
        "git+https://host/x.git@main",
        "holy-grail @ https://host/holy_grail-1.0.tar.gz",
    ],
)
def test_what_is_from_elsewhere_is_left_out(write, line):
    assert wanted_files(write("requirements.txt", f"{line}\n")) == []


def test_a_marker_may_have_a_slash(write):
    path = write("requirements.txt", "knight==1.0; platform_version == 'a/b'\n")

    assert wanted_files(path) == [WantedFile("knight", "1.0", None, None, None)]


def test_hashes_on_continued_lines_are_all_wanted_once(write):
    text = f"""\
knight==1.0 \\
    --hash=sha256:{A} \\
    --hash sha256:{B.upper()} \\
    --hash=sha256:{A} \\
    --hash=sha512:{A}{B}
    # via project
grail==2 \\
    --hash=sha256:{A} \\
    # the comment ends the line
house
"""
    assert wanted_files(write("requirements.txt", text)) == [
        WantedFile("knight", "1.0", None, A, None),
        WantedFile("knight", "1.0", None, B, None),
        WantedFile("grail", "2", None, A, None),
        WantedFile("house", None, None, None, None),
    ]


def test_a_last_line_that_goes_on_is_read(write):
    found = wanted_files(write("requirements.txt", "knight==1.0 \\"))

    assert found == [WantedFile("knight", "1.0", None, None, None)]


@pytest.mark.parametrize("option", ["-r {}", "-r{}", "--requirement {}", "--requirement={}", "-r '{}'"])
def test_included_files_are_read_from_beside_the_file(write, option):
    write("below/more.txt", "knight==1.0\n-r last.in\n")
    write("below/last.in", "grail\n-r more.txt\n")

    found = wanted_files(write("requirements.txt", option.format("below/more.txt") + "\nhouse\n"))

    assert [one.project for one in found] == ["knight", "grail", "house"]


@pytest.mark.parametrize("option", ["-c {}", "--constraint {}", "--constraint={}"])
def test_a_constraint_pins_what_others_want_and_wants_nothing(write, option):
    write("pins.txt", "knight==1.0\nunused==9\ngrail>1\n-r more.txt\n")
    write("more.txt", "robin==3\n")
    text = "knight\ngrail==2\nrobin\n" + option.format("pins.txt") + "\n"

    found = wanted_files(write("requirements.txt", text))

    assert [(one.project, one.version) for one in found] == [
        ("knight", "1.0"),
        ("grail", "2"),
        ("robin", "3"),
    ]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("uv.lock", "version = 1\nname = \n", "uv.lock, line 2: is not TOML"),
        ("uv.lock", 'version = "', "uv.lock, line 1: is not TOML"),
        ("uv.lock", "[" * 100_000, "is not TOML"),
        ("uv.lock", 'package = "x"\n', "uv.lock, line 1: 'package' is not a list"),
        ("uv.lock", '[[package]]\nname = "a"\n\n[[package]]\n', "uv.lock, line 4: the package has no name"),
        ("poetry.lock", "\n[[package]]\nname = 1\n", "poetry.lock, line 2: the package has no name"),
        ("pylock.toml", "\n\n[[packages]]\n", "pylock.toml, line 3: the package has no name"),
        ("pylock.toml", "packages = [1]", "pylock.toml, line 1: the package has no name"),
        ("Pipfile.lock", '{\n"_meta": }', "Pipfile.lock, line 2: is not JSON"),
        ("Pipfile.lock", "[]", "Pipfile.lock, line 1: is not an object"),
        ("uv.lock", b"# \n\xff", "uv.lock, line 2: is not UTF-8"),
        ("requirements.txt", b"a\nb\n\xff\n", "requirements.txt, line 3: is not UTF-8"),
        ("requirements.txt", "a\n\nb c d\n", "requirements.txt, line 3: 'b c d' is no requirement"),
        ("requirements.txt", "a \\\n ==1 \\\n ==\n", "requirements.txt, line 1: "),
        ("requirements.txt", "a\n-r none.txt\n", "requirements.txt, line 2: there is no file"),
        (
            "requirements.txt",
            "-c https://host/c.txt\n",
            "requirements.txt, line 1: https://host/c.txt is not on",
        ),
        ("conda.yml", "", "conda.yml is not named like any of uv.lock, poetry.lock, pylock.toml"),
    ],
    ids=range(17),
)
def test_a_bad_file_is_named_with_the_line(write, tmp_path, name, text, said):
    with pytest.raises(LockfileError) as caught:
        wanted_files(write(name, text))

    assert isinstance(caught.value, PypiError)
    assert caught.value.message.startswith(f"{tmp_path}/")
    assert said in caught.value.message


def test_an_error_in_an_included_file_names_that_file(write):
    write("more.txt", "fine\nb c d\n")

    with pytest.raises(LockfileError, match=r"/more\.txt, line 2: "):
        wanted_files(write("requirements.txt", "-r more.txt\n"))


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(LockfileError, match=r"uv\.lock cannot be read: No such file"):
        wanted_files(tmp_path / "uv.lock")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("uv.lock", '[[package]]\nname = "a"\nsource = 1\nwheels = 2\nsdist = 3\n'),
        ("uv.lock", '[[package]]\nname = "a"\nsource = { registry = 1 }\n'),
        ("Pipfile.lock", '{"default": {"a": 1, "b": {"version": 1, "hashes": 2}}, "develop": []}'),
    ],
)
def test_strange_values_want_nothing(write, name, text):
    assert wanted_files(write(name, text)) == []
