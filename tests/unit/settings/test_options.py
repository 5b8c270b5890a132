"""How the options of a kind are found, and what a secret shows."""

import copy
import json
import pickle
from dataclasses import asdict, dataclass, field

import pytest

from pyramid_pypi.errors import PluginError
from pyramid_pypi.options import Option, Secret, Size, options_of


@dataclass(frozen=True, slots=True)
class Some:
    size: Size
    name: str = field(default="x", metadata={"help": "what it is called"})
    tags: tuple[str, ...] = field(default_factory=lambda: ("a",))
    derived: int = field(init=False, default=0)


def kind(options: object) -> type:
    return type("Kind", (), {"Options": options})


def test_options_come_in_the_order_of_the_dataclass() -> None:
    assert options_of(kind(Some)) == (
        Option("size", Size, required=True),
        Option("name", str, required=False, default="x", help="what it is called"),
        Option("tags", tuple[str, ...], required=False, default=("a",)),
    )


def test_a_kind_without_options_has_none() -> None:
    assert options_of(type("Kind", (), {})) == ()


@pytest.mark.parametrize("declared", [dict, dataclass(type("Thawed", (), {})), "text"])
def test_options_must_be_a_frozen_dataclass(declared: object) -> None:
    with pytest.raises(PluginError, match=r"Kind\.Options is not a frozen dataclass"):
        options_of(kind(declared))


def test_an_annotation_that_does_not_resolve_is_explained() -> None:
    declared: type = dataclass(frozen=True)(type("Vague", (), {"__annotations__": {"path": "Pathh"}}))

    with pytest.raises(PluginError, match="TYPE_CHECKING"):
        options_of(kind(declared))


class TestSecret:
    """A secret shows itself to `reveal` alone."""

    def test_reveal_returns_the_text(self) -> None:
        assert Secret("hunter2").reveal() == "hunter2"

    @pytest.mark.parametrize("show", [repr, str, "{}".format, "{!r}".format, "%s".__mod__])
    def test_nothing_else_shows_it(self, show: "object") -> None:
        assert "hunter2" not in show(Secret("hunter2"))  # type: ignore[operator]

    def test_it_compares_by_its_text(self) -> None:
        assert Secret("a") == Secret("a")
        assert Secret("a") != Secret("ä")
        assert Secret("a") != "a"
        assert len({Secret("a"), Secret("a")}) == 1

    def test_it_cannot_be_changed(self) -> None:
        secret = Secret("a")

        with pytest.raises(AttributeError):
            setattr(secret, "_text", "b")  # noqa: B010 - a type checker refuses the statement as well
        with pytest.raises(AttributeError):
            delattr(secret, "_text")

    def test_taking_a_dataclass_apart_keeps_it_whole(self) -> None:
        @dataclass(frozen=True)
        class Holder:
            secret: Secret

        taken = asdict(Holder(Secret("hunter2")))

        assert taken == {"secret": Secret("hunter2")}
        with pytest.raises(TypeError):
            json.dumps(taken)

    def test_it_is_copied_and_not_pickled(self) -> None:
        secret = Secret("hunter2")

        assert copy.copy(secret) is secret
        assert copy.deepcopy(secret) is secret
        with pytest.raises(TypeError):
            pickle.dumps(secret)
