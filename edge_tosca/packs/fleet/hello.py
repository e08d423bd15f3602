"""`hello`: a box says that it is there, with its version, backbone, generation, temperature and free disk."""

import shutil
from pathlib import Path
from typing import Any

from edge_tosca.packs.fleet.membership import Membership
from edge_tosca.packs.fleet.messages import signed
from edge_tosca.packs.fleet.records import Records
from edge_tosca.packs.fleet.topics import Topics
from edge_tosca.packs.fleet.transport import Delivery
from edge_tosca.store.store import Store
from edge_tosca.version import __version__

_LAST = (1 << 20) - 1


def hello(store: Store, membership: Membership, records: Records) -> Delivery:
    """Return the message of a connection that was just made.

    Args:
        store: of the box.
        membership: of the box.
        records: of the box.
    """
    number = max(records.number("hello"), 1) << 20 | 1
    return _signed(store, membership, number, online=True)


def goodbye(store: Store, membership: Membership, records: Records) -> Delivery:
    """Return the message of a connection that is closed in good order.

    Args:
        store: of the box.
        membership: of the box.
        records: of the box.
    """
    return _signed(store, membership, max(records.number("hello"), 1) << 20 | _LAST, online=False)


def last_will(store: Store, membership: Membership, records: Records) -> Delivery:
    """Return what the broker publishes when the connection that is being made breaks off.

    Args:
        store: of the box.
        membership: of the box.
        records: of the box; the number of the connection is counted up.
    """
    # Signed before the hello of the same connection, and newer than it; older than any of the next one.
    number = records.next_number("hello") << 20 | _LAST
    return _signed(store, membership, number, online=False)


def _signed(store: Store, membership: Membership, number: int, *, online: bool) -> Delivery:
    content: dict[str, Any] = {
        "online": online,
        "version": __version__,
        "fingerprint": store.settings["fingerprint"],
        "generation": store.latest(),
        "temperature": _temperature(),
        "free_disk": shutil.disk_usage(store.path.absolute().parent).free,
    }
    message = signed("hello", membership.fleet, number, content, membership.key())
    return Delivery(Topics(membership.fleet).hello(membership.box), message.data)


def _temperature() -> float | None:
    """Return the temperature of the hottest zone in degrees Celsius; None where it cannot be read."""
    found = []
    for zone in Path("/sys/class/thermal").glob("thermal_zone*/temp"):
        try:
            found.append(int(zone.read_text()) / 1000)
        except (OSError, ValueError):
            continue
    return max(found, default=None)
