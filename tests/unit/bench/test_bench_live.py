from contextlib import closing

import pytest

from edge_tosca import Learner
from edge_tosca.bench.live import LiveRun
from edge_tosca.bench.live_figures import Sample, phase, slope
from edge_tosca.bench.live_report import markdown, memory_at, plot
from edge_tosca.bench.live_scene import make_scene
from edge_tosca.devices.camera import open_camera
from edge_tosca.errors import EdgeToscaError


@pytest.fixture
def samples():
    """Two minutes at 15 frames a second, every third dropped during lessons; memory grows 6 MB an hour."""
    taken, answered, skipped = [], 0, 0
    for second in range(121):
        teaching = second // 30 % 2 == 1
        taken.append(
            Sample(
                at=second,
                teaching=teaching,
                rss=100 + second / 600,
                cpu=second * 0.5,
                answered=answered,
                frames=15 * second,
                skipped=skipped,
                p50=40.0 if teaching else 30.0,
                p99=90.0 if teaching else 60.0,
                load=1.0,
            )
        )
        answered += 10 if teaching else 15
        skipped += 5 if teaching else 0
    return taken


def test_the_two_kinds_of_phases_are_kept_apart(samples):
    quiet, busy = phase(samples, False), phase(samples, True)
    assert (quiet.answers, quiet.skipped, quiet.p50, quiet.p99) == (15, 0, 30, 60)
    assert (busy.answers, busy.p50, busy.worst_p99) == (10, 40, 90)
    assert busy.skipped == pytest.approx(1 / 3)
    assert quiet.cpu == pytest.approx(0.5)


def test_growth_of_memory_is_an_hours(samples):
    assert slope(samples) == pytest.approx(6.0)
    assert memory_at(samples) == [(1, pytest.approx(100.1))]


def test_a_run_without_both_kinds_is_refused(samples):
    with pytest.raises(EdgeToscaError, match="--seconds"):
        phase(samples[:20], True)


def test_a_run_is_laid_out_as_a_table_and_a_plot(samples, tmp_path):
    pytest.importorskip("matplotlib")
    scene = {"width": 640, "height": 480, "fps": 15, "classes": 9}
    run = LiveRun(scene, samples, phase(samples, False), phase(samples, True), [2.5], 900, slope(samples))
    assert "33.3%" in markdown(run)
    assert "+6.0 MB an hour" in markdown(run)
    assert plot(run, tmp_path / "live.png").stat().st_size > 10_000


def test_the_scene_leaves_one_class_to_teach_and_shows_a_camera_all(draw_pictures, tmp_path):
    folder = draw_pictures(tmp_path / "photos", ("apple", "brick", "cone"), count=4)
    scene = make_scene(folder, tmp_path)
    assert (scene.label, len(scene.lesson), scene.classes) == ("cone", 4, 2)
    with closing(Learner.open(scene.store, threads=1)) as learner:
        assert learner.state.labels == ("apple", "brick")
    with closing(open_camera(scene.frames)) as camera:
        assert camera.read().shape == (480, 640, 3)
