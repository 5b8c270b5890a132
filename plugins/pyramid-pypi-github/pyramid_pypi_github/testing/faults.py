"""What can go wrong with a GitHub, on purpose."""

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Fault"]


@dataclass(frozen=True, slots=True)
class Fault:
    """Answers `times` requests otherwise, those of `method` whose path contains `path`.

    `obeyed` requests have done their work before the answer goes wrong; `reset` closes the connection
    instead of an answer, after `after` bytes of one where there are that many. `starter` leaves an
    upload's asset without its bytes, `rename` gives it another name, `damage` changes its bytes.
    """

    method: str = ""
    path: str = ""
    times: int = 1
    status: int = 0
    message: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    obeyed: bool = False
    kind: Literal["answer", "reset", "starter", "rename", "damage", "html", "hang"] = "answer"
    after: int = 0
