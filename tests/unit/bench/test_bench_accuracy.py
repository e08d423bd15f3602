import json
import os
import subprocess
import sys

import numpy as np
import pytest

from edge_tosca import Learner
from edge_tosca.bench.ablation import ALL_ON, one_by_one, unrooted, variants
from edge_tosca.bench.ablation import markdown as ablation_table
from edge_tosca.bench.ablation import measure as measure_parts
from edge_tosca.bench.accuracy import compare
from edge_tosca.bench.data import LabelledFeatures, protocol
from edge_tosca.bench.fused import fused, inside_task, taught_by
from edge_tosca.bench.results import METHODS, Comparison, Result, load, save, summarised
from edge_tosca.bench.sparsity import FACTORS
from edge_tosca.bench.sparsity import measure as sweep
from edge_tosca.bench.surroundings import (
    APART,
    BOTH,
    OLD,
    OTHERS,
    OTHERS_APART,
    OTHERS_BEFORE,
    TOGETHER,
    parted,
)
from edge_tosca.bench.surroundings import measure as teach_again
from edge_tosca.bench.table import markdown
from edge_tosca.classifier.lda.discriminant import oas_shrinkage
from edge_tosca.classifier.lda.statistics import statistics_of
from edge_tosca.errors import EdgeToscaError
from edge_tosca.features.normalization import normalize
from edge_tosca.vision.feature_extractor import FeatureExtractor

D = 1280

_ALONE, _BY_RULE = "modules alone, in the router's task", "modules alone, the paper's rule"
_HALF, _WHOLE = (f"modules heard with weight {weight}, come what may" for weight in ("0.5", "1"))


def clusters(classes, train=12, test=10, spread=1.2, seed=0):
    """Overlapping clusters as wide as the built-in backbone's features."""
    rng = np.random.default_rng(seed)
    centres = 2 * rng.normal(size=D) + 0.35 * rng.normal(size=(classes, D))

    def draw(count):
        labels = np.repeat(np.arange(classes), count)
        return (centres[labels] + spread * rng.normal(size=(len(labels), D))).astype(np.float32), labels

    names = tuple(f"tool {place}" for place in range(classes))
    return LabelledFeatures("tools", names, *draw(train), *draw(test), "drawn")


@pytest.fixture(scope="module")
def tools():
    return clusters(6)


def silent(step):
    del step


def compared(data, methods, kept=None, steps=None):
    told = silent if steps is None else steps.append
    *_, last = compare(
        [data],
        FeatureExtractor(),
        [3],
        [12],
        1,
        methods,
        told,
        kept or Comparison({"backbone": "b", "sets": {}}),
    )
    return last


def test_the_ablation_with_all_parts_on_gives_the_answers_of_a_learner(tools, tmp_path):
    drawn = protocol(tools, 3, 12, 0)
    learner = Learner.create(tmp_path / "shop.tosca")
    for task in drawn.tasks:
        learner.learn_features({str(g): drawn.groups[g] for g in range(task.start, task.stop)}, force=True)
    ours = fused(taught_by(drawn))
    router = learner.model.router
    assert (ours.router.shrinkage, ours.router.temperature) == (router.shrinkage, router.temperature)
    assert ours.router.module_weight == router.module_weight
    alone = learner.model.posterior(drawn.test, modules=False)
    # The same float32 scores: their exponentials agree to rounding.
    np.testing.assert_allclose(np.exp(ours.weighing(0.0).log_posterior()), alone, rtol=1e-4, atol=1e-7)
    heard = ours.weighing(1.0)
    learner.model.router = heard.router
    asked = learner.model.posterior(drawn.test)
    # A learner does not ask the modules of tasks whose best class has less than a hundredth of the best
    # probability; each of their three classes is below that before and after.
    np.testing.assert_allclose(np.exp(heard.log_posterior()), asked, rtol=1e-4, atol=0.03)
    assert np.abs(asked - alone).max() > 0.01
    learner.close()


def test_every_part_is_really_off(tools):
    found = {variant: (logs, weight) for variant, logs, weight in variants(protocol(tools, 3, 12, 0))}
    assert len(found) == 14
    ours, weight = found.pop(ALL_ON)
    # A variant that comes to the same settings as ours gives the same answers: these cannot.
    for variant in (_ALONE, _BY_RULE, "no temperature", "no power normalisation"):
        assert not np.array_equal(found[variant][0], ours), variant
    for variant, heard in (("router alone", 0.0), (_HALF, 0.5), (_WHOLE, 1.0)):
        assert np.array_equal(found[variant][0], ours) == (weight == heard), variant
    assert not np.array_equal(found["the same, heard with weight 1"][0], found[_WHOLE][0])
    assert found["router alone"][1] == 0
    assert found[_WHOLE][1] == 1


def test_settings_given_to_the_router_are_used(tools):
    drawn = protocol(tools, 3, 12, 0)
    taught = taught_by(drawn)
    groups = [normalize(rows) for rows in drawn.groups]
    within = statistics_of(groups).within()
    oas = oas_shrinkage(within, sum(map(len, groups)))
    assert fused(taught, odds=(1.0,)).router.shrinkage == pytest.approx(oas)
    assert fused(taught, odds=(3.0,)).router.shrinkage == pytest.approx(3 * oas / (1 + 2 * oas))
    assert fused(taught, sure=np.inf).router.module_weight == 0
    assert fused(taught, blocks=one_by_one(drawn)).router.temperature > 0
    assert (fused(taught).router.worth < 1).all()
    plain = fused(taught, shrunken=False).router
    assert (plain.worth == 1).all()
    assert not plain.shift.any()


def test_squaring_undoes_power_normalisation(tools):
    drawn = protocol(tools, 3, 12, 0)
    unit = drawn.test / np.linalg.norm(drawn.test, axis=1, keepdims=True)
    # float16 has 11 bits; a root halves the relative error, and the grid has steps of 2^-15.
    np.testing.assert_allclose(normalize(unrooted(drawn).test), unit, rtol=2**-10, atol=2**-14)


def test_modules_alone_choose_within_the_routers_task(tools):
    drawn = protocol(tools, 3, 12, 0)
    found = {variant: logs for variant, logs, _ in variants(drawn)}
    router = np.exp(found["router alone"])
    task = np.stack([router[:, columns].sum(axis=1) for columns in drawn.tasks], axis=1).argmax(axis=1)
    answers = found[_ALONE].argmax(axis=1)
    assert (answers // 3 == task).all()


def test_inside_the_true_task_only_its_own_classes_count():
    logs = np.log([[0.5, 0.1, 0.4], [0.2, 0.3, 0.5], [0.1, 0.1, 0.8]])
    truth = np.array([1, 1, 2])
    # The third picture's task has one class, where there is nothing to choose.
    assert inside_task(logs, truth, [slice(0, 2), slice(2, 3)]) == 0.5


def test_the_ablations_table_has_a_row_a_part_and_a_column_a_protocol(tools):
    trials = measure_parts([tools], [3], [12], 1, silent)
    table = ablation_table(trials)
    assert "| tools, tasks of 3, 12 |" in table
    assert all(table.count(f"\n| {trial.variant} | ") == 3 for trial in trials)


def test_a_stronger_penalty_makes_smaller_modules(tools):
    points = sweep([tools], [1, 3], [12], 1, silent)
    # A task of one class has nothing to learn from.
    assert [(point.task_size, point.factor) for point in points] == [(3, factor) for factor in FACTORS]
    sizes = [point.bytes for point in points]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 2 * sizes[-1]
    assert len({point.router_inside for point in points}) == 1


def test_a_bar_and_forgetting_are_those_of_the_field():
    right = np.array([[0.9, np.nan, np.nan], [0.8, 0.6, np.nan], [0.5, 0.7, 1.0]])
    result = summarised(("tools", "ours", 1, None, 0), right, np.array([10, 10, 20]))
    assert result.curve == pytest.approx((0.9, 0.7, 0.8))
    assert result.last == pytest.approx(0.8)
    assert result.average == pytest.approx(0.8)
    # The second task was best at the end: it forgot nothing.
    assert result.forgetting == pytest.approx((0.4 + 0.0) / 2)
    assert result.learned == (0.9, 0.6, 1.0)
    assert result.final == (0.5, 0.7, 1.0)


def test_every_method_answers_and_is_asked_after_each_task_where_it_learns_in_tasks(tools):
    found = compared(tools, list(METHODS))
    assert [result.method for result in found.results] == list(METHODS)
    by_method = {result.method: result for result in found.results}
    for method in ("ours", "router", "slda", "ncm", "entropy"):
        assert len(by_method[method].curve) == 2
        assert by_method[method].curve[-1] == pytest.approx(by_method[method].last)
    # Six overlapping clusters: far above chance, and the task given is easier than not given.
    for method in ("ours", "router", "probe", "ranpac", "slda", "ncm"):
        assert by_method[method].last > 2 / 6
    assert by_method["oracle"].last >= by_method["entropy"].last
    assert by_method["hindsight"].last >= by_method["ncm"].last
    confusion = found.confusion["tools"]
    assert confusion.counts.sum() == len(tools.test)
    assert np.trace(confusion.counts) / len(tools.test) == pytest.approx(by_method["ours"].last)
    assert sorted(confusion.classes) == sorted(tools.classes)
    table = markdown(found.results)
    assert "| tools | 3 | 12 | 1 |" in table


def test_a_second_run_finds_only_what_is_missing(tools, tmp_path):
    first = compared(tools, ["ncm", "slda"])
    save(first, tmp_path / "accuracy.json")
    kept = load(tmp_path / "accuracy.json", first.about)
    assert kept.results == first.results
    steps = []
    assert compared(tools, ["ncm", "slda"], kept, steps).results == first.results
    assert steps == []
    more = compared(tools, ["ncm", "slda", "ranpac"], kept, steps)
    assert sorted(result.method for result in more.results) == ["ncm", "ranpac", "slda"]
    assert more.results[:2] == first.results
    assert len(steps) == 1


def test_results_of_other_pictures_are_not_gone_on_from(tmp_path):
    path = tmp_path / "accuracy.json"
    about = {"backbone": "b", "sets": {"tools": {"train": 3}}}
    save(Comparison(about, (Result("tools", "ncm", 3, None, 0, 0.5),)), path)
    assert load(path, {"backbone": "b", "sets": {"toys": {"train": 9}}}).about["sets"] == {
        "tools": {"train": 3},
        "toys": {"train": 9},
    }
    for other in (
        {**about, "backbone": "c"},
        {**about, "sets": {"tools": {"train": 4}}},
    ):
        with pytest.raises(EdgeToscaError, match="another --out"):
            load(path, other)
    path.write_text("{}")
    with pytest.raises(EdgeToscaError, match="cannot be gone on from"):
        load(path, about)


@pytest.fixture(scope="module")
def lit():
    """Three classes by day and by night; which of the training and of the test pictures are of the night."""
    rng = np.random.default_rng(1)
    data = clusters(3, train=20, test=20, spread=0.5)
    shift = 0.5 * rng.normal(size=D)
    dark, dark_test = rng.random(len(data.train)) < 0.5, rng.random(len(data.test)) < 0.5
    data.train[dark] += shift.astype(np.float32)
    data.test[dark_test] += shift.astype(np.float32)
    return data, dark, dark_test


def test_surroundings_are_the_two_sides_of_what_pictures_of_all_classes_differ_in(lit):
    data, dark, dark_test = lit
    sides, test_side = parted(protocol(data, 3, None, 0))
    truth = [dark[data.train_labels == c] for c in np.random.default_rng(0).permutation(3)]
    agreement = np.mean(np.concatenate(sides) == np.concatenate(truth))
    assert agreement in (0.0, 1.0)
    assert np.mean(test_side == dark_test) == agreement


def test_known_classes_are_learned_in_new_surroundings_too(lit):
    old, both, apart, once, before, others, others_apart = teach_again(
        [lit[0]], FeatureExtractor(), 3, 1, silent
    )
    assert [step.taught for step in (old, both, apart, once)] == [OLD, BOTH, APART, TOGETHER]
    assert [step.taught for step in (before, others, others_apart)] == [OTHERS_BEFORE, OTHERS, OTHERS_APART]
    # About thirty pictures a side: one may fall by chance.
    assert both.new >= old.new - 1 / 20
    assert both.old >= old.old - 1 / 20
    assert min(both.old, both.new, once.old, once.new) > 0.8
    assert others.new >= before.new - 1 / 20
    # A class that knows the night by a mean of its own draws what is photographed there.
    assert others_apart.new <= others.new
    assert min(apart.old, apart.new) > 0.8


def test_few_pictures_of_the_new_surroundings_teach_less_than_all_of_them(lit):
    every = teach_again([lit[0]], FeatureExtractor(), 3, 1, silent)
    # More than there are: all of them.
    assert teach_again([lit[0]], FeatureExtractor(), 3, 1, silent, few=len(lit[0].train)) == every
    few = {step.taught: step for step in teach_again([lit[0]], FeatureExtractor(), 3, 1, silent, few=1)}
    every_by_name = {step.taught: step for step in every}
    assert few[OLD] == every_by_name[OLD]
    assert few[OTHERS_BEFORE] == every_by_name[OTHERS_BEFORE]
    assert few[BOTH].new <= every_by_name[BOTH].new + 1 / 20


def test_bench_accuracy_writes_tables_json_and_plots_and_goes_on_from_them(tmp_path, draw_pictures):
    shapes = draw_pictures(tmp_path / "shapes", ["apple", "brick", "door", "leaf"], count=8)
    command = [sys.executable, "-m", "edge_tosca", "bench", "accuracy", shapes, "--task-size", "2"]
    command += ["--method", "ours", "--method", "ncm", "--out", tmp_path / "out"]
    environment = {
        **os.environ,
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "MPLCONFIGDIR": str(tmp_path / "cache"),
    }

    def run(*more):
        done = subprocess.run([*command, *more], capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 0, done.stderr
        return done

    report = json.loads(run("--ablation", "--sparsity", "--json").stdout)
    assert {(result["method"], len(result["curve"])) for result in report["results"]} == {
        ("ours", 2),
        ("ncm", 2),
    }
    (ours,) = [result for result in report["results"] if result["method"] == "ours"]
    (same,) = [trial for trial in report["ablation"] if trial["variant"] == ALL_ON]
    # The same method twice: through a store, and put together from its parts.
    assert same["accuracy"] == ours["last"]
    assert len(report["sparsity"]) == len(FACTORS)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "accuracy.md",
        "accuracy.json",
        "tasks.png",
        "forgetting.png",
        "confusion-shapes.png",
        "sparsity.png",
    }
    again = run("--resume", "--shots", "3", "--shots", "all")
    # Only what was not there yet.
    steps = [line for line in again.stderr.splitlines() if "tasks of" in line]
    assert steps == ["shapes: tasks of 2, 3 pictures a class, seed 0"]
    assert f"wrote {tmp_path / 'out' / 'accuracy.md'}" in again.stderr.splitlines()
    assert any(line.startswith("| shapes | 2 | ") for line in again.stdout.splitlines())
