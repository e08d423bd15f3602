"""Keep the queue and the unknown inbox in the file of thumbnails, where the user keeps pictures at all."""

import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from edge_tosca.arrays import Array
from edge_tosca.console.app_state.image_analysis import AnalysedImage
from edge_tosca.console.app_state.inboxes import Inboxes
from edge_tosca.console.app_state.training_queue import Queue, QueuedImage
from edge_tosca.console.app_state.unknown_inbox import UnknownImage
from edge_tosca.features.normalization import normalize
from edge_tosca.learner.learner import Learner
from edge_tosca.live import Place
from edge_tosca.store.thumbnail_owner import Owner, owner_of
from edge_tosca.store.thumbnails import Thumbnails
from edge_tosca.store.waiting_pictures import WaitingRow

INBOX_SECONDS = 30.0
"""Between two writes of the inbox, which changes with what the camera sees; memory cards wear."""

_COUNT = "count-"
_KEPT = ("sharpness", "brightness", "sha256", "origin", "note")


@dataclass(frozen=True)
class _Item:
    """A picture as it is to be kept.

    Attributes:
        token: of its state; an equal one needs no second write.
        label: of its class; "" in the inbox.
        content: makes its bytes.
    """

    token: tuple[object, ...]
    label: str
    content: Callable[[], bytes]


class WaitingKeeper:
    """Writes what changed since the last time, and reads everything once, at the start."""

    def __init__(self, thumbnails: Thumbnails, queue: Queue, inbox: Inboxes) -> None:
        self._thumbnails, self._queue, self._inbox = thumbnails, queue, inbox
        self._written: dict[str, tuple[object, ...]] = {}
        self._inbox_at = 0.0
        self._loaded = False

    def load(self, owner: Owner, learner: Learner) -> None:
        """Bring back what waited before a restart; only the first call does anything.

        Args:
            owner: the store.
            learner: of the store, whose features the pictures must have.

        Raises:
            StoreError: the file cannot be read.
        """
        if self._loaded:
            return
        # Once, even if the file is damaged: what is shown must not change later by itself.
        self._loaded = True
        rows = self._thumbnails.waiting(owner)
        groups: dict[tuple[Place | None, str], list[UnknownImage]] = {}
        counts: dict[str, int] = {}
        for key, row in rows.items():
            self._written[key] = ()
            with contextlib.suppress(ValueError, KeyError, TypeError, SafetensorError):
                if key.startswith(_COUNT):
                    counts[key.removeprefix(_COUNT)] = int(row.content)
                    continue
                image, about = _decode(row.content, learner)
                if row.label:
                    self._queue.bring_back(row.label, [QueuedImage(key, image, about["hint"], about["at"])])
                    continue
                place = None if about["place"] is None else Place(*about["place"])
                groups.setdefault((place, about["group"]), []).append(UnknownImage(key, image, about["at"]))
        for (place, group), pictures in groups.items():
            self._inbox.bring_back(place, group, pictures, counts.get(group, 0))

    def save(self, learner: Learner, *, all_now: bool = False) -> None:
        """Write what changed since the last time.

        Args:
            learner: of the store that the pictures belong to.
            all_now: the inbox, too, however recently it was written.

        Raises:
            StoreError: the file cannot be written.
        """
        if not self._thumbnails.on:
            self._written.clear()
            return
        if not self._loaded:
            return
        inbox_due = all_now or time.monotonic() - self._inbox_at >= INBOX_SECONDS
        items = self._items()
        changed = {
            key: item
            for key, item in items.items()
            if self._written.get(key) != item.token and (item.label or inbox_due)
        }
        # What is erased on the page leaves the file at once.
        gone = self._written.keys() - items.keys()
        if not changed and not gone:
            return
        rows = {key: WaitingRow(item.label, item.content()) for key, item in changed.items()}
        if self._thumbnails.save_waiting(rows, gone, owner_of(learner.store)):
            for key in gone:
                del self._written[key]
            self._written.update({key: item.token for key, item in changed.items()})
            self._inbox_at = time.monotonic() if inbox_due else self._inbox_at

    def _items(self) -> dict[str, _Item]:
        items: dict[str, _Item] = {}
        for label, waiting in self._queue.classes().items():
            for one in waiting:
                items[one.id] = _Item(("queue", label), label, _queued(one))
        for place, group in self._inbox.groups():
            for picture in group.pictures:
                items[picture.id] = _Item(("inbox", group.id), "", _unknown(picture, place, group.id))
            count = str(group.count).encode()
            items[_COUNT + group.id] = _Item(("count", count), "", _constant(count))
        return items


def _constant(content: bytes) -> Callable[[], bytes]:
    return lambda: content


def _queued(one: QueuedImage) -> Callable[[], bytes]:
    return lambda: _encode(one.image, {"at": one.at, "hint": one.hint})


def _unknown(one: UnknownImage, place: Place | None, group: str) -> Callable[[], bytes]:
    return lambda: _encode(one.image, {"at": one.at, "place": place, "group": group})


def _encode(image: AnalysedImage, about: dict[str, Any]) -> bytes:
    values = {**about, **{name: getattr(image, name) for name in _KEPT}}
    arrays: dict[str, Array] = {
        "feature": image.feature,
        "jpeg": np.frombuffer(image.jpeg, np.uint8),
        "about": np.frombuffer(json.dumps(values).encode(), np.uint8),
    }
    return save(arrays)


def _decode(content: bytes, learner: Learner) -> tuple[AnalysedImage, dict[str, Any]]:
    arrays = load(content)
    feature = arrays["feature"]
    widths = learner.store.widths
    if feature.shape != (int(learner.store.settings["feature_dim"]),):
        raise ValueError("the feature is another backbone's")
    about: dict[str, Any] = json.loads(arrays["about"].tobytes())
    image = AnalysedImage(
        feature=feature,
        normalized=normalize(feature[None, : widths[0] if widths else None])[0],
        jpeg=arrays["jpeg"].tobytes(),
        milliseconds={},
        **{name: about[name] for name in _KEPT},
    )
    return image, about
