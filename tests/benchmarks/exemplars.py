"""Accuracy after cached features were thinned, by rule and by how many of a class are kept.

`python -m tests.benchmarks exemplars TRAIN.npz TEST.npz` takes the files of `edge-tosca embed`. All classes
are taught as one task, from all pictures; then all but a few features of each are thinned out. Stores use
`herding`.
"""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.bench.table import as_table
from edge_tosca.features.exemplars import Rule, herding
from edge_tosca.features.sampling import evenly
from edge_tosca.learner.learn import learn_task
from edge_tosca.learner.lesson import Lesson, LessonClass
from edge_tosca.learner.model import Model
from edge_tosca.learner.refit import refit
from edge_tosca.learner.storage_limit import thin
from edge_tosca.store.store import Store

KEPT = (6, 10, 20, 50)


def k_centre(z: Array, most: int) -> Array:
    """Keep features such that no other is far from all of them, beginning with the nearest to the mean.

    Source: Gonzalez, "Clustering to minimize the maximum intercluster distance", 1985.

    Args:
        z: normalised features of a class, [n, d].
        most: how many to keep at most.

    Returns:
        Their places, increasing, int [min(n, most)].
    """
    rows = z.astype(np.float64)
    places = [int(((rows - rows.mean(axis=0)) ** 2).sum(axis=1).argmin())]
    far = np.full(len(rows), np.inf)
    while len(places) < min(most, len(rows)):
        far = np.minimum(far, ((rows - rows[places[-1]]) ** 2).sum(axis=1))
        far[places] = -1
        places.append(int(far.argmax()))
    return np.sort(places)


def spread(z: Array, most: int) -> Array:
    """Keep features evenly over the order in which they were taught.

    Args:
        z: normalised features of a class, [n, d].
        most: how many to keep at most.

    Returns:
        Their places, increasing, int [min(n, most)].
    """
    return evenly(len(z), most)


def drawn(seed: int) -> Rule:
    """Return a rule that keeps features at random.

    Args:
        seed: of the choice.

    Returns:
        The rule.
    """

    def draw(z: Array, most: int) -> Array:
        chosen = np.random.default_rng(seed).permutation(len(z))[:most]
        return np.sort(chosen)

    return draw


RULES: dict[str, tuple[Rule, ...]] = {
    "herding": (herding,),
    "k-centre": (k_centre,),
    "evenly": (spread,),
    "at random": tuple(drawn(seed) for seed in range(3)),
}


@dataclass(frozen=True)
class Thinned:
    """Accuracy with so many cached features of each class; shares in 0 .. 1.

    Attributes:
        kept: features of a class at most; None for all.
        accuracy: by rule, a key of RULES; the mean over its draws.
    """

    kept: int | None
    accuracy: dict[str, float]


def measure(train: Path, test: Path, on_step: Callable[[str], None]) -> list[Thinned]:
    """Thin the cached features by every rule, and predict the test features.

    Args:
        train: features that are taught, written by `edge-tosca embed`.
        test: features that are predicted, of the same classes.
        on_step: called with what is done next.

    Returns:
        The accuracy with all features first, then with so many of KEPT.
    """
    taught, asked = np.load(train), np.load(test)
    features, names = asked["features"], taught["class_names"].tolist()
    truth = asked["class_names"][asked["labels"]].tolist()
    lesson = Lesson({name: _lesson_class(taught, place) for place, name in enumerate(names)})
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.tosca"
        store = Store.create(whole, _settings(features.shape[1]))
        on_step(f"learning {len(taught['labels'])} features")
        learn_task(store, lesson, force=True)
        found = [Thinned(None, dict.fromkeys(RULES, _accuracy(store, features, truth)))]
        store.close()
        for most in KEPT:
            on_step(f"keeping {most} features of a class")
            shares = {
                name: [_thinned(whole, most, rule, features, truth) for rule in rules]
                for name, rules in RULES.items()
            }
            found.append(Thinned(most, {name: float(np.mean(some)) for name, some in shares.items()}))
    return found


def markdown(found: list[Thinned]) -> str:
    """Lay out the accuracies, a row a number of features.

    Args:
        found: of `measure`.

    Returns:
        Markdown: percent of the test pictures.
    """
    rows = [
        [str(one.kept or "all"), *(f"{100 * one.accuracy[rule]:.1f}" for rule in RULES)]
        for one in sorted(found, key=lambda one: one.kept or np.inf)
    ]
    return as_table(["kept of a class", *RULES], rows)


def _lesson_class(taught: Array, place: int) -> LessonClass:
    features = taught["features"][taught["labels"] == place]
    return LessonClass(features, [str(at) for at in range(len(features))])


def _thinned(whole: Path, most: int, rule: Rule, features: Array, truth: list[str]) -> float:
    path = whole.with_name("thinned.tosca")
    shutil.copyfile(whole, path)
    store = Store.open(path)
    with store.transaction():
        generation = store.add_generation("thin", store.latest())
        thin(store, most, rule)
        refit(store, generation)
    share = _accuracy(store, features, truth)
    store.close()
    return share


def _accuracy(store: Store, features: Array, truth: list[str]) -> float:
    answers = Model(store, store.state()).predict(features, 1)
    return float(np.mean([answer.label == label for answer, label in zip(answers, truth, strict=True)]))


def _settings(width: int) -> dict[str, str]:
    return {
        "bundle": "",
        "runtime": "onnxruntime",
        "device": "CPU",
        "fingerprint": "",
        "origin": "features in a file",
        "feature_dim": str(width),
        "router": "fused",
        "refused": "0.05",
    }
