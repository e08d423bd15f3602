"""Drawn sets of features for the benchmarks, and their command line."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge_tosca.bench.data import LabelledFeatures

ROOT = Path(__file__).parents[3]
D = 1904


@pytest.fixture(scope="session")
def clusters():
    """Draw overlapping clusters as wide as the built-in backbone's features."""

    def draw_set(classes, train=12, test=10, spread=1.2, seed=0):
        rng = np.random.default_rng(seed)
        centres = 2 * rng.normal(size=D) + 0.35 * rng.normal(size=(classes, D))

        def draw(count):
            labels = np.repeat(np.arange(classes), count)
            return (centres[labels] + spread * rng.normal(size=(len(labels), D))).astype(np.float32), labels

        names = tuple(f"tool {place}" for place in range(classes))
        return LabelledFeatures("tools", names, *draw(train), *draw(test), "drawn")

    return draw_set


@pytest.fixture(scope="session")
def tools(clusters):
    """Six such clusters."""
    return clusters(6)


@pytest.fixture(scope="session")
def silent():
    """Take the next step without a word."""
    return lambda step: None


@pytest.fixture
def run_benchmark(tmp_path):
    """Run a benchmark in a process of its own, with empty caches."""
    cache = str(tmp_path / "cache")

    def run(*words):
        command = [sys.executable, "-m", "tests.benchmarks", *words]
        environment = {**os.environ, "XDG_CACHE_HOME": cache, "MPLCONFIGDIR": cache}
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=ROOT)

    return run
