"""The examples for an exported model answer as the learner does: Python, C++ with OpenVINO, a browser."""

import functools
import http.server
import json
import shutil
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge_tosca import Learner
from edge_tosca.runtime import load_picture

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture(scope="module")
def exported(edge, taught, photos, copy_store, tmp_path_factory):
    """A folder with the model, a picture, its pixels and the learner's answer."""
    folder = tmp_path_factory.mktemp("exported")
    store = copy_store(taught, folder / "shop.tosca")
    report = edge("export-model", store, folder / "model.onnx", "--json").json
    assert report["bytes"] == (folder / "model.onnx").stat().st_size
    (folder / "labels.json").write_text(json.dumps(report["labels"]))
    picture = next((photos / "task1").rglob("*.jpg"))
    Image.open(picture).save(folder / "picture.png")
    with Learner.open(store) as learner:
        answer = learner.predict(folder / "picture.png")
        pixels = learner.vision.bundle.preprocessing.crop(load_picture(folder / "picture.png"))
    (folder / "picture.rgb").write_bytes(np.ascontiguousarray(pixels).tobytes())
    return folder, report["labels"], answer


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


@pytest.mark.long
def test_in_a_browser(exported, tmp_path):
    chromium, npm = shutil.which("chromium"), shutil.which("npm")
    if chromium is None or npm is None:
        pytest.skip("needs chromium and npm")
    fetched = subprocess.run([npm, "pack", "onnxruntime-web@1.30.0"], cwd=tmp_path, capture_output=True)
    if fetched.returncode:
        pytest.skip("npm has no onnxruntime-web here")
    folder, _, answer = exported
    site = tmp_path / "site"
    shutil.copytree(folder, site)
    shutil.copy(EXAMPLES / "classify.html", site)
    (site / "ort").mkdir()
    with tarfile.open(next(tmp_path.glob("onnxruntime-web-*.tgz"))) as archive:
        for name in archive.getnames():
            if name.startswith("package/dist/ort") and name.count("/") == 2 and not name.endswith(".map"):
                (site / "ort" / Path(name).name).write_bytes(archive.extractfile(name).read())
    from playwright.sync_api import sync_playwright

    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=site)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium, args=["--headless", "--no-sandbox"]
            )
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}/classify.html?picture=picture.rgb")
            page.wait_for_function("document.querySelector('#answer').textContent.startsWith('{')")
            found = json.loads(page.locator("#answer").text_content())
            browser.close()
        server.shutdown()
    assert (found["label"], found["unknown"]) == (answer.label, answer.unknown)
    assert found["probability"] == pytest.approx(answer.probability, abs=0.02)
