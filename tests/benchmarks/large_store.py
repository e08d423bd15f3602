"""What a store of ten thousand classes and a million cached features costs to open and to predict with.

`python -m tests.benchmarks large_store FOLDER` writes a store of 3.3 GB, and one of a tenth. Features and
router are drawn at random: neither opening nor predicting depends on their values, and solving a router of
this size is not what is measured.
"""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.bench.synthetic import features_of, noise_picture
from edge_tosca.classifier.ood.detector import quantize_rows
from edge_tosca.digests import sha256
from edge_tosca.learner.model import Model
from edge_tosca.learner.verification import verify
from edge_tosca.store.store import Store
from edge_tosca.store.validation import SETTINGS
from edge_tosca.system.blas import one_blas_thread
from edge_tosca.tosca.luca import initial_parameters
from edge_tosca.tosca.task_module import Module
from edge_tosca.vision.feature_extractor import FeatureExtractor

D = 1904
TASKS, CLASSES, IMAGES = 1000, 10, 100
_QUESTIONS = 200


def make(path: Path, tasks: int) -> None:
    """Write a store.

    Args:
        path: where.
        tasks: of CLASSES classes each.
    """
    rng = np.random.default_rng(0)
    settings = {"router": "fused", "feature_dim": str(D), "refused": "0.05"}
    store = Store.create(path, dict.fromkeys(SETTINGS, "") | settings)
    parameters = {
        name: value * (rng.random(value.shape) < 0.3)
        for name, value in initial_parameters(D, rng, "tosca").items()
    }
    rows = np.abs(rng.normal(size=(CLASSES * IMAGES, D))).astype(np.float16)
    cosines = np.full((CLASSES * IMAGES, CLASSES), np.nan)
    with store.transaction():
        generation = store.add_generation("learn", 0)
        for task in range(tasks):
            data = Module.rounded("tosca", parameters, rng.normal(size=(CLASSES, D)), 9.0).to_bytes()
            store.add_module(sha256(data), data, cosines)
            parts = np.split(np.roll(rows, task, axis=1), CLASSES)
            features = {f"class {CLASSES * task + at}": part for at, part in enumerate(parts)}
            store.add_task(f"task {task}", sha256(data), features, generation)
        store.set_derived("routers", generation, _router(CLASSES * tasks, rng))
    store.close()


def _router(groups: int, rng: np.random.Generator) -> dict[str, Array]:
    def normal(*shape: int) -> Array:
        return rng.normal(size=shape).astype(np.float32)

    return {
        "weights": normal(groups + 1, D),
        "bias": normal(groups + 1),
        "worth": np.ones(groups, np.float32),
        "shift": np.zeros(groups, np.float32),
        "relief": np.zeros(groups, np.float32),
        **dict(zip(("deviations", "steps"), quantize_rows(normal(groups, D) / np.sqrt(D)), strict=True)),
        "lengths": np.ones(groups, np.float32),
        "background": normal(D) / np.sqrt(D),
        "familiarity": np.ones((3, 3)),
        "threshold": np.zeros(1),
        "scalars": np.array([1.0, 1.0, 0.5]),
        "calibration": rng.random(1000).astype(np.float32),
    }


def predict(path: Path) -> None:
    """Open a store beside a backbone and predict, in this process; print what that costs.

    Args:
        path: of the store.
    """
    rng = np.random.default_rng(1)
    vision = FeatureExtractor(threads=1)
    features_of([noise_picture()], vision)
    start = time.perf_counter()
    store = Store.open(path)
    model = Model(store, store.state())
    questions = np.abs(rng.normal(size=(_QUESTIONS, 1, D))).astype(np.float32)
    model.predict(questions[0], 3)
    first = time.perf_counter() - start
    taken = []
    for question in questions:
        start = time.perf_counter()
        model.predict(question, 3)
        taken.append(time.perf_counter() - start)
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak = int(status["VmHWM"].split()[0]) / 1024
    size, each = path.stat().st_size / 1e6, 1e3 * float(np.median(taken))
    print(
        f"{len(model.state.groups)} classes, {size:.0f} MB: opened and predicted once in {first:.2f} s, ",
        end="",
    )
    print(f"then {each:.2f} ms an answer, {peak:.0f} MB at most", flush=True)
    start = time.perf_counter()
    entries = verify(store, solve=False).seals
    print(f"  {entries} audit entries checked in {time.perf_counter() - start:.1f} s", end="")
    start = time.perf_counter()
    with store.transaction():
        store.set_setting("note", "a change that writes one row")
    print(f"; the smallest change takes {time.perf_counter() - start:.2f} s")
    store.close()


def measure(folder: Path) -> None:
    """Write the stores, and measure each in a process of its own.

    Args:
        folder: with 4 GB of room.
    """
    for tasks in (TASKS // 10, TASKS):
        path = folder / f"{tasks}.tosca"
        make(path, tasks)
        for _ in range(2):
            subprocess.run([sys.executable, "-m", __name__, str(path)], check=True)


if __name__ == "__main__":
    with one_blas_thread():
        predict(Path(sys.argv[1]))
