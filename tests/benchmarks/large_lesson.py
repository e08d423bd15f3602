"""What it costs to teach a learner that knows very many classes one more task.

`python -m tests.benchmarks large_lesson FOLDER [CLASSES]` writes a store of synthetic classes, ten a task and
20 features a class (0.6 GB for the 10,000 that it has by default), solves its router, and teaches it ten
more, each in a process of its own. Modules of the tasks before are drawn: a lesson reads their scale alone.
"""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from edge_tosca.bench.synthetic import SHOTS, task_features
from edge_tosca.digests import sha256
from edge_tosca.learner.learner import Learner
from edge_tosca.learner.refit import refit
from edge_tosca.quality.gate import BY_CLASS, accuracy_by_class
from edge_tosca.store.store import Store
from edge_tosca.store.validation import SETTINGS
from edge_tosca.system.blas import one_blas_thread
from edge_tosca.tosca.luca import initial_parameters
from edge_tosca.tosca.task_module import Module
from edge_tosca.vision.feature_extractor import FeatureExtractor

D = 1904
CLASSES, A_TASK = 10_000, 10


def make(path: Path, classes: int) -> None:
    """Write a store whose router is still to be solved.

    Args:
        path: where.
        classes: how many, a multiple of A_TASK.
    """
    rng = np.random.default_rng(0)
    settings = {"router": "fused", "feature_dim": str(D), "refused": "0.05"}
    store = Store.create(path, dict.fromkeys(SETTINGS, "") | settings)
    drawn = {
        name: value * (rng.random(value.shape) < 0.05)
        for name, value in initial_parameters(D, rng, "tosca").items()
    }
    module = Module.rounded("tosca", drawn, rng.normal(size=(A_TASK, D)), 9.0)
    no_evidence = np.full((A_TASK * SHOTS, A_TASK), np.nan)
    with store.transaction():
        generation = store.add_generation("learn", 0)
        for task in range(classes // A_TASK):
            data = replace(module, scale=9.0 + task).to_bytes()
            store.add_module(sha256(data), data, no_evidence)
            features = task_features(task, A_TASK, D)
            half = {label: rows.astype(np.float16) for label, rows in features.items()}
            store.add_task(f"task {task}", sha256(data), half, generation)
    store.close()


def solve(path: Path) -> None:
    """Solve the router from all cached features, in this process; print what that costs."""
    store, start = Store.open(path), time.process_time()
    with store.transaction():
        generation = store.latest()
        solved = refit(store, generation)
        store.set_report(generation, {BY_CLASS: accuracy_by_class(solved.state, solved.held_out)})
    print(
        f"{len(solved.state.groups)} classes solved from features in {_since(start)}, {_peak()}",
        flush=True,
    )
    store.close()


def teach(path: Path) -> None:
    """Teach one more task, in this process; print what that costs."""
    learner = Learner(Store.open(path), FeatureExtractor())
    start = time.process_time()
    learner.learn_features(task_features(CLASSES, A_TASK, D), force=True)
    print(f"one more task learned in {_since(start)}, {_peak()}", flush=True)
    learner.close()


def _since(start: float) -> str:
    return f"{time.process_time() - start:.1f} s of processor time"


def _peak() -> str:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return f"{int(status['VmHWM'].split()[0]) / 1024:.0f} MB at most, without the backbone"


def measure(folder: Path, classes: int) -> None:
    """Write the store and print what each step costs, in a process of its own.

    Args:
        folder: with 2 GB of room.
        classes: how many.
    """
    path = folder / f"{classes} classes.tosca"
    make(path, classes)
    for step in ("solve", "teach"):
        subprocess.run([sys.executable, "-m", __name__, step, str(path)], check=True)


if __name__ == "__main__":
    with one_blas_thread():
        {"solve": solve, "teach": teach}[sys.argv[1]](Path(sys.argv[2]))
