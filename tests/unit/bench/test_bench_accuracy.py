import json
import os
import subprocess
import sys

import numpy as np
import pytest

from edge_tosca.bench.accuracy import compare
from edge_tosca.bench.results import METHODS, Comparison, Result, load, save, summarised
from edge_tosca.bench.table import markdown
from edge_tosca.errors import EdgeToscaError
from edge_tosca.vision.feature_extractor import FeatureExtractor


def compared(data, methods, on_step, kept=None):
    *_, last = compare(
        [data],
        FeatureExtractor(),
        [3],
        [12],
        1,
        methods,
        on_step,
        kept or Comparison({"backbone": "b", "sets": {}}),
    )
    return last


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


def test_every_method_answers_and_is_evaluated_after_each_task_where_it_learns_in_tasks(tools, silent):
    found = compared(tools, list(METHODS), silent)
    assert [result.method for result in found.results] == list(METHODS)
    by_method = {result.method: result for result in found.results}
    for method in ("ours", "router", "slda", "ncm", "entropy"):
        assert len(by_method[method].curve) == 2
        assert by_method[method].curve[-1] == pytest.approx(by_method[method].last)
    # Six overlapping clusters: far above chance, and the task given is easier than not given.
    for method in ("ours", "router", "probe", "ranpac", "slda", "ncm"):
        assert by_method[method].last > 2 / 6
    assert by_method["oracle"].last >= by_method["entropy"].last
    confusion = found.confusion["tools"]
    assert confusion.counts.sum() == len(tools.test)
    assert np.trace(confusion.counts) / len(tools.test) == pytest.approx(by_method["ours"].last)
    assert sorted(confusion.classes) == sorted(tools.classes)
    table = markdown(found.results)
    assert "| tools | 3 | 12 | 1 |" in table


def test_a_second_run_finds_only_what_is_missing(tools, silent, tmp_path):
    first = compared(tools, ["ncm", "slda"], silent)
    save(first, tmp_path / "accuracy.json")
    kept = load(tmp_path / "accuracy.json", first.about)
    assert kept.results == first.results
    steps = []
    assert compared(tools, ["ncm", "slda"], steps.append, kept).results == first.results
    assert steps == []
    more = compared(tools, ["ncm", "slda", "ranpac"], steps.append, kept)
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

    report = json.loads(run("--json").stdout)
    assert {(result["method"], len(result["curve"])) for result in report["results"]} == {
        ("ours", 2),
        ("ncm", 2),
    }
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "accuracy.md",
        "accuracy.json",
        "tasks.png",
        "forgetting.png",
        "confusion-shapes.png",
    }
    again = run("--resume", "--shots", "3", "--shots", "all")
    # Only what was not there yet.
    steps = [line for line in again.stderr.splitlines() if "tasks of" in line]
    assert steps == ["shapes: tasks of 2, 3 pictures a class, seed 0"]
    assert f"wrote {tmp_path / 'out' / 'accuracy.md'}" in again.stderr.splitlines()
    assert any(line.startswith("| shapes | 2 | ") for line in again.stdout.splitlines())
