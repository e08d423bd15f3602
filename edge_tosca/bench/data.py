"""Labelled features for a comparison: embedded once, then read from a cache."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.errors import LearnError
from edge_tosca.vision.embedding import embed_folder
from edge_tosca.vision.feature_extractor import FeatureExtractor
from edge_tosca.vision.image_folder import list_images

_TRAIN, _TEST = "train", "test"
_TRAIN_SHARE = 0.6

# Folder names that do not name the set; its parent's name does.
_NAMELESS = {"all", "data", "images", "pictures"}


@dataclass(frozen=True)
class LabelledFeatures:
    """A set of pictures as features, in two parts.

    Attributes:
        name: of the set.
        classes: their names.
        train: features, float32 [n, d].
        train_labels: int [n], indices of classes.
        test: features, float32 [m, d].
        test_labels: int [m].
        split: how the parts were made.
        test_paths: of the test pictures, [m]; empty where the features have none.
    """

    name: str
    classes: tuple[str, ...]
    train: Array
    train_labels: Array
    test: Array
    test_labels: Array
    split: str
    test_paths: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Protocol:
    """One order of classes, cut into tasks, with some training pictures of each class.

    Attributes:
        groups: training features of each class in the order of learning, [n_c, d] each.
        tasks: slices of the groups.
        test: features, [m, d].
        truth: index of the group of each test picture, int [m].
    """

    groups: tuple[Array, ...]
    tasks: tuple[slice, ...]
    test: Array
    truth: Array

    def first_part(self, width: int) -> "Protocol":
        """Return the same pictures with the first part of their features alone.

        Args:
            width: of the first part.
        """
        return replace(self, groups=tuple(rows[:, :width] for rows in self.groups), test=self.test[:, :width])


def load_features(
    folder: Path, vision: FeatureExtractor, on_progress: Callable[[int, int], None]
) -> LabelledFeatures:
    """Embed a set, or read what was embedded before.

    Args:
        folder: with train and test folders of class folders, or with class folders alone, which are then
            split by picture, 60 to 40, with a fixed seed.
        vision: the backbone.
        on_progress: called with the pictures done and their number.

    Returns:
        The features.

    Raises:
        LearnError: a test class is not among the training classes, or there is no readable picture.
    """
    name = folder.absolute().parent.name if folder.name in _NAMELESS else folder.name
    if (folder / _TRAIN).is_dir() and (folder / _TEST).is_dir():
        train, labels, classes, _ = embedded(folder / _TRAIN, vision, on_progress)
        test, test_labels, test_classes, paths = embedded(folder / _TEST, vision, on_progress)
        if not set(test_classes) <= set(classes):
            raise LearnError(f"{folder / _TEST} has classes that {folder / _TRAIN} lacks; name them alike")
        place = np.array([classes.index(label) for label in test_classes])
        return LabelledFeatures(
            name, classes, train, labels, test, place[test_labels], "its own train and test folders", paths
        )
    features, labels, classes, paths = embedded(folder, vision, on_progress)
    order = np.random.default_rng(0).permutation(len(labels))
    cut = int(_TRAIN_SHARE * len(order))
    first, second = order[:cut], order[cut:]
    return LabelledFeatures(
        name,
        classes,
        features[first],
        labels[first],
        features[second],
        labels[second],
        "60 to 40 by picture, seed 0",
        tuple(paths[row] for row in second),
    )


def protocol(data: LabelledFeatures, task_size: int, shots: int | None, seed: int) -> Protocol:
    """Draw an order of classes and training pictures.

    Args:
        data: the set.
        task_size: classes a task; the last task may have fewer.
        shots: training pictures a class; None for all.
        seed: of order and pictures.

    Returns:
        The protocol. Classes without a training picture are skipped, with their test pictures.
    """
    rng = np.random.default_rng(seed)
    order = [int(c) for c in rng.permutation(len(data.classes)) if (data.train_labels == c).any()]
    groups = []
    for label in order:
        rows = rng.permutation(np.flatnonzero(data.train_labels == label))[:shots]
        groups.append(data.train[np.sort(rows)])
    place = np.full(len(data.classes), -1)
    place[order] = np.arange(len(order))
    truth = place[data.test_labels]
    starts = range(0, len(order), task_size)
    tasks = tuple(slice(start, min(start + task_size, len(order))) for start in starts)
    return Protocol(tuple(groups), tasks, data.test[truth >= 0], truth[truth >= 0])


def protocols(
    sets: Sequence[LabelledFeatures], task_sizes: Sequence[int], shots: Sequence[int | None], seeds: int
) -> Iterator[tuple[LabelledFeatures, int, int | None, int]]:
    """Iterate over all protocols of some sets.

    Args:
        sets: the data.
        task_sizes: classes a task.
        shots: training pictures a class; None for all.
        seeds: orders and draws of pictures.

    Yields:
        What `protocol` takes.
    """
    yield from product(sets, task_sizes, shots, range(seeds))


def embedded(
    folder: Path, vision: FeatureExtractor, on_progress: Callable[[int, int], None]
) -> tuple[Array, Array, tuple[str, ...], tuple[Path, ...]]:
    """Embed a folder of class folders, or read what was embedded before.

    Args:
        folder: the folder.
        vision: the backbone.
        on_progress: called with the pictures done and their number.

    Returns:
        Features, float32 [n, d], labels, int [n], names of the classes, and paths [n], in the folder's order.
    """
    cache = _cache_folder() / f"{_key(folder, vision)}.npz"
    if not cache.is_file():
        cache.parent.mkdir(parents=True, exist_ok=True)
        embed_folder(folder, cache, vision, on_progress)
    with np.load(cache, allow_pickle=False) as kept:
        labels, names = kept["labels"], tuple(str(name) for name in kept["class_names"])
        # Kept paths may be relative to another working directory; their order is that of the folder, which
        # also has the pictures that could not be read.
        every = (path for paths in list_images(folder).pictures.values() for path in paths)
        readable = [Path(str(path)).name for path in kept["paths"]]
        paths = tuple(next(path for path in every if path.name == name) for name in readable)
        return kept["features"], labels, names, paths


def _key(folder: Path, vision: FeatureExtractor) -> str:
    """Return a name of the features, of the backbone and of the name, size and age of every picture."""
    files = [
        (label, path.name, path.stat().st_size, path.stat().st_mtime_ns)
        for label, paths in list_images(folder).pictures.items()
        for path in paths
    ]
    about = [vision.fingerprint.digest, str(folder.absolute()), files]
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:32]


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "edge-tosca" / "features"
