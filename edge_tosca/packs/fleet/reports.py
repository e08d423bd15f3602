"""What a box reports: `have`, the packs that it holds, and `hello`, that it is there."""

from dataclasses import dataclass, field
from typing import Any

from edge_tosca.errors import FleetError
from edge_tosca.packs.fleet.messages import Message
from edge_tosca.packs.fleet.topics import is_digest

_MAX_REASON = 300


@dataclass(frozen=True)
class Have:
    """What a box holds.

    Attributes:
        key: of the box.
        held: digests of the packs that are live.
        refused: digest to reason, of packs that the fleet wants and the box does not have.
        deleted: digests of packs with a tombstone, of which nothing is left on the box.
        missing: digests of packs that it cannot get.
        judged: digest to "" if accuracy held, or to the reason why not.
        generation: of the store.
        erasures_since: until when it knows of erasures, ISO 8601, UTC; "" for never.
    """

    key: str = ""
    held: tuple[str, ...] = ()
    refused: dict[str, str] = field(default_factory=dict)
    deleted: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    judged: dict[str, str] = field(default_factory=dict)
    generation: int = 0
    erasures_since: str = ""

    def content(self) -> dict[str, Any]:
        """Return what is signed, without the key."""
        return {
            "held": list(self.held),
            "refused": self.refused,
            "deleted": list(self.deleted),
            "missing": list(self.missing),
            "judged": self.judged,
            "generation": self.generation,
            "erasures_since": self.erasures_since,
        }


def read_have(message: Message) -> Have:
    """Read what a box holds.

    Args:
        message: whose signature was verified.

    Raises:
        FleetError: it is no such report.
    """
    body = message.body
    try:
        lists = {name: _digests(body[name]) for name in ("held", "deleted", "missing")}
        texts = {name: _texts(body[name]) for name in ("refused", "judged")}
        generation, since = int(body["generation"]), str(body["erasures_since"])[:40]
    except (LookupError, TypeError, ValueError, AttributeError):
        raise FleetError("it is no report of what a box holds") from None
    if message.kind != "have":
        raise FleetError("it is no report of what a box holds")
    return Have(
        key=message.key,
        held=lists["held"],
        refused=texts["refused"],
        deleted=lists["deleted"],
        missing=lists["missing"],
        judged=texts["judged"],
        generation=generation,
        erasures_since=since,
    )


def _digests(values: Any) -> tuple[str, ...]:
    if not all(is_digest(one) for one in values):
        raise ValueError("no digest")
    return tuple(values)


def _texts(values: Any) -> dict[str, str]:
    if not all(is_digest(one) for one in values):
        raise ValueError("no digest")
    return {pack: str(reason)[:_MAX_REASON] for pack, reason in values.items()}
