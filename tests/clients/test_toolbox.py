"""The clients are installed once, and a missing one is a failure that says so."""

import threading
from pathlib import Path

import pytest

from tests.clients.toolbox import Toolbox, ToolMissing, make_once


def fill(folder: Path, content: str) -> bool:
    """Make the folder if it is missing; return whether it was."""
    with make_once(folder, content) as missing:
        if missing:
            folder.mkdir()
            (folder / "program").write_text(content)
    return missing


def test_a_folder_is_made_once(tmp_path: Path) -> None:
    made = [fill(tmp_path / "tool", "1.0"), fill(tmp_path / "tool", "1.0")]

    assert made == [True, False]


def test_a_folder_for_another_content_is_made_again(tmp_path: Path) -> None:
    fill(tmp_path / "tool", "1.0")

    assert fill(tmp_path / "tool", "2.0")
    assert (tmp_path / "tool" / "program").read_text() == "2.0"


def test_what_was_cut_off_is_made_again(tmp_path: Path) -> None:
    def cut_off() -> None:
        with make_once(tmp_path / "tool", "1.0"):
            (tmp_path / "tool").mkdir()
            (tmp_path / "tool" / "half").write_text("")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut_off()

    assert fill(tmp_path / "tool", "1.0")
    assert not (tmp_path / "tool" / "half").exists()


def test_others_wait_until_a_folder_is_made(tmp_path: Path) -> None:
    made = []
    with make_once(tmp_path / "tool", "1.0") as missing:
        other = threading.Thread(target=lambda: made.append(fill(tmp_path / "tool", "1.0")))
        other.start()
        (tmp_path / "tool").mkdir()
    other.join(10)

    assert missing
    assert made == [False]


def test_a_program_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolMissing, match="no-such-program is not installed"):
        Toolbox(tmp_path).program("no-such-program")
