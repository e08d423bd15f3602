"""What a learner answers to features, with every digit."""

from dataclasses import asdict
from typing import Any

import numpy as np

from edge_tosca import Answer, Learner

COVERAGE = 0.9


def ask(learner: Learner, features: np.ndarray, top: int = 3, **how: Any) -> list[Answer]:
    """Answer features [n, d] in the way that this learner has for it."""
    if hasattr(learner, "predict_features"):
        return list(learner.predict_features(features, top, **how))
    with learner.store.snapshot():
        return learner.knowledge.decide(features, top, **how)


def answers(learner: Learner, features: np.ndarray) -> dict[str, Any]:
    """Answer each feature on its own, alone in its call and together with the others, and all as one burst.

    Sets of labels are calibrated for the default router alone.
    """
    found = {
        "together": [_plain(answer) for answer in ask(learner, features)],
        "alone": [_plain(ask(learner, row[None], 1)[0]) for row in features],
        "burst": [_plain(answer) for answer in ask(learner, features[:3], burst=True)],
    }
    if learner.store.settings["router"] == "fused":
        found["sets"] = [_plain(answer) for answer in ask(learner, features, coverage=COVERAGE)]
    return found


def _plain(answer: Answer) -> dict[str, Any]:
    fields = asdict(answer)
    # Times are another on every run.
    del fields["milliseconds"]
    return fields
