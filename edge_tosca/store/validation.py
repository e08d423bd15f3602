"""Validate the values that are read from a store; an untrusted file may hold anything."""

import contextlib
import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from edge_tosca.arrays import MAX_FEATURE_DIM, Array
from edge_tosca.errors import StoreError
from edge_tosca.labels import has_controls
from edge_tosca.store.state import TaskClass

SETTINGS = ("bundle", "runtime", "device", "fingerprint", "origin", "feature_dim", "router", "refused")
"""Names of the settings that every store has."""

PARTS_SETTING = "feature_parts"
"""Setting with the widths of a feature's parts, as in "1280,320"; absent where there is one part."""

_ROUTERS = ("fused", "entropy")


@contextlib.contextmanager
def damage_errors(path: Path) -> Iterator[None]:
    """Translate errors of parsing a row in the block.

    Args:
        path: of the store, for the error.

    Raises:
        StoreError: a row is malformed.
    """
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError):
        raise damaged_store(path) from None


def checked_settings(settings: dict[str, str], path: Path) -> dict[str, str]:
    """Validate the settings of a store.

    Args:
        settings: as read.
        path: of the store, for the error.

    Returns:
        The settings.

    Raises:
        StoreError: one is missing or invalid.
    """
    with damage_errors(path):
        valid = (
            all(isinstance(settings[key], str) for key in SETTINGS)
            and settings["router"] in _ROUTERS
            and 0 < int(settings["feature_dim"]) <= MAX_FEATURE_DIM
            and 0 <= float(settings["refused"]) < 1
            and int(settings.get("max_bytes", "1")) > 0
            and min(feature_widths(settings)) > 0
            and sum(feature_widths(settings)) == int(settings["feature_dim"])
        )
    if not valid:
        raise damaged_store(path)
    return settings


def feature_widths(settings: dict[str, str]) -> tuple[int, ...]:
    """Return the widths of the parts of a store's features.

    Args:
        settings: of the store.

    Returns:
        The widths, which add up to the width of a feature.
    """
    return _widths(settings.get(PARTS_SETTING) or settings["feature_dim"])


@lru_cache(maxsize=16)
def _widths(parts: str) -> tuple[int, ...]:
    return tuple(int(width) for width in parts.split(","))


def checked_group(group: TaskClass) -> TaskClass:
    """Validate a group.

    Args:
        group: as read.

    Returns:
        The group.

    Raises:
        ValueError: its label or its number of pictures is invalid.
    """
    if not isinstance(group.label, str) or has_controls(group.label):
        raise ValueError("a label is invalid")
    checked_images(group.images)
    return group


def checked_images(images: object) -> int:
    """Validate the number of pictures of a group.

    Args:
        images: as read.

    Returns:
        The number.

    Raises:
        ValueError: it is no positive integer.
    """
    if not isinstance(images, int) or images < 1:
        raise ValueError("a number of pictures is invalid")
    return images


def checked_numbers(number: object, parent: object) -> None:
    """Validate the numbers of a generation.

    Args:
        number: its own, as read.
        parent: number of the generation that it was made from.

    Raises:
        ValueError: one of them is no integer.
    """
    if not isinstance(number, int) or not isinstance(parent, int):
        raise ValueError("the number of a generation is invalid")


def checked_report(text: str | bytes) -> dict[str, object]:
    """Parse the report of a command.

    Args:
        text: JSON, as read.

    Returns:
        The report.

    Raises:
        ValueError: it is no JSON object.
    """
    report = json.loads(text)
    if not isinstance(report, dict):
        raise ValueError("a report is no JSON object")
    return report


def checked_evidence(cosines: Array, groups: Sequence[TaskClass], path: Path) -> Array:
    """Validate the held-out cosines of a task's module.

    Args:
        cosines: as read.
        groups: of the task.
        path: of the store, for the error.

    Returns:
        The cosines, float32 [n, k].

    Raises:
        StoreError: they are not of shape [pictures of the task, groups of the task].
    """
    images = sum(group.images for group in groups)
    if cosines.shape != (images, len(groups)):
        raise damaged_store(path)
    return cosines


def checked_features(arrays: dict[str, Array], group: TaskClass, dimensions: int, path: Path) -> Array:
    """Validate the cached features of a group.

    Args:
        arrays: as read, by name.
        group: with these features.
        dimensions: width of a feature.
        path: of the store, for the error.

    Returns:
        The features, float16 [n, d].

    Raises:
        StoreError: they are of another shape or type, or not finite.
    """
    features = arrays.get("features", np.zeros(0))
    fits = features.dtype == np.float16 and features.shape == (group.images, dimensions)
    if not fits or not np.isfinite(features).all():
        raise damaged_store(path)
    return features


def damaged_store(path: Path) -> StoreError:
    """Make the error for a store whose contents are invalid."""
    return StoreError(f"{path} is damaged: its contents are invalid; restore a copy, or init a new store")
