"""The keys below `pypi.metrics`."""

from dataclasses import dataclass, field

from pyramid_pypi.options import Secret

__all__ = ["Metrics"]

_LEAST = 16


class Metrics:
    """What is counted, and who may look."""

    @dataclass(frozen=True, slots=True)
    class Options:
        """The keys; who has `manage` on a repository may look in any case."""

        public: bool = field(default=False, metadata={"help": "everybody may look"})
        token: Secret | None = field(default=None, metadata={"help": "who comes with it may look"})
        projects: int = field(default=1000, metadata={"help": "how many are counted by name"})

        def __post_init__(self) -> None:
            if self.projects < 0:
                raise ValueError("projects is at least 0, which counts none by name")
            if self.token is None:
                return
            text = self.token.reveal()
            if len(text) < _LEAST:
                raise ValueError(f"token has less than {_LEAST} characters; see `openssl rand -hex 20`")
            if not text.isascii() or any(character.isspace() for character in text):
                raise ValueError("token has characters that no header can have")
