"""Check what is read from a store: a file of a stranger may hold anything, and is told as damaged."""

import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from edge_tosca.arrays import MAX_FEATURE_DIM, Array
from edge_tosca.errors import StoreError
from edge_tosca.labels import has_controls
from edge_tosca.store.state import TaskClass

SETTINGS = ("bundle", "runtime", "device", "fingerprint", "origin", "feature_dim", "router", "refused")
"""Every store has them."""

_ROUTERS = ("fused", "entropy")


@contextlib.contextmanager
def damage_errors(path: Path) -> Iterator[None]:
    """Tell rows whose content makes no sense as damage.

    Args:
        path: of the store, for the error.

    Raises:
        StoreError: a row could not be understood.
    """
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError):
        raise damaged_store(path) from None


def checked_settings(settings: dict[str, str], path: Path) -> dict[str, str]:
    """Give settings back that a learner can work with.

    Args:
        settings: as they were read.
        path: of the store, for the error.

    Returns:
        The settings.

    Raises:
        StoreError: one is missing or makes no sense.
    """
    with damage_errors(path):
        sound = (
            all(isinstance(settings[key], str) for key in SETTINGS)
            and settings["router"] in _ROUTERS
            and 0 < int(settings["feature_dim"]) <= MAX_FEATURE_DIM
            and 0 <= float(settings["refused"]) < 1
            and int(settings.get("max_bytes", "1")) > 0
        )
    if not sound:
        raise damaged_store(path)
    return settings


def checked_group(group: TaskClass) -> TaskClass:
    """Give a group back whose row makes sense.

    Args:
        group: as it was read.

    Returns:
        The group.

    Raises:
        ValueError: its label or number of pictures is none.
    """
    if not isinstance(group.label, str) or has_controls(group.label):
        raise ValueError("a label makes no sense")
    checked_images(group.images)
    return group


def checked_images(images: object) -> int:
    """Give a class's number of pictures back, if it is one.

    Args:
        images: as it was read.

    Returns:
        The number.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(images, int) or images < 1:
        raise ValueError("a class makes no sense")
    return images


def checked_numbers(number: object, parent: object) -> None:
    """Refuse a generation that is not numbered, or comes from one that is not.

    Args:
        number: its own, as it was read.
        parent: of the one that it was made from.

    Raises:
        ValueError: one of them is no number.
    """
    if not isinstance(number, int) or not isinstance(parent, int):
        raise ValueError("a generation's number makes no sense")


def checked_report(text: str | bytes) -> dict[str, object]:
    """Read what a command reported.

    Args:
        text: JSON, as it was read.

    Returns:
        The report.

    Raises:
        ValueError: it is no JSON object.
    """
    report = json.loads(text)
    if not isinstance(report, dict):
        raise ValueError("a report makes no sense")
    return report


def checked_evidence(cosines: Array, groups: Sequence[TaskClass], path: Path) -> Array:
    """Give the held-out cosines of a task's module, if they fit the task.

    Args:
        cosines: as they were read.
        groups: of the task.
        path: of the store, for the error.

    Returns:
        float32 [n, k].

    Raises:
        StoreError: there are not as many rows as pictures and columns as classes.
    """
    images = sum(group.images for group in groups)
    if cosines.shape != (images, len(groups)):
        raise damaged_store(path)
    return cosines


def checked_features(arrays: dict[str, Array], group: TaskClass, dimensions: int, path: Path) -> Array:
    """Give the cached features of a group, if they fit it.

    Args:
        arrays: as they were read.
        group: whose they are.
        dimensions: width of a feature.
        path: of the store, for the error.

    Returns:
        float16 [n, d].

    Raises:
        StoreError: they are of another shape or type, or not finite.
    """
    features = arrays.get("features", np.zeros(0))
    fits = features.dtype == np.float16 and features.shape == (group.images, dimensions)
    if not fits or not np.isfinite(features).all():
        raise damaged_store(path)
    return features


def damaged_store(path: Path) -> StoreError:
    """Tell that a store holds what makes no sense."""
    return StoreError(f"{path} is damaged: what it holds makes no sense; restore a copy, or init anew")
