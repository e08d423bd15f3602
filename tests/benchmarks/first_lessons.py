"""What the first lessons lead to: twenty neighbouring pictures a class, and the same objects seen elsewhere.

A draw chooses classes, and of each class neighbouring pictures from the set's training part: where file names
have a series (NAME_NUMBER) from one series. Known pictures are those of the same classes in the test part, or
the others where the set has none; near unknowns are those of the other classes, far ones those of the other
sets.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.bench.data import embedded
from edge_tosca.bench.table import as_table
from edge_tosca.classifier.ood import reference_threshold
from edge_tosca.errors import LearnError
from edge_tosca.learner.learner import Learner
from edge_tosca.results import Answer
from edge_tosca.vision.feature_extractor import FeatureExtractor

KNOWN_PICTURES, NEAR_PICTURES, FAR_PICTURES = 400, 300, 100
"""Of a draw, at most; the last of each other set."""

BINS = 15
"""Of the expected calibration error."""


@dataclass(frozen=True)
class Part:
    """Pictures of a set in the order of their files.

    Attributes:
        features: float32 [n, d].
        labels: name of the class of each, [n].
        paths: of the files.
    """

    features: Array
    labels: Array
    paths: tuple[Path, ...]


@dataclass(frozen=True)
class PictureSet:
    """A set of pictures.

    Attributes:
        name: of the set.
        taught: pictures to teach.
        met: pictures to predict; the same ones where the set has no test part.
        split: whether these are two parts.
    """

    name: str
    taught: Part
    met: Part
    split: bool


@dataclass(frozen=True)
class Draw:
    """One learner; shares in 0 .. 1, None where there is no such picture.

    Attributes:
        data: name of the set.
        classes: number of classes taught.
        seed: of classes and pictures.
        right: known pictures whose label is right, called unknown or not.
        refused: known pictures called unknown.
        near: near unknowns called unknown.
        far: far unknowns called unknown.
        auroc_near: area under the receiver operating characteristic, known against near.
        auroc_far: the same against far.
        error: expected calibration error of `probability`, half of the pictures known, the others near and
            far in equal parts.
        error_ignoring: that of `confidence` on the same pictures.
    """

    data: str
    classes: int
    seed: int
    right: float
    refused: float
    near: float | None
    far: float | None
    auroc_near: float | None
    auroc_far: float | None
    error: float
    error_ignoring: float


def load_set(folder: Path, vision: FeatureExtractor, on_progress: Callable[[int, int], None]) -> PictureSet:
    """Embed a set, or read what was embedded before.

    Args:
        folder: with train and test folders of class folders, or with class folders alone.
        vision: the backbone.
        on_progress: called with the pictures done and their number.

    Returns:
        The set.
    """
    name = folder.absolute().parent.name if folder.name == "all" else folder.name
    split = (folder / "train").is_dir() and (folder / "test").is_dir()
    taught = _part(folder / "train" if split else folder, vision, on_progress)
    met = _part(folder / "test", vision, on_progress) if split else taught
    return PictureSet(name, taught, met, split)


def _part(folder: Path, vision: FeatureExtractor, on_progress: Callable[[int, int], None]) -> Part:
    features, labels, names, paths = embedded(folder, vision, on_progress)
    return Part(features, np.array(names)[labels], paths)


def measure(
    sets: Sequence[PictureSet],
    vision: FeatureExtractor,
    classes: Sequence[int],
    pictures: int,
    draws: int,
    on_step: Callable[[str], None],
    *,
    varied: bool = False,
    references: bool = True,
) -> list[Draw]:
    """Teach and predict.

    Args:
        sets: the data.
        vision: the backbone that the features came through.
        classes: numbers of classes; those of a set at most.
        pictures: of a class.
        draws: learners of each set and number of classes.
        on_step: called with what is done next.
        varied: teach pictures drawn at random from the class instead of neighbours.
        references: use the reference pictures of the bundle.

    Returns:
        The draws.
    """
    found = []
    for data in sets:
        others = [other for other in sets if other is not data]
        for count in classes:
            on_step(f"{data.name}: {count} classes of {pictures} pictures")
            for seed in range(draws):
                rng = np.random.default_rng([seed, count])
                found.append(_draw(data, others, vision, (count, pictures, seed), rng, varied, references))
    return found


def _draw(
    data: PictureSet,
    others: Sequence[PictureSet],
    vision: FeatureExtractor,
    size: tuple[int, int, int],
    rng: np.random.Generator,
    varied: bool,
    references: bool,
) -> Draw:
    count, pictures, seed = size
    labels = rng.permutation(np.unique(data.taught.labels))
    rows = {
        label: _random(data.taught, label, pictures, rng)
        if varied
        else neighbours(data.taught, label, pictures, rng)
        for label in labels[:count].tolist()
    }
    used = np.zeros(len(data.met.labels), bool)
    if not data.split:
        used[np.concatenate(list(rows.values()))] = True
    known = np.isin(data.met.labels, list(rows))
    shown = {
        "known": rng.permutation(np.flatnonzero(known & ~used))[:KNOWN_PICTURES],
        "near": rng.permutation(np.flatnonzero(~known))[:NEAR_PICTURES],
    }
    far = [other.met.features[rng.permutation(len(other.met.labels))[:FAR_PICTURES]] for other in others]
    features = {kind: data.met.features[places] for kind, places in shown.items()}
    features["far"] = np.concatenate([np.zeros((0, data.met.features.shape[1]), np.float32), *far])
    with tempfile.TemporaryDirectory() as folder:
        learner = Learner.create(Path(folder) / "bench.tosca", vision.bundle_path)
        if not references:
            learner.store.bundle_folder = Path(folder)
        lesson = {label: data.taught.features[places] for label, places in rows.items()}
        learner.learn_features(lesson, force=True)
        answers = {
            kind: learner.predict_features(some, 1) if len(some) else [] for kind, some in features.items()
        }
        learner.close()
    truths = data.met.labels[shown["known"]].tolist()
    right = [answer.label == truth for answer, truth in zip(answers["known"], truths, strict=True)]
    unknown = {kind: _mean([answer.unknown for answer in some]) for kind, some in answers.items()}
    scores = {kind: np.array([answer.familiarity for answer in some]) for kind, some in answers.items()}
    return Draw(
        data.name,
        count,
        seed,
        float(np.mean(right)),
        float(unknown["known"] or 0.0),
        unknown["near"],
        unknown["far"],
        _area(scores["known"], scores["near"]),
        _area(scores["known"], scores["far"]),
        _calibration_error(answers, right, lambda answer: answer.probability),
        _calibration_error(answers, right, lambda answer: answer.confidence),
    )


def neighbours(part: Part, label: str, pictures: int, rng: np.random.Generator) -> Array:
    """Draw neighbouring pictures of a class, of one series where the file names have any.

    Args:
        part: of a set.
        label: the class.
        pictures: how many; all of the class where it has fewer.
        rng: source of the draw.

    Returns:
        Rows, increasing, int [n].
    """
    rows = np.flatnonzero(part.labels == label)
    series = [part.paths[row].stem.rpartition("_")[0] for row in rows.tolist()]
    last = max(len(rows) - pictures, 0)
    starts = [at for at in range(last + 1) if len(set(series[at : at + pictures])) == 1] or [0]
    start = starts[int(rng.integers(len(starts)))]
    return rows[start : start + pictures]


def _random(part: Part, label: str, pictures: int, rng: np.random.Generator) -> Array:
    found: Array = np.sort(rng.permutation(np.flatnonzero(part.labels == label))[:pictures])
    return found


def _mean(values: Sequence[bool]) -> float | None:
    return float(np.mean(values)) if len(values) else None


def _area(known: Array, unknown: Array) -> float | None:
    """Compute the share of pairs in which the known picture has the higher score."""
    if not len(known) or not len(unknown):
        return None
    ordered = np.sort(unknown)
    below = np.searchsorted(ordered, known, "left") + np.searchsorted(ordered, known, "right")
    return float(below.mean() / 2 / len(unknown))


def _calibration_error(
    answers: dict[str, list[Answer]], right: Sequence[bool], of: Callable[[Answer], float]
) -> float:
    """Compute the expected calibration error of the first guess."""
    kinds = [kind for kind, some in answers.items() if some]
    shares, hits, weights = [], [], []
    for kind in kinds:
        some = answers[kind]
        weight = 0.5 if kind == "known" else 0.5 / (len(kinds) - 1)
        shares += [of(answer) for answer in some]
        hits += list(right) if kind == "known" else [False] * len(some)
        weights += [weight / len(some)] * len(some)
    places = np.minimum((np.array(shares) * BINS).astype(int), BINS - 1)
    gaps = np.bincount(places, (np.array(shares) - np.array(hits)) * np.array(weights), BINS)
    return float(np.abs(gaps).sum() / np.sum(weights))


def set_constants(assignments: Sequence[str]) -> None:
    """Set constants of the threshold for this process, for an ablation.

    Args:
        assignments: NAME=VALUE each, NAME of `edge_tosca.classifier.ood.reference_threshold`.

    Raises:
        LearnError: there is no such constant.
    """
    for assignment in assignments:
        name, _, value = assignment.partition("=")
        if not name.isupper() or not hasattr(reference_threshold, name):
            raise LearnError(f"--set {assignment}: {reference_threshold.__name__} has no constant {name}")
        setattr(reference_threshold, name, float(value))


def markdown(draws: Sequence[Draw]) -> str:
    """Lay out the draws, a row for each set and number of classes, and the mean of each set.

    Args:
        draws: of `measure`.

    Returns:
        Markdown: percentages.
    """
    header = [
        "set",
        "classes",
        "right %",
        "known refused %",
        "worst draw %",
        "near caught %",
        "far caught %",
        "AUROC near",
        "AUROC far",
        "calibration error",
        "of `confidence`",
    ]
    rows = []
    for name in dict.fromkeys(draw.data for draw in draws):
        every = [draw for draw in draws if draw.data == name]
        counts = list(dict.fromkeys(draw.classes for draw in every))
        rows += [
            [name, str(count), *_cells([draw for draw in every if draw.classes == count])] for count in counts
        ]
        if len(counts) > 1:
            rows.append([name, "mean", *_cells(every)])
    return as_table(header, rows) + "\n"


def _cells(draws: Sequence[Draw]) -> list[str]:
    def mean(values: Sequence[float | None], digits: int, factor: float = 1) -> str:
        there = [value for value in values if value is not None]
        return f"{factor * np.mean(there):.{digits}f}" if there else ""

    return [
        mean([draw.right for draw in draws], 1, 100),
        mean([draw.refused for draw in draws], 1, 100),
        f"{100 * max(draw.refused for draw in draws):.0f}",
        mean([draw.near for draw in draws], 0, 100),
        mean([draw.far for draw in draws], 1, 100),
        mean([draw.auroc_near for draw in draws], 3),
        mean([draw.auroc_far for draw in draws], 3),
        mean([draw.error for draw in draws], 3),
        mean([draw.error_ignoring for draw in draws], 3),
    ]
