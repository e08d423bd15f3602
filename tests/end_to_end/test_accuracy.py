"""Single pictures of real things: clothing, taught in five tasks of two classes with 20 pictures a class."""

import shutil

import numpy as np
import pytest

SHOTS = 20
MARGIN = 0.015


@pytest.fixture(scope="module")
def wardrobe(shared_data, tmp_path_factory):
    """TASK/CLASS/*.jpg of the first pictures, and all of them together."""
    folder = tmp_path_factory.mktemp("wardrobe")
    classes = sorted(path for path in (shared_data / "clothing" / "train").iterdir() if path.is_dir())
    for place, source in enumerate(classes):
        for target in (folder / f"task{place // 2 + 1}" / source.name, folder / "all" / source.name):
            target.mkdir(parents=True)
            for path in sorted(source.iterdir())[:SHOTS]:
                shutil.copy(path, target)
    return folder


@pytest.fixture(scope="module")
def accuracy(edge, wardrobe, shared_data):
    """Accuracy on the test split of a store that was taught with a router."""
    found = {}
    for router in ("fused", "entropy"):
        store = wardrobe / f"{router}.tosca"
        assert edge("init", store, "--router", router).code == 0
        for number in range(1, 6):
            assert edge("learn", store, wardrobe / f"task{number}", "--json").json["images"] == 2 * SHOTS
        report = edge("evaluate", store, shared_data / "clothing" / "test", "--json").json
        assert (report["router"], report["images"]) == (router, 372)
        found[router] = report["accuracy"]
    return found


def embedded(edge, folder, out):
    assert edge("embed", folder, "--out", out).code == 0
    with np.load(out, allow_pickle=False) as found:
        return found["features"], found["class_names"][found["labels"]]


def test_the_default_router_beats_the_papers_rule_on_single_pictures(accuracy):
    assert accuracy["fused"] > accuracy["entropy"]


def test_the_default_router_is_level_with_logistic_regression_on_all_classes_at_once(
    accuracy, edge, wardrobe, shared_data, tmp_path
):
    linear_model = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is not installed")
    x, y = embedded(edge, wardrobe / "all", tmp_path / "train.npz")
    x_test, y_test = embedded(edge, shared_data / "clothing" / "test", tmp_path / "test.npz")
    assert len(x) == 10 * SHOTS
    opponents = {
        "raw": lambda features: features,
        "power": lambda features: np.sign(features) * np.sqrt(np.abs(features)),
    }
    joint = {}
    for name, conditioned in opponents.items():
        units = [z / np.linalg.norm(z, axis=1, keepdims=True) for z in map(conditioned, (x, x_test))]
        for strength in (1.0, 10.0):
            model = linear_model.LogisticRegression(C=strength, max_iter=1000).fit(units[0], y)
            joint[f"{name} C={strength:g}"] = model.score(units[1], y_test)
        if name == "raw":
            model = linear_model.LogisticRegression(max_iter=1000).fit(x, y)
            joint["raw, as scikit-learn comes"] = model.score(x_test, y_test)
    assert accuracy["fused"] >= max(joint.values()) - MARGIN
