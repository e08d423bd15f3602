"""Counting in a store: turn it on or off, add counts, and read them by the names of classes."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edge_tosca.errors import LearnError
from edge_tosca.store.schema import TALLY_SETTING
from edge_tosca.store.state import State
from edge_tosca.store.store import Store
from edge_tosca.store.tally import UNKNOWN, Count
from edge_tosca.store.validation import damage_errors

DAYS = 400
"""How long counts are kept unless set otherwise: a year can be compared with the one before."""

MOST_DAYS = 3650

_HOUR_SECONDS = 3600
_CLOCK_SET_HOUR = 438_288
"""2020-01-01: a box without a clock battery starts in 1970, and must not erase by that clock."""


@dataclass(frozen=True)
class Seen:
    """How often and how long a class was shown in a region within an hour.

    Attributes:
        hour: since 1970, UTC.
        camera: name of the camera.
        region: name of the region.
        label: of the class; None for none of them.
        seen: number of times it appeared.
        seconds: that it was shown.
    """

    hour: int
    camera: str
    region: str
    label: str | None
    seen: int
    seconds: float


def tally_days(store: Store) -> int | None:
    """Return how many days counts are kept; None where nothing is counted.

    Args:
        store: the store, also where another process has just changed it.

    Raises:
        StoreError: the setting is damaged.
    """
    rows = store.query("SELECT value FROM settings WHERE key = ?", TALLY_SETTING)
    with damage_errors(store.path):
        return int(rows[0][0]) if rows and store.tally.exists() else None


def set_tally(store: Store, days: int | None) -> None:
    """Count from now on, or erase all counts; an audit entry, and no generation.

    Args:
        store: the store.
        days: to keep counts for; None to count no longer, which erases them.

    Raises:
        LearnError: the days are out of range.
        StoreError: the store cannot be written, or another process still reads what was erased.
    """
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise LearnError(f"counts are kept for 1 to {MOST_DAYS} days; it is {days}")
    with store.transaction():
        store.audit_log.set_command("tally")
        if days is None:
            store.tally.drop()
        else:
            store.tally.create()
        store.set_setting(TALLY_SETTING, None if days is None else str(days))
    if days is None:
        store.checkpoint()


def add_seen(store: Store, seen: Iterable[Seen], now: float | None = None) -> None:
    """Add counts, and erase those that are too old; nothing where the store does not count.

    Args:
        store: the store.
        seen: what was counted; classes that the store does not know are left out, as they were forgotten.
        now: seconds since 1970; the clock's by default.

    Raises:
        StoreError: the store cannot be written.
    """
    hour_now = int((time.time() if now is None else now) // _HOUR_SECONDS)
    with store.counting():
        # Another process may have turned it off.
        days = tally_days(store)
        if days is None:
            return
        rows = _rows(store.state())
        hours: dict[int, list[Count]] = {}
        for one in seen:
            group = UNKNOWN if one.label is None else rows.get(one.label)
            if group is not None:
                count = Count(one.camera, one.region, group, one.seen, one.seconds)
                hours.setdefault(one.hour, []).append(count)
        for hour, counts in hours.items():
            store.tally.add(hour, counts)
        if hour_now >= _CLOCK_SET_HOUR:
            store.tally.prune(hour_now - 24 * days)


def read_tally(store: Store, since: int = 0) -> list[Seen]:
    """Read the counts of a store under the present names of its classes.

    Args:
        store: the store.
        since: first hour since 1970.

    Returns:
        The counts, the earliest first; a class that was undone has the name that it had last.

    Raises:
        StoreError: the store is damaged.
    """
    with store.snapshot(), damage_errors(store.path):
        labels: Mapping[int, str] = {
            group.id: group.label.strip() for task in store.tasks_ever() for group in task.groups
        }
        found: dict[tuple[int, str, str, str | None], tuple[int, float]] = {}
        for hour, counts in store.tally.all(since):
            for count in counts:
                label = None if count.group == UNKNOWN else labels.get(count.group)
                if label is None and count.group != UNKNOWN:
                    continue
                key = hour, count.camera, count.region, label
                # Two lessons may have taught a class under two rows.
                before = found.get(key, (0, 0.0))
                found[key] = before[0] + count.seen, before[1] + count.seconds
    return [Seen(*key, *amount) for key, amount in found.items()]


def _rows(state: State) -> dict[str, int]:
    """Return the row of each class that counts refer to: its oldest, which is undone last."""
    rows: dict[str, int] = {}
    for group in state.groups:
        rows[group.label] = min(group.id, rows.get(group.label, group.id))
    return rows
