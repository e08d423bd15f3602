"""References are added to a bundle without touching its graph."""

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from edge_tosca.cli import app
from edge_tosca.errors import EdgeToscaError
from edge_tosca.export import references
from edge_tosca.runtime import DEFAULT_BUNDLE, Bundle, read_references


@pytest.fixture
def photographs(tmp_path):
    rng = np.random.default_rng(0)
    for index in range(7):
        folder = tmp_path / "photographs" / f"kind {index % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)).save(folder / f"{index}.png")
    (tmp_path / "photographs" / "LICENSE").write_text("Somebody, 2020.\nCC0.\n")
    return tmp_path / "photographs"


def test_graph_and_digest_stay_and_the_manifest_names_source_and_licence(photographs, tmp_path):
    result = CliRunner().invoke(
        app,
        [
            "export",
            str(DEFAULT_BUNDLE),
            "--reference",
            str(photographs),
            "--out",
            str(tmp_path / "out"),
            "--json",
        ],
    )
    assert result.exit_code == 0, result.output
    made, built_in = Bundle.load(tmp_path / "out"), Bundle.load()
    assert made.digest == built_in.digest
    assert made.read("backbone.onnx") == built_in.read("backbone.onnx")
    assert json.loads(result.stdout.strip().splitlines()[-1])["reference"] == made.manifest["reference"]
    assert made.manifest["reference"] == {
        "file": "references.safetensors",
        "images": 7,
        "of": 7,
        "source": "photographs",
        "licence": "Somebody, 2020. CC0.",
    }
    assert read_references(made).shape == (7, built_in.feature_dim)


def test_a_large_set_is_thinned_evenly(photographs, tmp_path, monkeypatch):
    monkeypatch.setattr(references, "MOST_BYTES", 3 * 2 * Bundle.load().feature_dim)
    manifest = references.add_references(DEFAULT_BUNDLE, photographs, tmp_path / "out")
    assert (manifest["reference"]["images"], manifest["reference"]["of"]) == (3, 7)


def test_a_folder_without_pictures_is_refused(tmp_path):
    (tmp_path / "none").mkdir()
    with pytest.raises(EdgeToscaError, match="no readable picture"):
        references.add_references(DEFAULT_BUNDLE, tmp_path / "none", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_bundle_needs_pictures_to_add(tmp_path):
    result = CliRunner().invoke(app, ["export", str(DEFAULT_BUNDLE), "--out", str(tmp_path / "out")])
    assert result.exit_code != 0
