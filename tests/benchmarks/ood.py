"""How well a real learner and other scores separate known pictures from unknown ones.

Near unknowns are pictures of a tenth of the set's own classes, which are not taught; far unknowns are test
pictures of the other sets.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tests.benchmarks.ood_scores import SCORES, Scorer

from edge_tosca.arrays import Array
from edge_tosca.bench.data import LabelledFeatures, protocol
from edge_tosca.classifier.calibration.conformal import label_set, least_probability
from edge_tosca.errors import LearnError, MissingExtraError
from edge_tosca.learner.learner import Learner
from edge_tosca.learner.model import Model
from edge_tosca.vision.feature_extractor import FeatureExtractor

UNTAUGHT_SHARE = 0.1
"""Share of the classes that are near unknowns; two at least."""

REFUSED = 0.05
"""Share of known test pictures at which every score's unknowns are counted; also the learner's default."""

FAR_PICTURES = 500
"""Test pictures of each other set, at most."""

COVERAGES = (0.8, 0.9, 0.95)
"""Asked of the label sets of known test pictures."""


@dataclass(frozen=True)
class Separation:
    """How a score separates known from unknown; shares and areas in 0 .. 1, None where nothing is far.

    Attributes:
        auroc_near: area under the receiver operating characteristic, known against near.
        auroc_far: the same against far.
        caught_near: share of near unknowns below what rejects REFUSED of the known test pictures.
        caught_far: the same of far unknowns.
    """

    auroc_near: float
    auroc_far: float | None
    caught_near: float
    caught_far: float | None


@dataclass(frozen=True)
class Covered:
    """Label sets of the known test pictures.

    Attributes:
        asked: the coverage that was asked for, in 0 .. 1.
        found: share of sets that hold the true label.
        labels: mean number of labels in a set.
    """

    asked: float
    found: float
    labels: float


@dataclass(frozen=True)
class Trial:
    """One set, number of pictures and seed.

    Attributes:
        data: name of the set.
        shots: training pictures a class; None for all.
        seed: of untaught classes and pictures.
        known_classes: taught.
        near_classes: untaught.
        pictures: number of "known", "near" and "far" pictures predicted.
        accuracy: share of known test pictures classified correctly, called unknown or not.
        refused: share of known test pictures that the learner calls unknown.
        refused_right: the same of the correctly classified ones; None where there are none.
        refused_wrong: of the others.
        caught_near: share of near unknowns that it calls unknown.
        caught_far: share of far unknowns; None where there is no other set.
        scores: a key of SCORES to its separation.
        covered: label sets at each of COVERAGES.
    """

    data: str
    shots: int | None
    seed: int
    known_classes: int
    near_classes: int
    pictures: dict[str, int]
    accuracy: float
    refused: float
    refused_right: float | None
    refused_wrong: float | None
    caught_near: float
    caught_far: float | None
    scores: dict[str, Separation]
    covered: tuple[Covered, ...]


@dataclass(frozen=True)
class ScoresByKind:
    """The learner's OOD score of every picture in the first seed of a set and number of pictures.

    Attributes:
        data: name of the set.
        shots: training pictures a class; None for all.
        threshold: below it a picture is called unknown.
        values: "known", "near" and "far" to float64 [n].
    """

    data: str
    shots: int | None
    threshold: float
    values: dict[str, Array]


@dataclass(frozen=True)
class Measured:
    """All figures.

    Attributes:
        trials: in the order in which they were made.
        scores: of each set and number of pictures.
    """

    trials: tuple[Trial, ...]
    scores: tuple[ScoresByKind, ...]


def measure(
    sets: Sequence[LabelledFeatures],
    vision: FeatureExtractor,
    shots: Sequence[int | None],
    seeds: int,
    on_step: Callable[[str], None],
) -> Measured:
    """Let learners predict known, near and far pictures.

    Args:
        sets: the data.
        vision: the backbone that the features came through.
        shots: training pictures a class; None for all.
        seeds: draws of untaught classes and pictures.
        on_step: called with what is done next.

    Returns:
        The figures.

    Raises:
        LearnError: a set has fewer than four classes.
    """
    trials, scores = [], []
    for data in sets:
        others = [some.test[_spread(len(some.test))] for some in sets if some is not data]
        far = np.concatenate([np.zeros((0, data.test.shape[1]), np.float32), *others])
        for shot in shots:
            for seed in range(seeds):
                on_step(f"{data.name}: {shot or 'all'} pictures a class, seed {seed}")
                trial, by_kind = _trial(data, far, vision, shot, seed)
                trials.append(trial)
                if seed == 0:
                    scores.append(by_kind)
    return Measured(tuple(trials), tuple(scores))


def mixed(data: LabelledFeatures) -> LabelledFeatures:
    """Split the pictures of both parts again, at random, with a fixed seed.

    Test pictures are then from the same places and days as the training pictures: a difference that remains
    is not one of domain.

    Args:
        data: the set.

    Returns:
        The same pictures in two parts of the same sizes.
    """
    features = np.concatenate([data.train, data.test])
    labels = np.concatenate([data.train_labels, data.test_labels])
    order = np.random.default_rng(0).permutation(len(labels))
    first, second = np.sort(order[: len(data.train)]), np.sort(order[len(data.train) :])
    return replace(
        data,
        name=f"{data.name}, mixed",
        train=features[first],
        train_labels=labels[first],
        test=features[second],
        test_labels=labels[second],
        split=f"{data.split}, mixed and split again by picture, seed 0",
        test_paths=(),
    )


def _trial(
    data: LabelledFeatures, far: Array, vision: FeatureExtractor, shots: int | None, seed: int
) -> tuple[Trial, ScoresByKind]:
    drawn = protocol(data, len(data.classes), shots, seed)
    classes = len(drawn.groups)
    if classes < 4:
        raise LearnError(f"{data.name} has {classes} classes; two are taught and two are not, so give 4")
    known = classes - max(2, round(UNTAUGHT_SHARE * classes))
    truth = drawn.truth[drawn.truth < known]
    pictures = {
        "known": drawn.test[drawn.truth < known],
        "near": drawn.test[drawn.truth >= known],
        "far": far,
    }
    with tempfile.TemporaryDirectory() as folder:
        learner = Learner.create(Path(folder) / "bench.tosca", vision.bundle_path, refused=REFUSED)
        # One task: the OOD score does not depend on modules, so the cut into tasks does not matter.
        learner.learn_features({f"{c:05d}": drawn.groups[c] for c in range(known)}, "known", force=True)
        model = learner.model
        answers = {
            kind: learner.predict_features(rows, 1) if len(rows) else [] for kind, rows in pictures.items()
        }
        unknown = {kind: np.array([a.unknown for a in some], bool) for kind, some in answers.items()}
        values = {kind: np.array([a.familiarity for a in some]) for kind, some in answers.items()}
        threshold = model.router.ood.threshold
        separations = _separations(model, pictures)
        covered = tuple(_covered(model, pictures["known"], truth, asked) for asked in COVERAGES)
        learner.close()
    right = np.array(
        [int(answer.label) == label for answer, label in zip(answers["known"], truth, strict=True)], bool
    )
    trial = Trial(
        data.name,
        shots,
        seed,
        known,
        classes - known,
        {kind: len(rows) for kind, rows in pictures.items()},
        float(np.mean(right)),
        float(unknown["known"].mean()),
        float(unknown["known"][right].mean()) if right.any() else None,
        float(unknown["known"][~right].mean()) if not right.all() else None,
        float(unknown["near"].mean()),
        float(unknown["far"].mean()) if len(far) else None,
        separations,
        covered,
    )
    return trial, ScoresByKind(data.name, shots, threshold, values)


def _separations(model: Model, pictures: dict[str, Array]) -> dict[str, Separation]:
    scorer = Scorer(model, pictures["known"])
    scores = {kind: scorer(rows) for kind, rows in pictures.items() if len(rows)}
    separations = {}
    for name in SCORES:
        known, near = scores["known"][name], scores["near"][name]
        least = np.quantile(known, REFUSED)
        far = scores["far"][name] if "far" in scores else None
        separations[name] = Separation(
            _auroc(known, near),
            None if far is None else _auroc(known, far),
            float((near < least).mean()),
            None if far is None else float((far < least).mean()),
        )
    return separations


def _covered(model: Model, known: Array, truth: Array, asked: float) -> Covered:
    least = least_probability(model.router.calibration, asked)
    # Labels were taught in the order of their numbers.
    sets = [label_set(row, least) for row in model.posterior(known)]
    held = [label in inside for label, inside in zip(truth, sets, strict=True)]
    return Covered(asked, float(np.mean(held)), float(np.mean([len(inside) for inside in sets])))


def _auroc(known: Array, unknown: Array) -> float:
    try:
        from sklearn.metrics import roc_auc_score
    except ModuleNotFoundError:
        raise MissingExtraError("scikit-learn", "demo") from None
    truth = np.repeat([1, 0], [len(known), len(unknown)])
    return float(roc_auc_score(truth, np.concatenate([known, unknown])))


def _spread(count: int) -> Array:
    return np.unique(np.linspace(0, count - 1, min(count, FAR_PICTURES)).astype(int))
