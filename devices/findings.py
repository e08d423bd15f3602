"""The result of one check of the doctor."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        what: subject of the check, in a few words.
        ok: whether the check passed.
        detail: result, in one line.
        remedy: what to do; where the check passed, a possible improvement; empty where there is none.
        values: the result as numbers and names, for programs.
        measured: whether there was anything to check; False where this system does not report it.
    """

    what: str
    ok: bool
    detail: str
    remedy: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    measured: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return the finding as a dictionary of JSON values."""
        return asdict(self)
