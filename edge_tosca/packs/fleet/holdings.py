"""The packs of a fleet that a store holds, in the store's settings, so that every copy of it says so too.

The setting `fleet pack DIGEST` names the rows of the pack's task and class; a pack that was refused after it
had been imported is noted with a reason. Names of classes are not in it: settings are not encrypted.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from edge_tosca.store.reader import StoreReader
from edge_tosca.store.state import TaskClass
from edge_tosca.store.store import Store

_PREFIX = "fleet pack "

ROLLED_BACK = "rolled back on this box"
FORGOTTEN = "forgotten on this box"


@dataclass(frozen=True)
class Holding:
    """A pack in a store.

    Attributes:
        task: row of its task.
        group: row of its class.
        refused: why it is not live and stays so; "" for a pack that is live.
    """

    task: int
    group: int
    refused: str = ""


def holdings(settings: Mapping[str, str]) -> dict[str, Holding]:
    """Read which packs a store holds.

    Args:
        settings: of the store.

    Returns:
        Digest of a pack to where it is.
    """
    found = {}
    for key, value in settings.items():
        if key.startswith(_PREFIX):
            task, group, *refused = value.split(" ", 2)
            found[key.removeprefix(_PREFIX)] = Holding(int(task), int(group), "".join(refused))
    return found


def held_packs(store: StoreReader) -> dict[str, Holding]:
    """Read which packs a store holds now, whatever other processes changed meanwhile.

    Args:
        store: the store.

    Returns:
        Digest of a pack to where it is.
    """
    query = "SELECT key, value FROM settings WHERE key >= ? AND key < ?"
    return holdings(dict(store.query(query, _PREFIX, f"{_PREFIX}g")))


def set_holding(store: Store, pack: str, holding: Holding | None) -> None:
    """Note where a pack is, or that it is no longer there; inside a transaction."""
    value = None if holding is None else f"{holding.task} {holding.group} {holding.refused}".rstrip()
    store.set_setting(_PREFIX + pack, value)


def release_all(store: Store) -> None:
    """Let all packs be classes of this store alone, as before it joins a fleet and after it left one.

    Args:
        store: the store.
    """
    if held := held_packs(store):
        with store.transaction():
            for pack in held:
                set_holding(store, pack, None)


def undone(store: Store) -> dict[str, str]:
    """Find the packs that were rolled back or forgotten on this box since they were imported.

    Args:
        store: the store.

    Returns:
        Digest to ROLLED_BACK or FORGOTTEN; packs that are refused already are absent.
    """
    with store.snapshot():
        live = {group.id for group in store.state().groups}
        rows = {group.id for task in store.tasks_ever() for group in task.groups}
        return {
            pack: ROLLED_BACK if one.group in rows else FORGOTTEN
            for pack, one in held_packs(store).items()
            if not one.refused and one.group not in live
        }


def group_of(store: Store, holding: Holding) -> TaskClass | None:
    """Return the class of a pack, live or not; None where it was erased."""
    found = (group for group in store.groups_of_task(holding.task) if group.id == holding.group)
    return next(found, None)
