"""Features that a formula gives, and what a store answers to some of them, to the last bit."""

import hashlib
import struct

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.learner.learner import Learner

D = 32
SHOTS = 6
FINGERPRINT = "0f" * 32
QUERIES = 200

SETTINGS = {
    "bundle": "",
    "runtime": "onnxruntime",
    "device": "CPU",
    "router": "fused",
    "feature_dim": str(D),
    "refused": "0.05",
    "fingerprint": FINGERPRINT,
    "origin": "drawn by a formula",
}


def features(label: str, box: str = "") -> Array:
    """Draw features of a class: one centre a label, other pictures on each box.

    Args:
        label: of the class.
        box: where they are taken.

    Returns:
        float16 [SHOTS, D].
    """
    centre = np.random.default_rng(list(label.encode())).normal(size=D)
    noise = np.random.default_rng(list(f"{label} {box}".encode())).normal(size=(SHOTS, D))
    return (centre + 0.7 * noise).astype(np.float16)


def questions(labels: list[str]) -> Array:
    """Draw features to ask about: half of them near classes, half of them anywhere.

    Args:
        labels: of the classes.

    Returns:
        float32 [QUERIES, D].
    """
    near = [features(labels[number % len(labels)], f"question {number}")[0] for number in range(QUERIES // 2)]
    far = np.random.default_rng(1).normal(size=(QUERIES - len(near), D))
    return np.concatenate([np.array(near), far]).astype(np.float32)


def answers(learner: Learner, asked: Array) -> str:
    """Return a digest of all labels and of the bits of all probabilities that a store gives.

    Args:
        learner: of the store.
        asked: float32 [n, d].
    """
    if not learner.state.tasks:
        return ""
    found = hashlib.sha256()
    for answer in learner.predict_features(asked, top=1000):
        numbers = [answer.confidence, answer.probability, answer.unknown_probability, answer.familiarity]
        words = [answer.label, answer.task, str(answer.unknown)]
        for guess in answer.top:
            words.append(guess.label)
            numbers += [guess.confidence, guess.probability]
        found.update("\n".join(words).encode())
        found.update(struct.pack(f"<{len(numbers)}d", *numbers))
    return found.hexdigest()
