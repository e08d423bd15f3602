"""A device has the base packages and nothing else: every verb of a device works without the rest."""

import importlib.metadata
import re

import pytest

BLOCKED = (
    "torch",
    "torchvision",
    "timm",
    "onnx",
    "onnxscript",
    "nncf",
    "openvino",
    "sklearn",
    "scipy",
    "matplotlib",
)

# As if they were not installed: looked for, they are not found.
BLOCK = f"""
import importlib.machinery

find = importlib.machinery.PathFinder.find_spec
importlib.machinery.PathFinder.find_spec = staticmethod(
    lambda name, *rest: None if name.partition(".")[0] in {BLOCKED!r} else find(name, *rest)
)
"""


@pytest.fixture
def device(tmp_path):
    (tmp_path / "inject").mkdir()
    (tmp_path / "inject" / "sitecustomize.py").write_text(BLOCK)
    return {"PYTHONPATH": str(tmp_path / "inject")}


@pytest.mark.parametrize("package", ["torch", "sklearn"])
def test_the_block_holds(start, finish, device, package):
    ran = finish(start(program=("-c", f"import {package}"), env=device))
    assert f"No module named '{package}'" in ran.err


def test_a_device_learns_answers_and_forgets_without_the_extras(edge, photos, asked, device, tmp_path):
    store = tmp_path / "shop.tosca"
    for words in (
        ("init", store),
        ("learn", store, photos / "task1"),
        ("learn", store, photos / "task2"),
        ("evaluate", store, asked),
        ("embed", photos / "task1", "--out", tmp_path / "f.npz"),
        ("forget", store, "cone"),
        ("rollback", store, 1),
        ("history", store),
        ("classes", store),
    ):
        ran = edge(*words, env=device)
        assert (ran.code, ran.err) == (0, ""), words
    ran = edge("predict", store, asked / "apple", "--json", env=device)
    assert (ran.code, ran.err) == (0, "")
    assert {answer["label"] for answer in ran.lines} == {"apple"}


def test_a_device_answers_bit_for_bit_as_a_workstation(edge, taught, asked, device):
    here, there = (
        [(line["path"], line["confidence"], line["top"]) for line in edge(*words, env=env).lines]
        for words in (("predict", taught, asked, "--json"),)
        for env in ({}, device)
    )
    assert here == there


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (("export", "efficientnet_lite0", "--out", "bundle"), "export"),
        (("demo", "--out", "demo"), "demo"),
        (("init", "shop.tosca", "--runtime", "openvino"), "openvino"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_a_verb_that_needs_an_extra_names_it(edge, device, tmp_path, words, extra):
    line = edge(*words, env=device, cwd=tmp_path).complaint
    assert f"pip install 'edge-tosca[{extra}]'" in line


def test_the_base_requirements_are_the_seven_of_a_device():
    requirements = importlib.metadata.requires("edge-tosca") or []
    base = {re.split(r"[^\w-]", line)[0].lower() for line in requirements if "extra ==" not in line}
    assert base == {"numpy", "onnxruntime", "pillow", "safetensors", "threadpoolctl", "typer", "rich"}
