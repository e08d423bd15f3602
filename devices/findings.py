"""One finding of the doctor."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """What was looked at, and whether it is well.

    Attributes:
        what: the thing, in a few words.
        ok: whether it is well.
        detail: what was found, in one line.
        remedy: what to do; where the thing is well, what would make it better; empty where there is nothing.
        values: the same for programs: numbers and names.
    """

    what: str
    ok: bool
    detail: str
    remedy: str = ""
    values: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Give the finding as plain values."""
        return asdict(self)
