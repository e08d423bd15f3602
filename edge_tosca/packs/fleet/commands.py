"""Commands of an administrator to one box: rollback, forget, strictness, pin."""

from datetime import UTC, datetime
from typing import Any

from edge_tosca.errors import FleetError
from edge_tosca.learner.forget import forget_class
from edge_tosca.learner.history import rollback
from edge_tosca.learner.strictness import set_strictness
from edge_tosca.packs.fleet.records import Records
from edge_tosca.store.store import Store

ACTIONS = ("rollback", "forget", "strictness", "pin")
"""What can be commanded. A box that is pinned imports nothing; it erases what was deleted."""

EXPIRY_SECONDS = 7 * 24 * 3600
"""How long the broker keeps a command."""

PINNED = "pinned"


def command_content(box: str, action: str, value: str, expires: datetime) -> dict[str, Any]:
    """Return what is signed.

    Args:
        box: name of the box.
        action: of ACTIONS.
        value: number of the generation ("" for the one before), name of the class, strictness from 0 to 1, or
            "on" and "off".
        expires: when it is no longer carried out, with a zone.

    Raises:
        FleetError: there is no such action, or the value does not fit.
    """
    content = {"box": box, "do": action, "value": value, "expires": expires.astimezone(UTC).isoformat()}
    _checked(content)
    return content


def carry_out(store: Store, records: Records, body: dict[str, Any], now: datetime) -> str:
    """Carry out a command whose signature and signer were verified.

    Args:
        store: of the box.
        records: of the box.
        body: of the command.
        now: the time, with a zone.

    Returns:
        A line for the log.

    Raises:
        FleetError: it has expired, or is none.
        LearnError: the store has no such class or generation.
        StoreError: the store cannot be written.
    """
    action, value, expires = _checked(body)
    if now > expires:
        raise FleetError(f"the command {action} expired on {expires:%Y-%m-%d}")
    match action:
        case "rollback":
            return f"rolled back to generation {rollback(store, int(value) if value else None)}"
        case "forget":
            return f"forgot a class (generation {forget_class(store, value)})"
        case "strictness":
            set_strictness(store, float(value), None)
            return f"strictness {value}"
    records.set_note(PINNED, "1" if value == "on" else "")
    return f"pin {value}"


def _checked(body: dict[str, Any]) -> tuple[str, str, datetime]:
    action, value = body.get("do"), body.get("value")
    try:
        expires = datetime.fromisoformat(body["expires"])
        if isinstance(value, str) and expires.tzinfo is not None and _fits(str(action), value):
            return str(action), value, expires
    except (LookupError, TypeError, ValueError):
        pass
    raise FleetError(
        f"{str(action)[:20]!r} with {str(value)[:40]!r} is no command; there are rollback [GENERATION], "
        "forget CLASS, strictness 0..1 and pin on|off"
    )


def _fits(action: str, value: str) -> bool:
    match action:
        case "rollback":
            return value == "" or int(value) >= 0
        case "forget":
            return value != ""
        case "strictness":
            return 0 <= float(value) <= 1
    return action == "pin" and value in ("on", "off")
