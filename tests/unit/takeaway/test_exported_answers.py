"""An exported model answers as its learner does: every way of the router, and unknowns of every kind."""

from dataclasses import replace

import numpy as np
import pytest

from edge_tosca.learner.learner import Learner
from edge_tosca.learner.lesson import LessonClass
from edge_tosca.learner.none_of_these import learn_none
from edge_tosca.learner.strictness import read_strictness
from edge_tosca.runtime.no_telemetry import import_onnxruntime
from edge_tosca.runtime.protobuf_wire import BYTES, VARINT, field_bytes
from edge_tosca.store.store import Store
from edge_tosca.store.validation import SETTINGS
from edge_tosca.takeaway import messages
from edge_tosca.takeaway.answer_graph import add_answer, outputs
from edge_tosca.takeaway.graph import Graph
from edge_tosca.takeaway.splice import opset_of, splice
from edge_tosca.vision.feature_extractor import FeatureExtractor

D = 48
OPSET = 17


def kind(seed, shots=20, spread=0.8):
    centre = np.random.default_rng(seed).normal(size=D)
    noise = np.random.default_rng((seed, shots)).normal(size=(shots, D))
    return (centre + spread * noise).astype(np.float32)


def learner(path, router="fused", **settings):
    stored = dict.fromkeys(SETTINGS, "") | {"router": router, "feature_dim": str(D), "refused": "0.05"}
    return Learner(Store.create(path / "shop.tosca", stored | settings), FeatureExtractor())


def no_backbone():
    """A graph that gives its input."""
    graph = field_bytes(1, BYTES, messages.node("Identity", ["x"], ["feature"], {}))
    opset = field_bytes(2, VARINT, OPSET)
    return field_bytes(1, VARINT, 8) + field_bytes(7, BYTES, graph) + field_bytes(8, BYTES, opset)


def exported(shop):
    """Answer a feature by the exported graph: label, probabilities, unknown, its probability, confidences."""
    graph, model = Graph(OPSET), shop.model
    widths = shop.store.widths or (D,)
    add_answer(graph, model, "feature", widths, read_strictness(shop.store))
    inputs = [messages.value_info("x", "float32", (1, D))]
    ends = outputs(len(model.state.labels))
    file = splice(no_backbone(), Graph(OPSET), graph, inputs, ends, {}, ("edge-tosca", "test"))
    onnx = pytest.importorskip("onnx")
    onnx.checker.check_model(onnx.load_from_string(file), full_check=True)
    session = import_onnxruntime().InferenceSession(file)
    return lambda feature: session.run(None, {"x": feature[None]})


def require_same(shop, rows):
    answer_of, labels = exported(shop), shop.model.state.labels
    for row, answer in zip(rows, shop.predict_features(rows, top=len(labels)), strict=True):
        label, probabilities, unknown, unknown_probability, confidences = answer_of(row)
        assert (labels[label[0]], bool(unknown[0])) == (answer.label, answer.unknown)
        assert unknown_probability[0] == pytest.approx(answer.unknown_probability, abs=1e-3)
        for guess in answer.top:
            place = labels.index(guess.label)
            assert probabilities[0, place] == pytest.approx(guess.probability, abs=1e-3)
            assert confidences[0, place] == pytest.approx(guess.confidence, abs=1e-3)


@pytest.fixture
def asked():
    return np.concatenate([kind(seed, 7, 1.2) for seed in range(8)])


def test_one_class_alone(tmp_path, asked):
    shop = learner(tmp_path)
    shop.learn_features({"mug": kind(0)})
    require_same(shop, asked)


def test_several_lessons_one_class_in_two_of_them_and_a_strict_class(tmp_path, asked):
    shop = learner(tmp_path)
    shop.learn_features({"mug": kind(0), "pen": kind(1)})
    shop.learn_features({"cup": kind(2), "mug": kind(3), "jar": kind(4)})
    require_same(shop, asked)
    shop.set_strictness(0.9, "mug")
    shop.set_strictness(0.2)
    require_same(shop, asked)


def test_pictures_of_none_of_the_classes(tmp_path, asked):
    shop = learner(tmp_path)
    shop.learn_features({"mug": kind(0), "pen": kind(1), "cup": kind(2)})
    rows = np.concatenate([kind(5), kind(6)])
    learn_none(shop.store, LessonClass(rows, [str(place) for place in range(len(rows))]))
    require_same(shop, asked)
    shop.set_strictness(0.9, "mug")
    require_same(shop, asked)


def two_modes(number, shots=120):
    """Features of a class of two modes. Two classes share a middle, so that no linear rule parts them."""
    middle, u, v = np.random.default_rng([number // 2, 3]).normal(size=(3, D))
    rng = np.random.default_rng([number, shots])
    side = rng.choice([-1, 1], size=(shots, 1))
    way = u + v if number % 2 else u - v
    return (middle + 0.5 * side * way + 0.7 * rng.normal(size=(shots, D))).astype(np.float32)


@pytest.mark.parametrize("by_vote", [True, False], ids=["vote", "modules"])
def test_classes_of_two_modes(tmp_path, by_vote):
    shop = learner(tmp_path)
    for lesson in ((0, 1), (2, 3, 4, 5)):
        shop.learn_features({str(number): two_modes(number) for number in lesson}, force=True)
    router = shop.model.router
    assert router.vote is not None
    if not by_vote:
        shop.model.router = replace(router, vote=None, module_weight=1.0)
    require_same(shop, np.concatenate([two_modes(number, 10) for number in range(6)]))


def test_the_papers_rule(tmp_path, asked):
    shop = learner(tmp_path, router="entropy")
    shop.learn_features({"mug": kind(0), "pen": kind(1)})
    shop.learn_features({"cup": kind(2), "jar": kind(3)})
    require_same(shop, asked)


def test_the_version_of_the_operators_is_read():
    assert opset_of(no_backbone()) == OPSET
