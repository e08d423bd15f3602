"""The example of an exported model in a browser answers as the learner does."""

import functools
import http.server
import json
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "classify.html"

pytestmark = pytest.mark.long


def test_in_a_browser(
    exported: tuple[Path, list[str], Any], open_browser: Callable[..., Any], tmp_path: Path
) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("needs npm")
    fetched = subprocess.run([npm, "pack", "onnxruntime-web@1.30.0"], cwd=tmp_path, capture_output=True)
    if fetched.returncode:
        pytest.skip("npm has no onnxruntime-web here")
    folder, _, answer = exported
    site = shutil.copytree(folder, tmp_path / "site")
    shutil.copy(EXAMPLE, site)
    (site / "ort").mkdir()
    with tarfile.open(next(tmp_path.glob("onnxruntime-web-*.tgz"))) as archive:
        for member in archive.getmembers():
            file = archive.extractfile(member)
            if file is not None and member.name.startswith("package/dist/ort"):
                (site / "ort" / Path(member.name).name).write_bytes(file.read())
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=site)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = open_browser().new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/classify.html?picture=picture.rgb")
        page.wait_for_function("document.querySelector('#answer').textContent.startsWith('{')")
        found = json.loads(page.locator("#answer").text_content())
        page.close()
        server.shutdown()
    assert (found["label"], found["unknown"]) == (answer.label, answer.unknown)
    assert found["probability"] == pytest.approx(answer.probability, abs=0.02)
