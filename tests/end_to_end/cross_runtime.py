"""Measure whether a learner taught on one backend keeps its accuracy on another.

    edge-tosca embed TRAIN --out here.train.npz --runtime onnxruntime   (and TEST; and both on the other)
    python tests/end_to_end/cross_runtime.py HERE THERE [--shots 20] [--task-size 10] [--seeds 3]

HERE and THERE are prefixes: HERE.train.npz and HERE.test.npz hold features of the same pictures as
THERE.train.npz and THERE.test.npz. Without them HERE.npz is split by picture, 60 to 40. Prints one line of a
Markdown table: cosines of the pictures' features (mean, first percentile, lowest), and the accuracy of a
learner taught here and tested here, taught here and tested there, taught on both in turns and tested there,
taught there and tested there.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from edge_tosca.learner.learner import Learner
from edge_tosca.store.store import Store
from edge_tosca.system.blas import one_blas_thread
from edge_tosca.vision.feature_extractor import FeatureExtractor


def load(prefix):
    """Read features and labels to teach and to test with."""
    if Path(f"{prefix}.npz").is_file():
        with np.load(f"{prefix}.npz") as kept:
            features, labels = kept["features"], kept["labels"]
        order = np.random.default_rng(0).permutation(len(labels))
        cut = int(0.6 * len(order))
        return features[order[:cut]], labels[order[:cut]], features[order[cut:]], labels[order[cut:]]
    parts = []
    for part in ("train", "test"):
        with np.load(f"{prefix}.{part}.npz") as kept:
            # By name: the parts may lack different classes.
            parts += [kept["features"], kept["class_names"][kept["labels"]]]
    return tuple(parts)


def accuracy(teachers, labels, tasks, rows, questions, truths):
    """Compute the accuracy of a learner whose tasks are taught with the features of the teachers in turns."""
    settings = {
        **dict.fromkeys(("bundle", "runtime", "device", "fingerprint", "origin"), ""),
        "router": "fused",
        "refused": "0.05",
        "feature_dim": str(questions.shape[1]),
    }
    with tempfile.TemporaryDirectory() as folder:
        learner = Learner(Store.create(Path(folder) / "shop.tosca", settings), FeatureExtractor())
        for number, task in enumerate(tasks):
            features = teachers[number % len(teachers)]
            learner.learn_features({str(c): features[rows[c]] for c in task}, force=True)
        answers = learner.predict_features(questions, 1)
        learner.close()
    return np.mean([answer.label == str(truth) for answer, truth in zip(answers, truths, strict=True)])


def cosines(a, b):
    """Compute the cosine of each row, [n]."""
    return (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def main():
    """Print the line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("here")
    parser.add_argument("there")
    parser.add_argument("--shots", type=int, default=20)
    parser.add_argument("--task-size", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    here, labels, test_here, truths = load(options.here)
    there, other_labels, test_there, other_truths = load(options.there)
    assert np.array_equal(labels, other_labels), "the two were not made of the same pictures"
    assert np.array_equal(truths, other_truths), "the two were not made of the same pictures"
    found = []
    for seed in range(options.seeds):
        rng = np.random.default_rng(seed)
        classes = rng.permutation(np.unique(labels))
        rows = {c: np.sort(rng.permutation(np.flatnonzero(labels == c))[: options.shots]) for c in classes}
        tasks = [classes[i : i + options.task_size] for i in range(0, len(classes), options.task_size)]
        known = np.isin(truths, classes)
        tests = [(test_here[known], truths[known]), (test_there[known], truths[known])]
        found.append(
            (
                accuracy([here], labels, tasks, rows, *tests[0]),
                accuracy([here], labels, tasks, rows, *tests[1]),
                accuracy([here, there], labels, tasks, rows, *tests[1]),
                accuracy([there], labels, tasks, rows, *tests[1]),
            )
        )
    near = cosines(test_here, test_there)
    shares = " | ".join(f"{100 * share:.1f}" for share in np.mean(found, axis=0))
    numbers = f"{near.mean():.4f} | {np.quantile(near, 0.01):.4f} | {near.min():.4f}"
    print(f"| {Path(options.here).name} -> {Path(options.there).name} | {numbers} | {shares} |")


if __name__ == "__main__":
    with one_blas_thread():
        main()
