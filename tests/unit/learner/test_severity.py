"""Severity of classes: set by name, kept by row, said in events."""

from contextlib import closing

import numpy as np
import pytest

from edge_tosca import Learner
from edge_tosca.errors import LearnError, StoreError
from edge_tosca.learner.severity import Severities, read_severities, set_severity
from edge_tosca.results import Answer


@pytest.fixture
def shop(tmp_path):
    rng = np.random.default_rng(0)
    with closing(Learner.create(tmp_path / "shop.tosca")) as learner:
        width = sum(learner.store.widths)
        shots = {
            label: (rng.random((8, width)) + 3 * np.eye(width)[place]).astype(np.float32)
            for place, label in enumerate(("ok", "missing cap"))
        }
        learner.learn_features(shots, force=True)
        yield learner


def answer(label, unknown=False):
    return Answer(label, 0.9, unknown, "task", (), 0.0, {}, 0.9, 0.1)


def test_a_class_is_info_until_it_is_set(shop):
    assert read_severities(shop.store) == Severities()
    found = set_severity(shop.store, "alarm", "missing cap")
    assert found == read_severities(shop.store)
    assert found.by_label(shop.state) == {"missing cap": "alarm"}
    assert found.of_answer(shop.state, answer("missing cap")) == "alarm"
    assert found.of_answer(shop.state, answer("ok")) == "info"
    assert found.of_answer(shop.state, answer("missing cap", unknown=True)) == "info"


def test_what_is_unknown_has_a_severity_of_its_own(shop):
    set_severity(shop.store, "alarm", "missing cap")
    found = set_severity(shop.store, "warning", None)
    assert found.of_answer(shop.state, answer("missing cap", unknown=True)) == "warning"
    assert found.of_answer(shop.state, answer("missing cap")) == "alarm"


def test_info_for_all_leaves_no_setting_and_each_change_an_audit_entry(shop):
    set_severity(shop.store, "alarm", "ok")
    set_severity(shop.store, "info", "ok")
    assert "severity" not in shop.store.settings
    assert [entry.command for entry in shop.store.audit_entries()[-2:]] == ["severity", "severity"]


def test_a_renamed_class_keeps_its_severity_and_a_forgotten_one_leaves_nothing(shop):
    set_severity(shop.store, "alarm", "missing cap")
    shop.rename("missing cap", "no cap")
    assert read_severities(shop.store).by_label(shop.state) == {"no cap": "alarm"}
    shop.forget("no cap")
    assert set_severity(shop.store, "warning", "ok").by_label(shop.state) == {"ok": "warning"}
    assert len(read_severities(shop.store).classes) == 1


def test_what_does_not_exist_is_refused(shop):
    with pytest.raises(LearnError, match="info, warning, alarm"):
        set_severity(shop.store, "loud", "ok")
    with pytest.raises(LearnError, match="no class 'sofa'"):
        set_severity(shop.store, "alarm", "sofa")


def test_a_damaged_setting_is_refused_in_one_line(shop):
    with shop.store.transaction():
        shop.store.set_setting("severity", '{"unknown": "loud", "classes": {}}')
    with pytest.raises(StoreError, match="damaged"):
        read_severities(shop.store)
