import json

import numpy as np
import pytest
from tests.benchmarks.ablation import (
    ALL_ON,
    BY_ENTROPY,
    MODULES_ALONE,
    markdown,
    measure,
    one_by_one,
    unrooted,
    variants,
)
from tests.benchmarks.setup import accuracy_inside_tasks, fuse, train_modules

from edge_tosca import Learner
from edge_tosca.bench.accuracy import compare
from edge_tosca.bench.data import load_features, protocol
from edge_tosca.bench.results import Comparison
from edge_tosca.classifier.lda.discriminant import oas_shrinkage
from edge_tosca.classifier.lda.statistics import statistics_of
from edge_tosca.features.normalization import normalize
from edge_tosca.learner.task_training import train_task_module
from edge_tosca.vision.feature_extractor import FeatureExtractor
from edge_tosca.vision.references import references_of

ROUTER_ALONE = "modules (router alone)"
HALF, WHOLE = (f"choice of the modules' weight ({weight})" for weight in ("0.5", "1"))


def test_the_ablation_with_all_parts_on_gives_the_answers_of_a_learner(tools, tmp_path, monkeypatch):
    # By default a module of so few pictures has no opinion.
    monkeypatch.setitem(train_task_module.__kwdefaults__, "cross_fitted", 0.0)
    drawn = protocol(tools, 3, 12, 0)
    learner = Learner.create(tmp_path / "shop.tosca")
    for task in drawn.tasks:
        learner.learn_features({str(g): drawn.groups[g] for g in range(task.start, task.stop)}, force=True)
    widths, references = learner.store.widths, references_of(None, learner.store.settings)
    assert widths == (1280, 112, 192, 320)
    assert references is not None
    ours = fuse(train_modules(drawn, widths[0]), widths=widths, references=references)
    router = learner.model.router
    assert (ours.router.shrinkage, ours.router.temperature) == (router.shrinkage, router.temperature)
    assert ours.router.module_weight == router.module_weight
    alone = learner.model.posterior(drawn.test, modules=False)
    # The same float32 scores: their exponentials agree to rounding.
    np.testing.assert_allclose(np.exp(ours.weighing(0.0).log_posterior()), alone, rtol=1e-4, atol=1e-7)
    weighed = ours.weighing(1.0)
    learner.model.router = weighed.router
    refined = learner.model.posterior(drawn.test)
    # A learner skips the modules of tasks whose best class has less than a hundredth of the best
    # probability; each of their three classes is below that before and after.
    np.testing.assert_allclose(np.exp(weighed.log_posterior()), refined, rtol=1e-4, atol=0.03)
    assert np.abs(refined - alone).max() > 0.01
    learner.close()


def test_every_part_is_really_off(tools):
    found = {variant: (logs, weight) for variant, logs, weight in variants(protocol(tools, 3, 12, 0))}
    assert len(found) == 14
    ours, weight = found.pop(ALL_ON)
    # A variant that comes to the same settings as ours gives the same answers: these cannot.
    for variant in (MODULES_ALONE, BY_ENTROPY, "temperature", "power normalisation"):
        assert not np.array_equal(found[variant][0], ours), variant
    for variant, other in ((ROUTER_ALONE, 0.0), (HALF, 0.5), (WHOLE, 1.0)):
        assert np.array_equal(found[variant][0], ours) == (weight == other), variant
    assert not np.array_equal(found["the same, with weight 1"][0], found[WHOLE][0])
    assert found[ROUTER_ALONE][1] == 0
    assert found[WHOLE][1] == 1


def test_settings_given_to_the_router_are_used(tools):
    drawn = protocol(tools, 3, 12, 0)
    trained = train_modules(drawn)
    groups = [normalize(rows) for rows in drawn.groups]
    within = statistics_of(groups).within()
    oas = oas_shrinkage(within, sum(map(len, groups)))
    assert fuse(trained, odds=(1.0,)).router.shrinkage == pytest.approx(oas)
    assert fuse(trained, odds=(3.0,)).router.shrinkage == pytest.approx(3 * oas / (1 + 2 * oas))
    assert fuse(trained, sure=np.inf).router.module_weight == 0
    assert fuse(trained, blocks=one_by_one(drawn)).router.temperature > 0
    assert (fuse(trained).router.mean_weights < 1).all()
    plain = fuse(trained, shrunken=False).router
    assert (plain.mean_weights == 1).all()
    assert not plain.score_offsets.any()


def test_squaring_undoes_power_normalisation(tools):
    drawn = protocol(tools, 3, 12, 0)
    unit = drawn.test / np.linalg.norm(drawn.test, axis=1, keepdims=True)
    # float16 has 11 bits; a root halves the relative error, and the grid has steps of 2^-15.
    np.testing.assert_allclose(normalize(unrooted(drawn).test), unit, rtol=2**-10, atol=2**-14)


def test_modules_alone_choose_within_the_routers_task(tools):
    drawn = protocol(tools, 3, 12, 0)
    found = {variant: logs for variant, logs, _ in variants(drawn)}
    router = np.exp(found[ROUTER_ALONE])
    task = np.stack([router[:, columns].sum(axis=1) for columns in drawn.tasks], axis=1).argmax(axis=1)
    answers = found[MODULES_ALONE].argmax(axis=1)
    assert (answers // 3 == task).all()


def test_inside_the_true_task_only_its_own_classes_count():
    logs = np.log([[0.5, 0.1, 0.4], [0.2, 0.3, 0.5], [0.1, 0.1, 0.8]])
    truth = np.array([1, 1, 2])
    # The third picture's task has one class, where there is nothing to choose.
    assert accuracy_inside_tasks(logs, truth, [slice(0, 2), slice(2, 3)]) == 0.5


def test_the_ablations_table_has_a_row_a_part_and_a_column_a_protocol(tools, silent):
    trials = measure([tools], [3], [12], 1, silent)
    table = markdown(trials)
    assert "| tools, tasks of 3, 12 |" in table
    assert all(table.count(f"\n| {trial.variant} | ") == 3 for trial in trials)


def test_all_parts_on_have_the_accuracy_of_a_learner(tmp_path, draw_pictures, run_benchmark, silent):
    shapes = draw_pictures(tmp_path / "shapes", ["apple", "brick", "door", "leaf"], count=8)
    done = run_benchmark("ablation", shapes, "--task-size", "2", "--out", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    trials = json.loads(done.stdout)["ablation"]
    vision = FeatureExtractor()
    data = load_features(shapes, vision, lambda done, total: None)
    *_, found = compare([data], vision, [2], [None], 1, ["ours"], silent, Comparison({}))
    (ours,) = found.results
    (same,) = [trial for trial in trials if trial["variant"] == ALL_ON]
    # The same method twice: through a store, and put together from its parts.
    assert same["accuracy"] == ours.last
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"ablation.md", "ablation.json"}
