"""What several frames of one object gain, and what frames of different objects cost."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tests.benchmarks.camera_jitter import frames

from edge_tosca.arrays import Array
from edge_tosca.bench.data import LabelledFeatures, Protocol, protocol
from edge_tosca.bench.table import as_table, mean_and_spread
from edge_tosca.errors import LearnError, PictureError
from edge_tosca.learner.learner import Learner
from edge_tosca.vision.feature_extractor import FeatureExtractor

FRAMES = (1, 3, 5, 9)
"""Frames of a burst."""

TASK_SIZE = 10
"""Classes a task."""


@dataclass(frozen=True)
class BurstResult:
    """Answers to bursts of one length, on one set and draw of training pictures; shares in 0 .. 1.

    Attributes:
        data: name of the set.
        shots: training pictures a class; None for all.
        seed: of the training pictures.
        frames: of a burst; 0 for the untouched photograph, alone.
        pictures: photographs that frames were made from.
        accuracy: of the learner, which averages log-probabilities.
        unknown: called unknown.
        by_probabilities: accuracy where probabilities are averaged.
        by_features: accuracy where features are averaged.
        mixed_accuracy: photographs classified correctly by the one answer to a burst of as many different
            ones, each of another class where there are as many.
        mixed_unknown: such bursts called unknown.
    """

    data: str
    shots: int | None
    seed: int
    frames: int
    pictures: int
    accuracy: float
    unknown: float
    by_probabilities: float
    by_features: float
    mixed_accuracy: float
    mixed_unknown: float


def measure(
    sets: Sequence[LabelledFeatures],
    vision: FeatureExtractor,
    shots: int | None,
    seeds: int,
    pictures: int,
    on_step: Callable[[str], None],
) -> list[BurstResult]:
    """Predict bursts made from test photographs.

    Args:
        sets: the data.
        vision: the backbone that the features came through.
        shots: training pictures a class; None for all.
        seeds: draws of training pictures.
        pictures: test photographs of a set, at most, drawn at random.
        on_step: called with what is done next.

    Returns:
        One result for every set, seed and length.

    Raises:
        LearnError: a test class has no training picture.
        PictureError: a photograph cannot be read any more.
    """
    results = []
    for data in sets:
        rng = np.random.default_rng(0)
        rows = np.sort(rng.permutation(len(data.test))[:pictures])
        on_step(f"{data.name}: {max(FRAMES)} frames of {len(rows)} pictures")
        views = _views([Path(data.test_paths[row]) for row in rows], vision, rng)
        for seed in range(seeds):
            on_step(f"{data.name}: {shots or 'all'} pictures a class, seed {seed}")
            drawn = protocol(data, TASK_SIZE, shots, seed)
            truth = _class_places(data, seed)[data.test_labels[rows]]
            if (truth < 0).any():
                raise LearnError(f"{data.name} has a test class without a training picture; give it some")
            with tempfile.TemporaryDirectory() as folder:
                learner = Learner.create(Path(folder) / "bench.tosca", vision.bundle_path)
                _teach(learner, drawn)
                for count in (0, *FRAMES):
                    shown = views[:, :count] if count else data.test[rows][:, None]
                    results.append(_predicted(learner, shown, truth, (data.name, shots, seed, count)))
                learner.close()
    return results


def markdown(results: Sequence[BurstResult]) -> str:
    """Lay out the results, a row a set and length.

    Args:
        results: of `measure`.

    Returns:
        Markdown: shares in percent, mean over seeds with the standard deviation.
    """
    header = [
        "set",
        "frames",
        "accuracy",
        "called unknown",
        "accuracy, averaging probabilities",
        "accuracy, averaging features",
        "mixed: accuracy",
        "mixed: called unknown",
    ]
    rows = []
    for name in dict.fromkeys(result.data for result in results):
        for count in (0, *FRAMES):
            some = [result for result in results if result.data == name and result.frames == count]
            columns = [
                [result.accuracy for result in some],
                [result.unknown for result in some],
                [result.by_probabilities for result in some],
                [result.by_features for result in some],
                [result.mixed_accuracy for result in some],
                [result.mixed_unknown for result in some],
            ]
            # One frame is what it is, however it is averaged and whatever it is mixed with.
            cells = [
                mean_and_spread([100 * v for v in values]) for values in columns[: 6 if count > 1 else 2]
            ]
            cells += [""] * (6 - len(cells))
            rows.append([name, str(count) if count else "photograph", *cells])
    note = (
        "In percent. Frames are made from one test photograph each; mixed bursts are first frames of "
        "photographs of different classes, and their accuracy is the share of these with the class answered."
    )
    return f"{as_table(header, rows)}\n\n{note}\n"


def _views(paths: Sequence[Path], vision: FeatureExtractor, rng: np.random.Generator) -> Array:
    """Compute the features of every photograph's frames, [n, frames, d]."""
    sources = (frame for path in paths for frame in frames(path, max(FRAMES), rng))
    rows = []
    for picture in vision.extract(sources):
        if picture.features is None:
            raise PictureError(picture.error or "unreadable")
        rows.append(picture.features)
    features = np.stack(rows)
    return features.reshape(len(paths), max(FRAMES), features.shape[1])


def _teach(learner: Learner, drawn: Protocol) -> None:
    for task in drawn.tasks:
        taught = {f"{group:05d}": drawn.groups[group] for group in range(task.start, task.stop)}
        learner.learn_features(taught, force=True)


def _class_places(data: LabelledFeatures, seed: int) -> Array:
    """Find the place of each class in the order that `protocol` learns them in; -1 without pictures."""
    order = np.random.default_rng(seed).permutation(len(data.classes))
    taught = [c for c in order.tolist() if (data.train_labels == c).any()]
    places = np.full(len(data.classes), -1)
    places[taught] = np.arange(len(taught))
    return places


def _predicted(
    learner: Learner, views: Array, truth: Array, about: tuple[str, int | None, int, int]
) -> BurstResult:
    model = learner.model
    answers = [learner.predict_features(burst, 1, burst=True)[0] for burst in views]
    posterior = np.stack([model.posterior(burst).mean(axis=0) for burst in views])
    middle = model.posterior(views.mean(axis=1))
    mixtures = mixed_bursts(truth, views.shape[1])
    mixed = [learner.predict_features(views[rows, 0], 1, burst=True)[0] for rows in mixtures]
    named = [np.mean(truth[rows] == int(a.label)) for rows, a in zip(mixtures, mixed, strict=True)]
    return BurstResult(
        *about,
        len(views),
        float(np.mean([int(answer.label) == label for answer, label in zip(answers, truth, strict=True)])),
        float(np.mean([answer.unknown for answer in answers])),
        float(np.mean(posterior.argmax(axis=1) == truth)),
        float(np.mean(middle.argmax(axis=1) == truth)),
        float(np.mean(named)),
        float(np.mean([answer.unknown for answer in mixed])),
    )


def mixed_bursts(truth: Array, count: int) -> list[Array]:
    """Draw as many bursts as there are photographs, each of photographs of different classes.

    Args:
        truth: class of each photograph, int [n].
        count: frames of a burst.

    Returns:
        Rows of the photographs of each burst.
    """
    rng = np.random.default_rng(0)
    mixtures = []
    for first in range(len(truth)):
        others = rng.permutation(len(truth))
        _, firsts = np.unique(truth[others], return_index=True)
        different = others[np.sort(firsts)]
        different = different[truth[different] != truth[first]]
        mixtures.append(np.concatenate([[first], different[: count - 1]]))
    return mixtures
