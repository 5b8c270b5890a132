"""Text to values, strictly."""

from pathlib import Path
from typing import Literal

import pytest

from pyramid_pypi.errors import PluginError
from pyramid_pypi.options import Principals, Seconds, Secret, Size
from pyramid_pypi.settings import casts
from pyramid_pypi.settings.casts import Refused, for_annotation


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (str, "  a b ", "a b"),
        (int, "-12", -12),
        (bool, "Yes", True),
        (bool, "off", False),
        (Path, "/srv/x", Path("/srv/x")),
        (tuple[str, ...], "a\n  b c", ("a", "b", "c")),
        (tuple[str, ...], "", ()),
        (Literal["a", "b"], "b", "b"),
        (tuple[Literal["a", "b"], ...], "b a", ("b", "a")),
        (Size, "512", 512),
        (Size, "0", 0),
        (Size, "100 MB", 100_000_000),
        (Size, "4gib", 4 * 2**30),
        (Size, "1 kB", 1000),
        (Size, "1KIB", 1024),
        (Seconds, "90", 90),
        (Seconds, "90s", 90),
        (Seconds, "15m", 900),
        (Seconds, "24h", 86400),
        (Seconds, "7 D", 604800),
        (Principals, "everyone authenticated", frozenset({"everyone", "authenticated"})),
        (Principals, "user:ann group:dev", frozenset({"user:ann", "group:dev"})),
        (Principals, "nobody", frozenset()),
        (Principals, "", frozenset()),
        (Secret, "hunter2", Secret("hunter2")),
        (int | None, "", None),
        (int | None, "7", 7),
        (Size | None, "1 kB", 1000),
        (Secret | None, " ", None),
    ],
)
def test_text_becomes_a_value_of_its_type(annotation: object, text: str, value: object) -> None:
    cast = for_annotation(annotation, {})

    assert cast(text) == value
    assert type(cast(text)) is type(value)


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (int, ""),
        (int, "1.5"),
        (int, "1_000"),
        (int, "٣"),
        (bool, ""),
        (bool, "ja"),
        (bool, "2"),
        (Path, " "),
        (Path, "a\0b"),
        (tuple[str, ...], "a, b"),
        (Literal["a", "b"], "A"),
        (tuple[Literal["a", "b"], ...], "a c"),
        (Size, "-1"),
        (Size, "1.5 GB"),
        (Size, "GB"),
        (Size, "5 parsecs"),
        (Seconds, "1 week"),
        (Seconds, "1h30m"),
        (Principals, "ann"),
        (Principals, "user:"),
        (Principals, "role:dev"),
        (Principals, "nobody everyone"),
        (Principals, "user:ann,user:bob"),
        (Secret, ""),
    ],
)
def test_text_that_is_no_value_is_refused(annotation: object, text: str) -> None:
    with pytest.raises(Refused):
        for_annotation(annotation, {})(text)


@pytest.mark.parametrize(
    ("annotation", "text", "nearest"),
    [
        (bool, "ture", "true"),
        (Literal["strict", "private"], "privat", "private"),
        (Size, "4G", "4 GB"),
        (Principals, "everyon", "everyone"),
        (Principals, "system.Authenticated", "authenticated"),
        (Principals, "groups:dev", "group:dev"),
        (Principals, "ann", "user:ann"),
        (tuple[str, ...], "a,b, c", "a b c"),
    ],
)
def test_a_refusal_says_what_was_probably_meant(annotation: object, text: str, nearest: str) -> None:
    with pytest.raises(Refused) as caught:
        for_annotation(annotation, {})(text)

    assert caught.value.nearest == nearest


def test_a_comma_in_a_list_is_explained() -> None:
    with pytest.raises(Refused, match="comma"):
        casts.words("a,b")


def test_a_number_below_the_least_is_refused() -> None:
    assert casts.at_least(1)("1") == 1
    with pytest.raises(Refused, match="too small"):
        casts.at_least(1)("0")


@pytest.mark.parametrize(
    "annotation", [float, list[str], tuple[str, str], tuple[int, ...], Literal[1], int | str]
)
def test_other_types_are_refused(annotation: object) -> None:
    with pytest.raises(PluginError, match="cannot have the type"):
        for_annotation(annotation, {})


class TestSecrets:
    """Where a secret comes from, and that no message shows it."""

    def test_env_reads_a_variable(self) -> None:
        assert casts.secret({"LDAP": "hunter2"})("env:LDAP") == Secret("hunter2")

    @pytest.mark.parametrize("text", ["env:MISSING", "env:", "env:no-name", "env:EMPTY"])
    def test_env_without_a_value_is_refused(self, text: str) -> None:
        with pytest.raises(Refused):
            casts.secret({"EMPTY": ""})(text)

    @pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
    def test_file_loses_one_line_end(self, tmp_path: Path, ending: str) -> None:
        file = tmp_path / "secret"
        file.write_bytes(b" hunter2 " + ending.encode())
        file.chmod(0o640)

        assert casts.secret({})(f"file:{file}") == Secret(" hunter2 ")

    @pytest.mark.parametrize("mode", [0o604, 0o602, 0o601])
    def test_a_file_that_is_open_to_everyone_is_refused(self, tmp_path: Path, mode: int) -> None:
        file = tmp_path / "secret"
        file.write_text("hunter2")
        file.chmod(mode)

        with pytest.raises(Refused, match="chmod o=") as caught:
            casts.secret({})(f"file:{file}")
        assert "hunter2" not in str(caught.value)

    def test_a_file_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(Refused, match="No such file"):
            casts.secret({})(f"file:{tmp_path}/none")

    def test_a_relative_file_is_refused(self) -> None:
        with pytest.raises(Refused, match="absolute"):
            casts.secret({})("file:secret")

    def test_an_empty_file_is_refused(self, tmp_path: Path) -> None:
        file = tmp_path / "secret"
        file.write_text("\n")
        file.chmod(0o600)

        with pytest.raises(Refused, match="empty"):
            casts.secret({})(f"file:{file}")

    def test_a_file_that_is_not_text_is_refused_without_its_bytes(self, tmp_path: Path) -> None:
        file = tmp_path / "secret"
        file.write_bytes(b"hunter2\xff")
        file.chmod(0o600)

        with pytest.raises(Refused, match="UTF-8") as caught:
            casts.secret({})(f"file:{file}")
        assert "hunter2" not in str(caught.value)
        assert caught.value.__cause__ is None
