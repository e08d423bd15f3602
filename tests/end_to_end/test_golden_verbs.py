"""The JSON of every verb has the keys, types, words and verdicts that it had, and nearly its numbers."""

import importlib.util
import json
import sys

import pytest
from tests.golden.comparing import differences
from tests.golden.verbs import GOLDEN, STEPS, portable, prepare, run

FOUND = json.loads(GOLDEN.read_text(encoding="utf-8"))


def nearly(key, golden, now):
    # INT8 kernels differ between processors and runtimes. Between ONNX Runtime and OpenVINO probabilities
    # were seen to differ by 0.003 and familiarity, in standard deviations, by 0.1; no label or verdict did.
    # Of a lesson that is rejected, with each picture under two names, it is chance which of the two wins.
    if key.startswith("accuracy"):
        return now == pytest.approx(golden, abs=0.25)
    return now == pytest.approx(golden, abs=0.5 if key == "familiarity" else 0.03)


@pytest.fixture(scope="module")
def now(tmp_path_factory):
    folder = tmp_path_factory.mktemp("golden")
    prepare(folder)
    steps = [step for step in STEPS if not step.needs or importlib.util.find_spec(step.needs)]
    return portable(run([sys.executable, "-m", "edge_tosca"], folder, steps))


@pytest.mark.parametrize("name", FOUND)
def test_a_verb_prints_what_it_printed(name, now):
    needs = next(step.needs for step in STEPS if step.name == name)
    if name not in now:
        pytest.skip(f"{needs} is not installed")
    assert list(differences(FOUND[name], now[name], nearly)) == []
