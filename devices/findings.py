"""One finding of the doctor."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """What was looked at, and whether it is well.

    Attributes:
        what: the thing, in a few words.
        ok: whether it is well.
        detail: what was found, in one line.
        remedy: what to do; empty where nothing is to be done.
    """

    what: str
    ok: bool
    detail: str
    remedy: str = ""

    def to_json(self) -> dict[str, Any]:
        """Give the finding as plain values."""
        return asdict(self)
