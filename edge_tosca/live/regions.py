"""Named regions of cameras: a setting of the store, read while the live loop runs."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from edge_tosca.errors import EdgeToscaError, LearnError
from edge_tosca.labels import has_controls
from edge_tosca.live.triggers import parse_trigger
from edge_tosca.runtime.region import WHOLE, Region
from edge_tosca.store.schema import REGIONS_SETTING
from edge_tosca.store.state import State
from edge_tosca.store.store import Store
from edge_tosca.store.validation import damage_errors

MAIN = "main"
"""The camera whose address has no name."""

FRAME = "frame"
"""The region that a camera has while it has no other: the whole frame."""

MOST_REGIONS = 16
"""Of one camera. At 10 ms a region, each is answered six times a second."""

MOST_CAMERAS = 32
"""Cameras with regions in one store."""

_CAMERA = re.compile(r"[A-Za-z0-9_-]{1,40}")
_LONGEST = 40
_RESERVED = frozenset("/+#?\\")
"""Characters that a name of a region cannot have: it is a level of MQTT topics, and a part of addresses."""


@dataclass(frozen=True)
class NamedRegion:
    """A region of a camera.

    Attributes:
        name: of the region, unique in its camera.
        region: the rectangle.
        classes: rows of the groups whose classes it answers among; empty for all classes.
        trigger: when it is looked at, as `parse_trigger` reads it; "" for what the program was started with.
    """

    name: str
    region: Region
    classes: tuple[int, ...] = ()
    trigger: str = ""

    def labels(self, state: State) -> frozenset[str] | None:
        """Return the labels that the region answers among, also as they are taught and renamed later.

        Args:
            state: of the store.

        Returns:
            None for all; empty if all of its classes were forgotten.
        """
        if not self.classes:
            return None
        rows = set(self.classes)
        return frozenset(group.label for group in state.groups if group.id in rows)


Regions = Mapping[str, tuple[NamedRegion, ...]]
"""Name of a camera to its regions, in the order in which they were added."""

WHOLE_FRAME = NamedRegion(FRAME, WHOLE)


def regions_of(regions: Regions, camera: str) -> tuple[NamedRegion, ...]:
    """Return the regions of a camera; the whole frame where it has none.

    Args:
        regions: of the store.
        camera: its name.
    """
    return regions.get(camera) or (WHOLE_FRAME,)


def is_default(camera: str, region: str) -> bool:
    """Return whether a region is the one that a store without regions and a server with one camera has.

    Args:
        camera: name of the camera.
        region: name of the region.
    """
    return (camera, region) == (MAIN, FRAME)


def checked_camera(name: str) -> str:
    """Return the name of a camera.

    Args:
        name: as typed.

    Raises:
        LearnError: it has characters that a topic or an option could not have.
    """
    if _CAMERA.fullmatch(name) is None:
        raise LearnError(f"camera {name[:60]!r}: a name has 1 to 40 of the characters A-Z a-z 0-9 _ and -")
    return name


def checked_region_name(name: str) -> str:
    """Return the name of a region, without blanks around it.

    Args:
        name: as typed.

    Raises:
        LearnError: it is empty, too long, or has characters that a topic could not have.
    """
    plain = name.strip()
    if not 0 < len(plain) <= _LONGEST or has_controls(plain) or not _RESERVED.isdisjoint(plain):
        raise LearnError(
            f"region {plain[:60]!r}: a name has 1 to {_LONGEST} characters, and none of "
            f"{' '.join(sorted(_RESERVED))}"
        )
    return plain


def read_regions(store: Store) -> Regions:
    """Read the regions of a store, also where another process has just changed them.

    Args:
        store: the store.

    Returns:
        The regions by camera; none where none were added.

    Raises:
        StoreError: the setting is damaged.
    """
    rows = store.query("SELECT value FROM settings WHERE key = ?", REGIONS_SETTING)
    if not rows:
        return {}
    with damage_errors(store.path):
        try:
            return {
                checked_camera(camera): tuple(_from_json(one) for one in some)
                for camera, some in json.loads(rows[0][0]).items()
            }
        except EdgeToscaError as error:
            raise ValueError("a name or a rectangle is invalid") from error


def put_region(
    store: Store,
    camera: str,
    name: str,
    region: Region,
    labels: Iterable[str] = (),
    before: str | None = None,
    trigger: str | None = None,
) -> NamedRegion:
    """Add a region to a camera, or replace one; an audit entry, and no generation.

    Args:
        store: the store.
        camera: its name.
        name: of the region.
        region: the rectangle.
        labels: classes that it answers among; none for all.
        before: name of the region that it replaces; None for that of the same name, if there is one.
        trigger: when it is looked at, or "" for what a program is started with; None to leave it as it is.

    Returns:
        The region.

    Raises:
        LearnError: a name is invalid or taken, there is no such class or region, or there are too many.
        StoreError: the store cannot be written.
    """
    camera, name = checked_camera(camera), checked_region_name(name)
    with store.transaction():
        store.audit_log.set_command("regions")
        rows = _rows_of(store, labels)
        now = dict(read_regions(store))
        mine = list(now.get(camera, ()))
        names = [one.name for one in mine]
        old = name if before is None else before
        if before is not None and before not in names:
            raise _unknown(camera, before, names)
        if before not in (None, name) and name in names:
            raise LearnError(f"camera {camera} has a region {name!r} already; choose another name")
        kept = mine[names.index(old)].trigger if old in names else ""
        new = NamedRegion(name, region, rows, kept if trigger is None else _checked_trigger(trigger))
        if old in names:
            mine[names.index(old)] = new
        else:
            mine.append(new)
        now[camera] = tuple(mine)
        if len(mine) > MOST_REGIONS or len(now) > MOST_CAMERAS:
            raise LearnError(
                f"a camera has at most {MOST_REGIONS} regions, and a store {MOST_CAMERAS} cameras with "
                "regions; remove some with: edge-tosca regions remove"
            )
        _write(store, now)
    return new


def remove_region(store: Store, camera: str, name: str) -> None:
    """Remove a region of a camera; after its last one the whole frame is answered again.

    Args:
        store: the store.
        camera: its name.
        name: of the region.

    Raises:
        LearnError: there is no such region.
        StoreError: the store cannot be written.
    """
    with store.transaction():
        store.audit_log.set_command("regions")
        now = dict(read_regions(store))
        mine = now.get(camera, ())
        if name not in [one.name for one in mine]:
            raise _unknown(camera, name, [one.name for one in mine])
        now[camera] = tuple(one for one in mine if one.name != name)
        _write(store, now)


def _checked_trigger(text: str) -> str:
    return parse_trigger(text).word if text else ""


def _unknown(camera: str, name: str, names: Sequence[str]) -> LearnError:
    known = f"it has {', '.join(names)}" if names else "it has none; add one with: edge-tosca regions add"
    return LearnError(f"camera {camera} has no region {name[:60]!r}; {known}")


def _rows_of(store: Store, labels: Iterable[str]) -> tuple[int, ...]:
    groups = store.state().groups
    rows: list[int] = []
    for label in labels:
        found = [group.id for group in groups if group.label == label]
        if not found:
            raise LearnError(f"{store.path} has no class {label!r}; see: edge-tosca classes {store.path}")
        rows += found
    return tuple(sorted(set(rows)))


def _write(store: Store, regions: Regions) -> None:
    live = {group.id for group in store.state().groups}
    kept = {
        camera: [_to_json(replace(one, classes=_still(one.classes, live))) for one in some]
        for camera, some in sorted(regions.items())
        if some
    }
    store.set_setting(REGIONS_SETTING, json.dumps(kept, sort_keys=True) if kept else None)


def _still(rows: tuple[int, ...], live: set[int]) -> tuple[int, ...]:
    # A region whose classes are all forgotten must not answer among all classes.
    return tuple(row for row in rows if row in live) or rows


def _to_json(named: NamedRegion) -> dict[str, Any]:
    region = named.region
    box = [region.x, region.y, region.width, region.height]
    trigger = {"trigger": named.trigger} if named.trigger else {}
    return {"name": named.name, "box": box, "classes": list(named.classes), **trigger}


def _from_json(values: Mapping[str, Any]) -> NamedRegion:
    box = [float(number) for number in values["box"]]
    return NamedRegion(
        checked_region_name(values["name"]),
        Region(*box),
        tuple(int(row) for row in values["classes"]),
        _checked_trigger(values.get("trigger", "")),
    )
