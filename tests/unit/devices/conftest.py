import shutil
from contextlib import closing

import numpy as np
import pytest

from edge_tosca import Learner


@pytest.fixture(scope="session")
def taught(tmp_path_factory):
    path = tmp_path_factory.mktemp("taught") / "shop.tosca"
    generator = np.random.default_rng(0)
    base = generator.integers(0, 256, (2, 32, 32, 3))
    noise = generator.integers(-20, 20, (2, 6, 32, 32, 3))
    pictures = np.clip(base[:, None] + noise, 0, 255).astype(np.uint8)
    with closing(Learner.create(path, threads=1)) as learner:
        learner.learn({"mug": list(pictures[0]), "pen": list(pictures[1])})
    return path


@pytest.fixture
def plant(tmp_path):
    """Write a tree of /proc, /sys and /dev as another machine has it, and give its root."""

    def write(files):
        root = tmp_path / "root"
        root.mkdir(exist_ok=True)
        for name, content in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(content)
        return root

    return write


@pytest.fixture
def store(taught, tmp_path):
    return shutil.copy(taught, tmp_path / "shop.tosca")
