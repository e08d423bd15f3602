"""Views of training pictures as rows of their own in the discriminant's sums: what they add to accuracy.

A view is the picture cropped to 0.8 of its middle square, or its whole frame squashed into a square. Test
pictures are asked as ever, once and whole. A lesson would need a backbone run for each view.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tests.benchmarks.levels import accuracy_and_weight

from edge_tosca.arrays import Array
from edge_tosca.bench.table import as_table
from edge_tosca.runtime import load_picture
from edge_tosca.vision.feature_extractor import FeatureExtractor
from edge_tosca.vision.image_folder import list_images

WAYS = {"crop": (0, 1), "crop and whole frame": (0, 1, 2)}
"""Which of a picture's views are taught; the first is the picture as ever."""

_CROP = 0.8
_MOST = 40


@dataclass(frozen=True)
class Trial:
    """One draw of pictures, taught as one lesson; accuracies in 0 .. 1.

    Attributes:
        data: name of the set.
        shots: training pictures a class.
        seed: of the draw.
        without: accuracy on single test pictures without further views.
        views: the same for each of `WAYS`.
    """

    data: str
    shots: int
    seed: int
    without: float
    views: dict[str, float]


def views_of(image: Image.Image) -> list[NDArray[np.uint8]]:
    """Return a picture, a crop of its middle square, and the whole as a square; RGB, uint8 [h, w, 3]."""
    width, height = image.size
    side = min(width, height)
    cut = round(_CROP * side)
    left, top = (width - cut) // 2, (height - cut) // 2
    cropped = image.crop((left, top, left + cut, top + cut))
    return [np.asarray(one.convert("RGB")) for one in (image, cropped, image.resize((side, side)))]


def measure(
    folders: Sequence[Path],
    vision: FeatureExtractor,
    shots: Sequence[int],
    seeds: int,
    on_step: Callable[[str], None],
) -> Iterator[Trial]:
    """Measure.

    Args:
        folders: with train and test folders, or of class folders that are split by picture, 60 to 40.
        vision: the backbone.
        shots: training pictures a class.
        seeds: draws of training pictures.
        on_step: called with one line before each set and draw.

    Yields:
        One trial for each set, number of pictures and draw.
    """
    for folder in folders:
        on_step(f"features of {folder}")
        train, labels, test, truth = _features(folder, vision)
        name = folder.parent.name if folder.name == "all" else folder.name
        for shot in shots:
            for seed in range(seeds):
                on_step(f"{name}, {shot} pictures, draw {seed}")
                rng = np.random.default_rng(seed)
                drawn = [rng.permutation(np.flatnonzero(labels == c))[:shot] for c in range(labels.max() + 1)]
                found = {}
                for way, taught in {"": (0,), **WAYS}.items():
                    groups = [train[rows][:, taught].reshape(-1, train.shape[2]) for rows in drawn]
                    found[way] = accuracy_and_weight(groups, test, truth, vision.bundle.widths)[0]
                yield Trial(name, shot, seed, found.pop(""), found)


def _features(folder: Path, vision: FeatureExtractor) -> tuple[Array, Array, Array, Array]:
    """Return training features [n, views, d] and labels [n], test features [m, d] and labels [m]."""
    rng = np.random.default_rng(0)
    if (folder / "train").is_dir():
        train, test = (list_images(folder / part).pictures for part in ("train", "test"))
    else:
        train, test = {}, {}
        for label, found in list_images(folder).pictures.items():
            order = [found[row] for row in rng.permutation(len(found))]
            cut = int(0.6 * len(order))
            train[label], test[label] = order[:cut], order[cut:]
    rows, labels, asked, truth = [], [], [], []
    for place, label in enumerate(train):
        for path in [train[label][row] for row in rng.permutation(len(train[label]))[:_MOST]]:
            rows.append(np.stack([vision.feature(one)[0] for one in views_of(load_picture(path))]))
            labels.append(place)
        others = test.get(label, [])
        for path in [others[row] for row in rng.permutation(len(others))[:_MOST]]:
            asked.append(vision.feature(np.asarray(load_picture(path).convert("RGB")))[0])
            truth.append(place)
    return np.array(rows), np.array(labels), np.array(asked), np.array(truth)


def markdown(trials: Sequence[Trial]) -> str:
    """Write a table of all trials: one row for each set and number of pictures."""
    rows = []
    for data, shots in dict.fromkeys((trial.data, trial.shots) for trial in trials):
        some = [trial for trial in trials if (trial.data, trial.shots) == (data, shots)]
        cells = [data, str(shots), f"{100 * np.mean([trial.without for trial in some]):.1f}"]
        for way in WAYS:
            gains = 100 * np.array([trial.views[way] - trial.without for trial in some])
            cells.append(f"{gains.mean():+.1f} ± {gains.std() / np.sqrt(len(gains)):.1f}")
        rows.append(cells)
    return as_table(["set", "pictures a class", "without, %", *(f"with {way}" for way in WAYS)], rows)
