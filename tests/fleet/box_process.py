"""`python -m tests.fleet.box_process STORE`: a box that runs, for tests that kill it.

It teaches the labels in STORE.teach, one a line, and writes the packs that it holds to STORE.held.
"""

import json
import sys
from pathlib import Path

from tests.fleet.lessons import features

from edge_tosca.learner.learner import Learner
from edge_tosca.packs.fleet.following import connected_box
from edge_tosca.packs.fleet.holdings import holdings
from edge_tosca.store.store import Store
from edge_tosca.vision.feature_extractor import FeatureExtractor


def main() -> None:
    path = Path(sys.argv[1])
    lesson, held = path.with_suffix(".teach"), path.with_suffix(".held")
    store = Store.open(path)
    learner = Learner(store, FeatureExtractor())
    with connected_box(store) as box:
        while True:
            box.step(0.2)
            if lesson.exists():
                known = set(learner.state.labels)
                labels = [one for one in lesson.read_text().splitlines() if one not in known]
                if labels:
                    learner.learn_features({one: features(one, path.stem) for one in labels}, force=True)
                lesson.unlink()
            beside = path.with_suffix(".new")
            packs = sorted(holdings(store.settings))
            beside.write_text(json.dumps({"packs": packs, "fetching": box.fetching}))
            beside.rename(held)


if __name__ == "__main__":
    main()
