"""What is measured of speed is complete, comes with its ratios, and can be read by people and programs.

No test depends on how long anything took.
"""

import json
import os

import numpy as np
import pytest
from PIL import Image
from tests.benchmarks import decoding

from edge_tosca.bench import pipeline_table
from edge_tosca.bench.footprint import installed_megabytes
from edge_tosca.bench.pipeline import measure_pipeline
from edge_tosca.bench.synthetic import textured_picture
from edge_tosca.bench.timing import in_turn
from edge_tosca.errors import EdgeToscaError
from edge_tosca.runtime import DEFAULT_BUNDLE
from edge_tosca.vision.feature_extractor import FeatureExtractor


@pytest.fixture(scope="module")
def vision():
    return FeatureExtractor(threads=1)


@pytest.fixture(scope="module")
def measured(vision, tmp_path_factory, draw_pictures):
    folder = tmp_path_factory.mktemp("speed")
    photographs = draw_pictures(folder / "photographs", ["apple"], count=3)
    steps = []
    found = measure_pipeline(vision, folder, lambda *step: steps.append(step), photographs=photographs)
    assert steps[-1] == (4, 4)
    return found


@pytest.mark.long
def test_every_runtime_is_measured_with_one_and_with_all_threads(measured):
    counts = {1, os.cpu_count()}
    found = {(row.runtime, row.device, row.threads) for row in measured.backbones}
    assert {("onnxruntime", "CPU", count) for count in counts} <= found
    if measured.openvino_megabytes is not None:
        assert {("openvino", "CPU", count) for count in counts} <= found
    assert {row.precision for row in measured.backbones} == {"int8"}
    assert any("--fp32" in reason for reason in measured.absent)


def test_an_answer_is_measured_in_all_its_parts_up_to_twelve_megapixels(measured):
    largest = next(row for row in measured.stages if "4000 x 3000" in row.picture)
    assert largest.scale == 4
    assert any(row.picture == "3 photographs of photographs" and row.scale == 1 for row in measured.stages)
    for row in measured.stages:
        parts = (row.decode_ms, row.prepare_ms, row.backbone_ms, row.decide_ms)
        assert min(parts) > 0
        assert row.before_backbone == pytest.approx(sum(parts[:2]) / sum(parts))


def test_the_measurement_can_be_read_by_programs_and_by_people(measured, tmp_path):
    plain = json.loads(json.dumps(measured.to_json()))
    assert plain["stages"][0]["before_backbone"] == measured.stages[0].before_backbone
    text = pipeline_table.markdown(measured)
    assert all(row.picture in text for row in measured.stages)
    path = pipeline_table.plot(measured, tmp_path / "speed.png")
    with Image.open(path) as image:
        assert len(image.convert("RGB").getcolors(maxcolors=1 << 24)) > 50


def test_a_bundle_that_is_not_fp32_is_not_taken_for_it(vision, tmp_path):
    with pytest.raises(EdgeToscaError, match="--precision fp32"):
        measure_pipeline(vision, tmp_path, lambda *_: None, fp32=DEFAULT_BUNDLE)


def test_a_device_install_counts_what_it_needs_and_nothing_of_a_workstations():
    sizes = installed_megabytes()
    assert {"edge-tosca", "numpy", "onnxruntime", "pillow", "safetensors"} <= set(sizes)
    assert not {"torch", "timm", "openvino", "pytest"} & set(sizes)
    assert sizes["edge-tosca"] > DEFAULT_BUNDLE.joinpath("backbone.onnx").stat().st_size / 1e6
    assert list(sizes.values()) == sorted(sizes.values(), reverse=True)


def test_calls_are_made_in_turns():
    made = []
    in_turn([lambda: made.append("a"), lambda: made.append("b")], 3)
    assert "".join(made) == "ab" + 3 * "ab"
    made.clear()
    in_turn([lambda: made.append("a"), lambda: made.append("b")], 2, warm=True)
    assert "".join(made) == "ab" + 2 * "aabb"


def test_decoding_is_measured_at_every_scale_that_keeps_the_backbones_input(vision, tmp_path):
    (tmp_path / "camera.jpg").write_bytes(textured_picture(4000, 3000))
    Image.fromarray(np.zeros((3000, 4000, 3), np.uint8)).save(tmp_path / "camera.png")
    found = decoding.measure_decoding(tmp_path, vision, lambda *_: None)
    assert [(row.path, row.scale) for row in found] == [("camera.jpg", scale) for scale in (1, 2, 4, 8)]
    assert [row.scale for row in found if row.chosen] == [4]
    assert found[2].cosine > 0.99
    assert found[2].margin == pytest.approx(750 / 256)
    assert found[1].mean_levels < found[3].mean_levels
    text = decoding.markdown(found)
    assert "as edge-tosca does" in text


def test_photographs_can_be_resampled_to_a_cameras_size_first(vision, tmp_path, draw_pictures):
    draw_pictures(tmp_path, ["apple"], count=1)
    with pytest.raises(EdgeToscaError, match="no JPEG large enough"):
        decoding.measure_decoding(tmp_path, vision, lambda *_: None)
    found = decoding.measure_decoding(tmp_path, vision, lambda *_: None, sides=(1920, 1080))
    assert {(row.width, row.height) for row in found} == {(1920, 1080)}
