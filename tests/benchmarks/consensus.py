"""What a display gains from bursts, cuts and hysteresis; the defaults of `edge_tosca.live.consensus`."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tests.benchmarks.camera_jitter import frames

from edge_tosca.arrays import Array
from edge_tosca.bench.data import LabelledFeatures
from edge_tosca.bench.table import as_table
from edge_tosca.features.normalization import normalize
from edge_tosca.learner.learner import Learner
from edge_tosca.live import Consensus
from edge_tosca.vision.feature_extractor import FeatureExtractor

FRAMES = 15
"""Of a scene: one second of a camera at 15 a second."""

SHOTS = 20
"""Pictures of each class that are taught."""

CUTS = (0.60, 0.70, 0.75, 0.80, 0.85, 0.90)

SETTINGS: dict[str, tuple[int, int, float]] = {
    "every frame alone": (1, 1, -1.0),
    "alone, 3 agree": (1, 3, -1.0),
    "burst of 5": (5, 1, -1.0),
    "burst of 5, cut": (5, 1, 0.8),
    "burst of 5, cut, 2 agree": (5, 2, 0.8),
    "burst of 5, cut, 3 agree": (5, 3, 0.8),
    "burst of 5, 3 agree": (5, 3, -1.0),
    "burst of 9, cut, 3 agree": (9, 3, 0.8),
}
"""Frames of a burst, answers that must agree, and the cut; -1 for none."""


@dataclass(frozen=True)
class Displayed:
    """Figures of one display on one set.

    Attributes:
        data: name of the set.
        display: one of `SETTINGS`.
        changes: of what it shows, per 100 frames.
        right: share of frames on which it shows the scene's label.
        first: frames of a scene until its label is shown, mean over the scenes whose label is.
        never: share of scenes whose label is never shown.
    """

    data: str
    display: str
    changes: float
    right: float
    first: float
    never: float


@dataclass(frozen=True)
class Cuts:
    """How well one cosine detects a new scene.

    Attributes:
        data: name of the set.
        cut: the least cosine of frames of one scene.
        within: share of pairs of frames in a row of one scene that it takes for two scenes.
        other: share of changes to a picture of another class that it finds.
        same: share of changes to another picture of the same class that it finds.
    """

    data: str
    cut: float
    within: float
    other: float
    same: float


def measure(
    data: LabelledFeatures, vision: FeatureExtractor, scenes: int, on_step: Callable[[str], None]
) -> tuple[list[Displayed], list[Cuts]]:
    """Show scenes of a set one after the other to displays of every setting.

    Args:
        data: the set.
        vision: the backbone.
        scenes: photographs, in an order in which each is of another class than the one before.
        on_step: called with what is done next.

    Returns:
        The displays and the cuts.
    """
    rng = np.random.default_rng(0)
    shown = _order(data.test_labels, scenes, rng)
    on_step(f"{data.name}: {FRAMES} frames of each of {len(shown)} pictures")
    views = _views([Path(data.test_paths[row]) for row in shown], vision, rng)
    truth = [f"{data.test_labels[row]:05d}" for row in shown]
    displays = []
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(Learner.create(Path(folder) / "bench.tosca", vision.bundle_path)) as learner,
    ):
        for task in _tasks(data, rng):
            learner.learn_features(task, force=True)
        for name, (count, agree, cut) in SETTINGS.items():
            on_step(f"{data.name}: {name}")
            displays.append(_display(data.name, name, learner, views, truth, Consensus(count, agree, cut)))
    return displays, _cuts(data.name, views, truth)


def _order(labels: Array, scenes: int, rng: np.random.Generator) -> list[int]:
    """Draw pictures, each of another class than the one before."""
    order: list[int] = []
    for row in rng.permutation(len(labels)).tolist():
        if not order or labels[row] != labels[order[-1]]:
            order.append(row)
    return order[:scenes]


def _tasks(data: LabelledFeatures, rng: np.random.Generator, size: int = 10) -> Iterator[dict[str, Array]]:
    classes = [label for label in range(len(data.classes)) if (data.train_labels == label).any()]
    for start in range(0, len(classes), size):
        task = {}
        for label in classes[start : start + size]:
            rows = rng.permutation(np.flatnonzero(data.train_labels == label))[:SHOTS]
            task[f"{label:05d}"] = data.train[rows]
        yield task


def _views(paths: Sequence[Path], vision: FeatureExtractor, rng: np.random.Generator) -> Array:
    """Compute the features of every scene's frames, [n, frames, d]."""
    sources = (frame for path in paths for frame in frames(path, FRAMES, rng))
    rows = [picture.features for picture in vision.extract(sources)]
    features = np.stack([row for row in rows if row is not None])
    return features.reshape(len(paths), FRAMES, features.shape[1])


def _display(
    data: str, name: str, learner: Learner, views: Array, truth: Sequence[str], consensus: Consensus
) -> Displayed:
    changes, right, first = 0, [], []
    for scene, label in zip(views, truth, strict=True):
        named = []
        for feature in scene:
            shown = consensus.add(learner, feature)
            changes += shown.changed
            named.append(shown.answer is not None and shown.answer.label == label)
        right += named
        first.append(named.index(True) + 1 if any(named) else 0)
    found = [delay for delay in first if delay]
    return Displayed(
        data,
        name,
        100 * changes / len(right),
        float(np.mean(right)),
        float(np.mean(found)) if found else float("nan"),
        1 - len(found) / len(first),
    )


def _cuts(data: str, views: Array, truth: Sequence[str]) -> list[Cuts]:
    directions = np.stack([normalize(scene) for scene in views])
    within = np.einsum("sfd,sfd->sf", directions[:, 1:], directions[:, :-1]).ravel()
    across = directions[:, -1] @ directions[:, 0].T
    labels = np.array(truth)
    alike = labels[:, None] == labels[None]
    same = across[alike & ~np.eye(len(labels), dtype=bool)]
    return [
        Cuts(
            data,
            cut,
            float(np.mean(within < cut)),
            float(np.mean(across[~alike] < cut)),
            float(np.mean(same < cut)) if len(same) else float("nan"),
        )
        for cut in CUTS
    ]


def markdown(displays: Sequence[Displayed], cuts: Sequence[Cuts]) -> str:
    """Lay out the displays and the cuts.

    Args:
        displays: of one set or several.
        cuts: likewise.

    Returns:
        Two tables in Markdown.
    """
    shown = as_table(
        ["set", "display", "changes per 100 frames", "right, % of frames", "frames until right", "never, %"],
        [
            [
                d.data,
                d.display,
                f"{d.changes:.1f}",
                f"{100 * d.right:.1f}",
                f"{d.first:.1f}",
                f"{100 * d.never:.0f}",
            ]
            for d in displays
        ],
    )
    found = as_table(
        ["set", "cut below", "false, % of frames", "found: another class, %", "found: same class, %"],
        [
            [c.data, f"{c.cut:.2f}", *(f"{100 * share:.1f}" for share in (c.within, c.other, c.same))]
            for c in cuts
        ],
    )
    return f"{shown}\n\n{found}\n"
