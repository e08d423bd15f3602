"""Peak memory of predicting and learning, each in a process of its own."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from edge_tosca.bench.synthetic import features_of, noise_picture, task_features
from edge_tosca.learner.learner import Learner
from edge_tosca.learner.model import Model
from edge_tosca.store.store import Store
from edge_tosca.vision.compatibility import backbone_of
from edge_tosca.vision.feature_extractor import FeatureExtractor


def with_modules(model: Model) -> Model:
    """Set the modules' weight to 1, whether they help on synthetic classes or not: that is the slower case.

    Args:
        model: it is changed.

    Returns:
        The same.
    """
    model.router = replace(model.router, module_weight=1.0)
    return model


def peak_memory(what: str, store: Path) -> float:
    """Load the backbone and a store, predict or learn, and return the peak memory of this process.

    Args:
        what: "predict" or "learn".
        store: of a learner; learning changes it.

    Returns:
        Megabytes, from Linux's VmHWM.
    """
    opened = Store.open(store)
    bundle = opened.settings.get("bundle")
    vision = FeatureExtractor(
        Path(bundle) if bundle else None, threads=1, made_with=backbone_of(opened.settings)
    )
    learner = Learner(opened, vision)
    dim = int(opened.settings["feature_dim"])
    features_of([noise_picture()], learner.vision)
    if what == "learn":
        learner.learn_features(task_features(10_000, 10, dim), force=True)
    else:
        with_modules(learner.model)
        for task in range(len(learner.state.tasks)):
            for rows in task_features(task, len(learner.state.tasks[task].groups), dim).values():
                learner.predict_features(rows[:1], 3)
    learner.close()
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


def peak_of(what: str, store: Path) -> float | None:
    """Measure `peak_memory` in a process of its own.

    Args:
        what: "predict" or "learn".
        store: of a learner; learning changes it.

    Returns:
        Megabytes; None if the system does not report it.
    """
    if not Path("/proc/self/status").exists():
        return None
    program = (
        "import sys, pathlib\n"
        "from edge_tosca.system.blas import one_blas_thread\n"
        "from edge_tosca.bench.memory import peak_memory\n"
        "with one_blas_thread():\n"
        "    print(peak_memory(sys.argv[1], pathlib.Path(sys.argv[2])))\n"
    )
    command = [sys.executable, "-c", program, what, str(store)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
