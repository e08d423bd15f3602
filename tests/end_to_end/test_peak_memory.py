"""What the command line needs of a small board's memory, camera-sized pictures and a bomb included."""

import json

import pytest
from PIL import Image

LIMIT_MB = 300

# A process begins with its parent's peak as its own, so the peak is read by a small parent of its own.
MEASURE = """
import json, resource, subprocess, sys
done = subprocess.run([sys.executable, "-m", "edge_tosca", *sys.argv[1:]], capture_output=True, text=True)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(json.dumps({"code": done.returncode, "out": done.stdout, "err": done.stderr, "peak": peak}))
"""


@pytest.fixture
def peak(start, finish):
    """Run a verb; give its answers and its largest resident size in megabytes."""

    def run(*args):
        done = json.loads(finish(start(*args, program=("-c", MEASURE))).out)
        assert done["code"] == 0, done["err"]
        return [json.loads(line) for line in done["out"].splitlines()], done["peak"]

    return run


def many_pictures(drawn, place, count):
    """Make so many pictures of each class: drawn ones and crops of them, which cost less than drawing."""
    folder = place / "photos"
    for label in drawn.iterdir():
        (folder / label.name).mkdir(parents=True)
        pictures = [Image.open(path) for path in sorted(label.iterdir())]
        for number in range(count):
            step, which = divmod(number, len(pictures))
            crop = (2 * step, 3 * step, 180 + 2 * step, 176 + 3 * step)
            pictures[which].crop(crop).save(folder / label.name / f"{number:03d}.jpg", quality=90)
    return folder


@pytest.mark.parametrize("count", [20, 150])
def test_one_lesson_of_ten_classes_stays_below_300_mb(edge, peak, photos, draw_pictures, tmp_path, count):
    labels = [path.name for task in photos.iterdir() for path in task.iterdir()]
    folder = many_pictures(draw_pictures(tmp_path / "drawn", labels, count=min(count, 20)), tmp_path, count)
    store = tmp_path / "shop.tosca"
    assert edge("init", store).code == 0
    (report,), megabytes = peak("learn", store, folder, "--json")
    assert report["images"] == 10 * count
    assert 20 < megabytes < LIMIT_MB


def test_predicting_many_pictures_of_a_12_megapixel_camera_stays_below_300_mb(peak, taught, asked, tmp_path):
    for number, path in enumerate(sorted((asked / "apple").iterdir())):
        large = Image.open(path).resize((4000, 3000))
        for copy in range(3):
            large.save(tmp_path / f"{number}-{copy}.jpg", quality=80)
    answers, megabytes = peak("predict", taught, tmp_path, "--json")
    assert len(answers) == 9
    assert {answer["label"] for answer in answers} == {"apple"}
    assert 20 < megabytes < LIMIT_MB
