"""The default bundle gives the recorded features, and a runtime or device that is not there is named."""

import shutil

import numpy as np
import pytest

from edge_tosca.errors import BundleError, EdgeToscaError
from edge_tosca.export.bundle_writer import write_bundle
from edge_tosca.runtime import DEFAULT_BUNDLE, GOLDEN_FLOOR, golden_cosines, open_backend
from edge_tosca.runtime.golden import GOLDEN_PICTURES
from edge_tosca.runtime.golden_check import golden_feature
from edge_tosca.runtime.hardware import int8_overflows


def test_golden_pictures_are_the_same_everywhere():
    # The sum of all bytes: integer arithmetic, so the same on every machine.
    sums = [int(picture.pixels().sum(dtype=np.int64)) for picture in GOLDEN_PICTURES]
    assert sums == [28377301, 27492694, 18964470]


def test_golden_features_are_reproduced(bundle, backend):
    cosines = golden_cosines(bundle, backend)
    assert len(cosines) == len(GOLDEN_PICTURES)
    # Other processors round INT8 differently; the floor is what a faithful device must reach.
    assert min(cosines) > GOLDEN_FLOOR


def test_openvino_gives_the_golden_features_too(bundle, tmp_path, monkeypatch):
    pytest.importorskip("openvino", reason="openvino is not installed")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    other = open_backend(bundle, "openvino", "CPU", threads=1)
    assert (other.name, other.device) == ("openvino", "CPU")
    assert min(golden_cosines(bundle, other)) > GOLDEN_FLOOR


def test_openvino_runs_where_its_cache_cannot_be_written(bundle, monkeypatch):
    pytest.importorskip("openvino", reason="openvino is not installed")
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    assert min(golden_cosines(bundle, open_backend(bundle, "openvino"))) > GOLDEN_FLOOR


def test_features_do_not_depend_on_threads(bundle, backend):
    picture = GOLDEN_PICTURES[0]
    np.testing.assert_array_equal(
        golden_feature(picture, bundle, backend),
        golden_feature(picture, bundle, open_backend(bundle, threads=2)),
    )


def test_features_are_one_float32_row(bundle, backend):
    feature = golden_feature(GOLDEN_PICTURES[1], bundle, backend)
    assert feature.shape == (1280 + 112 + 192 + 320,)
    assert feature.dtype == np.float32


@pytest.mark.parametrize(
    ("runtime", "device", "threads", "says"),
    [
        ("onnxruntime", "NPU", None, "--runtime openvino"),
        ("tensorrt", "CPU", None, "available: onnxruntime, openvino"),
        ("onnxruntime", "CPU", 0, "1 or more"),
    ],
)
def test_what_is_not_available_is_said_in_one_line(bundle, runtime, device, threads, says):
    with pytest.raises(EdgeToscaError, match=says) as caught:
        open_backend(bundle, runtime, device, threads)
    assert "\n" not in str(caught.value)


def test_an_absent_device_lists_the_ones_there_are(bundle):
    pytest.importorskip("openvino", reason="openvino is not installed")
    with pytest.raises(EdgeToscaError, match=r"no device ABACUS here; available: AUTO, CPU"):
        open_backend(bundle, "openvino", "abacus")


def test_a_vouched_for_file_that_is_no_graph_is_refused(bundle, tmp_path):
    folder = shutil.copytree(DEFAULT_BUNDLE, tmp_path / "bundle")
    entries = {key: value for key, value in bundle.manifest.items() if key not in ("files", "format")}
    with pytest.raises(BundleError, match="not a sound ONNX file") as caught:
        write_bundle(folder, {"backbone.onnx": b"not a graph"}, entries)
    assert "\n" not in str(caught.value)
    # A message of protobuf, of which ONNX knows no field.
    with pytest.raises(BundleError, match="has no input"):
        write_bundle(tmp_path / "other", {"backbone.onnx": b"\xfa\x07\x01x"}, entries)


@pytest.mark.parametrize(
    ("machine", "flags", "overflows"),
    [
        ("x86_64", "fpu avx2", True),
        ("x86_64", "fpu avx2 avx512f", True),
        ("x86_64", "fpu avx2 avx_vnni", False),
        ("x86_64", "fpu avx512f avx512_vnni", False),
        ("aarch64", "fp asimd", False),
    ],
)
def test_int8_overflows_on_x86_without_vnni_alone(machine, flags, overflows, tmp_path, monkeypatch):
    (tmp_path / "cpuinfo").write_text(f"model name\t: Some Processor\nflags\t\t: {flags}\n")
    monkeypatch.setattr("edge_tosca.runtime.hardware._CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert int8_overflows() is overflows
