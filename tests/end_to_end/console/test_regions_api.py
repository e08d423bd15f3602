"""Several cameras with regions in one server: answers, teaching, changes while it runs, and a restart."""

from io import BytesIO

import httpx
import numpy as np
import pytest
from PIL import Image

LEFT = {"camera": "main", "name": "left", "x": 0, "y": 0, "width": 0.5, "height": 1}
RIGHT = {"camera": "main", "name": "right", "x": 0.5, "y": 0, "width": 0.5, "height": 1}


@pytest.fixture(scope="module")
def bench(tmp_path_factory, draw_pictures):
    """Frames of 640 x 320 pixels with an apple on the left and a door on the right."""
    folder = tmp_path_factory.mktemp("bench")
    drawn = draw_pictures(folder / "drawn", ("apple", "door"), count=8, start=200, side=320)
    with (folder / "bench.mjpeg").open("wb") as out:
        for number in range(200, 208):
            frame = Image.new("RGB", (640, 320))
            for place, label in enumerate(("apple", "door")):
                frame.paste(Image.open(drawn / label / f"{number}.jpg"), (320 * place, 0))
            content = BytesIO()
            frame.save(content, "JPEG", quality=90)
            out.write(content.getvalue())
    return f"{folder / 'bench.mjpeg'}?fps=15&loop=1"


@pytest.fixture(scope="module")
def served(serve, taught, copy_store, tmp_path_factory, bench, frames_file):
    store = copy_store(taught, tmp_path_factory.mktemp("regions") / "shop.tosca")
    hall = f"{frames_file('cone')}?fps=15&loop=1"
    with serve(store, "--camera", bench, "--camera", f"hall={hall}") as box:
        box.store, box.cameras = store, (bench, hall)
        for region in (LEFT, RIGHT):
            assert box.ask("PUT", "/regions", json=region).status_code == 200
        yield box


def shown(served, camera, region):
    found = served.ask("GET", "/live", params={"camera": camera, "region": region}).json()
    return found["shown"] and found["shown"]["label"]


def tiles(served):
    found = served.ask("GET", "/live/tiles").json()["tiles"]
    return {(one["camera_name"], one["region"]): one["shown"] and one["shown"]["label"] for one in found}


ANSWERS = {("main", "left"): "apple", ("main", "right"): "door", ("hall", "frame"): "cone"}


def test_each_region_of_each_camera_has_an_answer_of_its_own(served, eventually):
    assert eventually(lambda: tiles(served), lambda found: found == ANSWERS)
    for (camera, region), label in ANSWERS.items():
        assert shown(served, camera, region) == label
        live = served.ask("GET", "/camera", params={"camera": camera, "region": region}).json()["live"]
        assert live["answered"] > 0 and live["error"] is None
    with httpx.stream("GET", f"{served.api}/live/tiles/events", timeout=30) as events:
        line = next(one for one in events.iter_lines() if one)
    assert line.count('"camera_name"') == 3
    with httpx.stream("GET", f"{served.api}/live/events?camera=main&region=right", timeout=30) as events:
        line = next(one for one in events.iter_lines() if one)
    assert '"region":"right"' in line
    # Without a name it is the first region of the first camera.
    assert served.ask("GET", "/live").json()["region"] == "left"


def test_pictures_are_of_the_region_and_without_one_of_the_whole_frame(served):
    def size(**named):
        content = served.ask("GET", "/camera/frame", params=named).content
        return Image.open(BytesIO(content)).size

    assert size() == (640, 320)
    assert size(camera="main", region="right") == (320, 320)
    assert size(camera="hall") == (640, 480)
    with httpx.stream("GET", f"{served.api}/camera/stream?camera=main&region=left", timeout=30) as motion:
        part = next(motion.iter_bytes(200_000))
    head, _, picture = part.partition(b"\r\n\r\n")
    assert Image.open(BytesIO(picture[: int(head.rpartition(b": ")[2])])).size == (320, 320)


def test_what_is_taught_and_corrected_through_a_region_is_its_crop(served, eventually):
    eventually(lambda: shown(served, "main", "right"))
    asked = {"label": "gate", "camera": "main", "region": "right"}
    captured = served.ask("POST", "/queue/capture", json=asked).json()
    assert captured["accepted"], captured
    answer = served.ask("GET", "/live", params={"camera": "main", "region": "left"}).json()["id"]
    corrected = served.ask("POST", "/answers/correct", json={"answer": answer, "label": "fruit"}).json()
    drawn = {}
    for key in (captured["id"], corrected["id"]):
        content = served.ask("GET", "/picture", params={"id": key}).content
        drawn[key] = np.asarray(Image.open(BytesIO(content)))
        assert drawn[key].shape == (320, 320, 3)
    assert np.abs(drawn[captured["id"]].astype(int) - drawn[corrected["id"]]).mean() > 20
    served.ask("DELETE", "/queue")


def test_a_region_is_moved_renamed_bound_and_removed_while_it_runs(served, eventually):
    there = {"camera": "main", "name": "spot", "x": 0.0, "y": 0.0, "width": 0.5, "height": 1.0}
    served.ask("PUT", "/regions", json=there)
    eventually(lambda: shown(served, "main", "spot"), lambda label: label == "apple")
    served.ask("PUT", "/regions", json={**there, "x": 0.5})
    eventually(lambda: shown(served, "main", "spot"), lambda label: label == "door")
    found = served.ask("PUT", "/regions", json={**there, "x": 0.5, "name": "port", "before": "spot"}).json()
    assert [one["name"] for one in found["regions"] if one["camera"] == "main"] == ["left", "right", "port"]
    eventually(lambda: shown(served, "main", "port"), lambda label: label == "door")
    assert served.ask("GET", "/live", params={"camera": "main", "region": "spot"}).status_code == 404
    bound = {**there, "x": 0.5, "name": "port", "classes": ["apple", "brick"]}
    assert served.ask("PUT", "/regions", json=bound).json()["regions"][2]["classes"] == ["apple", "brick"]
    eventually(lambda: shown(served, "main", "port"), lambda label: label in ("apple", "brick"))
    removed = served.ask("DELETE", "/regions", params={"camera": "main", "name": "port"}).json()
    assert [one["name"] for one in removed["regions"] if one["camera"] == "main"] == ["left", "right"]


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"x": 0.8}, 422, "not within the picture"),
        ({"width": 0}, 422, "empty"),
        ({"x": -1}, 422, "greater than or equal to 0"),
        ({"name": "a/b"}, 409, "a name has"),
        ({"camera": "a b"}, 409, "A-Z"),
        ({"classes": ["spoon"]}, 409, "no class 'spoon'"),
        ({"before": "nothing"}, 409, "it has left, right"),
    ],
)
def test_a_region_that_cannot_be_is_refused_in_one_sentence(served, change, status, words):
    refused = served.ask("PUT", "/regions", json={**LEFT, **change})
    assert refused.status_code == status
    assert words in refused.json()["error"]


def test_a_camera_can_be_removed_and_no_file_or_folder_be_added(served, eventually, tmp_path):
    eventually(lambda: tiles(served), lambda found: ("hall", "frame") in found)
    left = served.ask("DELETE", "/cameras", params={"name": "hall"}).json()
    assert [one["name"] for one in left["cameras"]] == ["main"]
    assert eventually(lambda: tiles(served), lambda found: ("hall", "frame") not in found)
    for address in (str(tmp_path), served.cameras[1]):
        refused = served.ask("POST", "/cameras", json={"name": "hall", "address": address})
        assert (refused.status_code, "--camera" in refused.json()["error"]) == (409, True)
    secret = "rtsp://admin:hunter2@127.0.0.1:9/stream"
    added = served.ask("POST", "/cameras", json={"name": "yard", "address": secret})
    assert added.status_code == 200 and "hunter2" not in added.text
    assert [one["name"] for one in added.json()["cameras"]] == ["main", "yard"]
    assert served.ask("POST", "/cameras", json={"name": "yard", "address": secret}).status_code == 409
    assert served.ask("GET", "/health").json()["status"] == "degraded"
    served.ask("DELETE", "/cameras", params={"name": "yard"})
    assert "hunter2" not in "".join(served.log)


def test_metrics_are_by_camera_and_region(served, eventually):
    eventually(lambda: tiles(served), lambda found: {("main", "left"), ("main", "right")} <= found.keys())
    text = httpx.get(f"{served.url}metrics").text
    assert 'edge_tosca_camera_connected{camera="main"} 1.0' in text
    assert 'edge_tosca_live_answers_total{camera="main",region="left"}' in text
    assert 'edge_tosca_live_seconds{camera="main",quantile="0.99",region="right"}' in text


def test_regions_and_added_cameras_survive_a_restart(served, serve, edge, eventually):
    yard = {"name": "yard", "address": "rtsp://admin:hunter2@127.0.0.1:9/stream"}
    assert served.ask("POST", "/cameras", json=yard).status_code == 200
    assert served.end() == 0
    listed = edge("regions", "list", served.store, "--json").json
    assert [one["name"] for one in listed["regions"]] == ["left", "right"]
    edge("regions", "remove", served.store, "left")
    with serve(served.store, "--camera", served.cameras[0]) as again:
        listed = again.ask("GET", "/cameras").json()["cameras"]
        assert [one["name"] for one in listed] == ["main", "yard"]
        left = again.ask("DELETE", "/cameras", params={"name": "yard"}).json()["cameras"]
        assert [one["name"] for one in left] == ["main"]
        assert eventually(lambda: tiles(again), lambda found: found == {("main", "right"): "door"})
