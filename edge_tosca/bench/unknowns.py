"""How well unknown pictures are told from known ones, by a real learner and by other scores.

Near unknowns are pictures of a tenth of the set's own classes, which are not taught; far unknowns are test
pictures of the other sets.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.bench.data import LabelledFeatures, protocol
from edge_tosca.bench.unknown_scores import SCORES, Scorer
from edge_tosca.classifier.calibration.conformal import label_set, least_probability
from edge_tosca.errors import LearnError, MissingExtraError
from edge_tosca.learner.learner import Learner
from edge_tosca.learner.model import Model
from edge_tosca.vision.feature_extractor import FeatureExtractor

LEFT_OUT_SHARE = 0.1
"""Share of the classes that are near unknowns; two at least."""

REFUSED = 0.05
"""Share of known test pictures at which every score's unknowns are counted; also the learner's default."""

FAR_PICTURES = 500
"""Test pictures of each other set, at most."""


COVERAGES = (0.8, 0.9, 0.95)
"""Asked of the label sets of known test pictures."""


@dataclass(frozen=True)
class Told:
    """How a score tells known from unknown; shares and areas in 0 .. 1, None where there is nothing to tell.

    Attributes:
        auroc_near: area under the receiver operating characteristic, known against near.
        auroc_far: the same against far.
        caught_near: share of near unknowns below what refuses REFUSED of the known test pictures.
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
        found: share of sets that hold the truth.
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
        seed: of left-out classes and pictures.
        known_classes: taught.
        near_classes: left out.
        pictures: number of "known", "near" and "far" pictures asked about.
        accuracy: share of known test pictures named right, called unknown or not.
        refused: share of known test pictures that the learner calls unknown.
        refused_right: the same of the pictures that it names right; None where there are none.
        refused_wrong: of those that it names wrong.
        caught_near: share of near unknowns that it calls unknown.
        caught_far: share of far unknowns; None where there is no other set.
        scores: a key of SCORES to how it tells.
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
    scores: dict[str, Told]
    covered: tuple[Covered, ...]


@dataclass(frozen=True)
class Familiarities:
    """Familiarity of every picture in the first seed of a set and number of pictures.

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
    """Everything that was found.

    Attributes:
        trials: in the order in which they were made.
        familiarities: of each set and number of pictures.
    """

    trials: tuple[Trial, ...]
    familiarities: tuple[Familiarities, ...]


def measure(
    sets: Sequence[LabelledFeatures],
    vision: FeatureExtractor,
    shots: Sequence[int | None],
    seeds: int,
    on_step: Callable[[str], None],
) -> Measured:
    """Ask learners about known, near and far pictures.

    Args:
        sets: the data.
        vision: the backbone that the features came through.
        shots: training pictures a class; None for all.
        seeds: draws of left-out classes and pictures.
        on_step: told what is done next.

    Returns:
        The figures.

    Raises:
        LearnError: a set has fewer than four classes.
    """
    trials, familiarities = [], []
    for data in sets:
        far = [some.test[_spread(len(some.test))] for some in sets if some is not data]
        strangers = np.concatenate([np.zeros((0, data.test.shape[1]), np.float32), *far])
        for shot in shots:
            for seed in range(seeds):
                on_step(f"{data.name}: {shot or 'all'} pictures a class, seed {seed}")
                trial, familiarity = _trial(data, strangers, vision, shot, seed)
                trials.append(trial)
                if seed == 0:
                    familiarities.append(familiarity)
    return Measured(tuple(trials), tuple(familiarities))


def mixed(data: LabelledFeatures) -> LabelledFeatures:
    """Deal the pictures of both parts anew, at random, with a fixed seed.

    Test pictures are then from the same places and days as the training pictures: what is left of a
    difference is not theirs.

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
        split=f"{data.split}, mixed and dealt anew by picture, seed 0",
        test_paths=(),
    )


def _trial(
    data: LabelledFeatures, far: Array, vision: FeatureExtractor, shots: int | None, seed: int
) -> tuple[Trial, Familiarities]:
    drawn = protocol(data, len(data.classes), shots, seed)
    classes = len(drawn.groups)
    if classes < 4:
        raise LearnError(f"{data.name} has {classes} classes; two are left out and two taught, so give 4")
    known = classes - max(2, round(LEFT_OUT_SHARE * classes))
    truth = drawn.truth[drawn.truth < known]
    pictures = {
        "known": drawn.test[drawn.truth < known],
        "near": drawn.test[drawn.truth >= known],
        "far": far,
    }
    with tempfile.TemporaryDirectory() as folder:
        learner = Learner.create(Path(folder) / "bench.tosca", vision.bundle_path, refused=REFUSED)
        # One task: modules have no say in what is unknown, so the cut into tasks does not matter.
        learner.learn_features({f"{c:05d}": drawn.groups[c] for c in range(known)}, "known", force=True)
        model = learner.model
        answers = {kind: model.predict(rows, 1) if len(rows) else [] for kind, rows in pictures.items()}
        unknown = {kind: np.array([a.unknown for a in some], bool) for kind, some in answers.items()}
        values = {kind: np.array([a.familiarity for a in some]) for kind, some in answers.items()}
        threshold = model.router.familiarity.threshold
        told = _told(model, pictures)
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
        told,
        covered,
    )
    return trial, Familiarities(data.name, shots, threshold, values)


def _told(model: Model, pictures: dict[str, Array]) -> dict[str, Told]:
    scorer = Scorer(model, pictures["known"])
    scores = {kind: scorer(rows) for kind, rows in pictures.items() if len(rows)}
    told = {}
    for name in SCORES:
        known, near = scores["known"][name], scores["near"][name]
        least = np.quantile(known, REFUSED)
        far = scores["far"][name] if "far" in scores else None
        told[name] = Told(
            _auroc(known, near),
            None if far is None else _auroc(known, far),
            float((near < least).mean()),
            None if far is None else float((far < least).mean()),
        )
    return told


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
