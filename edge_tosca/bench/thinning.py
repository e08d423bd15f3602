"""Accuracy after cached features were thinned, by rule and by how many of a class are kept.

`python -m edge_tosca.bench.thinning TRAIN.npz TEST.npz` takes what `edge-tosca embed` writes. All classes are
taught as one task, from all pictures; then all but a few features of each are thinned out.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

from edge_tosca.features.exemplars import Rule, drawn, herding, k_centre, spread
from edge_tosca.learner.learn import learn_task
from edge_tosca.learner.model import Model
from edge_tosca.learner.refit import refit
from edge_tosca.learner.storage_limit import thin
from edge_tosca.store.store import Store
from edge_tosca.system.blas import one_blas_thread

KEPT = (6, 10, 20, 50)
RULES: dict[str, tuple[Rule, ...]] = {
    "herding": (herding,),
    "k-centre": (k_centre,),
    "evenly": (spread,),
    "at random": tuple(drawn(seed) for seed in range(3)),
}


def main(train: Path, test: Path) -> None:
    """Print the table.

    Args:
        train: features that are taught, written by `edge-tosca embed`.
        test: features that are asked about, of the same classes.
    """
    taught, asked = np.load(train), np.load(test)
    names = taught["class_names"].tolist()
    features = {name: taught["features"][taught["labels"] == at] for at, name in enumerate(names)}
    truth = asked["class_names"][asked["labels"]].tolist()
    with one_blas_thread(), tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.tosca"
        store = Store.create(whole, _settings(taught["features"].shape[1]))
        learn_task(
            store,
            features,
            {name: [str(at) for at in range(len(rows))] for name, rows in features.items()},
            None,
            skipped=(),
            force=True,
            feature_seconds=0.0,
        )
        print(f"all {len(taught['labels'])} features: {_accuracy(store, asked['features'], truth):.1%}")
        store.close()
        print("| kept of a class | " + " | ".join(RULES) + " |")
        print("|---" * (len(RULES) + 1) + "|")
        for most in KEPT:
            row = []
            for rules in RULES.values():
                shares = [_thinned(whole, most, rule, asked["features"], truth) for rule in rules]
                row.append(f"{100 * float(np.mean(shares)):.1f}")
            print(f"| {most} | " + " | ".join(row) + " |", flush=True)


def _thinned(whole: Path, most: int, rule: Rule, features: np.ndarray, truth: list[str]) -> float:
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


def _accuracy(store: Store, features: np.ndarray, truth: list[str]) -> float:
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


if __name__ == "__main__":
    main(*(Path(name) for name in sys.argv[1:3]))
