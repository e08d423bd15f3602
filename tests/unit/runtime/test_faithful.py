"""A device with wrong features is found out by the golden pictures and gives way to one with right ones."""

import json
import logging
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from edge_tosca.errors import BundleError, EdgeToscaError
from edge_tosca.export.bundle_writer import write_bundle
from edge_tosca.runtime import DEFAULT_BUNDLE, GOLDEN_FLOOR, Bundle, fingerprint, open_backend, open_verified
from edge_tosca.runtime.golden_cache import cached_golden_features
from edge_tosca.runtime.verified_backend import _fallbacks

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "edge-tosca" / "golden"


@pytest.fixture
def planted(bundle, tmp_path):
    """The built-in bundle with an OpenVINO graph that it vouches for and that computes something else."""
    openvino = pytest.importorskip("openvino", reason="openvino is not installed")
    core = openvino.Core()
    model = core.read_model(bundle.read("backbone.onnx"))
    last = model.get_results()[0].input_value(0)
    noise = np.random.default_rng(0).uniform(0.2, 2, bundle.widths[0]).astype(np.float32)
    wrong = openvino.opset13.multiply(last, openvino.opset13.constant(noise[None]))
    last.get_tensor().set_names({"right"})
    wrong.output(0).get_tensor().set_names({"features"})
    outputs = [wrong.output(0), *(result.input_value(0) for result in model.get_results()[1:])]
    openvino.save_model(openvino.Model(outputs, model.get_parameters()), tmp_path / "wrong.xml")
    folder = shutil.copytree(DEFAULT_BUNDLE, tmp_path / "bundle")
    entries = {key: value for key, value in bundle.manifest.items() if key not in ("files", "format")}
    files = {
        "backbone.onnx": bundle.read("backbone.onnx"),
        "openvino/backbone.xml": (tmp_path / "wrong.xml").read_bytes(),
        "openvino/backbone.bin": (tmp_path / "wrong.bin").read_bytes(),
    }
    (folder / "openvino").mkdir()
    return write_bundle(folder, files, entries)


@pytest.fixture
def perturbed(bundle, tmp_path):
    """The built-in bundle with golden features that nothing computes."""
    folder = shutil.copytree(DEFAULT_BUNDLE, tmp_path / "bundle")
    manifest = json.loads((folder / "manifest.json").read_text())
    for entry in manifest["golden"]:
        entry["feature"].reverse()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return Bundle.load(folder)


def counting(backend):
    """The backend, and a list that grows with every picture it is given."""
    seen = []

    class Counting:
        def __getattr__(self, name):
            return getattr(backend, name)

        def features(self, pixels):
            seen.append(1)
            return backend.features(pixels)

    return Counting(), seen


def test_the_built_in_bundle_is_right_on_every_runtime_and_nothing_is_said(bundle, caplog):
    for runtime in ("onnxruntime", "openvino"):
        pytest.importorskip(runtime, reason=f"{runtime} is not installed")
        assert open_verified(bundle, runtime).backend.name == runtime
    assert not caplog.records


def test_a_wrong_device_gives_way_to_the_next_right_one_with_one_line(planted, caplog):
    with caplog.at_level(logging.WARNING):
        opened = open_verified(planted, "openvino")
    assert (opened.backend.name, opened.backend.device) == ("onnxruntime", "CPU")
    (record,) = caplog.records
    line = record.getMessage()
    assert "wrong features on openvino CPU" in line
    assert "running on onnxruntime CPU" in line
    assert "\n" not in line


def test_the_command_line_says_so_on_stderr_and_works(planted, tmp_path):
    words = ("init", tmp_path / "shop.tosca", "--backbone", planted.path, "--runtime", "openvino", "--json")
    ran = subprocess.run(
        [sys.executable, "-m", "edge_tosca", *map(str, words)], capture_output=True, text=True, check=True
    )
    (line,) = ran.stderr.splitlines()
    assert line.startswith("edge-tosca: ")
    assert "running on onnxruntime CPU" in line
    assert json.loads(ran.stdout)["backbone"].endswith("onnxruntime CPU")


def test_what_auto_chose_gives_way_too(planted):
    assert open_verified(planted, "openvino", "AUTO").backend.name == "onnxruntime"


def test_a_wrong_graph_has_another_fingerprint_than_the_right_one(bundle, planted):
    right, wrong = (fingerprint(one, open_backend(one, "openvino")) for one in (bundle, planted))
    assert right.digest != wrong.digest


def test_a_bundle_that_nothing_computes_is_refused_by_name(perturbed):
    with pytest.raises(BundleError) as caught:
        open_verified(perturbed)
    message = str(caught.value)
    assert message.startswith(str(perturbed.path))
    assert "onnxruntime CPU" in message
    assert str(GOLDEN_FLOOR) in message
    assert "\n" not in message


def test_a_device_that_is_absent_is_told_and_not_replaced(bundle):
    pytest.importorskip("openvino", reason="openvino is not installed")
    if "NPU" in __import__("openvino").Core().available_devices:
        pytest.skip("there is an NPU here")
    with pytest.raises(EdgeToscaError, match="no device NPU here; available: AUTO, CPU"):
        open_verified(bundle, "openvino", "NPU")


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (("openvino", "NPU"), ["openvino GPU", "openvino CPU", "onnxruntime CPU"]),
        (("openvino", "GPU.1"), ["openvino CPU", "onnxruntime CPU"]),
        (("openvino", "AUTO"), ["openvino CPU", "onnxruntime CPU"]),
        (("openvino", "CPU"), ["onnxruntime CPU"]),
        (("onnxruntime", "CPU"), ["openvino CPU"]),
    ],
)
def test_the_chain_is_the_one_that_is_documented(first, then):
    assert [" ".join(step) for step in _fallbacks(*first)] == then


def test_the_golden_pictures_run_once_and_then_come_from_the_cache(bundle, backend, cache):
    first, seen = counting(backend)
    features = cached_golden_features(bundle, first)
    assert len(seen) == len(bundle.golden)
    again, seen = counting(backend)
    np.testing.assert_array_equal(cached_golden_features(bundle, again), features)
    assert not seen
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize("change", [{"version": "0"}, {"hardware": "another"}, {"device": "NPU"}])
def test_another_runtime_version_device_or_driver_runs_them_again(bundle, backend, change):
    cached_golden_features(bundle, backend)
    other, seen = counting(backend)
    for name, value in change.items():
        setattr(other, name, value)
    cached_golden_features(bundle, other)
    assert seen


def test_a_device_whose_driver_is_not_told_is_asked_every_time(bundle, backend, cache):
    for _ in range(2):
        other, seen = counting(backend)
        other.hardware = ""
        cached_golden_features(bundle, other)
        assert len(seen) == len(bundle.golden)
    assert not cache.exists()


@pytest.mark.parametrize("damage", ["torn", "empty", "garbage", "other values", "other shape", "a folder"])
def test_a_damaged_cache_file_is_as_good_as_none(bundle, backend, cache, damage):
    from safetensors.numpy import save

    features = cached_golden_features(bundle, backend)
    (path,) = cache.iterdir()
    data = path.read_bytes()
    path.unlink()
    if damage == "a folder":
        path.mkdir()
    else:
        path.write_bytes(
            {
                "torn": data[: len(data) // 2],
                "empty": b"",
                "garbage": bytes(range(256)) * 40,
                "other values": save({"features": np.full_like(features, np.nan)}),
                "other shape": save({"features": features[:, :3].copy()}),
            }[damage]
        )
    other, seen = counting(backend)
    np.testing.assert_array_equal(cached_golden_features(bundle, other), features)
    assert seen
    if damage != "a folder":
        assert path.read_bytes() == data
    assert not list(cache.glob("*.part"))


def test_a_cache_that_cannot_be_written_changes_nothing(bundle, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    assert open_verified(bundle).backend.name == "onnxruntime"


def test_a_read_only_cache_changes_nothing(bundle, backend, cache):
    if os.geteuid() == 0:
        pytest.skip("root writes everywhere")
    cache.mkdir(parents=True)
    cache.chmod(0o500)
    cached_golden_features(bundle, backend)
    assert not list(cache.iterdir())


def test_unfaithful_features_are_not_remembered(planted, cache):
    backend = open_backend(planted, "openvino")
    cached_golden_features(planted, backend)
    assert not list(cache.glob("*"))
