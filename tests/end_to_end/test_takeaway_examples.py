"""The examples for an exported model answer as the learner does: Python, and C++ with OpenVINO."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def test_the_program_says_what_forget_cannot_reach(edge, taught, tmp_path):
    ran = edge("export-model", taught, tmp_path / "model.onnx")
    assert "class means in plain form, and forget cannot reach it" in ran.out
    assert edge("export-model", taught, tmp_path / "none" / "model.onnx").complaint.endswith(
        "name a file in a folder with room"
    )


def test_an_encrypted_store_needs_its_key(edge, taught, copy_store, tmp_path):
    key = tmp_path / "key"
    store = copy_store(taught, tmp_path / "shop.tosca")
    key.write_text("5a" * 32)
    key.chmod(0o600)
    assert edge("store", "encrypt", store, "--key-file", key).code == 0
    assert "key" in edge("export-model", store, tmp_path / "model.onnx").complaint
    ran = edge("export-model", store, tmp_path / "model.onnx", "--key-file", key)
    assert (ran.code, "is encrypted, and this file is not" in ran.out) == (0, True)


def test_python(exported):
    folder, _, answer = exported
    ran = subprocess.run(
        [sys.executable, EXAMPLES / "classify.py", folder / "model.onnx", folder / "picture.png"],
        capture_output=True,
        text=True,
        check=True,
    )
    named = "unknown" if answer.unknown else answer.label
    assert ran.stdout.startswith(
        f"{folder / 'picture.png'} {named} ({answer.label} {100 * answer.probability:.0f} %"
    )


@pytest.mark.long
@pytest.mark.skipif(not shutil.which("cmake") or not shutil.which("c++"), reason="needs cmake and a compiler")
def test_cpp_with_openvino(exported, tmp_path):
    openvino = pytest.importorskip("openvino")
    folder, labels, answer = exported
    built = f"-DOpenVINO_DIR={Path(openvino.__file__).parent / 'cmake'}"
    for command in (["-S", EXAMPLES, "-B", tmp_path, built], ["--build", tmp_path]):
        subprocess.run(["cmake", *command], check=True, capture_output=True)
    ran = subprocess.run(
        [tmp_path / "classify", folder / "model.onnx", folder / "picture.rgb"],
        capture_output=True,
        text=True,
        check=True,
    )
    label, probability, known = ran.stdout.split()
    assert (labels[int(label)], known == "unknown") == (answer.label, answer.unknown)
    assert float(probability) == pytest.approx(answer.probability, abs=0.02)
