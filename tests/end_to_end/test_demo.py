"""The demo's account says nothing that is not so."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("sklearn", reason="the demo needs the extra demo")
pytest.importorskip("matplotlib", reason="the demo needs the extra demo")

# A device has no torch, and nothing of the demo may go out to the network. The second run meets the
# first one's files.
RUN = """
import json, socket, sys
from pathlib import Path
def refuse(*args, **kwargs):
    raise SystemExit("a connection was opened")
socket.socket.connect = refuse
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "torchvision", "timm", "onnx", "nncf", "openvino"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
from edge_tosca.demo.run import run_demo
lines = []
for _ in range(2):
    lines.clear()
    report = run_demo(Path(sys.argv[1]) / "new" / "out", lines.append)
print(json.dumps({"lines": lines, "report": report.to_json()}))
"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    # On a machine that runs other things too, the threads of NumPy's BLAS wait for each other: tenfold.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def report(demo):
    return demo["report"]


def test_the_account_fits_a_terminal(demo):
    assert 20 <= len(demo["lines"]) <= 35
    assert max(map(len, demo["lines"][3:-1])) <= 80


def test_the_old_digits_are_known_before_and_still_known_after(report):
    # 320 pictures at 97 %: a share of 93 is four standard errors below.
    assert report["before"]["accuracy_old"] >= 0.93
    assert report["after"]["accuracy_old"] >= 0.93
    assert report["before"]["accuracy_old"] - report["after"]["accuracy_old"] <= 0.03


def test_the_new_digits_are_named_only_after_they_were_taught(report):
    assert report["before"]["accuracy_new"] == 0
    # 80 pictures at 90 %: four standard errors below.
    assert report["after"]["accuracy_new"] >= 0.77


def test_most_of_the_new_digits_are_flagged_unknown_before_and_few_of_the_old(report):
    assert report["before"]["unknown_rate_new"] >= 0.6
    assert report["before"]["unknown_rate_old"] <= 0.12
    assert report["after"]["unknown_rate_new"] < report["before"]["unknown_rate_new"]


def test_the_shares_in_the_account_are_those_of_the_report(demo, report):
    line = next(line for line in reversed(demo["lines"]) if line.strip().startswith("0 to 7"))
    shares = [float(share) / 100 for share in re.findall(r"([\d.]+)%", line)]
    truth = [
        report[when][what] for what in ("accuracy_old", "unknown_rate_old") for when in ("before", "after")
    ]
    # Told to a tenth of a percent, and a share may lie just between two.
    assert shares == pytest.approx(truth, abs=0.000501)


def test_every_answer_was_to_one_picture_of_a_test_set_that_was_never_taught(report):
    folder = Path(report["store"]).parent / "digits"
    parts = {
        part: {sha256(Image.open(path).tobytes()).digest() for path in (folder / part).rglob("*.png")}
        for part in ("bench", "field", "test")
    }
    assert len(parts["test"]) == report["before"]["images"] == report["after"]["images"]
    assert not parts["test"] & (parts["bench"] | parts["field"])


def test_the_old_modules_are_in_the_store_with_the_bytes_that_their_digests_name(report):
    with closing(sqlite3.connect(report["store"])) as connection:
        modules = dict(connection.execute("SELECT digest, data FROM modules"))
    old = [lesson["module"] for lesson in report["bench"]]
    assert report["unchanged"] == {module["digest"]: True for module in old}
    for module in [*old, report["field"]["module"]]:
        data = modules[module["digest"]]
        assert sha256(data).hexdigest() == module["digest"]
        assert len(data) == module["bytes"]
        assert 0 < module["nonzero"] <= module["parameters"]


def test_the_account_says_unchanged_because_it_is_true(demo, report):
    claimed = any("4 of 4 byte for byte as before" in line for line in demo["lines"])
    assert claimed == all(report["unchanged"].values())


def test_five_lessons_of_two_digits_fill_one_fresh_store(report):
    lessons = [*report["bench"], report["field"]]
    assert [lesson["generation"] for lesson in lessons] == [1, 2, 3, 4, 5]
    assert ["".join(lesson["classes"]) for lesson in lessons] == ["01", "23", "45", "67", "89"]
    assert all(lesson["skipped"] == [] for lesson in lessons)


def test_the_picture_is_a_real_one_with_something_on_it(report):
    with Image.open(report["picture"]) as image:
        image.load()
        assert image.format == "PNG"
        assert image.size == (1950, 1200)
        pixels = np.asarray(image.convert("L"))
    inked = (pixels < 200).mean()
    assert 0.02 < inked < 0.6
    # Nothing is cut off at an edge.
    assert min(pixels[0].min(), pixels[-1].min(), pixels[:, 0].min(), pixels[:, -1].min()) == 255


def test_without_the_extra_it_says_what_to_install(tmp_path):
    code = (
        "import sys, pathlib\n"
        "sys.modules['sklearn'] = None\n"
        "from edge_tosca.demo.run import run_demo\n"
        "from edge_tosca.errors import MissingExtraError\n"
        "try:\n    run_demo(pathlib.Path(sys.argv[1]), print)\n"
        "except MissingExtraError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True, timeout=120
    )
    assert "edge-tosca[demo]" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_a_folder_is_one_clear_line(tmp_path):
    from edge_tosca.demo.run import run_demo
    from edge_tosca.errors import EdgeToscaError

    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EdgeToscaError, match="cannot be written") as raised:
        run_demo(tmp_path / "file", print)
    assert "\n" not in str(raised.value)
