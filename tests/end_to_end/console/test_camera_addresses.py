"""A camera's address is given without being listed, and nothing secret of it leaves the console."""

from pathlib import Path

import httpx
import pytest

pytest.importorskip("cv2", reason="OpenCV is not installed (extra camera)")

ADDRESS = "rtsp://admin:12/Secret99@127.0.0.1:9/user=admin&password=Secret99?token=Secret99"


def test_no_page_metric_or_log_line_shows_a_cameras_password(serve, taught, eventually, tmp_path):
    (tmp_path / "camera").write_text(ADDRESS)
    with serve(taught, "--camera-file", tmp_path / "camera") as served:
        found = eventually(lambda: served.ask("GET", "/camera").json()["camera"], lambda one: one["error"])
        assert found["error"].startswith("rtsp://...: does not answer or refuses;")
        said = [
            served.ask("GET", path).text
            for path in ("/camera", "/health", "/live", "/doctor", "/camera/frame")
        ]
        metrics = httpx.get(f"{served.url}metrics")
        assert metrics.status_code == 200
        said.append(metrics.text)
        listed = Path(f"/proc/{served.process.pid}/cmdline").read_text()
        assert served.end() == 0
    for text in (*said, listed, *served.log):
        assert "Secret99" not in text and "admin" not in text


def test_the_camera_comes_from_the_environment(serve, taught, eventually, frames_file):
    camera = f"{frames_file('apple')}?loop=1"
    with serve(taught, env={"EDGE_TOSCA_CAMERA": camera}) as served:
        eventually(lambda: served.ask("GET", "/camera").json()["camera"]["connected"])
